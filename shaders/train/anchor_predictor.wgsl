// The predictors of one level as the dispatches of the loss of anchors see them, a thread each: threads go image by image, anchor by
// anchor, row by row. `boxes` is bound by whoever includes this.
#include "lib/linear.wgsl"
#include "train/loss_boxes.wgsl"
#const ANCHORS = 3

struct Level {
  index: i32,
  width: i32,
  height: i32,
  images: i32,
  first: i32,       // the level's first predictor
  predictors: i32,  // of an image, of all levels
  rows: i32,        // boxes of an image
  classes: i32,
  stride: f32,      // input pixels a cell
  ratio: f32,
  gainBox: f32,
  gainClasses: f32,
  gainObjectness: f32,
#for a in 0..ANCHORS
  anchorWidth_$a: f32,   // in input pixels
  anchorHeight_$a: f32,
#end
}

struct Predictor {
  image: i32,
  at: i32,       // of its logits of x, in the map
  number: i32,   // among those of all images
  cell: vec2f,
  sides: vec2f,  // of the anchor, in input pixels
}

// The predictor of a thread; threads beyond the last repeat it.
fn predictorOf(level: Level, thread: i32) -> Predictor {
  let plane = level.width * level.height;
  let each = ANCHORS * plane;
  let index = min(thread, level.images * each - 1);
  let image = divide(index, each);
  let own = index - image * each;
  let anchor = divide(own, plane);
  let cell = own - anchor * plane;
  let y = divide(cell, level.width);
  var sides = vec2f(0.0);
#for a in 0..ANCHORS
  sides = select(sides, vec2f(level.anchorWidth_$a, level.anchorHeight_$a), anchor == $a);
#end
  let at = (image * ANCHORS + anchor) * (5 + level.classes) * plane + cell;
  let number = image * level.predictors + level.first + own;
  return Predictor(image, at, number, vec2f(f32(cell - y * level.width), f32(y)), sides);
}

// Whether a predictor learns a box: its anchor has about the box's sides, and its cell has the centre in it or is the nearest one beside,
// above or below (src/reference/loss/anchor_match.ts).
fn learns(level: Level, predictor: Predictor, row: i32) -> bool {
  let sides = sidesOf(row);
  let size = sides.zw - sides.xy;
  let fits = (size > vec2f(0.0)) & (size < level.ratio * predictor.sides) & (predictor.sides < level.ratio * size);
  let extent = vec2f(f32(level.width), f32(level.height));
  let centre = 0.5 * (sides.xy + sides.zw) / level.stride;
  let cell = floor(centre);
  let within = centre - cell;
  let home = predictor.cell == clamp(cell, vec2f(0.0), extent - 1.0);
  let before = (within < vec2f(0.5)) & (centre > vec2f(1.0)) & (predictor.cell == cell - 1.0);
  let behind = (within > vec2f(0.5)) & (extent - centre > vec2f(1.0)) & (predictor.cell == cell + 1.0);
  let near = home | before | behind;
  // Not across the corner.
  return labelOf(row, level.classes) >= 0 && all(fits) && all(near) && any(home);
}
