// Maximum over K x K windows with stride S, written out flat: neighbouring windows share their loads.
//
//   y[n,c,v,u] = max over i, j < K of x[n,c, v*S - pad.y + i, u*S - pad.x + j], inside the image
//
// Every window must hold at least one element of the image. A repeated element changes no maximum, so coordinates are clamped to
// the part of the window that lies inside.
// Dispatch: a thread for every strip of STRIP pixels of y (lib/strip.wgsl).
#const K = 5
#const S = 1

#include "lib/strip.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  pad: vec2i,           // x, y
  pitch: i32,
}
#include "lib/params.wgsl"
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/output.wgsl" NAME=y BINDING=2 TENSOR=output

#const NX = (STRIP - 1) * S + K

#include "lib/entry.wgsl"
  let strip = stripOf(params.output, thread);
  let source = planeOrigin(params.input, strip.plane);
  let place = planeOrigin(params.output, strip.plane);
  let left = strip.x * S - params.pad.x;
  let top = strip.y * S - params.pad.y;
#for i in 0..K
  let y_$i = source.y + clamp(top + $i, 0, params.input.height - 1);
#end
  // A column beyond an edge repeats the edge's; no window reaches only such columns.
#for j in 0..NX
  let x_$j = source.x + clamp(left + $j, 0, params.input.width - 1);
  var most_$j = load_x(x_$j, y_0);
#for i in 1..K
  most_$j = max(most_$j, load_x(x_$j, y_$i));
#end
#end
#for p in 0..STRIP
  {
    var result = most_$(p * S);
#for j in 1..K
    result = max(result, most_$(p * S + j));
#end
    if (strip.x + $p < params.output.width) {
      store_y(place.x + strip.x + $p, place.y + strip.y, keepChannels(result, params.output, strip.block));
    }
  }
#end
}
