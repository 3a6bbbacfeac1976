// Planes cut into tiles: `params.tiles` a plane, `params.tilesX` of them side by side. Tiles are numbered row by row, plane by plane.
#include "lib/linear.wgsl"

struct Tile {
  plane: i32,
  row: i32,             // of tiles; so the column
  column: i32,
}

// The tile of a number.
fn tileOf(index: i32) -> Tile {
  let plane = divide(index, params.tiles);
  let row = divide(index - plane * params.tiles, params.tilesX);
  return Tile(plane, row, index - plane * params.tiles - row * params.tilesX);
}
