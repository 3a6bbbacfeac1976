/** Channel shuffle: convolutions store shuffled channels and read parts of a Split, so that units of ShuffleNetV2 move nothing. */

import { assert, assertEquals } from "@std/assert";
import type { Graph } from "../../src/graph/mod.ts";
import { channelShuffle } from "../../src/models/channel_shuffle.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { type Map4, shuffleFormula } from "../support/attention_formulas.ts";
import { gpuTest } from "../support/gpu.ts";
import { comparePlan } from "../support/plan_case.ts";
import { randomTensor } from "../support/random.ts";

/** Operators of a plan between those that move tensors in and out. */
const between = (operators: readonly string[]) => operators.filter((name) => !/^To(Blocked|Plain)$/.test(name));

type Values = readonly [past: string, result: string];

/** Units of ShuffleNetV2 of `channels` behind a convolution; `join` says in which order halves are joined. */
function units(
  channels: number,
  count: number,
  { size = [13, 7] as readonly [number, number], batch = 3, join = (values: Values): readonly string[] => values } = {},
): Graph {
  const b = new ModelBuilder({ seed: 4 });
  let x = b.conv("pre", b.input("x", [batch, 5, ...size]), { out: channels });
  const half = channels / 2;
  for (let i = 0; i < count; i++) {
    const [past, through] = b.split(`${i}.split`, x, [half, half]);
    let y = b.activation(`${i}.act0`, b.conv(`${i}.conv0`, through, { out: half }), "relu");
    y = b.conv(`${i}.depthwise`, y, { out: half, kernel: 3, groups: half });
    y = b.activation(`${i}.act1`, b.conv(`${i}.conv1`, y, { out: half }), "relu");
    x = channelShuffle(b, `${i}.shuffle`, b.concat(`${i}.concat`, join([past, y])), 2);
  }
  return b.graph("units", [b.conv("post", x, { out: 4 })]);
}

const UNIT = ["Conv+Relu", "Conv", "Conv+Relu+Shuffle"];

gpuTest("shuffle: units of ShuffleNetV2 take three dispatches, whatever the channels", async () => {
  // Halves of 29 and 58 channels begin within a block, 24 and 4 on one, 1 and 3 are less than one.
  for (const channels of [58, 116, 48, 8, 2, 6]) {
    const { operators } = await comparePlan(units(channels, channels > 60 ? 1 : 3, { batch: channels > 60 ? 1 : 3 }));
    const expected = Array.from({ length: channels > 60 ? 1 : 3 }, () => UNIT).flat();
    assertEquals(between(operators), ["Conv", ...expected, "Conv"], `${channels} channels`);
  }
});

gpuTest("shuffle: the computed half may come first", async () => {
  for (const channels of [26, 16]) {
    const { operators } = await comparePlan(units(channels, 2, { join: ([past, y]) => [y, past], size: [1, 127] }));
    assertEquals(between(operators), ["Conv", ...UNIT, ...UNIT, "Conv"]);
  }
});

gpuTest("shuffle: both branches of a unit of stride 2", async () => {
  const b = new ModelBuilder({ seed: 5 });
  const x = b.conv("pre", b.input("x", [2, 5, 13, 7]), { out: 10 });
  const down = (name: string) => {
    const y = b.conv(`${name}.depthwise`, x, { out: 10, kernel: 3, stride: 2, groups: 10 });
    return b.activation(`${name}.act`, b.conv(`${name}.conv`, y, { out: 11 }), "relu");
  };
  const y = channelShuffle(b, "shuffle", b.concat("concat", [down("a"), down("b")]), 2);
  const { operators } = await comparePlan(b.graph("down", [y]));
  assertEquals(
    between(operators).toSorted(),
    ["Conv", "Conv", "Conv+Relu", "Conv+Relu+Shuffle"],
    "both depthwise at once",
  );
});

/** A value between two convolutions. */
function between1x1(channels: number, middle: (b: ModelBuilder, x: string) => string[]): Graph {
  const b = new ModelBuilder({ seed: 6 });
  const x = b.conv("pre", b.input("x", [3, 5, 13, 7]), { out: channels });
  const values = middle(b, x);
  return b.graph("middle", values.map((value, i) => b.activation(`out${i}`, value, "hardswish")));
}

gpuTest("shuffle: one dispatch where no convolution can store it; groups and their inverse", async () => {
  for (const [channels, groups] of [[24, 3], [24, 8], [58, 29], [20, 4], [14, 2], [7, 7]]) {
    const graph = between1x1(channels, (b, x) => [channelShuffle(b, "shuffle", x, groups)]);
    assertEquals(between((await comparePlan(graph)).operators), ["Conv", "ChannelShuffle", "HardSwish"]);
  }
});

Deno.test("shuffle: the graph is what Zhang et al. write", () => {
  for (const [shape, groups] of [[[3, 6, 13, 7], 2], [[1, 58, 2, 3], 29], [[2, 24, 1, 5], 3]] as const) {
    const map: Map4 & { data: Float32Array } = { shape, data: randomTensor(shape, 1) };
    const b = new ModelBuilder();
    const graph = b.graph("shuffle", [channelShuffle(b, "shuffle", b.input("x", shape), groups)]);
    const found = runReference(graph, { x: referenceTensor(shape, map.data) }).get(graph.outputs[0])!.data;
    assertEquals([...Float64Array.from(found)], shuffleFormula(map, groups));
  }
});

