// Distances of an anchor's box from its point, in cells: the mean of the softmax over BINS whole distances, side by side (left, top,
// right, bottom). `logits` is bound by whoever includes this, plain `[N, 4 * BINS, h, w]`.
#const BINS = 16

// Where the logits of a side begin; the next bin follows a plane behind.
fn sideStart(image: i32, side: i32, at: i32, plane: i32) -> i32 {
  return (image * 4 + side) * BINS * plane + at;
}

// Of the four sides.
struct Distribution {
  peak: vec4f,  // greatest logit
  mass: vec4f,  // sum of exp(logit - peak)
  mean: vec4f,
}

fn distributionOf(image: i32, at: i32, plane: i32, thread: i32) -> Distribution {
  var all: Distribution;
  // A true loop: a side written out four times takes four times as long to compile.
  for (var side = 0; side < uncounted(4, thread); side++) {
    let start = sideStart(image, side, at, plane);
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
    let here = vec4i(0, 1, 2, 3) == vec4i(side);
    all.peak = select(all.peak, vec4f(peak), here);
    all.mass = select(all.mass, vec4f(mass), here);
    all.mean = select(all.mean, vec4f(moment / mass), here);
  }
  return all;
}
