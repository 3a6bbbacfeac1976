// Channel shuffle: the channels of several groups dealt out in turn.
//
//   y[n, i * groups + g, v, u] = x[n, g * perGroup + i, v, u]
//
// Layouts: x and y alike `[N,C,H,W]`. Dispatch: a thread for every strip of STRIP pixels of y (lib/strip.wgsl).

#include "lib/strip.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  groups: i32,
  perGroup: i32,        // channels
  pitch: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/output.wgsl" NAME=y BINDING=2 TENSOR=output

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let strip = stripOf(params.output, thread);
  let place = planeOrigin(params.output, strip.plane);
#for l in 0..4
  // Channels past the last take its place.
  let channel_$l = min(4 * strip.block + $l, params.output.channels - 1);
  let index_$l = divide(channel_$l, params.groups);
  let from_$l = (channel_$l - index_$l * params.groups) * params.perGroup + index_$l;
  let source_$l = planeOrigin(params.input, (from_$l >> 2u) * params.input.batch + strip.image);
  let lane_$l = from_$l & 3;
#end
#for p in 0..STRIP
  if (strip.x + $p < params.output.width) {
    let x = strip.x + $p;
    var value = vec4f(0.0);
#for l in 0..4
    value[$l] = load_x(source_$l.x + x, source_$l.y + strip.y)[lane_$l];
#end
    store_y(place.x + x, place.y + strip.y, keepChannels(value, params.output, strip.block));
  }
#end
}
