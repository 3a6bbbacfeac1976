// Row memory: how activations lie in device memory, and how kernels read and write them.
//
// An arena is a grid of cells, PITCH wide, its rows grouped in pages of PAGE_ROWS. A cell holds four channels of one pixel.
// A tensor [N,C,H,W] is cut into planes: plane p = block * N + n holds channels 4*block .. 4*block+3 of image n. `columns`
// planes lie side by side, the next ones `rise` rows below; pixel (x, y) of plane p is the cell
//     (p % columns * W + x,  p / columns * rise + y)
// counted from the tensor's first page. A range of channels is thus a range of planes: Concat and Split move nothing. A tensor
// that lies in another begins at plane `firstPlane` of a row of planes, `firstRow` rows below the top of its first page.
//
// STORAGE == texture: the arena is a 2D texture array, one page a layer. All bindings are storage textures: on software adapters
// loads from those are several times faster than from sampled textures, and those faster than from storage buffers. STORAGE == buffer: the arena is a storage buffer of the same cells, row by row.
// SCALAR is the stored type, f32 or f16; arithmetic is f32, but for what conv/direct.wgsl does with HALF == 1.
//
// A tensor may have int8 cells instead: four bytes in a word, in an arena of the same pitch. Bindings are told apart by the constants
// INT8_1, INT8_2, ... (1 where the tensor at that binding has int8 cells), and reading and writing go by numbers all the same.
#const STORAGE = texture
#const SCALAR = f32
#const PAGE_SHIFT = 3
#const JOINED_STEPS = 1

struct Blocked {
  width: i32,
  height: i32,
  channels: i32,
  blocks: i32,          // channels / 4, rounded up; the spare channels of the last block hold anything
  batch: i32,
  columns: i32,
  rise: i32,
  inverseColumns: f32,
  scale: f32,           // of int8 cells: a byte q stands for (q - zero) * scale
  zero: f32,
  low: f32,             // bytes that are stored lie in low .. high
  high: f32,
  firstPlane: i32,
  firstRow: i32,
  spareA: i32,          // structs in uniform memory are multiples of 16 bytes
  spareB: i32,
}

// First cell of a plane: column, row.
fn planeOrigin(t: Blocked, plane: i32) -> vec2i {
  let place = plane + t.firstPlane;
  // Integer division is slow on many adapters; half a step of margin makes this exact for any plane number below 2^20.
  let group = i32((f32(place) + 0.5) * t.inverseColumns);
  return vec2i((place - group * t.columns) * t.width, group * t.rise + t.firstRow);
}
