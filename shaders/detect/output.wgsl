// The output tensor of an exported YOLO11 from one level of its head, in plain order: for anchor a of the level
//
//   y[n, 0..3, first + a] = centre x, centre y, width, height of the DFL box, in input pixels
//   y[n, 4 + c, first + a] = sigmoid(logit c)
//
// A thread computes one anchor. Dispatch: x = anchors of the level / WORKGROUP, y = images.
#const WORKGROUP = 64

#include "lib/storage.wgsl"
struct Params {
  boxes: Blocked,       // [N, 16 * CELLS, h, w] logits of the distances
  classes: Blocked,     // [N, classes, h, w] logits
  firstAnchor: i32,
  anchors: i32,         // of all levels
  pitch: i32,
  stride: f32,          // input pixels a cell
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=boxes BINDING=1
#include "lib/input.wgsl" NAME=classes BINDING=2
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
#include "detect/dfl.wgsl"

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let anchor = i32(id.x);
  let image = i32(id.y);
  if (anchor >= params.classes.width * params.classes.height) { return; }
  let row = anchor / params.classes.width;
  let pixel = vec2i(anchor - row * params.classes.width, row);
  let start = image * (4 + params.classes.channels) * params.anchors + params.firstAnchor + anchor;

  let box = anchorBox(image, pixel);
  let centre = 0.5 * (box.xy + box.zw) * params.stride;
  let extent = (box.zw - box.xy) * params.stride;
  y[start] = centre.x;
  y[start + params.anchors] = centre.y;
  y[start + 2 * params.anchors] = extent.x;
  y[start + 3 * params.anchors] = extent.y;

  for (var block = 0; block < params.classes.blocks; block++) {
    let origin = planeOrigin(params.classes, block * params.classes.batch + image);
    let scores = 1.0 / (1.0 + exp(-load_classes(origin.x + pixel.x, origin.y + pixel.y)));
    let at = start + (4 + 4 * block) * params.anchors;
#for l in 0..4
    if (4 * block + $l < params.classes.channels) { y[at + $l * params.anchors] = scores[$l]; }
#end
  }
}
