// A function $NAME: the sum or maximum (BY) of what the members of a team have (lib/team.wgsl); for all of them to call.
fn $NAME(value: vec4f, member: i32) -> vec4f {
#if TEAM == 1
  return value;
#else
  workgroupBarrier();
  partial[member] = value;
  for (var half = TEAM / 2; half > 0; half >>= 1u) {
    workgroupBarrier();
    if (member < half) {
#if BY == maximum
      partial[member] = max(partial[member], partial[member + half]);
#else
      partial[member] += partial[member + half];
#end
    }
  }
  workgroupBarrier();
  return partial[0];
#end
}
