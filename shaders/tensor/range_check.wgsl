// Sets a flag where a tensor of row memory in halves holds a number that was cut at the greatest one.
//
// Layouts: x `[N,C,H,W]` in row memory, flags plain, of which `slot` is written.
// Dispatch: a thread for every strip of STRIP pixels of x (lib/strip.wgsl).
#include "lib/strip.wgsl"
struct Params {
  input: Blocked,
  pitch: i32,
  slot: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
@group(0) @binding(2) var<storage, read_write> flags: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let strip = stripOf(params.input, thread);
  let source = planeOrigin(params.input, strip.plane);
#for i in 0..STRIP
  {
    let x = strip.x + $i;
    if (x < params.input.width) {
      let value = keepChannels(load_x(source.x + x, source.y + strip.y), params.input, strip.block);
      if (any(abs(value) >= vec4f(65504.0))) {
        flags[params.slot] = 1u;
      }
    }
  }
#end
}
