// Transposed depthwise convolution of stride 2, every channel by itself, register tiled, written out flat.
//
//   y[n,c,v,u] = activate(bias[c] + sum_{i,j} w[c,i,j] * x[n,c,a,b]) (+ residual, before or after), over those taps for which
//   2 * a = v + padTop - i and 2 * b = u + padLeft - j are even
//
// A thread computes 2 * TILE_X x 2 * TILE_Y pixels of one block of four channels; PARITY_X and PARITY_Y are the pads modulo 2 (see
// conv/transposed.wgsl). Weights (weight(column, row, 0)): row = block, column = tap, four channels a cell; the column after the last
// tap holds the biases.
// Dispatch: a thread for every tile of every plane of y, tiles of a plane together.
#const K = 3
#const PARITY_X = 1
#const PARITY_Y = 1
#const TILE_X = 4
#const TILE_Y = 1
#const WORKGROUP = 64

#include "lib/tile.wgsl"
#include "lib/storage.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  residual: Blocked,
  shift: vec2i,         // half the pads, rounded down: left, top
  tilesX: i32,
  tiles: i32,           // of a plane
  pitch: i32,
  weightColumns: i32,
  weightRows: i32,
#include "lib/epilogue_params.wgsl"
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/weights.wgsl" BINDING=2
#include "lib/output.wgsl" NAME=y BINDING=3 TENSOR=output
#include "lib/epilogue.wgsl"

// Cells of x before the one at the tile's own place that its first pixel needs, and cells that the tile needs.
#const LOW_X = (K - 1 - PARITY_X) / 2
#const LOW_Y = (K - 1 - PARITY_Y) / 2
#const NX = TILE_X + PARITY_X + LOW_X
#const NY = TILE_Y + PARITY_Y + LOW_Y

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
#include "lib/plane_tile.wgsl"

  let bias = weight($(K * K), block, 0);
#for t in 0..(K * K)
  let w_$t = weight($t, block, 0);
#end
  let left = tile.column * TILE_X + params.shift.x - LOW_X;
  let top = tile.row * TILE_Y + params.shift.y - LOW_Y;
#include "lib/window.wgsl"
#for j in 0..NY
#for i in 0..NX
  let x_$(j)_$i = select(vec4f(0.0), load_x(source.x + cx_$i, source.y + cy_$j), inX_$i && inY_$j);
#end
#end

  let v0 = 2 * TILE_Y * tile.row;
  let u0 = 2 * TILE_X * tile.column;
#for j in 0..(2 * TILE_Y)
#for i in 0..(2 * TILE_X)
  {
    var sum = bias;
#for s in 0..K
#for t in 0..K
#if (j + PARITY_Y + s) % 2 == 0 && (i + PARITY_X + t) % 2 == 0
#for m in ((j + PARITY_Y - s + 2 * LOW_Y) / 2)..((j + PARITY_Y - s + 2 * LOW_Y) / 2 + 1)
#for n in ((i + PARITY_X - t + 2 * LOW_X) / 2)..((i + PARITY_X - t + 2 * LOW_X) / 2 + 1)
    sum += x_$(m)_$(n) * w_$(s * K + t);
#end
#end
#end
#end
#end
    if (u0 + $i < params.output.width && v0 + $j < params.output.height) {
      store_y(place.x + u0 + $i, place.y + v0 + $j, finish(sum, residualOrigin, u0 + $i, v0 + $j));
    }
  }
#end
#end
}
