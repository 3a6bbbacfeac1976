// Third of the detection loss: every anchor of a level gets the box that claimed it or, where several did, of all boxes around it the
// one that it overlaps most (of equals the first); then its metric and overlap, and what is greatest among each box's anchors.
//
// `assignment` holds the claims of loss_claim.wgsl and then the row of the box, -1 for none, as a float. The greatest of positive
// floats is the greatest of their bits. Dispatch: a thread an anchor of the level.
#include "train/loss_cell.wgsl"
struct Params {
  level: Level,
  alpha: f32,
  beta: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> boxes: array<f32>;
@group(0) @binding(2) var<storage, read_write> predicted: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> logits: array<f32>;
@group(0) @binding(4) var<storage, read_write> assignment: array<u32>;
@group(0) @binding(5) var<storage, read_write> alignment: array<vec2f>;
@group(0) @binding(6) var<storage, read_write> maxima: array<atomic<u32>>;
#include "train/loss_metric.wgsl"

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let index = linearIndex(thread);
  // Two threads must not both replace the claims of one anchor.
  if (index >= params.level.images * params.level.plane) { return; }
  let cell = cellOf(params.level, index);
  let claims = assignment[cell.anchor];
  var row = -1;
  var aligned = vec2f(0.0);
  if (claims >= CLAIM) {
    let sides = predicted[cell.anchor];
    let first = cell.image * params.level.rows;
    row = i32(claims - CLAIM);
    if (claims >= 2u * CLAIM) {
      row = 0;
      var most = -1.0;
      for (var i = 0; i < uncounted(params.level.rows, index); i++) {
        let candidate = sidesOf(first + i);
        if (labelOf(first + i, params.level.classes) >= 0 && isInside(cell.point, candidate)) {
          let overlap = max(overlapOf(sides, candidate).value, 0.0);
          row = select(row, i, overlap > most);
          most = max(most, overlap);
        }
      }
    }
    let label = labelOf(first + row, params.level.classes);
    let overlap = max(overlapOf(sides, sidesOf(first + row)).value, 0.0);
    let logit = logits[(cell.image * params.level.classes + label) * params.level.plane + cell.at];
    aligned = vec2f(metricOf(logit, overlap, params.alpha, params.beta), overlap);
    atomicMax(&maxima[2 * (first + row)], bitcast<u32>(aligned.x));
    atomicMax(&maxima[2 * (first + row) + 1], bitcast<u32>(aligned.y));
  }
  assignment[cell.anchor] = bitcast<u32>(f32(row));
  alignment[cell.anchor] = aligned;
}
