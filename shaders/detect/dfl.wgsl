// Distances of a box's sides from its anchor, in cells, by distribution focal loss:
//
//   distance(side) = sum_b b * softmax(logits of the side)[b],   b = 0 .. 4 * CELLS - 1
//
// Logits: the blocked tensor bound as `boxes`, channel 4 * CELLS * side + b; sides left, top, right, bottom.
#const CELLS = 4

fn sideDistance(side: i32, image: i32, pixel: vec2i) -> f32 {
#for b in 0..CELLS
  let origin_$b = planeOrigin(params.boxes, (side * CELLS + $b) * params.boxes.batch + image);
  let logits_$b = load_boxes(origin_$b.x + pixel.x, origin_$b.y + pixel.y);
#end
  var top = logits_0;
#for b in 1..CELLS
  top = max(top, logits_$b);
#end
  let peak = max(max(top.x, top.y), max(top.z, top.w));
  var mass = vec4f(0.0);
  var moment = vec4f(0.0);
#for b in 0..CELLS
  let share_$b = exp(logits_$b - peak);
  mass += share_$b;
  moment += share_$b * vec4f($(4 * b), $(4 * b + 1), $(4 * b + 2), $(4 * b + 3));
#end
  return dot(moment, vec4f(1.0)) / dot(mass, vec4f(1.0));
}

// Corners of the anchor's box in cells: x1, y1, x2, y2.
fn anchorBox(image: i32, pixel: vec2i) -> vec4f {
  let centre = vec2f(pixel) + 0.5;
  let near = vec2f(sideDistance(0, image, pixel), sideDistance(1, image, pixel));
  let far = vec2f(sideDistance(2, image, pixel), sideDistance(3, image, pixel));
  return vec4f(centre - near, centre + far);
}
