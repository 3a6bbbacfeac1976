// The candidate list that decoders fill and suppression reads. `count[image]` candidates of an image begin at image *
// params.listStride (behind the counts stand the faults of each image, its boxes over the confidence, and how many of these have their corners exchanged); a candidate is a key whose ascending order is the order of detections: the complement of the score's bits
// (scores are positive, so that their bits rise with them), then anchor * classes + class. Threads append in any order.
// `found` holds the corners of an anchor's box in input pixels, at image * params.anchors + anchor, where it has a candidate.
@group(0) @binding($(BINDING)) var<storage, read_write> count: array<atomic<u32>>;
@group(0) @binding($(BINDING + 1)) var<storage, read_write> list: array<vec2u>;
@group(0) @binding($(BINDING + 2)) var<storage, read_write> found: array<vec4f>;

fn append(image: i32, anchor: i32, label: i32, classes: i32, score: f32) {
  let slot = atomicAdd(&count[image], 1u);
  list[u32(image * params.listStride) + slot] = vec2u(~bitcast<u32>(score), u32(anchor * classes + label));
}
