// Second of the detection loss: every box claims the TOPK anchors that are best aligned with it among those whose points lie inside.
//
// A claim adds 65536 and the number of the box to the anchor's counter: how many there are, and, where there is one, whose, whatever
// the order. The greatest of what each box gets (`maxima`) is cleared for the next dispatch.
//
// A team of TEAM threads a box; with TEAM == 1 a thread has a box of its own. Each keeps the best TOPK of the anchors that it looks
// at, in order; then the heads of all lists are compared TOPK times. Dispatch: a workgroup, or with TEAM == 1 a thread, a row of boxes.
#const LEVELS = 3
#const TOPK = 10
#const TEAM = 64
#include "lib/linear.wgsl"

struct Params {
#for l in 0..LEVELS
  grid_$l: vec4i,   // width, height, stride, first anchor
#end
  boxes: i32,       // rows of all images
  rows: i32,        // of an image
  anchors: i32,
  classes: i32,
  alpha: f32,
  beta: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> boxes: array<f32>;
@group(0) @binding(2) var<storage, read_write> predicted: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> claims: array<atomic<u32>>;
@group(0) @binding(4) var<storage, read_write> maxima: array<vec2f>;
#for l in 0..LEVELS
@group(0) @binding($(5 + l)) var<storage, read_write> logits_$l: array<f32>;
#end
#include "train/loss_metric.wgsl"

#for k in 0..TOPK
var<private> metric_$k: f32;
var<private> anchor_$k: i32;
#end

// Puts an anchor into the list where it belongs; of equals the earlier stays ahead.
fn consider(metric: f32, anchor: i32) {
  if (metric <= metric_$(TOPK - 1)) { return; }
  var moving = false;
  var m = metric;
  var a = anchor;
#for k in 0..TOPK
  {
    moving = moving || m > metric_$k;
    let oldMetric = metric_$k;
    let oldAnchor = anchor_$k;
    metric_$k = select(oldMetric, m, moving);
    anchor_$k = select(oldAnchor, a, moving);
    m = select(m, oldMetric, moving);
    a = select(a, oldAnchor, moving);
  }
#end
}

fn claim(image: i32, row: i32, anchor: i32) {
  atomicAdd(&claims[image * params.anchors + anchor], CLAIM + u32(row));
}

#if TEAM > 1
var<workgroup> bestMetric: array<f32, TEAM>;
var<workgroup> bestAnchor: array<i32, TEAM>;
#end

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
#if TEAM > 1
  let index = linearGroup(thread);
  let member = i32(thread.local);
#else
  let index = linearIndex(thread);
  let member = 0;
#end
  let box = min(index, params.boxes - 1);
  let image = divide(box, params.rows);
  let row = box - image * params.rows;
  let label = labelOf(box, params.classes);
  let sides = sidesOf(box);
#for k in 0..TOPK
  metric_$k = 0.0;
  anchor_$k = -1;
#end
#for l in 0..LEVELS
  {
    let width = params.grid_$l.x;
    let height = params.grid_$l.y;
    let stride = f32(params.grid_$l.z);
    // Cells whose points may lie inside: one more on each side than need be.
    let limit = vec2f(f32(width), f32(height));
    let low = vec2i(clamp(sides.xy / stride - 1.0, vec2f(0.0), limit));
    let high = vec2i(clamp(sides.zw / stride + 1.0, vec2f(0.0), limit));
    let size = max(high - low, vec2i(0));
    let count = select(0, size.x * size.y, label >= 0 && index == box);
    for (var i = member; i < uncounted(count, member); i += TEAM) {
      let down = divide(i, size.x);
      let at = low + vec2i(i - down * size.x, down);
      let point = (vec2f(at) + 0.5) * stride;
      if (isInside(point, sides)) {
        let cell = at.y * width + at.x;
        let anchor = params.grid_$l.w + cell;
        let overlap = overlapOf(predicted[image * params.anchors + anchor], sides).value;
        let logit = logits_$l[(image * params.classes + label) * width * height + cell];
        consider(metricOf(logit, overlap, params.alpha, params.beta), anchor);
      }
    }
  }
#end
#if TEAM > 1
  for (var round = 0; round < TOPK; round++) {
    workgroupBarrier();
    bestMetric[member] = metric_0;
    bestAnchor[member] = anchor_0;
    for (var half = TEAM / 2; half > 0; half >>= 1u) {
      workgroupBarrier();
      if (member < half) {
        let mine = bestMetric[member];
        let other = bestMetric[member + half];
        if (other > mine || (other == mine && bestAnchor[member + half] < bestAnchor[member])) {
          bestMetric[member] = other;
          bestAnchor[member] = bestAnchor[member + half];
        }
      }
    }
    workgroupBarrier();
    if (bestMetric[0] > 0.0 && bestAnchor[0] == anchor_0) {
      claim(image, row, anchor_0);
#for k in 1..TOPK
      metric_$(k - 1) = metric_$k;
      anchor_$(k - 1) = anchor_$k;
#end
      metric_$(TOPK - 1) = 0.0;
      anchor_$(TOPK - 1) = -1;
    }
  }
#else
#for k in 0..TOPK
  if (metric_$k > 0.0) { claim(image, row, anchor_$k); }
#end
#end
  if (member == 0 && index == box) { maxima[box] = vec2f(0.0); }
}
