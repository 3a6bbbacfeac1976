// Any convolution of bytes: every kernel, stride, padding, dilation and grouping.
//
//   y[n,o,v,u] = store(b[o] + sum_{c,i,j} w[o,c,i,j] * x[n,c, v*stride.y-pad.y+i*dilation.y, ...])      (lib/requantize.wgsl)
//
// x and w are bytes, sums are exact. Outside of the image x is its zero point; b is the bias less what the zero point adds to the sum,
// added last so that in f32 it need not be small.
// A thread computes STRIP pixels of one output block. The block's four channels may belong to several groups: it runs over the
// `inBlocks` input blocks from the first one that any of them needs, and weights outside of a channel's group are zero.
// Weights (weight8(column, row, layer)): layer = output block, row = input block counted from that first one, column = tap, four input
// lanes by four output lanes a cell; the last row holds a cell of biases (i32) and one of scales (f32).
// Dispatch: a thread for every strip of y (lib/strip.wgsl).
#const STRIP = 4
#const WORKGROUP = 32
#const ARITHMETIC = f32

#include "lib/strip.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  residual: Blocked,
  kernel: vec2i,        // x, y; so the others
  stride: vec2i,
  pad: vec2i,
  dilation: vec2i,
  inputsPerGroup: i32,
  outputsPerGroup: i32,
  inBlocks: i32,
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

#include "lib/entry.wgsl"
  let strip = stripOf(params.output, thread);
  let firstInput = divide(4 * strip.block, params.outputsPerGroup) * params.inputsPerGroup;
  let firstBlock = min(firstInput >> 2u, params.input.blocks - params.inBlocks);
  let padding = pack8(vec4i(i32(params.input.zero)));
#for p in 0..STRIP
  var acc_$p = Sums(0);
#end
  var i = 0;
  loop {
    let y = strip.y * params.stride.y - params.pad.y + i * params.dilation.y;
    let cy = clamp(y, 0, params.input.height - 1);
    var j = 0;
    loop {
#for p in 0..STRIP
      let x_$p = (strip.x + $p) * params.stride.x - params.pad.x + j * params.dilation.x;
      let cx_$p = clamp(x_$p, 0, params.input.width - 1);
      let inside_$p = cx_$p == x_$p && cy == y;
#end
      let column = i * params.kernel.x + j;
      var block = 0;
      loop {
        let source = planeOrigin(params.input, (firstBlock + block) * params.input.batch + strip.image);
        let words = weight8(column, block, strip.block);
#if ARITHMETIC != dot
#for c in 0..4
        let w_$c = Sums(unpack8(words[$c]));
#end
#end
#for p in 0..STRIP
        {
          let bytes = select(padding, load8_x(source.x + cx_$p, source.y + cy), inside_$p);
#if ARITHMETIC == dot
          acc_$p += vec4i(dot4I8Packed(bytes, words.x), dot4I8Packed(bytes, words.y), dot4I8Packed(bytes, words.z), dot4I8Packed(bytes, words.w));
#else
          let value = inputs4(bytes);
          acc_$p += value.x * w_0 + value.y * w_1 + value.z * w_2 + value.w * w_3;
#end
        }
#end
        block++;
        if (block >= params.inBlocks) { break; }
      }
      j++;
      if (j >= params.kernel.x) { break; }
    }
    i++;
    if (i >= params.kernel.y) { break; }
  }
  let place = planeOrigin(params.output, strip.plane);
  let residualOrigin = planeOrigin(params.residual, strip.plane);
  let bias = Sums(bitcast<vec4i>(weight8(0, params.inBlocks, strip.block)));
  let scale = bitcast<vec4f>(weight8(1, params.inBlocks, strip.block));
#for p in 0..STRIP
  if (strip.x + $p < params.output.width) {
    storeSum(vec4f(acc_$p + bias), scale, place, residualOrigin, strip.x + $p, strip.y);
  }
#end
}
