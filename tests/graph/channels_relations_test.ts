/** Every relation between channels as a small graph: the groups by hand, and what is left of the graph without them. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { binaryAtRest } from "../../src/graph/channels/rest.ts";
import {
  type CouplingGroup,
  couplingGroups,
  type Graph,
  PAIR_OPERATORS,
  type PairOperator,
} from "../../src/graph/mod.ts";
import { cbam, simam, squeezeExcite } from "../../src/models/attention.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { channelShuffle } from "../../src/models/channel_shuffle.ts";
import { selfAttention } from "../../src/models/psa.ts";
import { appendDflTail } from "../../src/models/dfl_tail.ts";
import { removeChannels } from "../../src/passes/remove_channels.ts";
import { zeroChannels } from "../../src/passes/zero_channels.ts";
import { checkChanges, checkRemoval, difference, outputsOf, slicesOf } from "../support/channels.ts";
import { lively } from "../support/lively.ts";
import { seededRandom } from "../support/random.ts";

const SHAPE = [2, 3, 5, 6];

/** Builds a graph from an input `[2, 3, 5, 6]`; constants keep their drawn numbers, but for normalisation and biases. */
function build(body: (b: ModelBuilder, x: string) => string, shape = SHAPE): Graph {
  const b = new ModelBuilder({ seed: 5 });
  const x = b.input("x", shape);
  return lively(b.graph("relation", [body(b, x)]));
}

/** Numbers of a constant. */
const numbers = (count: number, seed = 1) => {
  const random = seededRandom(seed);
  return Float32Array.from({ length: count }, () => 0.5 + random());
};

/** Removes each group alone, and every second one together, and compares with zeros. */
function checkAll(graph: Graph): readonly CouplingGroup[] {
  const { groups } = couplingGroups(graph);
  groups.forEach((group, index) => checkRemoval(graph, [group], `group ${index}`));
  checkChanges(graph, groups.filter((_, index) => index % 2 === 1), "every second group");
  return groups;
}

/** Reasons of all groups that stay, each once. */
function reasonsOf(graph: Graph): string[] {
  const { kept } = couplingGroups(graph);
  return [...new Set(kept.flatMap(({ kept }) => kept.map(({ operator, node, why }) => `${operator} ${node} ${why}`)))];
}

Deno.test("channels: a row of weights, its normalisation and the column that reads it go together", () => {
  const graph = build((b, x) => b.conv("b", b.convBlock("a", x, { out: 4, kernel: 3 }), { out: 2 }));
  const groups = checkAll(graph);
  assertEquals(groups.length, 4);
  assertEquals(slicesOf(groups[2]), {
    "a.conv.weight/0": [2],
    "a.bn.weight/0": [2],
    "a.bn.bias/0": [2],
    "a.bn.running_mean/0": [2],
    "a.bn.running_var/0": [2],
    "b.weight/1": [2],
  });
  assertEquals(groups[2].members.map(({ role, zeroed }) => `${role} ${zeroed}`), [
    "makes true",
    "adjusts true",
    "adjusts true",
    "adjusts false",
    "adjusts false",
    "reads false",
  ]);
  assertEquals(groups[2].values.map(({ value, axis, indices }) => [value, axis, ...indices]), [
    ["a.conv", 1, 2],
    ["a.bn", 1, 2],
    ["a.act", 1, 2],
  ]);
  assertEquals(reasonsOf(graph), ['Conv b makes the output "b" of it']);
});

Deno.test("channels: Concat puts them one behind the other, Split and Slice take parts", () => {
  const graph = build((b, x) => {
    const joint = b.concat("joint", [b.conv("a", x, { out: 3 }), b.conv("b", x, { out: 4 })]);
    const [first, second] = b.split("split", joint, [5, 2]);
    const part = b.node("Slice", "slice", [first], { axes: [1, 2], starts: [1, 1], ends: [4, 5], steps: [1, 2] });
    const pooled = b.concat("all", [b.globalPool("mean", b.conv("c", part, { out: 2 })), b.globalPool("pool", second)]);
    return b.conv("d", b.globalPool("again", pooled), { out: 1 });
  });
  const groups = checkAll(graph);
  assertEquals(groups.length, 9);
  // The first part has all of a and two of b; the slice takes 1..3 of it.
  assertEquals(groups.slice(1, 4).map((group) => slicesOf(group)["c.weight/1"]), [[0], [1], [2]]);
  assert(!("c.weight/1" in slicesOf(groups[0])) && !("c.weight/1" in slicesOf(groups[4])));
  assertEquals(slicesOf(groups[5]), { "b.weight/0": [2], "b.bias/0": [2], "d.weight/1": [2] });
});

