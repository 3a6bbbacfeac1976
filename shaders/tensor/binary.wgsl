// y = activate(a OP b) over row memory, each operand broadcast to y `[N,C,H,W]` along the axes where its extent is 1.
//
// OP is that of lib/operation.wgsl. SECOND says what b is: a tensor, the same tensor as a, or a constant. SWAP == 1 computes
// `b OP a`. A constant `[N',C',H',W']` lies in the weights: column = x, row = (block * N' + image) * H' + y; `params.second`
// tells its extents (and has no place in the arena).
// Dispatch: a thread for every strip of STRIP pixels of y (lib/strip.wgsl).
#const SECOND = tensor
#const SWAP = 0

#include "lib/strip.wgsl"
struct Params {
  first: Blocked,
  second: Blocked,
  output: Blocked,
  pitch: i32,
  weightColumns: i32,
  weightRows: i32,
  activationA: f32,
  activationB: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=a BINDING=1 TENSOR=first
#include "lib/output.wgsl" NAME=y BINDING=2 TENSOR=output
#if SECOND == tensor
#include "lib/input.wgsl" NAME=b BINDING=3 TENSOR=second
#end
#if SECOND == constant
#include "lib/weights.wgsl" BINDING=3
#end
#include "lib/operation.wgsl" TYPE=vec4f
#include "lib/activation.wgsl"

// The plane of an operand that goes with a plane of the output.
fn planeFor(t: Blocked, strip: Strip) -> i32 {
  return min(strip.block, t.blocks - 1) * t.batch + min(strip.image, t.batch - 1);
}

// A single channel serves all of them.
fn spread(value: vec4f, t: Blocked) -> vec4f {
  return select(value, value.xxxx, t.channels == 1);
}

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let strip = stripOf(params.output, thread);
  let place = planeOrigin(params.output, strip.plane);
  let originA = planeOrigin(params.first, planeFor(params.first, strip));
  let rowA = originA.y + min(strip.y, params.first.height - 1);
#if SECOND == tensor
  let originB = planeOrigin(params.second, planeFor(params.second, strip));
  let rowB = originB.y + min(strip.y, params.second.height - 1);
#end
#if SECOND == constant
  let rowB = planeFor(params.second, strip) * params.second.height + min(strip.y, params.second.height - 1);
#end
#for i in 0..STRIP
  {
    let x = strip.x + $i;
    if (x < params.output.width) {
      let a = spread(load_a(originA.x + min(x, params.first.width - 1), rowA), params.first);
#if SECOND == tensor
      let b = spread(load_b(originB.x + min(x, params.second.width - 1), rowB), params.second);
#end
#if SECOND == constant
      let b = spread(weight(min(x, params.second.width - 1), rowB, 0), params.second);
#end
#if SECOND == same
      let b = a;
#end
#if SWAP == 1
      let value = operate(b, a);
#else
      let value = operate(a, b);
#end
      let result = activate(value, params.activationA, params.activationB);
      store_y(place.x + x, place.y + strip.y, keepChannels(result, params.output, strip.block));
    }
  }
#end
}
