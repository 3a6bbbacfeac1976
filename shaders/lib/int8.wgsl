// Four signed bytes in a word, the first one lowest. Written out in shifts, so that no language feature is needed.

fn unpack8(bytes: u32) -> vec4i {
  return bitcast<vec4i>(vec4u(bytes) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u);
}

// The four numbers must lie in -128 .. 127.
fn pack8(numbers: vec4i) -> u32 {
  let bytes = bitcast<vec4u>(numbers) & vec4u(255u);
  return bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
}