Deno.test("channels: a Slice in steps keeps them", () => {
  const graph = build((b, x) => {
    const y = b.conv("a", x, { out: 4 });
    const odd = b.node("Slice", "odd", [y], { axes: [1], starts: [1], ends: [4], steps: [2] });
    return b.conv("b", odd, { out: 1 });
  });
  assertEquals(couplingGroups(graph).groups.length, 0);
  assertStringIncludes(reasonsOf(graph).join(), "Slice odd takes channels in steps of 2");
});

Deno.test("channels: a residual sum couples what it adds, over several blocks", () => {
  const graph = build((b, x) => {
    let y = b.convBlock("stem", x, { out: 4 });
    for (const i of [0, 1]) y = b.add(`add.${i}`, y, b.convBlock(`block.${i}`, y, { out: 4, kernel: 3, act: "none" }));
    return b.conv("end", y, { out: 2 });
  });
  const groups = checkAll(graph);
  assertEquals(groups.length, 4);
  const slices = slicesOf(groups[1]);
  const made = ["stem.conv.weight/0", "block.0.conv.weight/0", "block.1.conv.weight/0"];
  const read = ["block.0.conv.weight/1", "block.1.conv.weight/1", "end.weight/1"];
  for (const name of [...made, ...read]) assertEquals(slices[name], [1], name);
});

Deno.test("channels: what is broadcast over channels does not couple them, and stays itself", () => {
  const graph = build((b, x) => {
    const y = b.conv("a", x, { out: 4 });
    const gate = b.activation("gate", b.conv("g", x, { out: 1 }), "sigmoid");
    return b.conv("b", b.mul("gated", y, gate), { out: 2 });
  });
  assertEquals(checkAll(graph).length, 4);
  assertStringIncludes(reasonsOf(graph).join(), "Mul gated spreads it over all channels of another value");
});

Deno.test("channels: factors and summands by channel belong to the channel; a summand for all channels keeps them", () => {
  const affine = (b: ModelBuilder, x: string) => {
    const y = b.mul("scaled", b.conv("a", x, { out: 4 }), b.constant("scale", [4, 1, 1], numbers(4)));
    return b.node("Sub", "shifted", [b.constant("shift", [1, 4, 1, 1], numbers(4)), y], {});
  };
  const graph = build((b, x) => b.conv("b", affine(b, x), { out: 2 }));
  const groups = checkAll(graph);
  assertEquals(groups.length, 4);
  assertEquals(slicesOf(groups[3])["scale/0"], [3]);
  assertEquals(slicesOf(groups[3])["shift/1"], [3]);
  assertEquals(groups[3].members.filter(({ zeroed }) => zeroed).map(({ constant }) => constant), [
    "a.weight",
    "a.bias",
    "shift",
  ]);
  const moved = build((b, x) => b.conv("b", b.add("one", affine(b, x), b.constant("c", [1], numbers(1))), { out: 2 }));
  assertEquals(couplingGroups(moved).groups.length, 0);
  const placed = build((b, x) =>
    b.conv("b", b.add("place", affine(b, x), b.constant("c", [5, 6], numbers(30))), { out: 2 })
  );
  assertEquals(couplingGroups(placed).groups.length, 0);
  assertStringIncludes(reasonsOf(placed).join(), "Conv b reads numbers other than zero");
});

Deno.test("channels: a channel that is not zero when it is read stays, and removing it would be wrong", () => {
  const graph = build((b, x) => {
    const y = b.activation("act", b.convBlock("a", x, { out: 4, act: "none" }), "sigmoid");
    return b.conv("b", y, { out: 2 });
  });
  const { groups, kept } = couplingGroups(graph);
  assertEquals(groups.length, 0);
  assertStringIncludes(reasonsOf(graph).join(), "Conv b reads 0.5 where all that makes the channel is zero");
  const forced = [{ ...kept[0], kept: [] }];
  assert(difference(outputsOf(removeChannels(graph, forced)), outputsOf(zeroChannels(graph, forced))) > 1e-3);
  // A depthwise convolution is zero with its own weights, whatever it reads.
  const rescued = build((b, x) => {
    const y = b.activation("act", b.convBlock("a", x, { out: 4, act: "none" }), "sigmoid");
    return b.conv("b", b.convBlock("dw", y, { out: 4, kernel: 3, groups: 4 }), { out: 2 });
  });
  assertEquals(checkAll(rescued).length, 4);
});

