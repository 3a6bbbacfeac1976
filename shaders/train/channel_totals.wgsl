// Sums over all pixels of each channel from the sums of their parts (channel_partials.wgsl): with MODE == sum the first ones, with MODE
// == gradient the first (gradient of the bias) and the second (that of the scale). Behind the partials two vectors a block keep the
// means of both over the pixels, which the gradient of x takes off.
//
// Layouts: vectors `[C]`. Dispatch: a team a channel block (lib/team.wgsl).
#const MODE = sum

#include "lib/part.wgsl"
struct Params {
  input: Blocked,
  parts: i32,           // of a plane
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> partials: array<vec4f>;
#include "lib/vector.wgsl" NAME=first BINDING=2
#if MODE == gradient
#include "lib/vector.wgsl" NAME=second BINDING=3
#end

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let block = teamOf(thread, params.input.blocks);
  let member = memberOf(thread);
  let each = params.input.batch * params.parts;
  var first = vec4f(0.0);
  var second = vec4f(0.0);
  for (var part = block * each + member; part < uncounted((block + 1) * each, i32(thread.local)); part += TEAM) {
    first += partials[2 * part];
#if MODE == gradient
    second += partials[2 * part + 1];
#end
  }
  first = combined(first, member);
#if MODE == gradient
  second = combined(second, member);
#end
  if (member == 0) {
    put_first(block, params.input.channels, first);
#if MODE == gradient
    put_second(block, params.input.channels, second);
    let share = 1.0 / f32(params.input.batch * params.input.height * params.input.width);
    let means = 2 * (params.input.blocks * each + block);
    partials[means] = first * share;
    partials[means + 1] = second * share;
#end
  }
}
