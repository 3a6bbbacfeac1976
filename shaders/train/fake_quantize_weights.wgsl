// The weight of few levels that a weight w `[O, ...]` stands for, each output channel by itself, over plain row-major tensors.
//
//   BITS == 8:  y = clamp(round(w / s), -127, 127) * s, s = max |w| / 127, halves to even
//   BITS == 4:  y = clamp(round(w / s), -7, 7) * s, s = share * max |w| / 7 by the share of 40/40, 39/40 ... 9/40 that has the least
//               sum of (y - w)^2, the greatest of equal ones
//   BITS == 2:  y = sign(w) * s where |w| > t, else 0;  t = 0.7 * mean |w|, s = mean of the |w| above t
//   BITS == 1:  y = s, or -s where w < 0;  s = mean |w|
//
// Sums are in a fixed order: every fourth element by itself, then members, then the four.
// Dispatch: a team of threads an output channel (lib/team.wgsl), each taking four elements at a time.
#const BITS = 8

#include "lib/team.wgsl"
#include "lib/team_combined.wgsl" NAME=greatestOf BY=maximum
// Scales that are tried for four bits: of SHARES shares of the whole, STEPS of which the whole is.
#const SHARES = 32
#const STEPS = 40
struct Params {
  channels: i32,
  size: i32,            // elements of a channel
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// Absolute weights from an element of a channel on; zeros beyond its end.
fn sizes(first: i32, element: i32) -> vec4f {
  let at = vec4i(element) + vec4i(0, 1, 2, 3);
  let inside = at < vec4i(params.size);
  let place = vec4i(first) + min(at, vec4i(params.size - 1));
  return select(vec4f(0.0), abs(vec4f(w[place.x], w[place.y], w[place.z], w[place.w])), inside);
}

// For all members of a team to call.
fn total(value: vec4f, member: i32) -> f32 {
  return dot(combined(value, member), vec4f(1.0));
}

@compute @workgroup_size(WORKGROUP)
fn main(thread: Thread) {
  let first = teamOf(thread, params.channels) * params.size;
  let member = memberOf(thread);
  let end = uncounted(params.size, i32(thread.local));
#if BITS == 8 || BITS == 4
  var greatest = vec4f(0.0);
  for (var i = 4 * member; i < end; i += 4 * TEAM) {
    greatest = max(greatest, sizes(first, i));
  }
  let both = greatestOf(greatest, member);
  let most = max(max(both.x, both.y), max(both.z, both.w));
#if BITS == 8
  let scale = most / 127.0;
#else
  // A channel of zeros has errors of NaN, which are less than nothing: its scale stays 0.
  var scale = most / 7.0;
  var least = 3.4e38;
#for g in 0..(SHARES / 8)
  {
#for c in 0..8
    let scale_$c = most / 7.0 * ($(STEPS - 8 * g - c).0 / $(STEPS).0);
    var error_$c = vec4f(0.0);
#end
    for (var i = 4 * member; i < end; i += 4 * TEAM) {
      let size = sizes(first, i);
#for c in 0..8
      let off_$c = min(round(size / scale_$c), vec4f(7.0)) * scale_$c - size;
      error_$c += off_$c * off_$c;
#end
    }
#for c in 0..8
    let sum_$c = total(error_$c, member);
    scale = select(scale, scale_$c, sum_$c < least);
    least = min(least, sum_$c);
#end
  }
#end
#end
#else
  var sum = vec4f(0.0);
  for (var i = 4 * member; i < end; i += 4 * TEAM) {
    sum += sizes(first, i);
  }
  let mean = total(sum, member) / f32(params.size);
#if BITS == 2
  let threshold = 0.7 * mean;
  var above = vec4f(0.0);
  var count = vec4f(0.0);
  for (var i = 4 * member; i < end; i += 4 * TEAM) {
    let size = sizes(first, i);
    let keeps = size > vec4f(threshold);
    above += select(vec4f(0.0), size, keeps);
    count += select(vec4f(0.0), vec4f(1.0), keeps);
  }
  let kept = total(above, member);
  let scale = kept / max(total(count, member), 1.0);
#else
  let scale = mean;
#end
#end
  for (var i = member; i < end; i += TEAM) {
    let value = w[first + i];
#if BITS == 8
    // A channel of zeros has no scale to divide by.
    y[first + i] = select(0.0, clamp(round(value / scale), -127.0, 127.0) * scale, scale > 0.0);
#end
#if BITS == 4
    y[first + i] = select(0.0, clamp(round(value / scale), -7.0, 7.0) * scale, scale > 0.0);
#end
#if BITS == 2
    y[first + i] = select(0.0, sign(value) * scale, abs(value) > threshold);
#end
#if BITS == 1
    y[first + i] = select(scale, -scale, value < 0.0);
#end
  }
}
