// Distances of an anchor's box from its point, in cells: the mean of the softmax over BINS whole distances, side by side (left, top,
// right, bottom). `logits` is bound by whoever includes this, plain `[N, 4 * BINS, h, w]`.
#const BINS = 16

// Where the logits of a side begin; the next bin follows a plane behind.
fn sideStart(image: i32, side: i32, at: i32, plane: i32) -> i32 {
  return (image * 4 + side) * BINS * plane + at;
}

struct Distribution {
  peak: f32,  // greatest logit
  mass: f32,  // sum of exp(logit - peak)
  mean: f32,
}

fn distributionOf(start: i32, plane: i32) -> Distribution {
#for b in 0..BINS
  let logit_$b = logits[start + $b * plane];
#end
  var peak = logit_0;
#for b in 1..BINS
  peak = max(peak, logit_$b);
#end
  var mass = 0.0;
  var moment = 0.0;
#for b in 0..BINS
  let share_$b = exp(logit_$b - peak);
  mass += share_$b;
  moment += $(b).0 * share_$b;
#end
  return Distribution(peak, mass, moment / mass);
}
