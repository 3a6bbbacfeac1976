// Begins the entry point of a shader whose dispatch may compute several steps: what follows is the body of a function of
// `thread: Thread`, which knows of one step alone. Needs lib/params.wgsl.
#include "lib/linear.wgsl"
#if JOINED_STEPS > 1
@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  var group = linearGroup(thread);
  var grid = joined.step0.grid;
  var first = 0;
#for p in 0..JOINED_STEPS
  if (group >= joined.step$p.place.z) {
    params = joined.step$p.params;
    stepRow1 = joined.step$p.rows.x;
    stepRow2 = joined.step$p.rows.y;
    stepRow3 = joined.step$p.rows.z;
    stepRow4 = joined.step$p.rows.w;
    stepRow5 = joined.step$p.place.x;
    stepLayer = joined.step$p.place.y;
    first = joined.step$p.place.z;
    grid = joined.step$p.grid;
  }
#end
  group -= first;
  let row = divide(group, grid.x);
  let layer = divide(row, grid.y);
  let place = vec3i(group - row * grid.x, row - layer * grid.y, layer);
  computeStep(Thread(vec3u(place), vec3u(grid.xyz), thread.local));
}
fn computeStep(thread: Thread) {
#else
@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
#end