Deno.test("channels: a border of another number than zero keeps them, one of zeros and the windows of pools do not", () => {
  const bordered = (value: number) =>
    build((b, x) => {
      const y = b.conv("a", x, { out: 3 });
      const pads = [0, 0, 1, 1, 0, 0, 1, 0];
      const z = b.node("Pad", "pad", [y], { mode: "constant", pads, value });
      const pool = b.maxPool("pool", z, { kernel: 3, stride: 1, padding: 1 });
      const mean = b.node("AveragePool", "mean", [pool], {
        kernel: [2, 2],
        strides: [1, 1],
        pads: [1, 1, 0, 0],
        dilations: [1, 1],
        ceilMode: false,
        countIncludePad: true,
      });
      return b.conv("b", b.upsample("up", mean), { out: 2, kernel: 3 });
    });
  assertEquals(checkAll(bordered(0)).length, 3);
  assertEquals(couplingGroups(bordered(1)).groups.length, 0);
});

Deno.test("channels: a mean that counts zeros around a map of another number does not leave it that number", () => {
  const averaged = (countIncludePad: boolean) =>
    build((b, x) => {
      const y = b.activation("act", b.convBlock("a", x, { out: 3, act: "none" }), "sigmoid");
      const pool = { kernel: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], ceilMode: false } as const;
      const mean = b.node("AveragePool", "mean", [y], { ...pool, countIncludePad });
      return b.conv("b", b.node("Sub", "less", [mean, b.constant("half", [], Float32Array.of(0.5))], {}), { out: 2 });
    });
  assertEquals(checkAll(averaged(false)).length, 3);
  assertEquals(couplingGroups(averaged(true)).groups.length, 0);
});

Deno.test("channels: what meets the picture, or is all that a value holds, stays", () => {
  const residual = build((b, x) => b.conv("b", b.add("sum", x, b.convBlock("a", x, { out: 3 })), { out: 2 }));
  assertEquals(couplingGroups(residual).groups.length, 0);
  assertStringIncludes(reasonsOf(residual).join(), "Add sum joins it with channels that stay");
  // Places 0 and 1 of two parts of two channels: each half of the shuffled map is one of them.
  const halved = build((b, x) => {
    const [left, right] = b.split("split", channelShuffle(b, "shuffle", b.convBlock("a", x, { out: 4 }), 2), [2, 2]);
    return b.conv("end", b.concat("join", [b.conv("b", left, { out: 2 }), right]), { out: 2 });
  });
  assertEquals(couplingGroups(halved).groups.map((group) => Object.keys(slicesOf(group))[0]), [
    "b.weight/0",
    "b.weight/0",
  ]);
  assertStringIncludes(reasonsOf(halved).join(), "Split split would have no channel left without it");
});

Deno.test("channels: a depthwise convolution goes with what it reads, with as many outputs as it makes of it", () => {
  const graph = build((b, x) => {
    const y = b.convBlock("a", x, { out: 4 });
    const z = b.convBlock("dw", y, { out: 8, kernel: 3, groups: 4 });
    return b.conv("b", z, { out: 2 });
  });
  const groups = checkAll(graph);
  assertEquals(groups.length, 4);
  assertEquals(slicesOf(groups[1])["dw.conv.weight/0"], [2, 3]);
  assertEquals(slicesOf(groups[1])["b.weight/1"], [2, 3]);
  const smaller = removeChannels(graph, [groups[1]]);
  const conv = smaller.nodes.find(({ name }) => name === "dw.conv")!;
  assert(conv.op === "Conv" && conv.attributes.groups === 3);
});

Deno.test("channels: a depthwise convolution of the picture stays", () => {
  const graph = build((b, x) => b.conv("b", b.convBlock("dw", x, { out: 3, kernel: 3, groups: 3 }), { out: 2 }));
  assertEquals(couplingGroups(graph).groups.length, 0);
  assertStringIncludes(reasonsOf(graph).join(), "Conv dw.conv couples it with channels that stay");
});

