// Scale and zero point that spread the range of a plain tensor, widened to hold 0, over the 256 numbers of a byte (ONNX
// DynamicQuantizeLinear):
//
//   least = min(0, min of x), most = max(0, max of x)
//   scale = (most - least) / 255, or 1 where that is 0
//   zeroPoint = clamp(round(-least / scale), 0, 255), halves to even
//
// Dispatch: one workgroup, which reads all of x.
#include "lib/linear.wgsl"
struct Params {
  size: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> scale: array<f32>;
@group(0) @binding(3) var<storage, read_write> zeroPoint: array<f32>;

var<workgroup> ranges: array<vec2f, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_index) local: u32) {
  var range = vec2f(0.0);
  for (var i = i32(local); i < uncounted(params.size, i32(local)); i += WORKGROUP) {
    let value = x[i];
    range = vec2f(min(range.x, value), max(range.y, value));
  }
  ranges[local] = range;
  workgroupBarrier();
  if (local == 0u) {
    for (var other = 1; other < WORKGROUP; other++) {
      range = vec2f(min(range.x, ranges[other].x), max(range.y, ranges[other].y));
    }
    let width = range.y - range.x;
    let step = select(width / 255.0, 1.0, width == 0.0);
    scale[0] = step;
    zeroPoint[0] = round(clamp(-range.x / step, 0.0, 255.0));
  }
}
