// y = activate((x - mean[c]) * inverse[c] * scale[c] + bias[c]), over row memory.
//
// Layouts: x and y alike `[N,C,H,W]`; vectors `[C]`. Dispatch: a team a part of a plane (lib/part.wgsl).
#include "lib/part.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  rows: i32,            // of a part
  parts: i32,           // of a plane
  pitch: i32,
  activationA: f32,
  activationB: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/output.wgsl" NAME=y BINDING=2 TENSOR=output
#include "lib/vector.wgsl" NAME=mean BINDING=3
#include "lib/vector.wgsl" NAME=inverse BINDING=4
#include "lib/vector.wgsl" NAME=scale BINDING=5
#include "lib/vector.wgsl" NAME=bias BINDING=6
#include "lib/activation.wgsl"

var<private> source: vec2i;
var<private> place: vec2i;
var<private> mean: vec4f;
var<private> factor: vec4f;
var<private> bias: vec4f;

fn visit(x: i32, y: i32) {
  // Multiplied out, a mean far from zero would take the digits of the difference away.
  let value = (load_x(source.x + x, source.y + y) - mean) * factor + bias;
  store_y(place.x + x, place.y + y, activate(value, params.activationA, params.activationB));
}

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let part = partOf(params.input, thread, params.rows, params.parts);
  let member = memberOf(thread);
  let channels = params.input.channels;
  source = planeOrigin(params.input, part.plane);
  place = planeOrigin(params.output, part.plane);
  mean = mean4(part.block, channels);
  // Where there is no channel everything is zero, so that the result is a number.
  factor = keepChannels(inverse4(part.block, channels) * scale4(part.block, channels), params.input, part.block);
  bias = keepChannels(bias4(part.block, channels), params.input, part.block);
#include "lib/each_pixel.wgsl" VISIT=visit EXTENT=input
}