Deno.test("channels: a grouped convolution couples the same place of every group, for inputs and for outputs", () => {
  const graph = build((b, x) => {
    const y = b.convBlock("a", x, { out: 6 });
    return b.conv("b", b.convBlock("grouped", y, { out: 8, kernel: 3, groups: 2 }), { out: 2 });
  });
  const groups = checkAll(graph);
  assertEquals(groups.length, 3 + 4);
  assertEquals(slicesOf(groups[1])["a.conv.weight/0"], [1, 4]);
  assertEquals(slicesOf(groups[1])["grouped.conv.weight/1"], [1]);
  assertEquals(slicesOf(groups[4])["grouped.conv.weight/0"], [1, 5]);
  assertEquals(slicesOf(groups[4])["b.weight/1"], [1, 5]);
});

Deno.test("channels: a transposed convolution, dense, grouped and depthwise", () => {
  for (const [groups, outputs, expected] of [[1, 4, 6 + 4], [2, 4, 3 + 2], [6, 12, 6], [6, 6, 6]]) {
    const graph = build((b, x) => {
      const y = b.convBlock("a", x, { out: 6 });
      const weight = b.weight("up.weight", [6, outputs / groups, 2, 2], "uniformFanIn");
      const z = b.node("ConvTranspose", "up", [y, weight, b.constant("up.bias", [outputs], numbers(outputs))], {
        strides: [2, 2],
        pads: [0, 0, 0, 0],
        dilations: [1, 1],
        outputPadding: [0, 1],
        groups,
      });
      return b.conv("b", z, { out: 2 });
    });
    assertEquals(checkAll(graph).length, expected, `${groups} groups`);
  }
});

Deno.test("channels: heads of attention go whole: queries, keys, values, positions and the projection's columns", () => {
  const graph = build(
    (b, x) => b.conv("end", selfAttention(b, "attn", b.convBlock("stem", x, { out: 128 })), { out: 2 }),
    [1, 3, 2, 3],
  );
  const { groups } = couplingGroups(graph);
  const heads = groups.filter(({ members }) => members.some(({ constant }) => constant === "attn.qkv.conv.weight"));
  const whole = heads.filter((group) => "attn.qkv.conv.weight/0" in slicesOf(group));
  assertEquals(whole.length, 2);
  const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);
  assertEquals(slicesOf(whole[1])["attn.qkv.conv.weight/0"], range(128, 256));
  assertEquals(slicesOf(whole[1])["attn.pe.conv.weight/0"], range(64, 128));
  assertEquals(slicesOf(whole[1])["attn.proj.conv.weight/1"], range(64, 128));
  checkChanges(graph, [whole[0]], "first head");
  checkRemoval(graph, groups.filter((group, index) => group === whole[1] || index % 3 === 0), "second head and others");
});

Deno.test("channels: heads go whole too where queries, keys and values are made apart, or stand before the heads", () => {
  const attend = (b: ModelBuilder, [q, k, v]: readonly string[]) => {
    const scores = b.node("MatMul", "scores", [b.transpose("turned", q, [0, 1, 3, 2]), k], {});
    const weights = b.transpose("weights", b.node("Softmax", "soft", [scores], { axis: 3 }), [0, 1, 3, 2]);
    const map = b.reshape("map", b.node("MatMul", "mixed", [v, weights], {}), [2, 12, 5, 6]);
    // Joined and cut again behind the heads, which is no reason to keep them.
    return b.conv("end", b.split("cut", b.concat("joint", [map, "x"]), [12, 3])[0], { out: 2 });
  };
  const apart = build((b, x) => {
    const headed = (name: string) => b.reshape(`${name}.heads`, b.conv(name, x, { out: 12 }), [2, 3, 4, 30]);
    return attend(b, ["q", "k", "v"].map(headed));
  });
  const groups = checkAll(apart);
  assertEquals(groups.length, 3);
  for (const name of ["q", "k", "v"]) assertEquals(slicesOf(groups[1])[`${name}.weight/0`], [4, 5, 6, 7]);
  assertEquals(slicesOf(groups[1])["end.weight/1"], [4, 5, 6, 7]);
  const before = build((b, x) => {
    const all = b.reshape("parts", b.conv("qkv", x, { out: 36 }), [2, 3, 3, 4, 30]);
    const parts = b.split("split", all, [1, 1, 1], 1);
    return attend(b, parts.map((part, index) => b.reshape(`one.${index}`, part, [2, 3, 4, 30])));
  });
  const three = checkAll(before);
  assertEquals(three.length, 3);
  assertEquals(slicesOf(three[2])["qkv.weight/0"], [8, 9, 10, 11, 20, 21, 22, 23, 32, 33, 34, 35]);
});

