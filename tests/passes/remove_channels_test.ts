/** Removing and zeroing channels: what is sliced, what is adapted, what is refused. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { analyze, couplingGroups, FeatherdetError, type Graph, verify } from "../../src/graph/mod.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { channelShuffle } from "../../src/models/channel_shuffle.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { loadOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { removeChannels } from "../../src/passes/remove_channels.ts";
import { zeroChannels } from "../../src/passes/zero_channels.ts";
import { difference, outputsOf, sampleGroups, slicesOf } from "../support/channels.ts";

/** Two convolutions, weights counted up. */
function pair(): Graph {
  const b = new ModelBuilder();
  const counted = (name: string, shape: readonly number[]) =>
    b.constant(name, shape, Float32Array.from({ length: shape.reduce((a, c) => a * c, 1) }, (_, i) => i + 1));
  const plain = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 } as const;
  const x = b.input("x", [1, 2, 3, 3]);
  const y = b.node("Conv", "a", [x, counted("w", [3, 2, 1, 2]), counted("bias", [3])], plain);
  return b.graph("pair", [b.node("Conv", "b", [y, counted("v", [2, 3, 2, 1])], plain)]);
}

Deno.test("removeChannels takes rows, biases and columns away and shares the rest", () => {
  const graph = pair();
  const { groups: [, second] } = couplingGroups(graph);
  const smaller = removeChannels(graph, [second]);
  const of = (name: string) => ({
    shape: smaller.constants.get(name)!.shape,
    data: [...smaller.constants.get(name)!.data],
  });
  assertEquals(of("w"), { shape: [2, 2, 1, 2], data: [1, 2, 3, 4, 9, 10, 11, 12] });
  assertEquals(of("bias"), { shape: [2], data: [1, 3] });
  assertEquals(of("v"), { shape: [2, 2, 2, 1], data: [1, 2, 5, 6, 7, 8, 11, 12] });
  assertEquals(smaller.nodes.map(({ name }) => name), ["a", "b"]);
  assertEquals(graph.constants.get("w")!.shape, [3, 2, 1, 2]);
  assert(removeChannels(graph, []) === graph);
});

Deno.test("zeroChannels sets rows and biases to zero and nothing else", () => {
  const graph = pair();
  const { groups: [, second] } = couplingGroups(graph);
  const zeroed = zeroChannels(graph, [second]);
  assertEquals([...zeroed.constants.get("w")!.data], [1, 2, 3, 4, 0, 0, 0, 0, 9, 10, 11, 12]);
  assertEquals([...zeroed.constants.get("bias")!.data], [1, 0, 3]);
  assert(zeroed.constants.get("v") === graph.constants.get("v"));
});

Deno.test("removeChannels adapts groups, sizes of parts, bounds of slices and shapes", () => {
  const b = new ModelBuilder();
  const x = b.input("x", [2, 3, 4, 4]);
  const wide = channelShuffle(b, "shuffle", b.convBlock("a", x, { out: 8 }), 2);
  const deep = b.convBlock("dw", wide, { out: 8, kernel: 3, groups: 8 });
  const [left, right] = b.split("split", deep, [3, 5]);
  const part = b.node("Slice", "slice", [right], { axes: [1, 2], starts: [2, 1], ends: [5, 3], steps: [1, 1] });
  const ends = [left, part].map((value, index) => b.conv(`end${index}`, value, { out: 1 }));
  const graph = b.graph("all", ends);
  const { groups } = couplingGroups(graph);
  // Place 2 of both parts: channels 2 and 6 of a, 4 and 5 behind the shuffle, 1 and 2 of the right part.
  assertEquals(slicesOf(groups[2])["a.conv.weight/0"], [2, 6]);
  const smaller = removeChannels(graph, [groups[2]]);
  const attributes = Object.fromEntries(smaller.nodes.map((node) => [node.name, node.attributes])) as Record<
    string,
    Record<string, unknown>
  >;
  assertEquals(attributes["shuffle.split"].shape, [2, 2, 3, 4, 4]);
  assertEquals(attributes["shuffle.merge"].shape, [2, 6, 4, 4]);
  assertEquals(attributes["dw.conv"].groups, 6);
  assertEquals(attributes["split"].sizes, [3, 3]);
  assertEquals(attributes["slice"], { axes: [1, 2], starts: [1, 1], ends: [3, 3], steps: [1, 1] });
});

Deno.test("removeChannels refuses to leave nothing, channels that stay, and groups of another graph", () => {
  const graph = pair();
  const { groups, kept } = couplingGroups(graph);
  assertThrows(() => removeChannels(graph, groups), FeatherdetError, 'Conv "a": no channel of "a" would be left');
  assertThrows(
    () => removeChannels(graph, kept),
    FeatherdetError,
    'Conv "b": channels cannot be removed because the node makes the output "b" of it',
  );
  const smaller = removeChannels(graph, [groups[0]]);
  const error = assertThrows(
    () => removeChannels(smaller, [groups[1]]),
    FeatherdetError,
    "a coupling group of another",
  );
  assert(error.message.includes('constant "w" had 3 slices along axis 0, here it is [2,2,1,2]'), error.message);
  assertThrows(
    () => zeroChannels({ ...graph, constants: new Map() }, [groups[1]]),
    FeatherdetError,
    "here there is none",
  );
});

Deno.test("a YOLO11n with half its groups gone is a graph like any other: smaller, saved, loaded, made smaller again", async () => {
  const graph = yolo11({ scale: "n", size: 32, width: 0.125, classes: 2 });
  const smaller = removeChannels(graph, sampleGroups(couplingGroups(graph).groups, 0.5, 3));
  assert(analyze(smaller).flops < 0.5 * analyze(graph).flops);
  const loaded = await loadOnnx(saveOnnx(smaller));
  assertEquals(difference(outputsOf(loaded), outputsOf(smaller)) < 1e-6, true);
  const again = removeChannels(loaded, sampleGroups(couplingGroups(loaded).groups, 0.5, 4));
  verify(again);
  assert(analyze(again).parameters < analyze(smaller).parameters);
});
