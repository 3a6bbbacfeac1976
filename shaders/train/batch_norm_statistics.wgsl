// A batch's mean and deviation from the moments of its parts (channel_partials.wgsl, MODE == moments), and the running averages:
//
//   mean = sum of n_p mean_p / n;  M2 = sum of (M2_p + n_p (mean_p - mean)^2);  variance = M2 / n       (Chan et al. 1983)
//   inverse = 1 / sqrt(variance + epsilon);  updated = (1 - momentum) * running + momentum * now, the variance as M2 / (n - 1)
//
// n_p is the number of pixels of a part. Layouts: vectors `[C]`. Dispatch: a team a channel block (lib/team.wgsl).
#include "lib/part.wgsl"
struct Params {
  input: Blocked,
  rows: i32,            // of a part
  parts: i32,           // of a plane
  epsilon: f32,
  momentum: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> partials: array<vec4f>;
#include "lib/vector.wgsl" NAME=oldMean BINDING=2
#include "lib/vector.wgsl" NAME=oldVariance BINDING=3
#include "lib/vector.wgsl" NAME=mean BINDING=4
#include "lib/vector.wgsl" NAME=inverse BINDING=5
#include "lib/vector.wgsl" NAME=newMean BINDING=6
#include "lib/vector.wgsl" NAME=newVariance BINDING=7

fn pixelsOf(part: i32) -> f32 {
  let top = (part - divide(part, params.parts) * params.parts) * params.rows;
  return f32(min(params.rows, params.input.height - top) * params.input.width);
}

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let block = teamOf(thread, params.input.blocks);
  let member = memberOf(thread);
  let each = params.input.batch * params.parts;
  let count = f32(params.input.batch * params.input.height * params.input.width);
  let start = block * each;
  let end = start + each;
  // Means are summed as distances to one of them, so that none of their bits are lost.
  let origin = partials[2 * start];
  var sum = vec4f(0.0);
  for (var part = start + member; part < uncounted(end, i32(thread.local)); part += TEAM) {
    sum += (partials[2 * part] - origin) * pixelsOf(part);
  }
  let mean = origin + combined(sum, member) / count;
  var squares = vec4f(0.0);
  for (var part = start + member; part < uncounted(end, i32(thread.local)); part += TEAM) {
    let distance = partials[2 * part] - mean;
    squares += partials[2 * part + 1] + distance * distance * pixelsOf(part);
  }
  squares = combined(squares, member);
  if (member == 0) {
    let channels = params.input.channels;
    put_mean(block, channels, mean);
    put_inverse(block, channels, 1.0 / sqrt(squares / count + params.epsilon));
    let kept = 1.0 - params.momentum;
    put_newMean(block, channels, kept * oldMean4(block, channels) + params.momentum * mean);
    put_newVariance(block, channels, kept * oldVariance4(block, channels) + params.momentum * squares / (count - 1.0));
  }
}
