// What follows a sum before it is stored: the activation, and with RESIDUAL == 1 a tensor of the output's shape (binding 4), added
// before the activation where `params.activateLast` is 1. With `params.residualShift` the tensor is as many times halved in height and width.
// Needs `residual`, `activationA`, `activationB` among the parameters.
#const RESIDUAL = 0

#if RESIDUAL == 1
#include "lib/input.wgsl" NAME=r BINDING=4 TENSOR=residual
#end
#include "lib/activation.wgsl"

// `residualOrigin` is the origin of the residual's plane.
fn finish(sum: vec4f, residualOrigin: vec2i, x: i32, y: i32) -> vec4f {
#if RESIDUAL == 1
  let residual = load_r(residualOrigin.x + (x >> params.residualShift), residualOrigin.y + (y >> params.residualShift));
  let before = select(vec4f(0.0), residual, params.activateLast == 1u);
  let after = select(residual, vec4f(0.0), params.activateLast == 1u);
  return activate(sum + before, params.activationA, params.activationB) + after;
#else
  return activate(sum, params.activationA, params.activationB);
#end
}
