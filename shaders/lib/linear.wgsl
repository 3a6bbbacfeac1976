// Threads numbered in one line, however many workgroups that takes, and exact whole quotients without integer division.
#const WORKGROUP = 64

// Number of this thread; the dispatch is a grid of workgroups only because one axis holds at most 65535.
fn linearIndex(group: vec3u, groups: vec3u, local: u32) -> i32 {
  return i32((group.y * groups.x + group.x) * WORKGROUP + local);
}

// a / b rounded down, for a >= 0, b > 0 and a quotient below 2^22. The float quotient is at most one off.
fn divide(a: i32, b: i32) -> i32 {
  let quotient = i32(f32(a) / f32(b));
  let rest = a - quotient * b;
  return quotient + select(0, 1, rest >= b) - select(0, 1, rest < 0);
}

// n, as the end of a loop with few and short turns. Mesa's software driver puts parameters into the code as constants, and where that
// lets it unroll a loop it compiles the shader anew for every dispatch, milliseconds each; it does not where the end depends on
// the thread (any number that is not negative).
fn uncounted(n: i32, thread: i32) -> i32 {
  return n + min(thread, 0);
}
