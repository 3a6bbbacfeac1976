/**
 * Networks of random topology from a seed: small, but with every way in which channels hang together, in any order.
 *
 * @module
 */

import type { Graph } from "../../src/graph/mod.ts";
import { cbam, simam, squeezeExcite } from "../../src/models/attention.ts";
import { type Activation, ModelBuilder } from "../../src/models/builder.ts";
import { channelShuffle } from "../../src/models/channel_shuffle.ts";
import { seededRandom } from "./random.ts";

const HEIGHT = 4, WIDTH = 3;

/** Activations, of which some are not zero for zero. */
const ACTIVATIONS: readonly Activation[] = [
  ...["silu", "relu6", "hardswish", "leakyrelu", "none", "sigmoid", "hardsigmoid"] as const,
];

/** The smallest divisor of a count that is more than 1. */
function divisorOf(count: number): number {
  let divisor = 2;
  while (count % divisor !== 0) divisor++;
  return divisor;
}

/** A network `x [1, 3, 4, 3]` to one or two outputs, of `steps` random steps over maps of the same size. */
export function randomTopology(seed: number, steps = 10): Graph {
  const random = seededRandom(seed);
  const integer = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
  const pick = <T>(list: readonly T[]): T => list[integer(0, list.length - 1)];
  const b = new ModelBuilder({ seed });
  const constant = (name: string, shape: number[]) =>
    b.constant(name, shape, Float32Array.from({ length: shape.reduce((a, c) => a * c, 1) }, () => random() + 0.25));
  const act = () => pick(ACTIVATIONS);
  const dense = (path: string, x: string, out: number) =>
    b.convBlock(path, x, { out, kernel: pick([1, 3]), act: act(), bias: random() < 0.3 });

  type Make = (path: string, x: string) => string;
  const makers: readonly Make[] = [
    (path, x) => dense(path, x, integer(2, 9)),
    (path, x) => b.convBlock(path, x, { out: b.channels(x), kernel: 3, groups: b.channels(x), act: act() }),
    (path, x) => b.convBlock(path, x, { out: 2 * b.channels(x), kernel: 3, groups: b.channels(x), act: act() }),
    (path, x) => b.convBlock(path, x, { out: 2 * divisorOf(b.channels(x)), groups: divisorOf(b.channels(x)) }),
    (path, x) => b.add(`${path}.add`, x, dense(`${path}.block`, x, b.channels(x))),
    (path, x) => b.add(`${path}.add`, dense(`${path}.block`, x, b.channels(x)), x),
    (path, x) => b.mul(`${path}.mul`, x, b.activation(`${path}.gate`, dense(`${path}.g`, x, b.channels(x)), "sigmoid")),
    (path, x) => b.concat(`${path}.cat`, [x, pick(values), dense(`${path}.own`, x, integer(1, 4))]),
    (path, x) => {
      const first = integer(1, b.channels(x) - 1);
      const [left, right] = b.split(`${path}.split`, x, [first, b.channels(x) - first]);
      if (first > 2) values.push(left);
      return random() < 0.5 ? b.concat(`${path}.cat`, [dense(`${path}.own`, right, integer(1, 4)), left]) : right;
    },
    (path, x) => {
      const [start, count] = [integer(0, 1), b.channels(x) - integer(1, 2)];
      const ends = [Math.min(start + count, b.channels(x))];
      return b.node("Slice", path, [x], { axes: [1], starts: [start], ends, steps: [1] });
    },
    (path, x) => channelShuffle(b, path, x, divisorOf(b.channels(x))),
    (path, x) => squeezeExcite(b, path, x, { squeeze: integer(1, 3), gate: pick(["sigmoid", "hardsigmoid"]) }),
    (path, x) => cbam(b, path, x, { kernel: 3, reduction: 2 }),
    (path, x) => simam(b, path, x),
    (path, x) => b.maxPool(path, x, { kernel: 3, stride: 1, padding: 1 }),
    (path, x) => b.activation(path, x, pick(ACTIVATIONS.filter((name) => name !== "none"))),
    (path, x) => b.mul(path, constant(`${path}.c`, [b.channels(x), 1, 1]), x),
    (path, x) => b.add(path, x, constant(`${path}.c`, pick([[1, b.channels(x), 1, 1], [1], [WIDTH]]))),
    (path, x) => b.node("Div", path, [x, constant(`${path}.c`, pick([[b.channels(x), 1, 1], [1]]))], {}),
    // Attention of one or two heads over pixels, with or without its input added.
    (path, x) => {
      const heads = integer(1, 2), depth = integer(1, 2), length = HEIGHT * WIDTH;
      const headed = b.reshape(`${path}.heads`, b.conv(`${path}.qkv`, x, { out: heads * 3 * depth }), [
        ...[1, heads, 3 * depth, length],
      ]);
      const [q, k, v] = b.split(`${path}.split`, headed, [depth, depth, depth], 2);
      const scores = b.node("MatMul", `${path}.scores`, [b.transpose(`${path}.q`, q, [0, 1, 3, 2]), k], {});
      const weights = b.transpose(`${path}.w`, b.node("Softmax", `${path}.soft`, [scores], { axis: 3 }), [0, 1, 3, 2]);
      const mixed = b.node("MatMul", `${path}.mixed`, [v, weights], {});
      return b.reshape(`${path}.map`, mixed, [1, heads * depth, HEIGHT, WIDTH]);
    },
    // A perceptron on tokens.
    (path, x) => {
      const tokens = b.transpose(`${path}.t`, b.reshape(`${path}.flat`, x, [1, b.channels(x), HEIGHT * WIDTH]), [
        0,
        2,
        1,
      ]);
      const wide = integer(2, 5);
      const hidden = b.node("MatMul", `${path}.fc`, [tokens, constant(`${path}.fc.w`, [b.channels(x), wide])], {});
      const moved = b.add(`${path}.bias`, hidden, constant(`${path}.fc.b`, [wide]));
      const back = b.transpose(`${path}.back`, b.activation(`${path}.act`, moved, act()), [0, 2, 1]);
      return b.reshape(`${path}.map`, back, [1, wide, HEIGHT, WIDTH]);
    },
  ];

  const values = [dense("stem", b.input("x", [1, 3, HEIGHT, WIDTH]), integer(3, 8))];
  for (let step = 0; step < steps; step++) {
    // Mostly deeper, at times another branch from further up.
    const x = random() < 0.75 ? values.at(-1)! : pick(values);
    const y = pick(makers)(`n${step}`, x);
    // What has one channel, or very many, would leave little to do.
    if (b.channels(y) > 2 && b.channels(y) < 25) values.push(y);
  }
  const last = b.conv("end", values.at(-1)!, { out: 2 });
  const other = pick(values);
  const ends = random() < 0.5
    ? [b.linear("fc", b.flatten("flat", dense("before", other, 3)), { out: 2 })]
    : [b.conv("end_too", other, { out: 1 })];
  return b.graph(`random_${seed}`, [last, ...ends]);
}