Deno.test("channels: a channel shuffle couples the same place of every part", () => {
  const graph = build((b, x) => {
    const y = channelShuffle(b, "shuffle", b.convBlock("a", x, { out: 12 }), 3);
    const [left, right] = b.split("split", y, [7, 5]);
    return b.conv("end", b.concat("join", [b.conv("b", left, { out: 2 }), b.conv("c", right, { out: 2 })]), { out: 1 });
  });
  const groups = checkAll(graph);
  assertEquals(groups.length, 4 + 4);
  assertEquals(slicesOf(groups[2])["a.conv.weight/0"], [2, 6, 10]);
  // Places 0..3 of three parts lie at 3 place + part: place 2 at 6 (left) and 7, 8 (right).
  assertEquals(slicesOf(groups[2])["b.weight/1"], [6]);
  assertEquals(slicesOf(groups[2])["c.weight/1"], [0, 1]);
});

Deno.test("channels: space to depth and back are followed by the channel", () => {
  const toDepth = build((b, x) => {
    const y = b.reshape("tiles", b.convBlock("a", x, { out: 3 }), [2, 3, 2, 2, 3, 2]);
    return b.conv("b", b.reshape("deep", b.transpose("swap", y, [0, 3, 5, 1, 2, 4]), [2, 12, 2, 3]), { out: 2 });
  }, [2, 3, 4, 6]);
  assertEquals(slicesOf(checkAll(toDepth)[1])["b.weight/1"], [1, 4, 7, 10]);
  const toSpace = build((b, x) => {
    const y = b.reshape("tiles", b.convBlock("a", x, { out: 12 }), [2, 3, 2, 2, 5, 6]);
    return b.conv("b", b.reshape("wide", b.transpose("swap", y, [0, 1, 4, 2, 5, 3]), [2, 3, 10, 12]), { out: 2 });
  });
  assertEquals(slicesOf(checkAll(toSpace)[1])["a.conv.weight/0"], [4, 5, 6, 7]);
});

Deno.test("channels: the gate of squeeze-and-excitation goes with the map, its bottleneck by itself", () => {
  const graph = build((b, x) => {
    const y = squeezeExcite(b, "se", b.convBlock("a", x, { out: 6 }), { squeeze: 3, gate: "hardsigmoid" });
    return b.conv("end", y, { out: 2 });
  });
  const groups = checkAll(graph);
  assertEquals(groups.length, 6 + 3);
  const slices = slicesOf(groups[4]);
  for (const name of ["a.conv.weight/0", "se.fc1.weight/1", "se.fc2.weight/0", "se.fc2.bias/0", "end.weight/1"]) {
    assertEquals(slices[name], [4], name);
  }
});

Deno.test("channels: CBAM looks at the mean over channels, which keeps them; its shared bottleneck can shrink", () => {
  const graph = build((b, x) => b.conv("end", cbam(b, "cbam", b.convBlock("a", x, { out: 6 })), { out: 2 }));
  const groups = checkAll(graph);
  assertEquals(groups.length, 4);
  // Both perceptrons read the same weights.
  assertEquals(groups[0].members.map(({ node }) => node), [
    "cbam.channel.mean.fc1",
    "cbam.channel.mean.fc1",
    "cbam.channel.mean.fc2",
    "cbam.channel.max.fc1",
    "cbam.channel.max.fc1",
    "cbam.channel.max.fc2",
  ]);
  assertStringIncludes(reasonsOf(graph).join(), "ReduceMean cbam.spatial.mean takes one number of all its channels");
});

Deno.test("channels: SimAM works in each channel alone, so that it couples nothing", () => {
  const graph = build((b, x) => b.conv("end", simam(b, "simam", b.convBlock("a", x, { out: 5 })), { out: 2 }));
  assertEquals(checkAll(graph).length, 5);
});

