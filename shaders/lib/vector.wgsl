// Binds plain numbers, one a channel: $(NAME)4(block, channels) -> the four of a channel block, put_$NAME(block, channels, values).
// Beyond the last channel the last one is read, and nothing is written.
@group(0) @binding($BINDING) var<storage, read_write> $(NAME)_numbers: array<f32>;

fn $(NAME)4(block: i32, channels: i32) -> vec4f {
  let c = min(vec4i(4 * block) + vec4i(0, 1, 2, 3), vec4i(channels - 1));
  return vec4f($(NAME)_numbers[c.x], $(NAME)_numbers[c.y], $(NAME)_numbers[c.z], $(NAME)_numbers[c.w]);
}

fn put_$NAME(block: i32, channels: i32, values: vec4f) {
#for l in 0..4
  if (4 * block + $l < channels) {
    $(NAME)_numbers[4 * block + $l] = values[$l];
  }
#end
}
