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
