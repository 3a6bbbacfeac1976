// Depthwise convolution of bytes, every channel by itself, register tiled, written out flat.
//
//   y[n,c,v,u] = store(b[c] + sum_{i,j} w[c,i,j] * x[n,c, v*S-padTop+i, u*S-padLeft+j])      (lib/requantize.wgsl)
//
// x and w are bytes, sums are exact. Outside of the image x is its zero point; b is the bias less what the zero point adds to the sum,
// added last so that in f32 it need not be small.
// A thread computes TILE_X x TILE_Y pixels of one block of four channels. Weights (weight8(column, row, 0)): row = block, column =
// four taps, a word each, its bytes the channels; behind them a cell of biases (i32) and one of scales (f32).
// Dispatch: a thread for every tile of every plane of y, tiles of a plane together.
#const K = 3
#const S = 1
#const TILE_X = 5
#const TILE_Y = 2
#const WORKGROUP = 64

#include "lib/tile.wgsl"
#include "lib/storage.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  residual: Blocked,
  pad: vec2i,           // left, top
  tilesX: i32,
  tiles: i32,           // of a plane
  pitch: i32,
  weightColumns: i32,
  weightRows: i32,
#include "lib/epilogue_params.wgsl"
}
#include "lib/params.wgsl"
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/int8_weights.wgsl" BINDING=2
#include "lib/output.wgsl" NAME=y BINDING=3 TENSOR=output
#include "lib/int8_sums.wgsl"
#include "lib/requantize.wgsl"

#const NX = (TILE_X - 1) * S + K
#const NY = (TILE_Y - 1) * S + K
#const CELLS = (K * K + 3) / 4

#include "lib/entry.wgsl"
#include "lib/plane_tile.wgsl"
  let u0 = tile.column * TILE_X;
  let v0 = tile.row * TILE_Y;

#for j in 0..TILE_Y
#for i in 0..TILE_X
  var acc_$(j)_$i = Sums(0);
#end
#end
#for k in 0..CELLS
  let words_$k = weight8($k, block, 0);
#end
#for t in 0..(K * K)
  let w_$t = Sums(unpack8(words_$(t / 4)[$(t % 4)]));
#end
  // Coordinates are clamped so that every load stays within its plane; what lies in the padding is then replaced by the zero point.
#for i in 0..NX
  let cx_$i = clamp(u0 * S + $i - params.pad.x, 0, params.input.width - 1);
  let inX_$i = cx_$i == u0 * S + $i - params.pad.x;
#end
  let padding = pack8(vec4i(i32(params.input.zero)));
#for j in 0..NY
  {
    let cy = clamp(v0 * S + $j - params.pad.y, 0, params.input.height - 1);
    let inY = cy == v0 * S + $j - params.pad.y;
#for i in 0..NX
    let x_$i = inputs4(select(padding, load8_x(source.x + cx_$i, source.y + cy), inX_$i && inY));
#end
    // Every row of the input goes into the outputs whose windows hold it.
#for v in 0..TILE_Y
#if j >= v * S && j < v * S + K
#for u in 0..TILE_X
#for t in 0..K
    acc_$(v)_$u += x_$(u * S + t) * w_$((j - v * S) * K + t);
#end
#end
#end
#end
  }
#end

  let bias = Sums(bitcast<vec4i>(weight8(CELLS, block, 0)));
  let scale = bitcast<vec4f>(weight8($(CELLS + 1), block, 0));
#for j in 0..TILE_Y
#for i in 0..TILE_X
  if (u0 + $i < params.output.width && v0 + $j < params.output.height) {
    storeSum(vec4f(acc_$(j)_$i + bias), scale, place, residualOrigin, u0 + $i, v0 + $j);
  }
#end
#end
}
