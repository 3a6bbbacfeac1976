// Sums over the pixels of parts of planes (lib/part.wgsl), a vector of four channels each, from which sums over all of a channel's
// pixels are made. `partials` gets two vectors a part. What they are is said by MODE:
//
//   sum       the sum of x, and 0
//   moments   the mean of x, and the sum of (x - mean)^2
//   gradient  the sum of g, and that of g * xhat, where xhat = (x - mean) * inverse and g is dy times the derivative of ACTIVATION at
//             xhat * scale + bias; FROM_INPUT == 0 where that derivative is computed from the activation's output
//
// Moments are those of the distance to a number among x, else a mean far from zero would leave nothing of the deviation.
// Layouts: x and dy alike `[N,C,H,W]`; mean, inverse, scale, bias `[C]`. Dispatch: a team a part.
#const MODE = sum
#const FROM_INPUT = 1

#include "lib/part.wgsl"
struct Params {
  input: Blocked,
  gradient: Blocked,    // as input, where there is none
  rows: i32,            // of a part
  parts: i32,           // of a plane
  pitch: i32,
  activationA: f32,
  activationB: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
@group(0) @binding(2) var<storage, read_write> partials: array<vec4f>;
#if MODE == gradient
#include "lib/input.wgsl" NAME=dy BINDING=3 TENSOR=gradient
#include "lib/vector.wgsl" NAME=mean BINDING=4
#include "lib/vector.wgsl" NAME=inverse BINDING=5
#include "lib/activation.wgsl"
#if ACTIVATION != None
#include "lib/vector.wgsl" NAME=scale BINDING=6
#include "lib/vector.wgsl" NAME=bias BINDING=7
#end
#include "train/normalised.wgsl"
#end

var<private> origin: vec2i;
var<private> first: vec4f;
var<private> second: vec4f;
#if MODE == moments
var<private> shift: vec4f;
#end
#if MODE == gradient
var<private> gradientOrigin: vec2i;
var<private> norm: Norm;
#end

fn visit(x: i32, y: i32) {
  let value = load_x(origin.x + x, origin.y + y);
#if MODE == sum
  first += value;
#end
#if MODE == moments
  let distance = value - shift;
  first += distance;
  second += distance * distance;
#end
#if MODE == gradient
  let normal = normalised(value, norm);
  let gradient = load_dy(gradientOrigin.x + x, gradientOrigin.y + y) * derivativeAt(normal, norm);
  first += gradient;
  second += gradient * normal;
#end
}

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let part = partOf(params.input, thread, params.rows, params.parts);
  let member = memberOf(thread);
  origin = planeOrigin(params.input, part.plane);
#if MODE == moments
  // Of four pixels, lest one that stands out spoil the rest.
  let right = origin.x + params.input.width - 1;
  let low = origin.y + part.bottom - 1;
  let upper = load_x(origin.x, origin.y + part.top) + load_x(right, origin.y + part.top);
  shift = 0.25 * (upper + load_x(origin.x, low) + load_x(right, low));
#end
#if MODE == gradient
  gradientOrigin = planeOrigin(params.gradient, part.plane);
  norm = normOf(part.block, params.input.channels);
#end
#include "lib/each_pixel.wgsl" VISIT=visit EXTENT=input
  first = combined(first, member);
#if MODE != sum
  second = combined(second, member);
#end
  if (member == 0) {
#if MODE == moments
    let pixels = f32((part.bottom - part.top) * params.input.width);
    let mean = first / pixels;
    partials[2 * part.index] = shift + mean;
    partials[2 * part.index + 1] = max(second - first * mean, vec4f(0.0));
#else
    partials[2 * part.index] = first;
    partials[2 * part.index + 1] = second;
#end
  }
}
