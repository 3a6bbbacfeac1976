// The anchors of one level as the dispatches of the detection loss see them, a thread each: threads go image by image, row by row.
#include "lib/linear.wgsl"

struct Level {
  width: i32,
  plane: i32,    // cells of a map
  images: i32,
  first: i32,    // the level's first anchor
  anchors: i32,  // anchors of an image, of all levels
  rows: i32,     // boxes of an image
  classes: i32,
  stride: f32,   // input pixels a cell
}

struct Cell {
  image: i32,
  at: i32,       // cell within its plane
  anchor: i32,   // among those of all images
  point: vec2f,  // centre of the cell in input pixels
}

// The cell of a thread; threads beyond the last repeat it.
fn cellOf(level: Level, thread: i32) -> Cell {
  let index = min(thread, level.images * level.plane - 1);
  let image = divide(index, level.plane);
  let at = index - image * level.plane;
  let y = divide(at, level.width);
  let point = vec2f(f32(at - y * level.width), f32(y)) + 0.5;
  return Cell(image, at, image * level.anchors + level.first + at, point * level.stride);
}