gpuTest("shuffle: height and width may be one axis in between", async () => {
  const graph = between1x1(12, (b, x) => {
    const split = b.reshape("split", x, [3, 2, 6, 13 * 7]);
    return [b.reshape("merge", b.transpose("swap", split, [0, 2, 1, 3]), [3, 12, 13, 7])];
  });
  assertEquals(between((await comparePlan(graph)).operators), ["Conv", "ChannelShuffle", "HardSwish"]);
});

gpuTest("shuffle: of a plain tensor it stays a plain transposition", async () => {
  const b = new ModelBuilder();
  const graph = b.graph("plain", [channelShuffle(b, "shuffle", b.input("x", [3, 6, 5, 7]), 3)]);
  assertEquals((await comparePlan(graph)).operators, ["Transpose"]);
});

gpuTest("shuffle: near misses are left to the general kernels", async () => {
  const misses: readonly ((b: ModelBuilder, x: string) => string[])[] = [
    // Another order of axes.
    (b, x) => {
      const swapped = b.transpose("swap", b.reshape("split", x, [3, 2, 6, 13, 7]), [0, 2, 1, 4, 3]);
      return [b.reshape("merge", swapped, [3, 12, 13, 7])];
    },
    // Groups of something else than channels.
    (b, x) => {
      const swapped = b.transpose("swap", b.reshape("split", x, [3, 12, 13, 7, 1]), [0, 2, 1, 3, 4]);
      return [b.reshape("merge", swapped, [3, 12, 13, 7])];
    },
    // Somebody reads what lies in between.
    (b, x) => {
      const split = b.reshape("split", x, [3, 2, 6, 13, 7]);
      const merge = b.reshape("merge", b.transpose("swap", split, [0, 2, 1, 3, 4]), [3, 12, 13, 7]);
      return [merge, b.activation("y", split, "relu")];
    },
    // The result has another shape.
    (b, x) => {
      const swapped = b.transpose("swap", b.reshape("split", x, [3, 2, 6, 13, 7]), [0, 2, 1, 3, 4]);
      return [b.reshape("merge", swapped, [3, 12, 7, 13])];
    },
  ];
  for (const miss of misses) {
    const { operators } = await comparePlan(between1x1(12, miss));
    assert(operators.includes("Transpose") && !operators.includes("ChannelShuffle"), operators.join());
  }
});

gpuTest("shuffle: what a convolution cannot store shuffled is shuffled behind it", async () => {
  const half = (b: ModelBuilder, name: string, x: string) => b.conv(name, x, { out: 6 });
  const misses: readonly ((b: ModelBuilder, x: string) => string[])[] = [
    // Four groups.
    (b, x) => [channelShuffle(b, "shuffle", b.concat("both", [half(b, "a", x), half(b, "c", x)]), 4)],
    // The joint map is read too.
    (b, x) => {
      const both = b.concat("both", [half(b, "a", x), half(b, "c", x)]);
      return [channelShuffle(b, "shuffle", both, 2), both];
    },
    // Both results are read too.
    (b, x) => {
      const parts = [half(b, "a", x), half(b, "c", x)];
      return [channelShuffle(b, "shuffle", b.concat("both", parts), 2), ...parts];
    },
    // Halves of different size.
    (b, x) => [channelShuffle(b, "shuffle", b.concat("both", [half(b, "a", x), b.conv("c", x, { out: 2 })]), 2)],
    // A convolution that is joined with its own input, which a buffer could bind but once.
    (b, x) => [channelShuffle(b, "shuffle", b.concat("both", [x, b.conv("c", x, { out: 12 })]), 2)],
  ];
  for (const miss of misses) {
    const { operators } = await comparePlan(between1x1(12, miss));
    assert(operators.includes("ChannelShuffle"), operators.join());
  }
});

gpuTest("parts of a Split: convolutions read them where they lie; others get views and copies", async () => {
  const graph = between1x1(17, (b, x) => {
    const [first, second, third] = b.split("split", x, [5, 9, 3]);
    return [b.conv("a", first, { out: 4, kernel: 3 }), b.conv("b", second, { out: 7 }), b.conv("c", third, { out: 3 })];
  });
  assertEquals(between((await comparePlan(graph)).operators).filter((name) => !name.startsWith("Conv")), []);

  // The last part begins within a block and is read by others than convolutions: it alone is copied.
  const mixed = between1x1(17, (b, x) => {
    const [first, second, third] = b.split("split", x, [8, 5, 4]);
    return [b.conv("a", first, { out: 4 }), b.add("sum", second, second), b.activation("c", third, "silu")];
  });
  assertEquals((await comparePlan(mixed)).operators.filter((name) => name === "Split").length, 1);

  // A convolution of one part that is shuffled with the other part would bind the whole map twice.
  const both = between1x1(12, (b, x) => {
    const [past, through] = b.split("split", x, [6, 6]);
    return [channelShuffle(b, "shuffle", b.concat("both", [past, b.conv("a", through, { out: 6 })]), 2)];
  });
  await comparePlan(both);
  // Neither a depthwise convolution nor one that stores an output of the graph can take a Split along.
  const others = between1x1(12, (b, x) => {
    const [first, second] = b.split("split", x, [6, 6]);
    return [first, b.conv("a", second, { out: 6, kernel: 3, groups: 6 })];
  });
  await comparePlan(others);
});
