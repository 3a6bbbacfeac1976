// From candidates to detections: order, class-wise non-maximum suppression, mapping back to the picture. Exact and independent of
// the order in which candidates were appended.
//
//   a candidate is kept iff no kept candidate of its class before it has intersection / union > iou with it
//
// in ascending order of the keys of detect/candidates.wgsl (score descending, then anchor, then class), among the first
// `maxCandidates`, until `maxDetections` are kept.
//
// One workgroup an image; the work grows with the candidates that are there. It takes them in batches of at most BATCH in order
// (all at once where they fit; otherwise by radix selection on the keys), sorts a batch in workgroup memory, and goes through it
// in chunks of one candidate a thread. In a chunk every thread compares its candidate with all kept ones, then notes which earlier ones of
// the chunk overlap it. Kept is who has no overlapping earlier one left that is not suppressed: rounds settle this for all
// threads at once, as many as the longest chain of overlaps.
//
// Result of an image, 4 + 6 * MAX_DETECTIONS numbers: detections, candidates, faults, the share of boxes whose second corner lies before
// the first, then x1, y1, x2, y2 in pixels of the picture, score, class for each. All counts are cleared for the next frame.
// Dispatch: x = images.
#const WORKGROUP = 128
#const BATCH = 512
#const MAX_DETECTIONS = 300
#const WORDS = WORKGROUP / 32

