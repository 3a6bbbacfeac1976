// y = activate(x), or y = activate(x * scale[c] + shift[c]) with AFFINE == 1, over row memory.
//
// Layouts: x and y alike `[N,C,H,W]`. Weights (AFFINE): row = channel block; column 0 holds its scales, column 1 its shifts.
// Dispatch: a thread for every strip of STRIP pixels of y (lib/strip.wgsl).
#const AFFINE = 0

#include "lib/strip.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  pitch: i32,
  weightColumns: i32,
  weightRows: i32,
  activationA: f32,
  activationB: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/output.wgsl" NAME=y BINDING=2 TENSOR=output
#if AFFINE == 1
#include "lib/weights.wgsl" BINDING=3
#end
#include "lib/activation.wgsl"

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let strip = stripOf(params.output, thread);
  let source = planeOrigin(params.input, strip.plane);
  let place = planeOrigin(params.output, strip.plane);
#if AFFINE == 1
  let scale = weight(0, strip.block, 0);
  let shift = weight(1, strip.block, 0);
#end
#for i in 0..STRIP
  {
    let x = strip.x + $i;
    if (x < params.output.width) {
      let value = load_x(source.x + x, source.y + strip.y);
#if AFFINE == 1
      let result = activate(value * scale + shift, params.activationA, params.activationB);
#else
      let result = activate(value, params.activationA, params.activationB);
#end
      store_y(place.x + x, place.y + strip.y, keepChannels(result, params.output, strip.block));
    }
  }
#end
}
