// Convolution 3x3 of stride 1 of bytes with half of the products, by Winograd's minimal filtering F(4,3) along rows, bit for bit as
// int8/conv_direct.wgsl computes it.
//
//   y[n,o,v,u] = store(b[o] + sum_{c,i,j} w[o,c,i,j] * x[n,c, v-padTop+i, u-padLeft+j])      (lib/requantize.wgsl)
//
// B and G of conv/winograd.wgsl are whole numbers, and so are sums of their products. f32 knows them while they stay below 2^24, which
// the host has checked for every `blocksTogether` input blocks that follow each other; behind these they are added up in 32 bits. 24 A is
// of whole numbers too: four outputs times 24 follow in 32 bits, whatever overflows on the way, and the division is exact.
//
// A thread computes 4 x ROWS pixels of four output channels. Outside of the image x is its zero point, as in int8/conv_direct.wgsl. Weights
// lie as there with OUT_BLOCKS of 1 and ARITHMETIC f32. Dispatch: a thread for every tile of every output block of every image.
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
  blocksTogether: i32,  // input blocks whose sums f32 knows
  pitch: i32,
  weightColumns: i32,
  weightRows: i32,
#include "lib/epilogue_params.wgsl"
}
#include "lib/params.wgsl"
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/int8_weights.wgsl" BINDING=2
#include "lib/output.wgsl" NAME=y BINDING=3 TENSOR=output
#include "lib/int8.wgsl"
#include "lib/requantize.wgsl"

#const NX = 6
#const NY = ROWS + 2
// 3 times this is 1 modulo 2^32: a multiple of 3 times this is its third.
const ONE_THIRD = -1431655765;

#include "lib/entry.wgsl"
#include "lib/joined_tile.wgsl"
  let tileRow = divide(tile, params.tilesX);
  let u0 = (tile - tileRow * params.tilesX) * 4;
  let v0 = tileRow * ROWS;
  let left = u0 - params.pad.x;
  let top = v0 - params.pad.y;
#include "lib/window.wgsl"
  // The zero point, for what lies in the padding.
  let padding = pack8(vec4i(i32(params.input.zero)));

#for v in 0..ROWS
#for m in 0..6
  var whole_$(v)_$m = vec4i(0);
#end
#end
  var block = 0;
  loop {
#for v in 0..ROWS
#for m in 0..6
    var sum_$(v)_$m = vec4f(0.0);
#end
#end
    let end = min(block + params.blocksTogether, params.input.blocks);
    loop {
      let origin = planeOrigin(params.input, block * params.input.batch + image);
#for i in 0..3
#for t in 0..3
      let words_$(i)_$t = weight8($(3 * i + t), block, layer);
#end
#for c in 0..4
#for t in 0..3
      let w_$(i)_$(t)_$c = vec4f(unpack8(words_$(i)_$t[$c]));
#end
#include "lib/winograd_weights.wgsl" I=i C=c
#end
#end
#for j in 0..NY
#for i in 0..NX
      let x_$(j)_$i = vec4f(unpack8(select(padding, load8_x(origin.x + cx_$i, origin.y + cy_$j), inX_$i && inY_$j)));
#end
#include "lib/winograd_row.wgsl" J=j
#end
      block++;
      if (block >= end) { break; }
    }
#for v in 0..ROWS
#for m in 0..6
    whole_$(v)_$m += vec4i(sum_$(v)_$m);
#end
#end
    if (block >= params.input.blocks) { break; }
  }

  let place = planeOrigin(params.output, layer * params.output.batch + image);
  let residualOrigin = planeOrigin(params.residual, layer * params.output.batch + image);
  let bias = bitcast<vec4i>(weight8(0, params.input.blocks, layer));
  let scale = bitcast<vec4f>(weight8(1, params.input.blocks, layer));
#for v in 0..ROWS
  // 24 A times the sums.
  let e_$v = -4 * (whole_$(v)_1 + whole_$(v)_2);
  let f_$v = -4 * (whole_$(v)_1 - whole_$(v)_2);
  let g_$v = whole_$(v)_3 + whole_$(v)_4;
  let h_$v = 2 * (whole_$(v)_3 - whole_$(v)_4);
  let y_$(v)_0 = 6 * whole_$(v)_0 + e_$v + g_$v;
  let y_$(v)_1 = f_$v + h_$v;
  let y_$(v)_2 = e_$v + 4 * g_$v;
  let y_$(v)_3 = f_$v + 4 * h_$v + 24 * whole_$(v)_5;
#for u in 0..4
  if (u0 + $u < params.output.width && v0 + $v < params.output.height) {
    storeSum(vec4f((y_$(v)_$u >> vec4u(3u)) * ONE_THIRD + bias), scale, place, residualOrigin, u0 + $u, v0 + $v);
  }
#end
#end
}
