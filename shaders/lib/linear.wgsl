// Threads numbered in one line, however many workgroups that takes, and exact whole quotients without integer division.
#const WORKGROUP = 64

// What a thread knows of itself: the parameter of an entry point.
struct Thread {
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
}

// Number of a workgroup; the dispatch is a grid of them only because one axis holds at most 65535.
fn linearGroup(thread: Thread) -> i32 {
  return i32(thread.group.y * thread.groups.x + thread.group.x);
}

// Number of a thread.
fn linearIndex(thread: Thread) -> i32 {
  return linearGroup(thread) * WORKGROUP + i32(thread.local);
}

// a / b rounded down, for a >= 0, b > 0 and a quotient below 2^22. The float quotient is at most one off.
fn divide(a: i32, b: i32) -> i32 {
  let quotient = i32(f32(a) / f32(b));
  let rest = a - quotient * b;
  return quotient + select(0, 1, rest >= b) - select(0, 1, rest < 0);
}

// Loops that carry the work of a kernel decide at the end of a turn whether there is another one, as there is a first one always. A loop
// that decides at the beginning is left there by threads one by one, and software adapters run the turn that all of them have left to its end:
// a turn more, which in a sum over four blocks is a quarter of the work.

// n, as the end of a loop with few and short turns. Mesa's software driver puts parameters into the code as constants, and where that
// lets it unroll a loop it compiles the shader anew for every dispatch, milliseconds each; it does not where the end depends on
// the thread (any number that is not negative).
fn uncounted(n: i32, thread: i32) -> i32 {
  return n + min(thread, 0);
}
