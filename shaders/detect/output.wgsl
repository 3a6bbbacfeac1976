// The output tensor of an exported YOLO11 from one level of its head: for anchor a of the level
//
//   y[n, 0..3, first + a] = centre x, centre y, width, height of the DFL box, in input pixels
//   y[n, 4 + c, first + a] = sigmoid(logit c)
//
// IN_CELLS == 0: y is plain. IN_CELLS == 1: y is a map in row memory whose pixels are the anchors, row by row.
// A thread computes one anchor. Dispatch: x = anchors of the level / WORKGROUP, y = images.
#const WORKGROUP = 64
#const IN_CELLS = 0

#include "lib/storage.wgsl"
struct Params {
  boxes: Blocked,       // [N, 16 * CELLS, h, w] logits of the distances
  classes: Blocked,     // [N, classes, h, w] logits
#if IN_CELLS == 1
  output: Blocked,      // [N, 4 + classes, rows, width]
#end
  firstAnchor: i32,
  anchors: i32,         // of all levels
  pitch: i32,
  stride: f32,          // input pixels a cell
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=boxes BINDING=1
#include "lib/input.wgsl" NAME=classes BINDING=2
#if IN_CELLS == 1
#include "lib/output.wgsl" NAME=y BINDING=3
#else
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
#end
#include "detect/dfl.wgsl"

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let anchor = i32(id.x);
  let image = i32(id.y);
  if (anchor >= params.classes.width * params.classes.height) { return; }
  let row = anchor / params.classes.width;
  let pixel = vec2i(anchor - row * params.classes.width, row);
  let place = params.firstAnchor + anchor;
#if IN_CELLS == 1
  let down = place / params.output.width;
  let at = vec2i(place - down * params.output.width, down);
#else
  let start = image * (4 + params.classes.channels) * params.anchors + place;
#end

  let box = anchorBox(image, pixel);
  let centre = 0.5 * (box.xy + box.zw) * params.stride;
  let extent = (box.zw - box.xy) * params.stride;
#if IN_CELLS == 1
  let corner = planeOrigin(params.output, image) + at;
  store_y(corner.x, corner.y, vec4f(centre, extent));
#else
  y[start] = centre.x;
  y[start + params.anchors] = centre.y;
  y[start + 2 * params.anchors] = extent.x;
  y[start + 3 * params.anchors] = extent.y;
#end

  for (var block = 0; block < params.classes.blocks; block++) {
    let origin = planeOrigin(params.classes, block * params.classes.batch + image);
    let scores = 1.0 / (1.0 + exp(-load_classes(origin.x + pixel.x, origin.y + pixel.y)));
#if IN_CELLS == 1
    let cell = planeOrigin(params.output, (block + 1) * params.output.batch + image) + at;
    store_y(cell.x, cell.y, scores);
#else
    let first = start + (4 + 4 * block) * params.anchors;
#for l in 0..4
    if (4 * block + $l < params.classes.channels) { y[first + $l * params.anchors] = scores[$l]; }
#end
#end
  }
}
