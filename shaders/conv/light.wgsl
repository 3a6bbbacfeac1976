// Convolution that is quick to compile: kernel, stride, padding, whether there are a residual and an activation are parameters, so that one pipeline
// serves a network. Of one group, or of a group for each channel, which is then multiplied by four by four weights that are zero but for
// its own. Software adapters take about twice the time of the kernels that take seconds to compile.
//
//   y[n,o,v,u] = activate(bias[o] + sum_{c,i,j} w[o,c,i,j] * x[n,c, v*S-padTop+i, u*S-padLeft+j]) (+ residual, before or after)
//
// A thread computes STRIP pixels of a row, of OUT_BLOCKS * 4 output channels. Sums run in the order of `conv/direct.wgsl` and
// `conv/depthwise.wgsl`, so that results are theirs bit for bit. Weights lie as in `conv/direct.wgsl`. The blocks of x that a layer
// reads begin `blockStep` further than those of the layer before, and at `latestBlock` at last. Where there is no residual, x is bound
// in its place and left out.
// Dispatch: a thread for every strip of every group of output blocks of every image.
#const STRIP = 10
#const OUT_BLOCKS = 2
#const WORKGROUP = 8

#include "lib/linear.wgsl"
#include "lib/storage.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  residual: Blocked,
  kernel: vec2i,        // x, y; so the others
  stride: vec2i,
  pad: vec2i,
  across: i32,          // strips of a row
  strips: i32,          // of a plane
  layers: i32,          // groups of OUT_BLOCKS output blocks
  firstBlock: i32,      // of x that is read
  inBlocks: i32,        // of x that are read
  blockStep: i32,
  latestBlock: i32,
  pitch: i32,
  weightColumns: i32,
  weightRows: i32,
#include "lib/epilogue_params.wgsl"
  activates: u32,       // 0: no activation
  adds: u32,            // 0: no residual
}
#include "lib/params.wgsl"
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/weights.wgsl" BINDING=2
#include "lib/output.wgsl" NAME=y BINDING=3 TENSOR=output
#include "lib/input.wgsl" NAME=r BINDING=4 TENSOR=residual
#include "lib/activation.wgsl"

#include "lib/entry.wgsl"
  let index = min(linearIndex(thread), params.strips * params.layers * params.output.batch - 1);
  let plane = divide(index, params.strips);
  let strip = index - plane * params.strips;
  let image = divide(plane, params.layers);
  let layer = plane - image * params.layers;
  let v = divide(strip, params.across);
  let u0 = (strip - v * params.across) * STRIP;

#for o in 0..OUT_BLOCKS
  let bias_$o = weight($o, params.inBlocks, layer);
#for p in 0..STRIP
  var acc_$(o)_$p = bias_$o;
#end
#end
  let taps = params.kernel.x * params.kernel.y;
  let first = params.firstBlock + min(layer * params.blockStep, params.latestBlock);
  let columns = uncounted(params.kernel.x, strip);
  let rows = uncounted(params.kernel.y, strip);
  var block = 0;
  loop {
    let origin = planeOrigin(params.input, (first + block) * params.input.batch + image);
    var i = 0;
    loop {
      let y = v * params.stride.y - params.pad.y + i;
      let cy = clamp(y, 0, params.input.height - 1);
      var j = 0;
      loop {
        let left = u0 * params.stride.x - params.pad.x + j;
#for p in 0..STRIP
        let at_$p = left + $p * params.stride.x;
        let cx_$p = clamp(at_$p, 0, params.input.width - 1);
        let x_$p = select(vec4f(0.0), load_x(origin.x + cx_$p, origin.y + cy), cx_$p == at_$p && cy == y);
#end
        let column = (i * params.kernel.x + j) * 4;
#for o in 0..OUT_BLOCKS
        {
#for c in 0..4
          let w_$c = weight(column + $o * taps * 4 + $c, block, layer);
#end
#for p in 0..STRIP
          acc_$(o)_$p += x_$p.x * w_0 + x_$p.y * w_1 + x_$p.z * w_2 + x_$p.w * w_3;
#end
        }
#end
        j++;
        if (j >= columns) { break; }
      }
      i++;
      if (i >= rows) { break; }
    }
    block++;
    if (block >= params.inBlocks) { break; }
  }

  // What follows a sum is a loop, since written out it would be half of what there is to compile. Sums move up by one in each turn: an array
  // with an index that is not known would become a choice among all its elements.
#for o in 0..OUT_BLOCKS
  let block_$o = layer * OUT_BLOCKS + $o;
  let place_$o = planeOrigin(params.output, block_$o * params.output.batch + image);
  let other_$o = planeOrigin(params.residual, block_$o * params.output.batch + image);
#end
  let end = min(u0 + STRIP, params.output.width);
  var u = u0;
  loop {
#for o in 0..OUT_BLOCKS
    if (block_$o < params.output.blocks) {
      let residual = select(vec4f(0.0), load_r(other_$o.x + (u >> params.residualShift), other_$o.y + (v >> params.residualShift)), params.adds == 1u);
      let before = select(vec4f(0.0), residual, params.activateLast == 1u);
      let after = select(residual, vec4f(0.0), params.activateLast == 1u);
      let sum = acc_$(o)_0 + before;
      let value = select(sum, activate(sum, params.activationA, params.activationB), params.activates == 1u);
      store_y(place_$o.x + u, place_$o.y + v, value + after);
    }
#for p in 1..STRIP
    acc_$(o)_$(p - 1) = acc_$(o)_$p;
#end
#end
    u++;
    if (u >= end) { break; }
  }
}
