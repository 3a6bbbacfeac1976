// Any convolution, or with TRANSPOSED == 1 any transposed convolution: every kernel, stride, padding, dilation and grouping.
//
//   y[n,o,v,u] = activate(bias[o] + sum_{c,i,j} w[o,c,i,j] * x[n,c,a,b]) (+ residual, before or after), where
//   a = v * stride.y - pad.y + i * dilation.y, or transposed: a * stride.y = v + pad.y - i * dilation.y; b alike
//
// A thread computes STRIP pixels of one output block. The block's four channels may belong to several groups: it runs over the
// `inBlocks` input blocks from the first one that any of them needs, and weights outside of a channel's group are zero.
// Weights (weight(column, row, layer)): layer = output block, row = input block counted from that first one, column = tap * 4 +
// input lane, four output lanes a cell; the last row holds the biases in column 0.
// Dispatch: a thread for every strip of y (lib/strip.wgsl).
#const TRANSPOSED = 0
#const STRIP = 4
#const WORKGROUP = 32

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
#include "lib/weights.wgsl" BINDING=2
#include "lib/output.wgsl" NAME=y BINDING=3 TENSOR=output
#include "lib/epilogue.wgsl"

// The input coordinate that a tap reads for an output coordinate; -1 where it reads none.
fn sourceOf(at: i32, tap: i32, stride: i32, pad: i32, dilation: i32, extent: i32) -> i32 {
#if TRANSPOSED == 1
  let reached = at + pad - tap * dilation;
  let source = divide(max(reached, 0), stride);
  return select(-1, source, source * stride == reached && source < extent);
#else
  let source = at * stride - pad + tap * dilation;
  return select(-1, source, source < extent);
#end
}

#include "lib/entry.wgsl"
  let strip = stripOf(params.output, thread);
  let firstInput = divide(4 * strip.block, params.outputsPerGroup) * params.inputsPerGroup;
  let firstBlock = min(firstInput >> 2u, params.input.blocks - params.inBlocks);
  let bias = weight(0, params.inBlocks, strip.block);
#for p in 0..STRIP
  var acc_$p = bias;
#end
  var i = 0;
  loop {
    let y = sourceOf(strip.y, i, params.stride.y, params.pad.y, params.dilation.y, params.input.height);
    let cy = max(y, 0);
    var j = 0;
    loop {
#for p in 0..STRIP
      let x_$p = sourceOf(strip.x + $p, j, params.stride.x, params.pad.x, params.dilation.x, params.input.width);
      let cx_$p = max(x_$p, 0);
      let inside_$p = x_$p >= 0 && y >= 0;
#end
      let column = (i * params.kernel.x + j) * 4;
      var block = 0;
      loop {
        let source = planeOrigin(params.input, (firstBlock + block) * params.input.batch + strip.image);
#for c in 0..4
        let w_$c = weight(column + $c, block, strip.block);
#end
#for p in 0..STRIP
        {
          let value = select(vec4f(0.0), load_x(source.x + cx_$p, source.y + cy), inside_$p);
          acc_$p += value.x * w_0 + value.y * w_1 + value.z * w_2 + value.w * w_3;
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
#for p in 0..STRIP
  if (strip.x + $p < params.output.width) {
    store_y(place.x + strip.x + $p, place.y + strip.y, finish(acc_$p, residualOrigin, strip.x + $p, strip.y));
  }
#end
}
