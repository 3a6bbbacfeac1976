// Planes of row memory cut into parts of `rows` rows, the last of a plane perhaps shorter; part number plane * parts + k. A team of
// threads takes a part (lib/team.wgsl): planes of a channel block follow each other, and so do its parts.
#include "lib/strip.wgsl"
#include "lib/team.wgsl"

struct Part {
  index: i32,
  plane: i32,
  block: i32,
  top: i32,             // first row
  bottom: i32,          // behind the last row
}

// The part of a thread's team.
fn partOf(t: Blocked, thread: Thread, rows: i32, parts: i32) -> Part {
  let index = teamOf(thread, t.blocks * t.batch * parts);
  let plane = divide(index, parts);
  let top = (index - plane * parts) * rows;
  return Part(index, plane, divide(plane, t.batch), top, min(top + rows, t.height));
}