struct Params {
  anchors: i32,
  classes: i32,
  listStride: i32,
  capacity: u32,        // candidates an image may have; those that remain of more than maxCandidates are listed behind
  maxCandidates: u32,
  maxDetections: u32,   // at most MAX_DETECTIONS
  iou: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "detect/candidates.wgsl" BINDING=1
// Two cells an image: left and top of the picture in the input, its scale across and down; width and height of the picture.
@group(0) @binding(4) var<storage, read_write> frames: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> result: array<f32>;

var<workgroup> keys: array<vec2u, BATCH>;
var<workgroup> gathered: atomic<u32>;
var<workgroup> bins: array<atomic<u32>, 256>;
var<workgroup> bound: vec2u;
var<workgroup> below: u32;
var<workgroup> amount: u32;
var<workgroup> keptBoxes: array<vec4f, MAX_DETECTIONS>;
var<workgroup> keptLabels: array<u32, MAX_DETECTIONS>;
var<workgroup> chunkBoxes: array<vec4f, WORKGROUP>;
var<workgroup> chunkLabels: array<u32, WORKGROUP>;
var<workgroup> keptBits: array<atomic<u32>, WORDS>;
var<workgroup> droppedBits: array<atomic<u32>, WORDS>;

const NO_LABEL = 0xffffffffu;
const LAST_KEY = vec2u(0xffffffffu);

fn before(a: vec2u, b: vec2u) -> bool {
  return a.x < b.x || (a.x == b.x && a.y < b.y);
}

// Bits of a key above its `digit`-th byte, counted from the most significant.
fn prefixMask(digit: u32) -> vec2u {
  let high = select(0xffffffffu << (32u - 8u * digit), 0u, digit == 0u);
  let low = select(0xffffffffu << (64u - 8u * digit), 0u, digit <= 4u);
  return select(vec2u(high, 0u), vec2u(0xffffffffu, low), digit >= 4u);
}

fn digitOf(key: vec2u, digit: u32) -> u32 {
  return (select(key.x, key.y, digit >= 4u) >> (24u - 8u * (digit & 3u))) & 255u;
}

// A key such that at least `enough` and at most `most` of the candidates from `first` on lie before it; there are more than `most`.
fn selectBound(start: u32, total: u32, first: vec2u, enough: u32, most: u32, local: u32) -> vec2u {
  if (local == 0u) {
    bound = vec2u(0u);
    below = 0u;
  }
  var prefix = vec2u(0u);
  for (var digit = 0u; digit < 8u; digit++) {
    for (var i = local; i < 256u; i += u32(WORKGROUP)) { atomicStore(&bins[i], 0u); }
    workgroupBarrier();
    let mask = prefixMask(digit);
    for (var i = local; i < total; i += u32(WORKGROUP)) {
      let key = list[start + i];
      if (all((key & mask) == prefix) && !before(key, first)) { atomicAdd(&bins[digitOf(key, digit)], 1u); }
    }
    workgroupBarrier();
    if (local == 0u) {
      // Whole bytes while they fit; the first that does not is looked into next. One does not fit, as there are more than `most`.
      var sum = below;
      var value = 0u;
      var bin = atomicLoad(&bins[0]);
      while (value < 255u && sum + bin <= most) {
        sum += bin;
        value++;
        bin = atomicLoad(&bins[value]);
      }
      below = sum;
      let shifted = value << (24u - 8u * (digit & 3u));
      bound = select(prefix | vec2u(shifted, 0u), prefix | vec2u(0u, shifted), digit >= 4u);
    }
    prefix = workgroupUniformLoad(&bound);
    if (workgroupUniformLoad(&below) >= enough) { break; }
  }
  return prefix;
}

fn sortKeys(size: u32, local: u32) {
  for (var run = 2u; run <= size; run *= 2u) {
    for (var gap = run / 2u; gap > 0u; gap /= 2u) {
      for (var i = local; i < size / 2u; i += u32(WORKGROUP)) {
        let a = 2u * i - (i & (gap - 1u));
        let b = a + gap;
        let first = keys[a];
        let second = keys[b];
        if (before(second, first) == ((a & run) == 0u)) {
          keys[a] = second;
          keys[b] = first;
        }
      }
      workgroupBarrier();
    }
  }
}

fn overlaps(a: vec4f, b: vec4f) -> bool {
  let side = max(min(a.zw, b.zw) - max(a.xy, b.xy), vec2f(0.0));
  let intersection = side.x * side.y;
  let areaA = (a.z - a.x) * (a.w - a.y);
  let areaB = (b.z - b.x) * (b.w - b.y);
  return intersection > params.iou * (areaA + areaB - intersection);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let image = i32(group.x);
  let resultAt = image * (4 + 6 * MAX_DETECTIONS);
  var start = u32(image * params.listStride);
  if (local == 0u) { amount = min(atomicLoad(&count[image]), params.capacity); }
  let appended = workgroupUniformLoad(&amount);
  var total = appended;

  if (total > params.maxCandidates) {
    let end = selectBound(start, total, vec2u(0u), params.maxCandidates, params.maxCandidates, local);
    let behind = start + params.capacity;
    for (var i = local; i < total; i += u32(WORKGROUP)) {
      let key = list[start + i];
      if (before(key, end)) { list[behind + atomicAdd(&gathered, 1u)] = key; }
    }
    storageBarrier();
    start = behind;
    total = params.maxCandidates;
  }

  var done = 0u;
  var kept = 0u;
  var first = vec2u(0u);
  while (done < total && kept < params.maxDetections) {
    var end = LAST_KEY;
    if (total - done > u32(BATCH)) { end = selectBound(start, total, first, u32(BATCH) / 2u, u32(BATCH), local); }

    // The batch, in any order, then sorted; keys that come last fill it up to a power of two.
    workgroupBarrier();
    if (local == 0u) { atomicStore(&gathered, 0u); }
    workgroupBarrier();
    for (var i = local; i < total; i += u32(WORKGROUP)) {
      let key = list[start + i];
      if (!before(key, first) && before(key, end)) { keys[atomicAdd(&gathered, 1u)] = key; }
    }
    workgroupBarrier();
    if (local == 0u) { amount = atomicLoad(&gathered); }
    let batch = workgroupUniformLoad(&amount);
    var size = 2u;
    while (size < batch) { size *= 2u; }
    for (var i = batch + local; i < size; i += u32(WORKGROUP)) { keys[i] = LAST_KEY; }
    workgroupBarrier();
    sortKeys(size, local);

    for (var at = 0u; at < batch && kept < params.maxDetections; at += u32(WORKGROUP)) {
      let present = at + local < batch;
      let key = keys[min(at + local, batch - 1u)];
      let anchor = key.y / u32(params.classes);
      let label = key.y - anchor * u32(params.classes);
      let box = found[u32(image * params.anchors) + anchor];
      var alive = present;
      for (var k = 0u; k < kept; k++) {
        alive = alive && !(keptLabels[k] == label && overlaps(keptBoxes[k], box));
      }
      chunkBoxes[local] = box;
      chunkLabels[local] = select(NO_LABEL, label, alive);
      if (local < u32(WORDS)) {
        atomicStore(&keptBits[local], 0u);
        atomicStore(&droppedBits[local], 0u);
      }
      workgroupBarrier();

      // Bit i of rivals: candidate i of the chunk comes before this one and overlaps it.
#for w in 0..WORDS
      var rivals_$w = 0u;
      for (var i = $(32 * w)u; i < min($(32 * w + 32)u, batch - at); i++) {
        let rival = i < local && chunkLabels[i] == label && overlaps(chunkBoxes[i], box);
        rivals_$w |= select(0u, 1u << (i & 31u), rival);
      }
#end
      let word = local >> 5u;
      let bit = 1u << (local & 31u);
      var open = alive;
      loop {
        if (local == 0u) { atomicStore(&gathered, 0u); }
        workgroupBarrier();
        var beaten = 0u;
        var waiting = 0u;
#for w in 0..WORDS
        beaten |= rivals_$w & atomicLoad(&keptBits[$w]);
        waiting |= rivals_$w & ~atomicLoad(&droppedBits[$w]);
#end
        if (open && beaten != 0u) {
          atomicOr(&droppedBits[word], bit);
          open = false;
        }
        if (open && waiting == 0u) {
          atomicOr(&keptBits[word], bit);
          open = false;
        }
        if (open) { atomicAdd(&gathered, 1u); }
        workgroupBarrier();
        if (local == 0u) { amount = atomicLoad(&gathered); }
        if (workgroupUniformLoad(&amount) == 0u) { break; }
      }

      var rank = kept;
      var newly = 0u;
#for w in 0..WORDS
      let bits_$w = atomicLoad(&keptBits[$w]);
      newly += countOneBits(bits_$w);
      rank += countOneBits(bits_$w & select(select(0u, bit - 1u, word == $(w)u), 0xffffffffu, word > $(w)u));
#end
      let isKept = alive && (atomicLoad(&keptBits[word]) & bit) != 0u;
      if (isKept && rank < params.maxDetections) {
        keptBoxes[rank] = box;
        keptLabels[rank] = label;
        let place = frames[2 * image];
        let limit = frames[2 * image + 1].xyxy;
        let mapped = clamp((box - place.xyxy) / place.zwzw, vec4f(0.0), limit);
        let into = resultAt + 4 + 6 * i32(rank);
        result[into] = mapped.x;
        result[into + 1] = mapped.y;
        result[into + 2] = mapped.z;
        result[into + 3] = mapped.w;
        result[into + 4] = bitcast<f32>(~key.x);
        result[into + 5] = f32(label);
      }
      if (local == 0u) { amount = newly; }
      kept = min(kept + workgroupUniformLoad(&amount), params.maxDetections);
    }
    done += batch;
    first = end;
  }

  if (local == 0u) {
    result[resultAt] = f32(kept);
    result[resultAt + 1] = f32(appended);
    result[resultAt + 2] = f32(atomicLoad(&count[groups.x + group.x]));
    let boxes = atomicLoad(&count[2u * groups.x + group.x]);
    let exchanged = atomicLoad(&count[3u * groups.x + group.x]);
    result[resultAt + 3] = f32(exchanged) / f32(max(boxes, 1u));
    for (var k = 0u; k < 4u; k++) { atomicStore(&count[k * groups.x + group.x], 0u); }
  }
}
