// Copies a strided part of one tensor of row memory into a part of another: Slice, Split, Pad, and Concat on any axis but channels.
//
//   y[origin + i] = x[start + step * i], i over the region, axes n, c, y, x
//
// Where the source lies outside of x: MODE == constant stores `fill`; edge takes the nearest element; reflect mirrors at the edge.
// The region's channels begin on a block of y. ALIGNED == 1 promises step 1 and a start on a block of x as well, and no padding of
// channels.
// Dispatch: a thread for every strip of STRIP pixels of the region (lib/strip.wgsl).
#const MODE = constant
#const ALIGNED = 0

#include "lib/strip.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  region: Blocked,      // the copied part; it has no place of its own
  start: vec4i,         // image, channel, y, x; so the others
  step: vec4i,
  origin: vec4i,
  fill: f32,
  pitch: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/output.wgsl" NAME=y BINDING=2 TENSOR=output

// The index within `extent` that stands for one that may lie outside; -1 where none does.
fn within(index: i32, extent: i32) -> i32 {
#if MODE == constant
  return select(-1, index, index >= 0 && index < extent);
#end
#if MODE == edge
  return clamp(index, 0, extent - 1);
#end
#if MODE == reflect
  let up = abs(index);
  return select(up, 2 * (extent - 1) - up, up >= extent);
#end
}

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let strip = stripOf(params.region, thread);
  let image = within(params.start.x + params.step.x * strip.image, params.input.batch);
  let row = within(params.start.z + params.step.z * strip.y, params.input.height);
  let block = strip.block + (params.origin.y >> 2u);
  let place = planeOrigin(params.output, block * params.output.batch + strip.image + params.origin.x) + params.origin.wz;
#if ALIGNED == 1
  let source = planeOrigin(params.input, (strip.block + (params.start.y >> 2u)) * params.input.batch + max(image, 0));
#else
#for l in 0..4
  let channel_$l = within(params.start.y + params.step.y * (4 * strip.block + $l), params.input.channels);
  // Channels past the region's last are cleared at the end; until then any element will do.
  let from_$l = min(max(channel_$l, 0), params.input.channels - 1);
  let source_$l = planeOrigin(params.input, (from_$l >> 2u) * params.input.batch + max(image, 0));
  let lane_$l = from_$l & 3;
#end
#end
#for p in 0..STRIP
  if (strip.x + $p < params.region.width) {
    let column = within(params.start.w + params.step.w * (strip.x + $p), params.input.width);
    let inside = image >= 0 && row >= 0 && column >= 0;
    let cx = max(column, 0);
    let cy = max(row, 0);
#if ALIGNED == 1
    let value = select(vec4f(params.fill), load_x(source.x + cx, source.y + cy), inside);
#else
    var value = vec4f(params.fill);
#for l in 0..4
    value[$l] = select(params.fill, load_x(source_$l.x + cx, source_$l.y + cy)[lane_$l], inside && channel_$l >= 0);
#end
#end
    store_y(place.x + strip.x + $p, place.y + strip.y, keepChannels(value, params.region, strip.block));
  }
#end
}
