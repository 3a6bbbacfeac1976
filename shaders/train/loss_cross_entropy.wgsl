// Binary cross entropy of a logit's sigmoid with a target.

// log(1 + x) for 0 <= x <= 1, to the last digits where x is small.
fn logOnePlus(x: f32) -> f32 {
  return select(log(1.0 + x), x * (1.0 - x * (0.5 - x * (1.0 / 3.0))), x < 0.01);
}

fn crossEntropyOf(x: f32, aim: f32) -> f32 {
  return max(x, 0.0) - x * aim + logOnePlus(exp(-abs(x)));
}

fn sigmoidOf(x: f32) -> f32 {
  return 1.0 / (1.0 + exp(-x));
}
