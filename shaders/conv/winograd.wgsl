// Convolution 3x3 of stride 1 by Winograd's minimal filtering F(4,3) along rows: six products for four outputs of a row of weights where
// the direct form has twelve, and sums in as few registers more.
//
//   y[n,o,v,u] = activate(bias[o] + sum_{c,i,j} w[o,c,i,j] * x[n,c, v-padTop+i, u-padLeft+j]) (+ residual, before or after)
//
// Four neighbours y of a row are A (sum over c and rows i of (G w_i) * (B x_i)), products one by one, x_i the six inputs of a row:
//
//       4  0 -5  0  1  0          1/4   0    0
//       0 -4 -4  1  1  0         -1/6 -1/6 -1/6         1  1  1  1  1  0
//   B = 0  4 -4 -1  1  0     G = -1/6  1/6 -1/6     A = 0  1 -1  2 -2  0
//       0 -2 -1  2  1  0         1/24 1/12  1/6         0  1  1  4  4  0
//       0  2 -1 -2  1  0         1/24 -1/12 1/6         0  1 -1  8 -8  1
//       0  4  0 -5  0  1           0    0    1
//
// (Lavin and Gray 2016, equation 8 transposed to one dimension.) The host has computed G w. In two dimensions the products would be
// fewer still, but the sums six times as many as the outputs instead of one and a half times: on software adapters it is slower.
//
// A thread computes 4 x ROWS pixels of four output channels: each row of inputs is read and transformed once for three rows of weights.
// Weights (weight(column, row, layer)): layer = output block, row = input block, column = ((3 rows * 6 products) * 4 + input lane), four
// output lanes a cell; the last row holds the biases. Dispatch: a thread for every tile of every output block of every image.
#const ROWS = 10
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
  activationA: f32,
  activationB: f32,
  activateLast: u32,    // 1: the residual is added before the activation
}
#include "lib/params.wgsl"
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/weights.wgsl" BINDING=2
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
#for t in 0..18
#for c in 0..4
    let w_$(t)_$c = weight($(t * 4 + c), block, layer);
#end
#end
#for j in 0..NY
#for i in 0..NX
    let x_$(j)_$i = select(vec4f(0.0), load_x(origin.x + cx_$i, origin.y + cy_$j), inX_$i && inY_$j);
#end
    // B x, in 17 operations.
    let a_$j = x_$(j)_4 - 4.0 * x_$(j)_2;
    let b_$j = x_$(j)_3 - 4.0 * x_$(j)_1;
    let c_$j = x_$(j)_4 - x_$(j)_2;
    let d_$j = 2.0 * (x_$(j)_3 - x_$(j)_1);
    let t_$(j)_0 = 4.0 * (x_$(j)_0 - x_$(j)_2) + c_$j;
    let t_$(j)_1 = a_$j + b_$j;
    let t_$(j)_2 = a_$j - b_$j;
    let t_$(j)_3 = c_$j + d_$j;
    let t_$(j)_4 = c_$j - d_$j;
    let t_$(j)_5 = x_$(j)_5 - x_$(j)_3 - 2.0 * d_$j;
#if j >= 2
    // One sum at a time through the three rows: it stays in a register.
#for m in 0..6
#for i in 0..3
    sum_$(j - 2)_$m += t_$(j - 2 + i)_$(m).x * w_$(6 * i + m)_0 + t_$(j - 2 + i)_$(m).y * w_$(6 * i + m)_1
      + t_$(j - 2 + i)_$(m).z * w_$(6 * i + m)_2 + t_$(j - 2 + i)_$(m).w * w_$(6 * i + m)_3;
#end
#end
#end
#end
  }

  let bias = weight(0, params.inBlocks, layer);
  let place = planeOrigin(params.output, layer * params.output.batch + image);
  let residualOrigin = planeOrigin(params.residual, layer * params.output.batch + image);
#for v in 0..ROWS
  // A times the sums.
  let e_$v = sum_$(v)_1 + sum_$(v)_2;
  let f_$v = sum_$(v)_1 - sum_$(v)_2;
  let g_$v = sum_$(v)_3 + sum_$(v)_4;
  let h_$v = sum_$(v)_3 - sum_$(v)_4;
  let y_$(v)_0 = bias + sum_$(v)_0 + e_$v + g_$v;
  let y_$(v)_1 = bias + f_$v + 2.0 * h_$v;
  let y_$(v)_2 = bias + e_$v + 4.0 * g_$v;
  let y_$(v)_3 = bias + f_$v + 8.0 * h_$v + sum_$(v)_5;
#for u in 0..4
  if (u0 + $u < params.output.width && v0 + $v < params.output.height) {
    store_y(place.x + u0 + $u, place.y + v0 + $v, finish(y_$(v)_$u, residualOrigin, u0 + $u, v0 + $v));
  }
#end
#end
}
