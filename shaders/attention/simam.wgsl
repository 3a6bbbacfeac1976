// SimAM (Yang et al. 2021): each element times the sigmoid of its inverse energy, computed plane by plane.
//
//   y = x * sigmoid(d / (scale * sum of d + shift) + offset),  d = (x - mean)^2; sum and mean over v, u of a channel
//
// Layouts: x and y alike `[N,C,H,W]`. Dispatch: a team of threads a plane (lib/team.wgsl), which walks over it three times.
#include "lib/strip.wgsl"
#include "lib/team.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  factor: f32,          // what makes a sum a mean
  scale: f32,
  shift: f32,
  offset: f32,
  pitch: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/output.wgsl" NAME=y BINDING=2 TENSOR=output
#include "lib/activation.wgsl"

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let plane = teamOf(thread, params.output.blocks * params.output.batch);
  let member = memberOf(thread);
  let source = planeOrigin(params.input, plane);
  let place = planeOrigin(params.output, plane);
  let block = divide(plane, params.output.batch);
  let width = params.input.width;
  let pixels = uncounted(width * params.input.height, i32(thread.local));

  var sum = vec4f(0.0);
  for (var pixel = member; pixel < pixels; pixel += TEAM) {
    let y = divide(pixel, width);
    sum += load_x(source.x + pixel - y * width, source.y + y);
  }
  let mean = combined(sum, member) * params.factor;
  var squares = vec4f(0.0);
  for (var pixel = member; pixel < pixels; pixel += TEAM) {
    let y = divide(pixel, width);
    let deviation = load_x(source.x + pixel - y * width, source.y + y) - mean;
    squares += deviation * deviation;
  }
  let inverse = 1.0 / (params.scale * combined(squares, member) + params.shift);
  for (var pixel = member; pixel < pixels; pixel += TEAM) {
    let y = divide(pixel, width);
    let x = pixel - y * width;
    let value = load_x(source.x + x, source.y + y);
    let deviation = value - mean;
    let gate = sigmoid4(deviation * deviation * inverse + params.offset);
    store_y(place.x + x, place.y + y, keepChannels(value * gate, params.output, block));
  }
}
