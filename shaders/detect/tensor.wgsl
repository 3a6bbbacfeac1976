// Candidates of a detector's finished output tensor, for models whose head is not known: x[n, row, anchor] in plain order, rows
// centre x, centre y, width, height in input pixels, then a score in 0..1 for each class.
//
// MULTI_LABEL == 0: the best class of an anchor, the first of equals. MULTI_LABEL == 1: every class over the confidence.
// Dispatch: x = anchors / WORKGROUP, y = images.
#const WORKGROUP = 64
#const MULTI_LABEL = 0

struct Params {
  anchors: i32,
  classes: i32,
  listStride: i32,
  confidence: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
#include "detect/candidates.wgsl" BINDING=2

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let anchor = i32(id.x);
  let image = i32(id.y);
  if (anchor >= params.anchors) { return; }
  let start = image * (4 + params.classes) * params.anchors + anchor;
  var best = -1.0;
  var label = 0;
  for (var k = 0; k < params.classes; k++) {
    let score = x[start + (4 + k) * params.anchors];
#if MULTI_LABEL == 1
    if (score > params.confidence) { append(image, anchor, k, params.classes, score); }
#end
    if (score > best) {
      best = score;
      label = k;
    }
  }
  if (best > params.confidence) {
    let centre = vec2f(x[start], x[start + params.anchors]);
    let half = 0.5 * vec2f(x[start + 2 * params.anchors], x[start + 3 * params.anchors]);
    found[image * params.anchors + anchor] = vec4f(centre - half, centre + half);
#if MULTI_LABEL == 0
    append(image, anchor, label, params.classes, best);
#end
  }
}
