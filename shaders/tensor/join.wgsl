// Concat on channels where the parts do not end on blocks: writes a range of blocks of y from up to three neighbouring
// parts.
//
//   y[n,c,v,u] = part p [n, c - begin[p], v, u] for the p with begin[p] <= c < begin[p+1]
//
// UNIQUE different values hold the PARTS parts; value 0 stands at binding 2, the others follow. FROM0..2 name the value of each part.
// Dispatch: a thread for every strip of STRIP pixels of `region`: the range of blocks, which begins at block `firstBlock` of y.
#const PARTS = 2
#const UNIQUE = PARTS
#const FROM0 = 0
#const FROM1 = 1
#const FROM2 = 2

#include "lib/strip.wgsl"
struct Params {
  output: Blocked,
  region: Blocked,
  part0: Blocked,
  part1: Blocked,
  part2: Blocked,
  begin: vec4i,
  firstBlock: i32,
  pitch: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
#include "lib/output.wgsl" NAME=y BINDING=1 TENSOR=output
#include "lib/input.wgsl" NAME=p0 BINDING=2 TENSOR=part0
#if UNIQUE > 1
#include "lib/input.wgsl" NAME=p1 BINDING=3 TENSOR=part1
#end
#if UNIQUE > 2
#include "lib/input.wgsl" NAME=p2 BINDING=4 TENSOR=part2
#end
fn load_part0(column: i32, row: i32) -> vec4f { return load_p$FROM0(column, row); }
#if PARTS > 1
fn load_part1(column: i32, row: i32) -> vec4f { return load_p$FROM1(column, row); }
#end
#if PARTS > 2
fn load_part2(column: i32, row: i32) -> vec4f { return load_p$FROM2(column, row); }
#end

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let strip = stripOf(params.region, thread);
  let block = strip.block + params.firstBlock;
  let place = planeOrigin(params.output, block * params.output.batch + strip.image);
#for k in 0..PARTS
#for l in 0..4
  // A channel before or after the part is read from its nearest one and then not taken.
  let channel_$(k)_$l = 4 * block + $l - params.begin[$k];
  let from_$(k)_$l = clamp(channel_$(k)_$l, 0, params.part$(k).channels - 1);
  let source_$(k)_$l = planeOrigin(params.part$(k), (from_$(k)_$l >> 2u) * params.part$(k).batch + strip.image);
#end
#end
#for p in 0..STRIP
  if (strip.x + $p < params.region.width) {
    let x = strip.x + $p;
    var value = vec4f(0.0);
#for k in 0..PARTS
#for l in 0..4
    value[$l] = select(value[$l], load_part$(k)(source_$(k)_$l.x + x, source_$(k)_$l.y + strip.y)[from_$(k)_$l & 3], channel_$(k)_$l == from_$(k)_$l);
#end
#end
    store_y(place.x + x, place.y + strip.y, keepChannels(value, params.output, block));
  }
#end
}
