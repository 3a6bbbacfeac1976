// Gradient of the maximum over K x K windows with stride 1: dx[p] is the sum of dy over the windows in which p is the first greatest
// element, by rows.
//
// All windows that hold p lie within K - 1 pixels of it. Window (i, j) reaches from p by i - K + 1 .. i rows and j - K + 1 .. j columns. An
// element beats p in all windows that hold both, so greatest elements of runs of a row, and of such runs over rows, tell which windows p
// has lost: one bit each. Ties are lost to what comes earlier.
// Layouts: x and dx `[N,C,H,W]`, dy `[N,C,H',W']`. Dispatch: a thread a pixel of dx (lib/strip.wgsl).
#const K = 5
#const STRIP = 1

#include "lib/strip.wgsl"
struct Params {
  input: Blocked,
  gradient: Blocked,
  output: Blocked,
  pad: vec2i,           // x, y
  pitch: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/input.wgsl" NAME=dy BINDING=2 TENSOR=gradient
#include "lib/output.wgsl" NAME=dx BINDING=3 TENSOR=output

const LOWEST = vec4f(-3.4e38);

// The element at a place relative to the plane, the least number outside of it.
fn at(source: vec2i, x: i32, y: i32) -> vec4f {
  let inside = x >= 0 && y >= 0 && x < params.input.width && y < params.input.height;
  let near = vec2i(clamp(x, 0, params.input.width - 1), clamp(y, 0, params.input.height - 1));
  return select(LOWEST, load_x(source.x + near.x, source.y + near.y), inside);
}

fn bit(lost: vec4<bool>, i: i32, j: i32) -> vec4u {
  return select(vec4u(0u), vec4u(1u << u32(i * K + j)), lost);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let thread = i32(local);
  let strip = stripOf(params.output, linearIndex(group, groups, local));
  let source = planeOrigin(params.input, strip.plane);
  let mine = load_x(source.x + strip.x, source.y + strip.y);
  var lost = vec4u(0u);

  // The row of p itself: what lies left of p in window j, and right of it.
  {
    var left = LOWEST;
    var right = LOWEST;
#for d in 1..K
    left = max(left, at(source, strip.x - $d, strip.y));
    right = max(right, at(source, strip.x + $d, strip.y));
    let left_$(K - 1 - d) = left;
    let right_$d = right;
#end
    let left_$(K - 1) = LOWEST;
    let right_0 = LOWEST;
    for (var i = 0; i < uncounted(K, thread); i++) {
#for j in 0..K
      lost |= bit((left_$j >= mine) | (right_$j > mine), i, $j);
#end
    }
  }

  // Rows above, then rows below, from the nearest on: each adds to what the windows that reach it hold.
#for side in 0..2
  {
#for j in 0..K
    var most_$j = LOWEST;
#end
    for (var d = 1; d < uncounted(K, thread); d++) {
#if side == 0
      let y = strip.y - d;
      let i = K - 1 - d;
#else
      let y = strip.y + d;
      let i = d;
#end
      let middle = at(source, strip.x, y);
      var left = middle;
      var right = middle;
      most_$(K - 1) = max(most_$(K - 1), middle);
      most_0 = max(most_0, middle);
#for e in 1..K
      left = max(left, at(source, strip.x - $e, y));
      right = max(right, at(source, strip.x + $e, y));
      most_$(K - 1 - e) = max(most_$(K - 1 - e), left);
      most_$e = max(most_$e, right);
#end
#for j in 0..K
#if side == 0
      lost |= bit(most_$j >= mine, i, $j);
#else
      lost |= bit(most_$j > mine, i, $j);
#end
#end
    }
  }
#end

  let gradient = planeOrigin(params.gradient, strip.plane);
  let corner = vec2i(strip.x, strip.y) + params.pad - (K - 1);
  var sum = vec4f(0.0);
  for (var i = 0; i < uncounted(K, thread); i++) {
    let v = corner.y + i;
    let insideY = v >= 0 && v < params.gradient.height;
    let row = gradient.y + clamp(v, 0, params.gradient.height - 1);
#for j in 0..K
    {
      let u = corner.x + $j;
      let inside = insideY && u >= 0 && u < params.gradient.width;
      let value = load_dy(gradient.x + clamp(u, 0, params.gradient.width - 1), row);
      let won = ((lost >> vec4u(u32(i * K + $j))) & vec4u(1u)) == vec4u(0u);
      sum += select(vec4f(0.0), value, won & vec4<bool>(inside));
    }
#end
  }
  let place = planeOrigin(params.output, strip.plane);
  store_dx(place.x + strip.x, place.y + strip.y, keepChannels(sum, params.output, strip.block));
}
