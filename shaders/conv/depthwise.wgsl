// Depthwise convolution, every channel by itself, register tiled, written out flat.
//
//   y[n,c,v,u] = activate(bias[c] + sum_{i,j} w[c,i,j] * x[n,c, v*S-padTop+i, u*S-padLeft+j]) (+ residual, before or after)
//
// A thread computes TILE_X x TILE_Y pixels of one block of four channels. Weights (weight(column, row, 0)): row = block, column =
// tap, four channels a cell; the column after the last tap holds the biases.
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
#include "lib/weights.wgsl" BINDING=2
#include "lib/output.wgsl" NAME=y BINDING=3 TENSOR=output
#include "lib/epilogue.wgsl"

#const NX = (TILE_X - 1) * S + K
#const NY = (TILE_Y - 1) * S + K

#include "lib/entry.wgsl"
#include "lib/plane_tile.wgsl"
  let u0 = tile.column * TILE_X;
  let v0 = tile.row * TILE_Y;

  let bias = weight($(K * K), block, 0);
#for j in 0..TILE_Y
#for i in 0..TILE_X
  var acc_$(j)_$i = bias;
#end
#end
#for t in 0..(K * K)
  let w_$t = weight($t, block, 0);
#end
  // Coordinates are clamped so that every load stays within its plane; what lies in the padding is then replaced by zero.
#for i in 0..NX
  let cx_$i = clamp(u0 * S + $i - params.pad.x, 0, params.input.width - 1);
  let inX_$i = cx_$i == u0 * S + $i - params.pad.x;
#end
#for j in 0..NY
  {
    let cy = clamp(v0 * S + $j - params.pad.y, 0, params.input.height - 1);
    let inY = cy == v0 * S + $j - params.pad.y;
#for i in 0..NX
    let x_$i = select(vec4f(0.0), load_x(source.x + cx_$i, source.y + cy), inX_$i && inY);
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

#for j in 0..TILE_Y
#for i in 0..TILE_X
  if (u0 + $i < params.output.width && v0 + $j < params.output.height) {
    store_y(place.x + u0 + $i, place.y + v0 + $j, finish(acc_$(j)_$i, residualOrigin, u0 + $i, v0 + $j));
  }
#end
#end
}
