// Convolution 3x3 of stride 1 by Winograd's minimal filtering F(4,3) along rows: six products for four outputs of a row of weights where
// the direct form has twelve, and sums in as few registers more.
//
//   y[n,o,v,u] = activate(bias[o] + sum_{c,i,j} w[o,c,i,j] * x[n,c, v-padTop+i, u-padLeft+j]) (+ residual, before or after)
//
// Four neighbours y of a row are A (sum over c and rows i of (G w_i) * (B x_i)), products one by one, x_i the six inputs of a row:
//
//       4  0 -5  0  1  0         1  0  0
//       0 -4 -4  1  1  0         1  1  1         1/4 -1/6 -1/6  1/24  1/24  0
//   B = 0  4 -4 -1  1  0     G = 1 -1  1     A =  0  -1/6  1/6  1/12 -1/12  0
//       0 -2 -1  2  1  0         1  2  4          0  -1/6 -1/6  1/6   1/6   0
//       0  2 -1 -2  1  0         1 -2  4          0  -1/6  1/6  1/3  -1/3   1
//       0  4  0 -5  0  1         0  0  1
//
// (Lavin and Gray 2016, section 4.3, in one dimension; the scales of their G are in A here.) In two dimensions products would be fewer
// still, but the sums four times as many as the outputs instead of one and a half times: on software adapters that is slower.
//
// A thread computes 4 x ROWS pixels of four output channels: each row of inputs is read and transformed once for three rows of weights.
// Weights lie as those of conv/direct.wgsl with OUT_BLOCKS of 1, in WEIGHT_BITS of 4, 2 or 1 too: then sums are of levels.
// Dispatch: a thread for every tile of every output block of every image.
#const ROWS = 10
#const WEIGHT_BITS = 32
#const WORKGROUP = 8

#include "lib/linear.wgsl"
#include "lib/storage.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  residual: Blocked,
  pad: vec2i,           // left, top
  tilesX: i32,
  tiles: i32,           // of a plane
  layers: i32,          // output blocks
  firstBlock: i32,      // of x that is read
  inBlocks: i32,        // of x that are read
  pitch: i32,
  weightColumns: i32,
  weightRows: i32,
#include "lib/epilogue_params.wgsl"
}
#include "lib/params.wgsl"
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#if WEIGHT_BITS == 32
#include "lib/weights.wgsl" BINDING=2
#else
#const K = 3
#const OUT_BLOCKS = 1
#include "lib/low_bit_weights.wgsl" BINDING=2
#end
#include "lib/output.wgsl" NAME=y BINDING=3 TENSOR=output
#include "lib/epilogue.wgsl"

#const NX = 6
#const NY = ROWS + 2

#include "lib/entry.wgsl"
#include "lib/joined_tile.wgsl"
  let tileRow = divide(tile, params.tilesX);
  let u0 = (tile - tileRow * params.tilesX) * 4;
  let v0 = tileRow * ROWS;
  let left = u0 - params.pad.x;
  let top = v0 - params.pad.y;
#include "lib/window.wgsl"

#for v in 0..ROWS
#for m in 0..6
  var sum_$(v)_$m = vec4f(0.0);
#end
#end
  for (var block = 0; block < params.inBlocks; block++) {
    let origin = planeOrigin(params.input, (params.firstBlock + block) * params.input.batch + image);
#if WEIGHT_BITS < 32
#include "lib/low_bit_words.wgsl" BLOCK=block GROUP=layer
#end
    // G w_i: computing it takes less time than loading twice as many weights.
#for i in 0..3
#for c in 0..4
#for t in 0..3
#if WEIGHT_BITS == 32
    let w_$(i)_$(t)_$c = weight($((3 * i + t) * 4 + c), block, layer);
#else
    let w_$(i)_$(t)_$c = levels(word_$(16 * (3 * i + t) / PER_WORD + 4 * c / PER_WORD), $(16 * (3 * i + t) % PER_WORD + 4 * c % PER_WORD)u);
#end
#end
#include "lib/winograd_weights.wgsl" I=i C=c
#end
#end
#for j in 0..NY
#for i in 0..NX
    let x_$(j)_$i = select(vec4f(0.0), load_x(origin.x + cx_$i, origin.y + cy_$j), inX_$i && inY_$j);
#end
#include "lib/winograd_row.wgsl" J=j
#end
  }

#if WEIGHT_BITS == 32
  let bias = weight(0, params.inBlocks, layer);
#else
  let bias = vec4f(0.0);
  let shift = weightFloats(0, layer);
  let scale = weightFloats(1, layer);
#end
  let place = planeOrigin(params.output, layer * params.output.batch + image);
  let residualOrigin = planeOrigin(params.residual, layer * params.output.batch + image);
#for v in 0..ROWS
  // A times the sums.
  let e_$v = (-1.0 / 6.0) * (sum_$(v)_1 + sum_$(v)_2);
  let f_$v = (-1.0 / 6.0) * (sum_$(v)_1 - sum_$(v)_2);
  let g_$v = (1.0 / 24.0) * (sum_$(v)_3 + sum_$(v)_4);
  let h_$v = (1.0 / 12.0) * (sum_$(v)_3 - sum_$(v)_4);
  let y_$(v)_0 = bias + 0.25 * sum_$(v)_0 + e_$v + g_$v;
  let y_$(v)_1 = bias + f_$v + h_$v;
  let y_$(v)_2 = bias + e_$v + 4.0 * g_$v;
  let y_$(v)_3 = bias + f_$v + 4.0 * h_$v + sum_$(v)_5;
#for u in 0..4
  if (u0 + $u < params.output.width && v0 + $v < params.output.height) {
#if WEIGHT_BITS == 32
    let sum = y_$(v)_$u;
#else
    let sum = shift + scale * y_$(v)_$u;
#end
    store_y(place.x + u0 + $u, place.y + v0 + $v, finish(sum, residualOrigin, u0 + $u, v0 + $v));
  }
#end
#end
}
