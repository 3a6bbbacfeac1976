// Boxes as the losses of detectors read them. `boxes` is bound by whoever includes this, plain `[N, M, 5]`: class, left, top, right, bottom.

// The class of a box; negative where there is none.
fn labelOf(row: i32, classes: i32) -> i32 {
  let label = boxes[5 * row];
  return select(-1, i32(label), label >= 0.0 && label < f32(classes));
}

fn sidesOf(row: i32) -> vec4f {
  return vec4f(boxes[5 * row + 1], boxes[5 * row + 2], boxes[5 * row + 3], boxes[5 * row + 4]);
}
