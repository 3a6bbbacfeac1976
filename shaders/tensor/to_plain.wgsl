// Copies a tensor of row memory into a plain row-major one `[N,C,H,W]`.
//
// Dispatch: a thread for every strip of STRIP pixels of x (lib/strip.wgsl).
#include "lib/strip.wgsl"
struct Params {
  input: Blocked,
  pitch: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let strip = stripOf(params.input, thread);
  let source = planeOrigin(params.input, strip.plane);
  let plane = params.input.height * params.input.width;
  let first = (strip.image * params.input.channels + 4 * strip.block) * plane + strip.y * params.input.width;
#for p in 0..STRIP
  {
    let u = strip.x + $p;
    if (u < params.input.width) {
      let value = load_x(source.x + u, source.y + strip.y);
#for l in 0..4
      if (4 * strip.block + $l < params.input.channels) {
        y[first + $l * plane + u] = value[$l];
      }
#end
    }
  }
#end
}
