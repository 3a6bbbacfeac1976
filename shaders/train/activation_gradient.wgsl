// dx = dy * the derivative of ACTIVATION at `value` (lib/derivative.wgsl), over row memory.
//
// Layouts: value, dy and dx alike `[N,C,H,W]`. Dispatch: a thread for every strip of STRIP pixels of dx (lib/strip.wgsl).
#include "lib/strip.wgsl"
struct Params {
  input: Blocked,
  gradient: Blocked,
  output: Blocked,
  pitch: i32,
  activationA: f32,
  activationB: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=value BINDING=1 TENSOR=input
#include "lib/input.wgsl" NAME=dy BINDING=2 TENSOR=gradient
#include "lib/output.wgsl" NAME=dx BINDING=3 TENSOR=output
#include "lib/activation.wgsl"
#include "lib/derivative.wgsl"

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let strip = stripOf(params.output, thread);
  let source = planeOrigin(params.input, strip.plane) + vec2i(strip.x, strip.y);
  let gradient = planeOrigin(params.gradient, strip.plane) + vec2i(strip.x, strip.y);
  let place = planeOrigin(params.output, strip.plane) + vec2i(strip.x, strip.y);
#for i in 0..STRIP
  if (strip.x + $i < params.output.width) {
    let slope = derivative(load_value(source.x + $i, source.y), params.activationA, params.activationB);
    let result = load_dy(gradient.x + $i, gradient.y) * slope;
    store_dx(place.x + $i, place.y, keepChannels(result, params.output, strip.block));
  }
#end
}
