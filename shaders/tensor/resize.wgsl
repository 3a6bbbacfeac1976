// Resize of height and width over row memory, by a table of the input pixels that each output column and row mixes.
//
//   y[n,c,v,u] = mix(mix(x[low v, low u], x[low v, high u], share u), mix(x[high v, low u], x[high v, high u], share v)
//
// `table` holds two numbers for each output column, then two for each output row: low, and the share of high = low + 1. The
// table makes every coordinate rule exact. LINEAR == 0 takes low alone.
// Dispatch: a thread for every strip of STRIP pixels of PLANES consecutive planes of y, so that a table entry serves several.
// BYTES == 1: both have int8 cells of one scale, which are moved as they are.
#const LINEAR = 0
#const BYTES = 0
#const STRIP = 4
#const PLANES = 4

#include "lib/strip.wgsl"
struct Params {
  input: Blocked,
  output: Blocked,
  pitch: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/input.wgsl" NAME=x BINDING=1 TENSOR=input
#include "lib/output.wgsl" NAME=y BINDING=2 TENSOR=output
@group(0) @binding(3) var<storage, read_write> table: array<vec2f>;

// Keeps what has no share out, even where it is infinite.
fn blend(a: vec4f, b: vec4f, share: f32) -> vec4f {
  return select(a * (1.0 - share) + b * share, a, share == 0.0);
}

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let across = (params.output.width + STRIP - 1) / STRIP;
  let strips = across * params.output.height;
  let planes = params.output.blocks * params.output.batch;
  let index = min(linearIndex(thread), strips * ((planes + PLANES - 1) / PLANES) - 1);
  let bundle = divide(index, strips);
  let v = divide(index - bundle * strips, across);
  let u = (index - bundle * strips - v * across) * STRIP;
  let row = table[params.output.width + v];
  let low = i32(row.x);
#if LINEAR == 1
  let high = min(low + 1, params.input.height - 1);
#end
#for p in 0..STRIP
  let column_$p = table[min(u + $p, params.output.width - 1)];
  let left_$p = i32(column_$p.x);
#if LINEAR == 1
  let right_$p = min(left_$p + 1, params.input.width - 1);
#end
#end
  for (var plane = bundle * PLANES; plane < min(bundle * PLANES + PLANES, planes); plane++) {
    let source = planeOrigin(params.input, plane);
    let place = planeOrigin(params.output, plane);
    let block = divide(plane, params.output.batch);
#for p in 0..STRIP
    if (u + $p < params.output.width) {
#if BYTES == 1
      store8_y(place.x + u + $p, place.y + v, load8_x(source.x + left_$p, source.y + low));
#else
#if LINEAR == 1
      let upper = blend(load_x(source.x + left_$p, source.y + low), load_x(source.x + right_$p, source.y + low), column_$p.y);
      let lower = blend(load_x(source.x + left_$p, source.y + high), load_x(source.x + right_$p, source.y + high), column_$p.y);
      let value = blend(upper, lower, row.y);
#else
      let value = load_x(source.x + left_$p, source.y + low);
#end
      store_y(place.x + u + $p, place.y + v, keepChannels(value, params.output, block));
#end
    }
#end
  }
}
