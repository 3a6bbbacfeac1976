// Threads that reduce a plane, or a part of one, together. TEAM threads share it and are a workgroup; with TEAM == 1 each thread has one
// of its own and WORKGROUP of them make a workgroup: no barriers, which are dear on software adapters. COMBINE is sum or maximum.
#include "lib/linear.wgsl"
#const TEAM = 64
#const COMBINE = sum

// Number of a thread's team, of `count`; threads beyond the last team repeat it, since a barrier must be reached by all of a workgroup
// or none.
fn teamOf(thread: Thread, count: i32) -> i32 {
#if TEAM == 1
  return min(linearIndex(thread), count - 1);
#else
  return min(linearGroup(thread), count - 1);
#end
}

// Number of a thread within its team.
fn memberOf(thread: Thread) -> i32 {
#if TEAM == 1
  return 0;
#else
  return i32(thread.local);
#end
}

#if TEAM > 1
var<workgroup> partial: array<vec4f, TEAM>;
#end

#include "lib/team_combined.wgsl" NAME=combined BY=COMBINE
