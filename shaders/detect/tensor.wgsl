// Candidates of a detector's finished output, for models whose head is not known: a box and scores for each anchor, in plain
// order. Strides say how the tensors lie, so that anchors may be the last axis or the last but one.
//
//   BOXES == centre   centre x, centre y, width, height
//   BOXES == corners  x1, y1, x2, y2
//   BOXES == grid     offset of the centre from the cell's corner and logarithms of width and height, in cells (YOLOX,
//                     arXiv:2107.08430): centre = (cell + xy) * stride, extent = exp(wh) * stride; levels of strides 8, 16, 32 ...
//   OBJECTNESS == 1   the score of a class is the anchor's objectness times the class's own
//   ROWS == 1         the tensor is a list of results: one score and the number of one class behind each box
//   SEPARATE == 1     scores lie in a tensor of their own
//
// `scaleX` and `scaleY` bring boxes to input pixels. MULTI_LABEL == 0: the best class of an anchor, the first of equals. MULTI_LABEL == 1:
// every class over the confidence. What no head can mean is noted in `faults`, bit by bit, see src/kernels/detect/faults.ts. A box whose
// second corner lies before its first is no candidate; such boxes are counted beside all boxes over the confidence.
// Dispatch: x = anchors / WORKGROUP, y = images.
#const WORKGROUP = 64
#const MULTI_LABEL = 0
#const BOXES = centre
#const OBJECTNESS = 0
#const ROWS = 0
#const SEPARATE = 0

struct Params {
  anchors: i32,
  classes: i32,
  listStride: i32,
  confidence: f32,
  boxes: vec4i,         // elements to the next image, anchor, row; the first row
  scores: vec4i,        // the same
  scaleX: f32,          // input pixels a unit
  scaleY: f32,
  input: vec2i,         // width, height of the input
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
#if SEPARATE == 1
@group(0) @binding(2) var<storage, read_write> apart: array<f32>;
#include "detect/candidates.wgsl" BINDING=3
#else
#include "detect/candidates.wgsl" BINDING=2
#end

// Rounding, also of scores that were stored in 8 bits, may go this far over the edge.
const TOLERANCE = 0.01;
const BAD_SCORE = 1u;
const BAD_BOX = 2u;
const BAD_CLASS = 4u;

fn boxNumber(image: i32, anchor: i32, row: i32) -> f32 {
  return x[dot(params.boxes, vec4i(image, anchor, params.boxes.w + row, 0))];
}

fn scoreNumber(image: i32, anchor: i32, row: i32) -> f32 {
  let at = dot(params.scores, vec4i(image, anchor, params.scores.w + row, 0));
#if SEPARATE == 1
  return apart[at];
#else
  return x[at];
#end
}

// True for what is no number; compilers may take comparisons with such for granted.
fn isNaN(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u;
}

fn isScore(value: f32) -> bool {
  return value >= -TOLERANCE && value <= 1.0 + TOLERANCE && !isNaN(value);
}

fn boxOf(image: i32, anchor: i32) -> vec4f {
  let scale = vec2f(params.scaleX, params.scaleY);
  let first = vec2f(boxNumber(image, anchor, 0), boxNumber(image, anchor, 1));
  let second = vec2f(boxNumber(image, anchor, 2), boxNumber(image, anchor, 3));
#if BOXES == corners
  return vec4f(first, second) * scale.xyxy;
#else
#if BOXES == grid
  var rest = anchor;
  var stride = 8;
  var size = params.input / stride;
  while (rest >= size.x * size.y && stride < 128) {
    rest -= size.x * size.y;
    stride *= 2;
    size = params.input / stride;
  }
  let row = rest / size.x;
  let centre = (vec2f(f32(rest - row * size.x), f32(row)) + first) * f32(stride);
  let half = 0.5 * exp(second) * f32(stride);
#else
  let centre = first * scale;
  let half = 0.5 * second * scale;
#end
  return vec4f(centre - half, centre + half);
#end
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let anchor = i32(id.x);
  let image = i32(id.y);
  if (anchor >= params.anchors) { return; }
  var faults = 0u;
  var best = -1.0;
  var label = 0;
#if ROWS == 1
  best = scoreNumber(image, anchor, 0);
  let class_ = scoreNumber(image, anchor, 1);
  if (!isScore(best)) { faults = BAD_SCORE; }
  if (best > params.confidence) {
    if (class_ >= 0.0 && class_ < f32(params.classes) && class_ == floor(class_)) {
      label = i32(class_);
    } else {
      faults |= BAD_CLASS;
    }
  }
#else
#if OBJECTNESS == 1
  let objectness = scoreNumber(image, anchor, -1);
  if (!isScore(objectness)) { faults = BAD_SCORE; }
#end
  for (var k = 0; k < params.classes; k++) {
    let own = scoreNumber(image, anchor, k);
    if (!isScore(own)) { faults = BAD_SCORE; }
#if OBJECTNESS == 1
    let score = objectness * own;
#else
    let score = own;
#end
    if (score > best) {
      best = score;
      label = k;
    }
  }
#end
  if (best > params.confidence) {
    let box = boxOf(image, anchor);
    let extent = box.zw - box.xy;
    atomicAdd(&count[2u * groups.y + id.y], 1u);
    if (isNaN(extent.x + extent.y)) {
      faults |= BAD_BOX;
    } else if (any(extent < -0.01 * max(vec2f(1.0), abs(box.xy)))) {
      atomicAdd(&count[3u * groups.y + id.y], 1u);
    } else {
      found[image * params.anchors + anchor] = box;
#if MULTI_LABEL == 0
      append(image, anchor, label, params.classes, best);
#else
      for (var k = 0; k < params.classes; k++) {
#if OBJECTNESS == 1
        let score = objectness * scoreNumber(image, anchor, k);
#else
        let score = scoreNumber(image, anchor, k);
#end
        if (score > params.confidence) { append(image, anchor, k, params.classes, score); }
      }
#end
    }
  }
  if (faults != 0u) { atomicOr(&count[groups.y + id.y], faults); }
}
