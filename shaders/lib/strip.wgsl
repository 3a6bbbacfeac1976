// Threads over a tensor of row memory, each taking STRIP pixels of one row of one plane.
#include "lib/linear.wgsl"
#include "lib/storage.wgsl"
#const STRIP = 4

struct Strip {
  plane: i32,
  block: i32,
  image: i32,
  y: i32,
  x: i32,               // of the first pixel
}

// The strip of a thread; threads beyond the last strip repeat it.
fn stripOf(t: Blocked, thread: Thread) -> Strip {
  let across = (t.width + STRIP - 1) / STRIP;
  let strips = across * t.height;
  let index = min(linearIndex(thread), strips * t.blocks * t.batch - 1);
  let plane = divide(index, strips);
  let block = divide(plane, t.batch);
  let y = divide(index - plane * strips, across);
  return Strip(plane, block, plane - block * t.batch, y, (index - plane * strips - y * across) * STRIP);
}

// Zero in the spare channels of the last block, whatever was computed there.
fn keepChannels(value: vec4f, t: Blocked, block: i32) -> vec4f {
  return select(vec4f(0.0), value, vec4i(0, 1, 2, 3) < vec4i(t.channels - 4 * block));
}
