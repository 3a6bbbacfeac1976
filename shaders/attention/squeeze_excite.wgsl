// Squeeze-and-excitation from the map to the gate of each channel (Hu et al. 2018), in one dispatch:
//
//   gate[n,c] = activate(b2[c] + sum_s w2[c,s] * hidden[n,s])
//   hidden[n,s] = activateHidden(b1[s] + sum_c w1[s,c] * mean over v, u of x[n,c,v,u])
//
// With MAXIMA == 1 the hidden channels are the sum of two such terms, one of the means, one of the maxima (Woo et al. 2018).
// A workgroup takes an image; the means and the hidden channels stay in its memory. Where there are fewer channel blocks than
// threads, `segments` threads share the rows of a block.
// Layouts: x `[N,C,H,W]`, gate `[N,C',1,1]`. Weights, S being the hidden channels rounded up to blocks: cell (column b, row s) holds
// four input channels of w1 for hidden channel s, cell (b, S + s) four output channels of w2; rows 2S and 2S + 1 hold b1 and b2.
// Dispatch: one workgroup an image.
#const HIDDEN_ACTIVATION = Relu
#const WORKGROUP = 64
#const CELLS = 64
#const BUNDLE = 4
#const MAXIMA = 0

#include "lib/linear.wgsl"
#include "lib/strip.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  segments: i32,        // of a block; more than one only where blocks * segments <= WORKGROUP
  hiddenBlocks: i32,
  factor: f32,          // what makes a sum a mean
  pitch: i32,
  weightColumns: i32,
  weightRows: i32,
  hiddenA: f32,
  hiddenB: f32,
  activationA: f32,
  activationB: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/weights.wgsl" BINDING=2
#include "lib/output.wgsl" NAME=y BINDING=3 TENSOR=output
#include "lib/activation.wgsl"
#include "lib/activate.wgsl" NAME=activateHidden KIND=HIDDEN_ACTIVATION

// The sums of the segments, later the hidden channels.
var<workgroup> cells: array<vec4f, CELLS>;
var<workgroup> means: array<vec4f, CELLS>;
#if MAXIMA == 1
var<workgroup> segmentMaxima: array<vec4f, CELLS>;
var<workgroup> maxima: array<vec4f, CELLS>;
#end

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = i32(group.x);
  let thread = i32(local);
  let width = params.input.width;
  let last = width - 1;
  let segments = uncounted(params.segments, thread);
  let inputBlocks = uncounted(params.input.blocks, thread);

  for (var task = thread; task < inputBlocks * segments; task += WORKGROUP) {
    let block = divide(task, params.segments);
    let source = planeOrigin(params.input, block * params.input.batch + image);
    var sum = vec4f(0.0);
#if MAXIMA == 1
    var most = vec4f(-3.4e38);
#end
    for (var y = task - block * params.segments; y < uncounted(params.input.height, thread); y += params.segments) {
      for (var x = 0; x < uncounted(width, thread); x += 4) {
#for i in 0..4
        {
          let value = load_x(source.x + min(x + $i, last), source.y + y);
          sum += select(vec4f(0.0), value, x + $i <= last);
#if MAXIMA == 1
          most = max(most, value);
#end
        }
#end
      }
    }
    cells[task] = sum;
#if MAXIMA == 1
    segmentMaxima[task] = most;
#end
  }
  workgroupBarrier();
  for (var block = thread; block < inputBlocks; block += WORKGROUP) {
    var sum = cells[block * params.segments];
    for (var segment = 1; segment < segments; segment++) {
      sum += cells[block * params.segments + segment];
    }
    means[block] = sum * params.factor;
#if MAXIMA == 1
    var most = segmentMaxima[block * params.segments];
    for (var segment = 1; segment < segments; segment++) {
      most = max(most, segmentMaxima[block * params.segments + segment]);
    }
    maxima[block] = most;
#end
  }
  workgroupBarrier();
  // A thread computes several blocks at a time, since loads from the memory of a workgroup are dear on software adapters.
  let hiddenStep = (params.hiddenBlocks + BUNDLE - 1) / BUNDLE;
  for (var first = thread; first < uncounted(hiddenStep, thread); first += WORKGROUP) {
#for o in 0..BUNDLE
    let block_$o = min(first + $o * hiddenStep, params.hiddenBlocks - 1);
    var sum_$o = weight(block_$o, 8 * params.hiddenBlocks, 0);
#if MAXIMA == 1
    var most_$o = sum_$o;
#end
#end
    for (var i = 0; i < inputBlocks; i++) {
      let mean = means[i];
#if MAXIMA == 1
      let most = maxima[i];
#end
#for o in 0..BUNDLE
#for k in 0..4
      let w_$(o)_$k = weight(i, 4 * block_$o + $k, 0);
#end
      sum_$o += vec4f(dot(mean, w_$(o)_0), dot(mean, w_$(o)_1), dot(mean, w_$(o)_2), dot(mean, w_$(o)_3));
#if MAXIMA == 1
      most_$o += vec4f(dot(most, w_$(o)_0), dot(most, w_$(o)_1), dot(most, w_$(o)_2), dot(most, w_$(o)_3));
#end
#end
    }
#for o in 0..BUNDLE
#if MAXIMA == 1
    cells[block_$o] = activateHidden(sum_$o, params.hiddenA, params.hiddenB) +
      activateHidden(most_$o, params.hiddenA, params.hiddenB);
#else
    cells[block_$o] = activateHidden(sum_$o, params.hiddenA, params.hiddenB);
#end
#end
  }
  workgroupBarrier();
  let step = (params.output.blocks + BUNDLE - 1) / BUNDLE;
  for (var first = thread; first < uncounted(step, thread); first += WORKGROUP) {
#for o in 0..BUNDLE
    let block_$o = min(first + $o * step, params.output.blocks - 1);
    var sum_$o = weight(block_$o, 8 * params.hiddenBlocks + 1, 0);
#end
    for (var i = 0; i < uncounted(params.hiddenBlocks, thread); i++) {
      let hidden = cells[i];
      let row = 4 * (params.hiddenBlocks + i);
#for o in 0..BUNDLE
      sum_$o += hidden.x * weight(block_$o, row, 0) + hidden.y * weight(block_$o, row + 1, 0) +
        hidden.z * weight(block_$o, row + 2, 0) + hidden.w * weight(block_$o, row + 3, 0);
#end
    }
#for o in 0..BUNDLE
    {
      let place = planeOrigin(params.output, block_$o * params.output.batch + image);
      let gate = activate(sum_$o, params.activationA, params.activationB);
      store_y(place.x, place.y, keepChannels(gate, params.output, block_$o));
    }
#end
  }
}
