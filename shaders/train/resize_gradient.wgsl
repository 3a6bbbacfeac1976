// Gradient of Resize over row memory: every output pixel hands its gradient back to the pixels it was mixed from, by their shares. Each
// pixel of dx gathers from the output pixels that read it, which are a range along either axis.
//
// FACTOR_X, FACTOR_Y > 0: nearest enlargement by these; dx is the sum over FACTOR_Y x FACTOR_X pixels of dy, written out flat.
// Otherwise `table` holds, as in tensor/resize.wgsl, low and the share of low + 1 for each output column, then each output row; then the
// first output column and the one behind the last for each column of dx, and the same for each of its rows.
// Layouts: dy `[N,C,H',W']`, dx `[N,C,H,W]`. Dispatch: a thread for every strip of STRIP pixels of dx (lib/strip.wgsl).
#const FACTOR_X = 0
#const FACTOR_Y = 0

#include "lib/strip.wgsl"
struct Params {
  gradient: Blocked,
  output: Blocked,
  pitch: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=dy BINDING=1 TENSOR=gradient
#include "lib/output.wgsl" NAME=dx BINDING=2 TENSOR=output
#if FACTOR_X == 0
@group(0) @binding(3) var<storage, read_write> table: array<vec2f>;

// The share that a pixel has in an output pixel that reads it.
fn shareOf(mix: vec2f, pixel: i32, extent: i32) -> f32 {
  let low = i32(mix.x);
  return select(0.0, 1.0 - mix.y, low == pixel) + select(0.0, mix.y, min(low + 1, extent - 1) == pixel);
}
#end

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let strip = stripOf(params.output, thread);
  let source = planeOrigin(params.gradient, strip.plane);
  let place = planeOrigin(params.output, strip.plane);
#if FACTOR_X == 0
  let columns = params.gradient.width;
  let rows = params.gradient.height;
  let vertical = table[columns + rows + params.output.width + strip.y];
#end
#for p in 0..STRIP
  if (strip.x + $p < params.output.width) {
    var sum = vec4f(0.0);
#if FACTOR_X > 0
#for i in 0..FACTOR_Y
#for j in 0..FACTOR_X
    sum += load_dy(source.x + (strip.x + $p) * FACTOR_X + $j, source.y + strip.y * FACTOR_Y + $i);
#end
#end
#else
    let horizontal = table[columns + rows + strip.x + $p];
    for (var v = i32(vertical.x); v < i32(vertical.y); v++) {
      var line = vec4f(0.0);
      for (var u = i32(horizontal.x); u < i32(horizontal.y); u++) {
        line += shareOf(table[u], strip.x + $p, params.output.width) * load_dy(source.x + u, source.y + v);
      }
      sum += shareOf(table[columns + v], strip.y, params.output.height) * line;
    }
#end
    store_dx(place.x + strip.x + $p, place.y + strip.y, keepChannels(sum, params.output, strip.block));
  }
#end
}
