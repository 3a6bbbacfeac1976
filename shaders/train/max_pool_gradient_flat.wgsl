// Gradient of the maximum over K x K windows with stride 1: dx[p] is the sum of dy over the windows in which p is the first greatest
// element, by rows.
//
// All windows that hold p lie within K - 1 pixels of it. Window (i, j) reaches from p by i - K + 1 .. i rows and j - K + 1 .. j columns. An
// element beats p in all windows that hold both, so greatest elements of runs of a row, and of such runs over rows, tell which windows p
// has lost: one bit each. Ties are lost to what comes earlier. Coordinates beyond an edge stand for the edge: they repeat an element of
// the window on the same side of p, unless p lies on that edge itself. Then a repeated p, or row of p, beats nothing that it does not beat
// anyhow, but where ties count: left of p, and above.
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

fn bit(lost: vec4<bool>, i: i32, j: i32) -> vec4u {
  return select(vec4u(0u), vec4u(1u << u32(i * K + j)), lost);
}

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let local = i32(thread.local);
  let strip = stripOf(params.output, thread);
  let source = planeOrigin(params.input, strip.plane);
  let mine = load_x(source.x + strip.x, source.y + strip.y);
  var lost = vec4u(0u);

  let centre = source.x + strip.x;
#for d in 1..K
  let before_$d = source.x + max(strip.x - $d, 0);
  let behind_$d = source.x + min(strip.x + $d, params.input.width - 1);
#end

  // The row of p itself: what lies left of p in window j, and right of it.
  {
    let row = source.y + strip.y;
    let inner = vec4<bool>(strip.x > 0);
    let left_$(K - 1) = LOWEST;
    let right_0 = LOWEST;
#for d in 1..K
    let left_$(K - 1 - d) = max(left_$(K - d), load_x(before_$d, row));
    let right_$d = max(right_$(d - 1), load_x(behind_$d, row));
#end
    for (var i = 0; i < uncounted(K, local); i++) {
#for j in 0..K
      lost |= bit(((left_$j >= mine) & inner) | (right_$j > mine), i, $j);
#end
    }
  }

  // Rows above, then rows below, from the nearest on: each adds to what the windows that reach it hold.
#for side in 0..2
  {
#if side == 0
    let inner = vec4<bool>(strip.y > 0);
#end
#for j in 0..K
    var most_$j = LOWEST;
#end
    for (var d = 1; d < uncounted(K, local); d++) {
#if side == 0
      let row = source.y + max(strip.y - d, 0);
      let i = K - 1 - d;
#else
      let row = source.y + min(strip.y + d, params.input.height - 1);
      let i = d;
#end
      let middle = load_x(centre, row);
      var left = middle;
      var right = middle;
      most_$(K - 1) = max(most_$(K - 1), middle);
      most_0 = max(most_0, middle);
#for e in 1..K
      left = max(left, load_x(before_$e, row));
      right = max(right, load_x(behind_$e, row));
      most_$(K - 1 - e) = max(most_$(K - 1 - e), left);
      most_$e = max(most_$e, right);
#end
#for j in 0..K
#if side == 0
      lost |= bit((most_$j >= mine) & inner, i, $j);
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
  for (var i = 0; i < uncounted(K, local); i++) {
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
