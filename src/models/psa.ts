/**
 * Position-sensitive attention of YOLO11: self-attention over the pixels of the smallest map, and the C2PSA around it.
 *
 * @module
 */

import type { ModelBuilder } from "./builder.ts";

/** Channels of a head's values; its keys and queries have half as many. */
const HEAD_CHANNELS = 64;

/** The greatest number of heads of at least `HEAD_CHANNELS` channels (or one head) that share the channels evenly. */
function headsFor(channels: number): number {
  let heads = Math.max(Math.floor(channels / HEAD_CHANNELS), 1);
  while (channels % heads !== 0) heads--;
  return heads;
}

/**
 * Multi-head self-attention `[N, C, H, W] -> [N, C, H, W]`: queries, keys and values by one 1x1 convolution, a depthwise 3x3 of
 * the values added as positional encoding, and a projection. Nodes are spelt as in the usual ONNX export, so that the planner
 * finds the core and runs it as one dispatch.
 */
export function selfAttention(b: ModelBuilder, path: string, x: string): string {
  const [batch, channels, height, width] = b.shapeOf(x);
  const heads = headsFor(channels);
  const valueChannels = channels / heads, keyChannels = valueChannels >> 1;
  const length = height * width;
  const linear = (name: string, from: string, out: number) =>
    b.convBlock(`${path}.${name}`, from, { out, act: "none" });

  const qkv = linear("qkv", x, heads * (2 * keyChannels + valueChannels));
  const headed = b.reshape(`${path}.heads`, qkv, [batch, heads, 2 * keyChannels + valueChannels, length]);
  const [queries, keys, values] = b.split(`${path}.split`, headed, [keyChannels, keyChannels, valueChannels], 2);
  const scale = b.constant(`${path}.scale`, [1], Float32Array.of(1 / Math.sqrt(keyChannels)));
  const scaled = b.transpose(`${path}.queries`, b.mul(`${path}.scaled`, queries, scale), [0, 1, 3, 2]);
  const weights = b.node("Softmax", `${path}.softmax`, [b.node("MatMul", `${path}.scores`, [scaled, keys], {})], {
    axis: 3,
  });
  const mixed = b.node("MatMul", `${path}.mixed`, [values, b.transpose(`${path}.weights`, weights, [0, 1, 3, 2])], {});
  const map = b.reshape(`${path}.map`, mixed, [batch, channels, height, width]);
  const valueMap = b.reshape(`${path}.values`, values, [batch, channels, height, width]);
  const position = b.convBlock(`${path}.pe`, valueMap, { out: channels, kernel: 3, groups: channels, act: "none" });
  return linear("proj", b.add(`${path}.add`, map, position), channels);
}

/** Attention, then a two-layer perceptron of twice the width, each with its input added: `C -> C`. */
export function psaBlock(b: ModelBuilder, path: string, x: string): string {
  const channels = b.channels(x);
  const attended = b.add(`${path}.add`, x, selfAttention(b, `${path}.attn`, x));
  const wide = b.convBlock(`${path}.ffn.0`, attended, { out: 2 * channels });
  const narrow = b.convBlock(`${path}.ffn.1`, wide, { out: channels, act: "none" });
  return b.add(`${path}.add_1`, attended, narrow);
}

/** C2PSA: half the channels pass through `repeats` PSA blocks, the other half by: `C -> C`. */
export function c2psa(b: ModelBuilder, path: string, x: string, repeats: number): string {
  const channels = b.channels(x), hidden = channels >> 1;
  const wide = b.convBlock(`${path}.cv1`, x, { out: 2 * hidden });
  const [bypass, ...rest] = b.split(`${path}.split`, wide, [hidden, hidden]);
  let y = rest[0];
  for (let i = 0; i < repeats; i++) y = psaBlock(b, `${path}.m.${i}`, y);
  return b.convBlock(`${path}.cv2`, b.concat(`${path}.concat`, [bypass, y]), { out: channels });
}
