// Gradient of batch normalisation with respect to x (Ioffe & Szegedy 2015), through the activation behind it where there is one:
//
//   dx = scale * inverse * (g - mean of g - xhat * mean of (g * xhat))
//
// with g and xhat as in channel_partials.wgsl; `means` holds both means of each channel block from vector 2 * `first` on
// (channel_totals.wgsl). Layouts: x, dy and dx alike `[N,C,H,W]`; vectors `[C]`. Dispatch: a team a part of a plane (lib/part.wgsl).
#const FROM_INPUT = 1

#include "lib/part.wgsl"
struct Params {
  input: Blocked,
  gradient: Blocked,
  output: Blocked,
  rows: i32,            // of a part
  parts: i32,           // of a plane
  first: i32,
  pitch: i32,
  activationA: f32,
  activationB: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/input.wgsl" NAME=dy BINDING=2 TENSOR=gradient
#include "lib/output.wgsl" NAME=dx BINDING=3 TENSOR=output
@group(0) @binding(4) var<storage, read_write> means: array<vec4f>;
#include "lib/vector.wgsl" NAME=mean BINDING=5
#include "lib/vector.wgsl" NAME=inverse BINDING=6
#include "lib/vector.wgsl" NAME=scale BINDING=7
#include "lib/activation.wgsl"
#if ACTIVATION != None
#include "lib/vector.wgsl" NAME=bias BINDING=8
#end
#include "train/normalised.wgsl"

var<private> source: vec2i;
var<private> gradientOrigin: vec2i;
var<private> place: vec2i;
var<private> norm: Norm;
var<private> factor: vec4f;
var<private> meanOfGradient: vec4f;
var<private> meanOfProduct: vec4f;

fn visit(x: i32, y: i32) {
  let normal = normalised(load_x(source.x + x, source.y + y), norm);
  let gradient = load_dy(gradientOrigin.x + x, gradientOrigin.y + y) * derivativeAt(normal, norm);
  store_dx(place.x + x, place.y + y, factor * (gradient - meanOfGradient - normal * meanOfProduct));
}

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let part = partOf(params.input, thread, params.rows, params.parts);
  let member = memberOf(thread);
  let channels = params.input.channels;
  source = planeOrigin(params.input, part.plane);
  gradientOrigin = planeOrigin(params.gradient, part.plane);
  place = planeOrigin(params.output, part.plane);
  norm = normOf(part.block, channels);
  // Where there is no channel everything is zero, so that the result is a number.
  factor = keepChannels(norm.inverse * scale4(part.block, channels), params.input, part.block);
  let at = 2 * (params.first + part.block);
  meanOfGradient = keepChannels(means[at], params.input, part.block);
  meanOfProduct = keepChannels(means[at + 1], params.input, part.block);
#include "lib/each_pixel.wgsl" VISIT=visit EXTENT=input
}
