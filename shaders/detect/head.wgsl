// Candidates of one level of a YOLO11 head: anchors with a class over the threshold, and their boxes.
//
//   score(class) = sigmoid(logit),  candidate where logit > threshold
//   box = (cell centre -+ DFL distances) * stride
//
// MULTI_LABEL == 0: the best class of an anchor, the first of equals. MULTI_LABEL == 1: every class over the threshold.
// A workgroup looks through WORKGROUP * PER_THREAD anchors, gathers the few that qualify, and then computes boxes for those
// only, all threads at work: on adapters that run both sides of a branch, a box for every anchor would cost most of the time.
// Dispatch: x = anchors of the level / (WORKGROUP * PER_THREAD), y = images.
#const WORKGROUP = 64
#const PER_THREAD = 2
#const MULTI_LABEL = 0

#include "lib/storage.wgsl"
struct Params {
  boxes: Blocked,       // [N, 16 * CELLS, h, w] logits of the distances
  classes: Blocked,     // [N, classes, h, w] logits
  firstAnchor: i32,     // number of the level's first anchor among all levels'
  anchors: i32,         // of all levels
  listStride: i32,
  pitch: i32,
  stride: f32,          // input pixels a cell
  threshold: f32,       // logit
}
#include "lib/params.wgsl"
#include "lib/input.wgsl" NAME=boxes BINDING=1
#include "lib/input.wgsl" NAME=classes BINDING=2
#include "detect/candidates.wgsl" BINDING=3
#include "detect/dfl.wgsl"

const LOWEST = -3.4028234e38;

var<workgroup> chosenCount: atomic<u32>;
var<workgroup> chosen: array<i32, $(WORKGROUP * PER_THREAD)>;
#if MULTI_LABEL == 0
var<workgroup> chosenLogit: array<f32, $(WORKGROUP * PER_THREAD)>;
var<workgroup> chosenLabel: array<i32, $(WORKGROUP * PER_THREAD)>;
#end

// Logits of four classes; spare channels never win.
fn classLogits(block: i32, image: i32, pixel: vec2i) -> vec4f {
  let origin = planeOrigin(params.classes, block * params.classes.batch + image);
  let logits = load_classes(origin.x + pixel.x, origin.y + pixel.y);
  return select(vec4f(LOWEST), logits, vec4i(4 * block) + vec4i(0, 1, 2, 3) < vec4i(params.classes.channels));
}

fn pixelOf(anchor: i32) -> vec2i {
  let row = anchor / params.classes.width;
  return vec2i(anchor - row * params.classes.width, row);
}

fn score(logit: f32) -> f32 {
  return 1.0 / (1.0 + exp(-logit));
}

#include "lib/entry.wgsl"
  let image = i32(thread.group.y);
  let local = thread.local;
  let size = params.classes.width * params.classes.height;
  for (var k = 0; k < PER_THREAD; k++) {
    let anchor = (i32(thread.group.x) * PER_THREAD + k) * WORKGROUP + i32(local);
    let pixel = pixelOf(min(anchor, size - 1));
    var best = vec4f(LOWEST);
    var bestBlock = vec4i(0);
    for (var block = 0; block < params.classes.blocks; block++) {
      let logits = classLogits(block, image, pixel);
      let better = logits > best;
      best = select(best, logits, better);
      bestBlock = select(bestBlock, vec4i(block), better);
    }
    let top = max(max(best.x, best.y), max(best.z, best.w));
    if (anchor < size && top > params.threshold) {
      let slot = atomicAdd(&chosenCount, 1u);
      chosen[slot] = anchor;
#if MULTI_LABEL == 0
      let labels = select(vec4i(params.classes.channels), 4 * bestBlock + vec4i(0, 1, 2, 3), best == vec4f(top));
      chosenLogit[slot] = top;
      chosenLabel[slot] = min(min(labels.x, labels.y), min(labels.z, labels.w));
#end
    }
  }
  workgroupBarrier();

  let amount = atomicLoad(&chosenCount);
  for (var i = local; i < amount; i += u32(WORKGROUP)) {
    let anchor = chosen[i];
    let pixel = pixelOf(anchor);
    let place = params.firstAnchor + anchor;
    found[image * params.anchors + place] = anchorBox(image, pixel) * params.stride;
#if MULTI_LABEL == 0
    append(image, place, chosenLabel[i], params.classes.channels, score(chosenLogit[i]));
#else
    for (var block = 0; block < params.classes.blocks; block++) {
      let logits = classLogits(block, image, pixel);
#for l in 0..4
      if (logits[$l] > params.threshold) { append(image, place, 4 * block + $l, params.classes.channels, score(logits[$l])); }
#end
    }
#end
  }
}
