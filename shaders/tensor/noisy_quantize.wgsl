// y = clamp(round((x / scale[c] + sigma * noise) / step), low, high) * step * scale[c] over row memory; noise by lib/counter_normal.wgsl.
//
// Layouts: x and y alike `[N,C,H,W]`. Weights: row = channel block, its scales. Dispatch: a thread for every strip of STRIP pixels of y
// (lib/strip.wgsl).
#const NOISY = 1

#include "lib/strip.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  pitch: i32,
  weightColumns: i32,
  weightRows: i32,
  step: f32,
  low: f32,
  high: f32,
  sigma: f32,
  seed: i32,            // scrambled
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/output.wgsl" NAME=y BINDING=2 TENSOR=output
#include "lib/weights.wgsl" BINDING=3
#include "lib/activation.wgsl"
#include "lib/counter_normal.wgsl"

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let strip = stripOf(params.output, thread);
  let source = planeOrigin(params.input, strip.plane);
  let place = planeOrigin(params.output, strip.plane);
  let scale = weight(0, strip.block, 0);
  // Places count through the tensor as it would lie row-major, so that they do not depend on the layout.
  let size = params.output.height * params.output.width;
  let channels = strip.image * params.output.channels + 4 * strip.block + vec4i(0, 1, 2, 3);
  let first = channels * size + strip.y * params.output.width;
#for i in 0..STRIP
  {
    let x = strip.x + $i;
    if (x < params.output.width) {
      let value = load_x(source.x + x, source.y + strip.y);
      let result = noisyQuantize(value, scale, first + x);
      store_y(place.x + x, place.y + strip.y, keepChannels(result, params.output, strip.block));
    }
  }
#end
}
