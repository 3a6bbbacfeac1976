// Any function of single bytes: y = table[x].
//
// Layouts: x and y alike `[N,C,H,W]`, int8 cells. Weights (weight8(column, 0, 0)): column = byte + 128; what it becomes, in the first word
// as the first byte, in the second as the second, and so on. Dispatch: a thread for every strip of STRIP pixels of y (lib/strip.wgsl).

#include "lib/strip.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  pitch: i32,
  weightColumns: i32,
  weightRows: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/output.wgsl" NAME=y BINDING=2 TENSOR=output
#include "lib/int8_weights.wgsl" BINDING=3

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let strip = stripOf(params.output, thread);
  let source = planeOrigin(params.input, strip.plane);
  let place = planeOrigin(params.output, strip.plane);
#for i in 0..STRIP
  {
    let x = strip.x + $i;
    if (x < params.output.width) {
      let bytes = load8_x(source.x + x, source.y + strip.y) ^ 0x80808080u;
      let entries = bitcast<vec4i>((vec4u(bytes) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u));
      let low = weight8(entries.x, 0, 0).x | weight8(entries.y, 0, 0).y;
      store8_y(place.x + x, place.y + strip.y, low | weight8(entries.z, 0, 0).z | weight8(entries.w, 0, 0).w);
    }
  }
#end
}
