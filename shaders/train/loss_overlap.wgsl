// How much a box overlaps a target, and the slope along its sides; boxes are left, top, right, bottom. OVERLAP is iou, giou, diou or
// ciou; the formulas are in src/reference/loss/overlap.ts.
#const OVERLAP = ciou
const OVERLAP_EPSILON = 1e-7;

struct Overlap {
  value: f32,
  slope: vec4f,
}

fn overlapOf(box: vec4f, goal: vec4f) -> Overlap {
  // Which way width and height grow with a side.
  let widens = vec4f(-1.0, 0.0, 1.0, 0.0);
  let rises = vec4f(0.0, -1.0, 0.0, 1.0);
  let size = box.zw - box.xy + vec2f(0.0, OVERLAP_EPSILON);
  let goalSize = goal.zw - goal.xy + vec2f(0.0, OVERLAP_EPSILON);

  // A side moves the intersection where it is the inner one, else the hull.
  let inner = vec4<bool>(box.xy > goal.xy, box.zw < goal.zw);
  let joint = min(box.zw, goal.zw) - max(box.xy, goal.xy);
  let overlaps = all(joint > vec2f(0.0));
  let intersection = select(0.0, joint.x * joint.y, overlaps);
  let whole = size.x * size.y + goalSize.x * goalSize.y - intersection + OVERLAP_EPSILON;
  let iou = intersection / whole;
  let intersectionSlope = select(vec4f(0.0), widens * joint.y + rises * joint.x, inner & vec4<bool>(overlaps));
  let wholeSlope = widens * size.y + rises * size.x - intersectionSlope;
  let iouSlope = (intersectionSlope - iou * wholeSlope) / whole;
#if OVERLAP == iou
  return Overlap(iou, iouSlope);
#else
  let hull = max(box.zw, goal.zw) - min(box.xy, goal.xy);
  let hullWidens = select(widens, vec4f(0.0), inner);
  let hullRises = select(rises, vec4f(0.0), inner);
#if OVERLAP == giou
  let area = hull.x * hull.y + OVERLAP_EPSILON;
  let areaSlope = hullWidens * hull.y + hull.x * hullRises;
  return Overlap(iou - (area - whole) / area, iouSlope + (wholeSlope - whole / area * areaSlope) / area);
#else
  let diagonal = dot(hull, hull) + OVERLAP_EPSILON;
  let diagonalSlope = 2.0 * (hull.x * hullWidens + hull.y * hullRises);
  let apart = 0.5 * ((box.xy - goal.xy) + (box.zw - goal.zw));
  let distance = dot(apart, apart) / diagonal;
  let diou = iou - distance;
  let diouSlope = iouSlope - (apart.xyxy - distance * diagonalSlope) / diagonal;
#if OVERLAP == diou
  return Overlap(diou, diouSlope);
#else
  // atan(w' / h') - atan(w / h) as one angle: the difference would cancel.
  let angle = atan((goalSize.x * size.y - goalSize.y * size.x) / (goalSize.y * size.y + goalSize.x * size.x));
  let v = 0.405284735 * angle * angle;
  let alpha = v / (max(1.0 - iou, 0.0) + v + OVERLAP_EPSILON);
  let slopeOfAngle = 0.81056947 * angle / dot(size, size);
  return Overlap(diou - alpha * v, diouSlope - alpha * slopeOfAngle * (rises * size.x - widens * size.y));
#end
#end
#end
}