Deno.test("channels: a flattened map is read pixel by pixel, a matrix makes channels too", () => {
  const graph = build((b, x) => {
    const flat = b.flatten("flat", b.convBlock("a", x, { out: 4 }));
    const hidden = b.activation("act", b.linear("fc1", flat, { out: 5 }), "relu");
    const normal = b.node("MatMul", "fc2", [hidden, b.weight("fc2.weight", [5, 4], "uniformFanIn")], {});
    return b.linear("fc3", b.add("bias", normal, b.constant("fc2.bias", [4], numbers(4))), { out: 3 });
  });
  const groups = checkAll(graph);
  assertEquals(groups.length, 4 + 5 + 4);
  assertEquals(slicesOf(groups[1])["fc1.weight/1"], Array.from({ length: 30 }, (_, i) => 30 + i));
  assertEquals(slicesOf(groups[4]), { "fc1.weight/0": [0], "fc1.bias/0": [0], "fc2.weight/0": [0] });
});

Deno.test("channels: a sum over channels reads them, their greatest element and Softmax keep them", () => {
  const reduced = (op: "ReduceSum" | "ReduceMax" | "ReduceMean") =>
    build((b, x) => {
      const y = b.node(op, "over", [b.convBlock("a", x, { out: 4 })], { axes: [1], keepDims: true });
      return b.conv("end", y, { out: 2 });
    });
  assertEquals(checkAll(reduced("ReduceSum")).length, 4);
  for (const op of ["ReduceMax", "ReduceMean"] as const) {
    assertEquals(couplingGroups(reduced(op)).groups.length, 0);
    assertStringIncludes(reasonsOf(reduced(op)).join(), `${op} over takes one number of all its channels`);
  }
  const soft = build((b, x) =>
    b.conv("end", b.node("Softmax", "soft", [b.convBlock("a", x, { out: 4 })], { axis: 1 }), { out: 2 })
  );
  assertEquals(couplingGroups(soft).groups.length, 0);
  assertStringIncludes(reasonsOf(soft).join(), "Softmax soft divides by a sum over its channels");
});

Deno.test("channels: products of two values couple what they sum over", () => {
  const graph = build((b, x) => {
    const tokens = (path: string, out: number) => b.reshape(`${path}.flat`, b.conv(path, x, { out }), [2, out, 30]);
    const queries = b.transpose("turned", tokens("q", 4), [0, 2, 1]);
    const scores = b.node("Softmax", "soft", [b.node("MatMul", "scores", [queries, tokens("k", 4)], {})], { axis: 2 });
    const mixed = b.node("MatMul", "mixed", [tokens("v", 3), b.transpose("t", scores, [0, 2, 1])], {});
    return b.conv("end", b.reshape("map", mixed, [2, 3, 5, 6]), { out: 2 });
  });
  const groups = checkAll(graph);
  assertEquals(groups.length, 4 + 3);
  assertEquals(slicesOf(groups[1]), {
    "q.weight/0": [1],
    "q.bias/0": [1],
    "k.weight/0": [1],
    "k.bias/0": [1],
  });
});

Deno.test("channels: what joins levels along another axis couples them; the bins of DFL and the classes stay", () => {
  const graph = build((b, x) => {
    const level = (name: string, from: string, rows: number, columns: number, stride: number) => ({
      box: b.conv(`${name}.box`, b.convBlock(`${name}.b`, from, { out: 4 }), { out: 64 }),
      classes: b.conv(`${name}.cls`, b.convBlock(`${name}.c`, from, { out: 3 }), { out: 2 }),
      rows,
      columns,
      stride,
    });
    const fine = level("fine", x, 4, 6, 8);
    const coarse = level("coarse", b.maxPool("pool", x, { kernel: 2 }), 2, 3, 16);
    return appendDflTail(b, "head", [fine, coarse], 1, 2);
  }, [1, 3, 4, 6]);
  assertEquals(checkAll(graph).length, 4 + 3 + 4 + 3);
  const { kept } = couplingGroups(graph);
  const bins = kept.find(({ members }) => members.some(({ constant }) => constant === "fine.box.weight"))!;
  assertEquals(slicesOf(bins)["coarse.box.weight/0"].length, 64);
  assertStringIncludes(bins.kept[0].why, 'splits it over axes that Softmax "head/dfl/Softmax"');
  assertStringIncludes(reasonsOf(graph).join("\n"), 'Concat output0 makes the output "output0" of it');
});

