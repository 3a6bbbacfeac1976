// A chain of maxima over K x K windows, stride 1, each of the result before it: y1 of x, y2 of y1, and with COUNT of 3
// y3 of y2. Windows of windows are larger windows:
//
//   y_n[c,v,u] = max over |i|, |j| <= n * (K - 1) / 2 of x[c, v + i, u + j], inside the image
//
// A repeated element changes no maximum, so coordinates are clamped to the image: its edge lies in every window that reaches beyond it.
// Dispatch: a thread for every strip of STRIP pixels of a plane (lib/strip.wgsl).
#const K = 5
#const COUNT = 3

#include "lib/strip.wgsl"
struct Params {
  input: Blocked,
  output1: Blocked,
  output2: Blocked,
#if COUNT == 3
  output3: Blocked,
#end
  pitch: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/output.wgsl" NAME=y1 BINDING=2 TENSOR=output1
#include "lib/output.wgsl" NAME=y2 BINDING=3 TENSOR=output2
#if COUNT == 3
#include "lib/output.wgsl" NAME=y3 BINDING=4 TENSOR=output3
#end

#const HALF = (K - 1) / 2
#const REACH = COUNT * HALF
#const NX = STRIP + 2 * REACH

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let strip = stripOf(params.input, thread);
  let source = planeOrigin(params.input, strip.plane);
#for p in 0..STRIP
#for n in 1..(COUNT + 1)
  var most_$(p)_$n = vec4f(-3.4e38);
#end
#end
  var i = -REACH;
  loop {
    let y = source.y + clamp(strip.y + i, 0, params.input.height - 1);
    var j = -REACH;
    loop {
      let cell = load_x(source.x + clamp(strip.x + j, 0, params.input.width - 1), y);
#for p in 0..STRIP
#for n in 1..(COUNT + 1)
      most_$(p)_$n = max(most_$(p)_$n, select(vec4f(-3.4e38), cell, max(abs(i), abs(j - $p)) <= $n * HALF));
#end
#end
      j++;
      if (j >= uncounted(REACH + STRIP, strip.y)) { break; }
    }
    i++;
    if (i >= uncounted(REACH + 1, strip.y)) { break; }
  }
#for n in 1..(COUNT + 1)
  let place_$n = planeOrigin(params.output$n, strip.plane);
#for p in 0..STRIP
  if (strip.x + $p < params.input.width) {
    store_y$n(place_$n.x + strip.x + $p, place_$n.y + strip.y, keepChannels(most_$(p)_$n, params.output$n, strip.block));
  }
#end
#end
}
