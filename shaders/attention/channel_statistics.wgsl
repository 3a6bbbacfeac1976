// The mean and the maximum of each pixel's channels side by side, and with GATED == 1 the gated map that they are taken from (the
// start of the spatial attention of Woo et al. 2018):
//
//   z[n,c,v,u] = x[n,c,v,u] * gate[n,c];  y[n,0,v,u] = mean over c of z[n,c,v,u], y[n,1,v,u] = their maximum
//
// Without a gate z is x, and nothing but y is stored. With MAXIMUM_FIRST == 1 the channels of y change places.
// Layouts: x and z alike `[N,C,H,W]`, gate `[N,C,1,1]`, y `[N,2,H,W]`. Dispatch: a thread for every strip of STRIP pixels of y.
#const GATED = 0
#const MAXIMUM_FIRST = 0

#include "lib/strip.wgsl"
struct Params {
  input: Blocked,
  statistics: Blocked,
  gate: Blocked,
  output: Blocked,
  factor: f32,          // what makes a sum a mean
  pitch: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/output.wgsl" NAME=y BINDING=2 TENSOR=statistics
#if GATED == 1
#include "lib/input.wgsl" NAME=g BINDING=3 TENSOR=gate
#include "lib/output.wgsl" NAME=z BINDING=4 TENSOR=output
#end

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let strip = stripOf(params.statistics, thread);
#for p in 0..STRIP
  let x_$p = min(strip.x + $p, params.input.width - 1);
  var sum_$p = vec4f(0.0);
  var most_$p = vec4f(-3.4e38);
#end
  for (var block = 0; block < uncounted(params.input.blocks, i32(thread.local)); block++) {
    let source = planeOrigin(params.input, block * params.input.batch + strip.image);
    let counts = vec4i(0, 1, 2, 3) < vec4i(params.input.channels - 4 * block);
#if GATED == 1
    let gateOrigin = planeOrigin(params.gate, block * params.input.batch + strip.image);
    let gate = load_g(gateOrigin.x, gateOrigin.y);
    let place = planeOrigin(params.output, block * params.input.batch + strip.image);
#end
#for p in 0..STRIP
    {
#if GATED == 1
      let value = select(vec4f(0.0), load_x(source.x + x_$p, source.y + strip.y) * gate, counts);
      // Strips over the edge store the last pixel again.
      store_z(place.x + x_$p, place.y + strip.y, value);
#else
      let value = load_x(source.x + x_$p, source.y + strip.y);
#end
      sum_$p += select(vec4f(0.0), value, counts);
      most_$p = select(most_$p, max(most_$p, value), counts);
    }
#end
  }
  let to = planeOrigin(params.statistics, strip.plane);
#for p in 0..STRIP
  if (strip.x + $p < params.statistics.width) {
    let halfSum = sum_$p.xy + sum_$p.zw;
    let halfMost = max(most_$p.xy, most_$p.zw);
    let mean = (halfSum.x + halfSum.y) * params.factor;
    let most = max(halfMost.x, halfMost.y);
#if MAXIMUM_FIRST == 1
    store_y(to.x + strip.x + $p, to.y + strip.y, vec4f(most, mean, 0.0, 0.0));
#else
    store_y(to.x + strip.x + $p, to.y + strip.y, vec4f(mean, most, 0.0, 0.0));
#end
  }
#end
}
