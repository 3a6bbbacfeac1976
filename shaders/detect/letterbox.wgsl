// Letterbox: a picture scaled into the input of a network (lib/picture.wgsl).
//
//   y[image, :, v, u] = letterboxed(u, v)
//
// A thread writes one column of ROWS pixels. Dispatch: x = columns / WORKGROUP, y = rows / ROWS, z = 1.
#const WORKGROUP = 64
#const ROWS = 4

#include "lib/storage.wgsl"
struct Params {
  output: Blocked,
#include "lib/picture_params.wgsl"
  image: i32,           // image of the output's batch
  pitch: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/picture.wgsl" BINDING=1
#include "lib/output.wgsl" NAME=y BINDING=2

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let u = i32(id.x);
  let column = columnSpan(u);
  let origin = planeOrigin(params.output, params.image);
#for j in 0..ROWS
  {
    let v = i32(id.y) * ROWS + $j;
    let value = letterboxed(column, rowSpan(v));
    if (u < params.output.width && v < params.output.height) {
      store_y(origin.x + u, origin.y + v, value);
    }
  }
#end
}
