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
  // most_j_n: the greatest of column j within n * HALF rows.
#for j in 0..NX
  let x_$j = source.x + clamp(strip.x + $j - REACH, 0, params.input.width - 1);
#for n in 1..(COUNT + 1)
  var most_$(j)_$n = vec4f(-3.4e38);
#end
#end
  for (var i = -REACH; i < uncounted(REACH + 1, strip.y); i++) {
    let y = source.y + clamp(strip.y + i, 0, params.input.height - 1);
#for j in 0..NX
    let cell_$j = load_x(x_$j, y);
#for n in 1..COUNT
    most_$(j)_$n = max(most_$(j)_$n, select(vec4f(-3.4e38), cell_$j, abs(i) <= $n * HALF));
#end
    most_$(j)_$COUNT = max(most_$(j)_$COUNT, cell_$j);
#end
  }
#for n in 1..(COUNT + 1)
  let place_$n = planeOrigin(params.output$n, strip.plane);
#for p in 0..STRIP
  {
    var result = most_$(p + REACH - n * HALF)_$n;
#for j in 1..(2 * n * HALF + 1)
    result = max(result, most_$(p + REACH - n * HALF + j)_$n);
#end
    if (strip.x + $p < params.input.width) {
      store_y$n(place_$n.x + strip.x + $p, place_$n.y + strip.y, keepChannels(result, params.output$n, strip.block));
    }
  }
#end
#end
}
