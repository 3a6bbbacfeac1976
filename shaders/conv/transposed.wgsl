// Transposed convolution of stride 2, square kernels, one group, register tiled, written out flat.
//
//   y[n,o,v,u] = activate(bias[o] + sum_{c,i,j} w[c,o,i,j] * x[n,c,a,b]) (+ residual, before or after), over those taps for which
//   2 * a = v + padTop - i and 2 * b = u + padLeft - j are even
//
// A thread computes 2 * TILE_X x 2 * TILE_Y pixels of OUT_BLOCKS * 4 output channels: of every two rows and columns one of each parity,
// so that no tap is computed in vain and each loaded cell serves all taps. PARITY_X and PARITY_Y are the pads modulo 2: they say which
// taps meet which pixels.
//
// Weights (weight(column, row, layer)): as in conv/direct.wgsl, layer = group of OUT_BLOCKS output blocks, row = input block, column =
// ((outBlock * K*K + tap) * 4 + input lane), four output lanes a cell; the last row holds the biases, a cell an output block.
// Dispatch: a thread for every tile of every output group of every image, tiles of a plane together.
#const K = 3
#const PARITY_X = 1
#const PARITY_Y = 1
#const TILE_X = 4
#const TILE_Y = 2
#const OUT_BLOCKS = 1
#const WORKGROUP = 8

#include "lib/tile.wgsl"
#include "lib/storage.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  residual: Blocked,
  shift: vec2i,         // half the pads, rounded down: left, top
  tilesX: i32,
  tiles: i32,           // of a plane
  layers: i32,          // groups of OUT_BLOCKS output blocks
  inBlocks: i32,
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
  let index = min(linearIndex(thread), params.tiles * params.layers * params.output.batch - 1);
  let tile = tileOf(index);
  let image = divide(tile.plane, params.layers);
  let layer = tile.plane - image * params.layers;

#for o in 0..OUT_BLOCKS
  let bias_$o = weight($o, params.inBlocks, layer);
#for j in 0..(2 * TILE_Y)
#for i in 0..(2 * TILE_X)
  var acc_$(o)_$(j)_$i = bias_$o;
#end
#end
#end

  let left = tile.column * TILE_X + params.shift.x - LOW_X;
  let top = tile.row * TILE_Y + params.shift.y - LOW_Y;
#include "lib/window.wgsl"

  var block = 0;
  loop {
    let origin = planeOrigin(params.input, block * params.input.batch + image);
#for j in 0..NY
#for i in 0..NX
    let x_$(j)_$i = select(vec4f(0.0), load_x(origin.x + cx_$i, origin.y + cy_$j), inX_$i && inY_$j);
#end
#end
#for o in 0..OUT_BLOCKS
#for t in 0..(K * K)
#for c in 0..4
    let w_$(o)_$(t)_$c = weight($((o * K * K + t) * 4 + c), block, layer);
#end
#end
    // One accumulator at a time through the taps that meet it.
#for j in 0..(2 * TILE_Y)
#for i in 0..(2 * TILE_X)
#for s in 0..K
#for t in 0..K
#if (j + PARITY_Y + s) % 2 == 0 && (i + PARITY_X + t) % 2 == 0
#for m in ((j + PARITY_Y - s + 2 * LOW_Y) / 2)..((j + PARITY_Y - s + 2 * LOW_Y) / 2 + 1)
#for n in ((i + PARITY_X - t + 2 * LOW_X) / 2)..((i + PARITY_X - t + 2 * LOW_X) / 2 + 1)
    acc_$(o)_$(j)_$i += x_$(m)_$(n).x * w_$(o)_$(s * K + t)_0 + x_$(m)_$(n).y * w_$(o)_$(s * K + t)_1 + x_$(m)_$(n).z * w_$(o)_$(s * K + t)_2 + x_$(m)_$(n).w * w_$(o)_$(s * K + t)_3;
#end
#end
#end
#end
#end
#end
#end
#end
    block++;
    if (block >= params.inBlocks) { break; }
  }

  let v0 = 2 * TILE_Y * tile.row;
  let u0 = 2 * TILE_X * tile.column;
#for o in 0..OUT_BLOCKS
  {
    let block = layer * OUT_BLOCKS + $o;
    let outPlane = block * params.output.batch + image;
    let place = planeOrigin(params.output, outPlane);
    let residualOrigin = planeOrigin(params.residual, outPlane);
#for j in 0..(2 * TILE_Y)
#for i in 0..(2 * TILE_X)
    if (block < params.output.blocks && u0 + $i < params.output.width && v0 + $j < params.output.height) {
      store_y(place.x + u0 + $i, place.y + v0 + $j, finish(acc_$(o)_$(j)_$i, residualOrigin, u0 + $i, v0 + $j));
    }
#end
#end
  }
#end
}
