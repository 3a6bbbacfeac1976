// A gate of each pixel from a convolution of two channels, and the map times this gate (the end of the spatial attention of Woo et al.
// 2018):
//
//   y[n,c,v,u] = x[n,c,v,u] * activate(bias + sum_{k<2,i,j} w[k,i,j] * s[n,k, v - pad.y + i, u - pad.x + j])
//
// Layouts: x and y alike `[N,C,H,W]`, s `[N,2,H,W]`. Weights: column = tap, the first two channels of a cell are k; the column after
// the last tap holds the bias.
// Dispatch: a thread for every strip of four pixels of s (lib/strip.wgsl), which takes all channels of its pixels.
#const K = 7

#include "lib/strip.wgsl"
struct Params {
  input: Blocked,
  statistics: Blocked,
  output: Blocked,
  pad: vec2i,           // left, top
  pitch: i32,
  weightColumns: i32,
  weightRows: i32,
  activationA: f32,
  activationB: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/input.wgsl" NAME=s BINDING=2 TENSOR=statistics
#include "lib/weights.wgsl" BINDING=3
#include "lib/output.wgsl" NAME=y BINDING=4 TENSOR=output
#include "lib/activation.wgsl"

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let strip = stripOf(params.statistics, thread);
  let origin = planeOrigin(params.statistics, strip.plane);
  var sum = vec4f(weight($(K * K), 0, 0).x);
#for j in 0..(K + 3)
  let x_$j = strip.x + $j - params.pad.x;
  let cx_$j = clamp(x_$j, 0, params.statistics.width - 1);
#end
  for (var i = 0; i < uncounted(K, i32(thread.local)); i++) {
    let y = strip.y + i - params.pad.y;
    let cy = clamp(y, 0, params.statistics.height - 1);
#for j in 0..(K + 3)
    let s_$j = select(vec2f(0.0), load_s(origin.x + cx_$j, origin.y + cy).xy, cx_$j == x_$j && cy == y);
#end
#for j in 0..K
    {
      let w = weight(i * K + $j, 0, 0).xy;
      sum += vec4f(dot(w, s_$j), dot(w, s_$(j + 1)), dot(w, s_$(j + 2)), dot(w, s_$(j + 3)));
    }
#end
  }
  let gate = activate(sum, params.activationA, params.activationB);
  for (var block = 0; block < uncounted(params.input.blocks, i32(thread.local)); block++) {
    let source = planeOrigin(params.input, block * params.input.batch + strip.image);
    let place = planeOrigin(params.output, block * params.input.batch + strip.image);
#for p in 0..4
    if (strip.x + $p < params.input.width) {
      let value = load_x(source.x + strip.x + $p, source.y + strip.y) * gate[$p];
      store_y(place.x + strip.x + $p, place.y + strip.y, keepChannels(value, params.output, block));
    }
#end
  }
}
