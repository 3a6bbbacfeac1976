// Copies a plain row-major tensor `[N,C,H,W]` into row memory; spare channels become zero.
//
// Dispatch: a thread for every strip of STRIP pixels of y (lib/strip.wgsl).
#include "lib/strip.wgsl"
struct Params {
  output: Blocked,
  pitch: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
#include "lib/output.wgsl" NAME=y BINDING=2 TENSOR=output

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let strip = stripOf(params.output, thread);
  let place = planeOrigin(params.output, strip.plane);
  let last = params.output.channels - 1;
#for l in 0..4
  let row_$l = ((strip.image * params.output.channels + min(4 * strip.block + $l, last)) * params.output.height + strip.y) * params.output.width;
#end
#for p in 0..STRIP
  {
    let u = strip.x + $p;
    if (u < params.output.width) {
      let value = vec4f(x[row_0 + u], x[row_1 + u], x[row_2 + u], x[row_3 + u]);
      store_y(place.x + u, place.y + strip.y, keepChannels(value, params.output, strip.block));
    }
  }
#end
}