Deno.test("channels: what two nodes read of one constant goes together, or stays where one of them needs all of it", () => {
  const shared = (isWhole: boolean) =>
    build((b, x) => {
      const weight = b.weight("shared", [3, 3, 1, 1], "uniformFanIn");
      const attributes = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 } as const;
      const y = b.node("Conv", "one", [x, weight], attributes);
      const z = b.node("Conv", "two", [isWhole ? x : b.conv("own", x, { out: 3 }), weight], attributes);
      return b.conv("end", b.concat("join", [y, z]), { out: 2 });
    });
  // Rows of the shared weight make the same channels of both; its columns read the picture in one of them.
  const groups = checkAll(shared(true));
  assertEquals(groups.map((group) => slicesOf(group)["end.weight/1"]), [[0, 3], [1, 4], [2, 5]]);
  assertStringIncludes(reasonsOf(shared(false)).join(), 'shares its constant "shared" with channels that stay');
  const whole = build((b, x) => {
    const y = b.conv("a", x, { out: 6 });
    const pixels = b.reshape("row", y, [2, 6, 30]);
    const sum = b.node("MatMul", "sum", [pixels, b.weight("w", [30, 3], "uniformFanIn")], {});
    // The bias of "a", read once more as something else.
    return b.node("MatMul", "end", [b.reshape("turn", sum, [2, 3, 6]), b.reshape("column", "a.bias", [6, 1])], {});
  });
  assertEquals(couplingGroups(whole).groups.length, 0);
  assertStringIncludes(reasonsOf(whole).join(), 'Reshape column needs all of the constant "a.bias" along axis 0');
});

Deno.test("channels: quantized numbers are not followed", () => {
  const graph = build((b, x) => {
    const y = b.convBlock("a", x, { out: 4 });
    const scale = b.constant("scale", [], numbers(1)), zero = b.constant("zero", [], Int8Array.of(0));
    const q = b.node("QuantizeLinear", "q", [y, scale, zero], { axis: 0 });
    return b.conv("end", b.node("DequantizeLinear", "dq", [q, scale, zero], { axis: 0 }), { out: 2 });
  });
  assertEquals(couplingGroups(graph).groups.length, 0);
  assertStringIncludes(reasonsOf(graph).join(), "QuantizeLinear q works on quantized numbers");
});

/** Two branches of four channels, or one and a constant, that an operator joins before a convolution reads them. */
function joined(op: PairOperator, withConstant: boolean): Graph {
  return build((b, x) => {
    const one = b.convBlock("a", x, { out: 4, kernel: 3 });
    const other = withConstant
      ? b.constant("bound", [4, 1, 1], numbers(4))
      : b.convBlock("b", x, { out: 4, kernel: 3 });
    return b.conv("c", b.node(op, "pair", [one, other], {}), { out: 2 });
  });
}

Deno.test("channels: extremes, comparisons and choices couple what they meet where zeros make zeros", () => {
  const together = (graph: Graph, other: string) =>
    checkAll(graph).filter((group) => "a.conv.weight/0" in slicesOf(group) && other in slicesOf(group)).length;
  for (const op of ["Max", "Min", "Less", "Mask"] as const) {
    assertEquals(together(joined(op, false), "b.conv.weight/0"), 4, op);
  }
  for (const op of ["Min", "Mask"] as const) assertEquals(together(joined(op, true), "bound/0"), 4, op);
  for (const op of ["LessOrEqual", "Equal"] as const) {
    assertStringIncludes(reasonsOf(joined(op, false)).join(), "reads 1 where all that makes the channel is zero");
  }
  for (const op of ["Max", "Less"] as const) {
    assertStringIncludes(reasonsOf(joined(op, true)).join(), "where all that makes the channel is zero");
  }
});

Deno.test("channels: a comparison with a number that is not known says nothing", () => {
  for (const op of PAIR_OPERATORS) {
    assertEquals([binaryAtRest(op, NaN, 1), binaryAtRest(op, 1, NaN)], [NaN, NaN], op);
  }
});
