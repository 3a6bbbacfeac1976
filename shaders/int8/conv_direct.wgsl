// Direct convolution of bytes, register tiled, written out flat.
//
//   y[n,o,v,u] = store(b[o] + sum_{c,i,j} w[o,c,i,j] * x[n,c, v*S-padTop+i, u*S-padLeft+j])      (lib/requantize.wgsl)
//
// x and w are bytes, sums are exact. Outside of the image x is its zero point; b is the bias less what the zero point adds to the sum,
// added last so that in f32 it need not be small.
// ARITHMETIC (lib/int8_sums.wgsl) says how products are computed.
//
// A thread computes TILE_X x TILE_Y pixels of OUT_BLOCKS * 4 output channels, as conv/direct.wgsl does.
//
// Weights (weight8(column, row, layer)): layer = group of OUT_BLOCKS output blocks, row = input block, column = outBlock * K*K + tap,
// four input lanes by four output lanes a cell; the last row holds for each output block a cell of biases (i32) and one of
// scales (f32). Dispatch as of conv/direct.wgsl.
#const K = 3
#const S = 1
#const TILE_X = 5
#const TILE_Y = 4
#const OUT_BLOCKS = 1
#const WORKGROUP = 8
#const JOINED = 0
#const ARITHMETIC = f32

#include "lib/linear.wgsl"
#include "lib/storage.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  residual: Blocked,
  pad: vec2i,           // left, top
  tilesX: i32,
  tiles: i32,           // of a plane
  layers: i32,          // groups of OUT_BLOCKS output blocks
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

#include "lib/entry.wgsl"
#if JOINED == 1
#include "lib/joined_tile.wgsl"
#else
  let tile = min(i32(thread.group.x) * WORKGROUP + i32(thread.local), params.tiles - 1);
  let layer = i32(thread.group.y);
  let image = i32(thread.group.z);
#end
  let tileRow = tile / params.tilesX;
  let u0 = (tile - tileRow * params.tilesX) * TILE_X;
  let v0 = tileRow * TILE_Y;

#for o in 0..OUT_BLOCKS
#for j in 0..TILE_Y
#for i in 0..TILE_X
  var acc_$(o)_$(j)_$i = Sums(0);
#end
#end
#end

  let left = u0 * S - params.pad.x;
  let top = v0 * S - params.pad.y;
#include "lib/window.wgsl"
  // The zero point, for what lies in the padding.
  let padding = pack8(vec4i(i32(params.input.zero)));

  var block = 0;
  loop {
    let origin = planeOrigin(params.input, block * params.input.batch + image);
#for j in 0..NY
#for i in 0..NX
#if K == 1
    let bytes_$(j)_$i = load8_x(origin.x + cx_$i, origin.y + cy_$j);
#else
    let bytes_$(j)_$i = select(padding, load8_x(origin.x + cx_$i, origin.y + cy_$j), inX_$i && inY_$j);
#end
#if ARITHMETIC != dot
    let x_$(j)_$i = inputs4(bytes_$(j)_$i);
#end
#end
#end
#for o in 0..OUT_BLOCKS
#for t in 0..(K * K)
    let words_$(o)_$t = weight8($(o * K * K + t), block, layer);
#if ARITHMETIC != dot
#for c in 0..4
    let w_$(o)_$(t)_$c = Sums(unpack8(words_$(o)_$t[$c]));
#end
#end
#end
#if ARITHMETIC != dot && K > 1 && TILE_Y % 2 == 0
    // Two pixels at a time through all taps: their accumulators stay in registers, and every weight is loaded once for both.
#for j in 0..(TILE_Y / 2)
#for i in 0..TILE_X
#for t in 0..(K * K)
    acc_$(o)_$(2 * j + 0)_$i += x_$((2 * j + 0) * S + t / K)_$(i * S + t % K).x * w_$(o)_$(t)_0;
    acc_$(o)_$(2 * j + 1)_$i += x_$((2 * j + 1) * S + t / K)_$(i * S + t % K).x * w_$(o)_$(t)_0;
    acc_$(o)_$(2 * j + 0)_$i += x_$((2 * j + 0) * S + t / K)_$(i * S + t % K).y * w_$(o)_$(t)_1;
    acc_$(o)_$(2 * j + 1)_$i += x_$((2 * j + 1) * S + t / K)_$(i * S + t % K).y * w_$(o)_$(t)_1;
    acc_$(o)_$(2 * j + 0)_$i += x_$((2 * j + 0) * S + t / K)_$(i * S + t % K).z * w_$(o)_$(t)_2;
    acc_$(o)_$(2 * j + 1)_$i += x_$((2 * j + 1) * S + t / K)_$(i * S + t % K).z * w_$(o)_$(t)_2;
    acc_$(o)_$(2 * j + 0)_$i += x_$((2 * j + 0) * S + t / K)_$(i * S + t % K).w * w_$(o)_$(t)_3;
    acc_$(o)_$(2 * j + 1)_$i += x_$((2 * j + 1) * S + t / K)_$(i * S + t % K).w * w_$(o)_$(t)_3;
#end
#end
#end
#else
    // One accumulator at a time through all taps: it stays in a register while inputs and weights stream by.
#for j in 0..TILE_Y
#for i in 0..TILE_X
#for t in 0..(K * K)
#if ARITHMETIC == dot
    acc_$(o)_$(j)_$i += vec4i(dot4I8Packed(bytes_$(j * S + t / K)_$(i * S + t % K), words_$(o)_$(t).x), dot4I8Packed(bytes_$(j * S + t / K)_$(i * S + t % K), words_$(o)_$(t).y), dot4I8Packed(bytes_$(j * S + t / K)_$(i * S + t % K), words_$(o)_$(t).z), dot4I8Packed(bytes_$(j * S + t / K)_$(i * S + t % K), words_$(o)_$(t).w));
#else
    acc_$(o)_$(j)_$i += x_$(j * S + t / K)_$(i * S + t % K).x * w_$(o)_$(t)_0 + x_$(j * S + t / K)_$(i * S + t % K).y * w_$(o)_$(t)_1 + x_$(j * S + t / K)_$(i * S + t % K).z * w_$(o)_$(t)_2 + x_$(j * S + t / K)_$(i * S + t % K).w * w_$(o)_$(t)_3;
#end
#end
#end
#end
#end
#end
    block++;
    if (block >= params.input.blocks) { break; }
  }

#for o in 0..OUT_BLOCKS
  {
    let block = layer * OUT_BLOCKS + $o;
    let place = planeOrigin(params.output, block * params.output.batch + image);
    let residualOrigin = planeOrigin(params.residual, block * params.output.batch + image);
    let bias = Sums(bitcast<vec4i>(weight8($(2 * o), params.input.blocks, layer)));
    let scale = bitcast<vec4f>(weight8($(2 * o + 1), params.input.blocks, layer));
    let inside = block < params.output.blocks;
#for j in 0..TILE_Y
#for i in 0..TILE_X
    if (inside && u0 + $i < params.output.width && v0 + $j < params.output.height) {
      storeSum(vec4f(acc_$(o)_$(j)_$i + bias), scale, place, residualOrigin, u0 + $i, v0 + $j);
    }
#end
#end
  }
#end
}
