/** Parts that go with their layers: the graph without them against the same graph with their results at zero, in float64. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { analyze, FeatherdetError, type Graph, GraphIndex, verify } from "../../src/graph/mod.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { loadOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { dropConcatInputs } from "../../src/passes/concat_inputs.ts";
import { recogniseActivations } from "../../src/passes/recognise_activations.ts";
import { countLayers, type Part, partsOf, removeParts } from "../../src/passes/removable_parts.ts";
import { difference, outputsOf } from "../support/channels.ts";
import { lively } from "../support/lively.ts";

/** Weights that were added up are rounded to floats once more. */
const ROUNDING = 1e-6;

const model = lively(yolo11({ width: 0.0625, size: 32, classes: 3 }), 3);
const parts = partsOf(model);
const named = (name: string) => parts.find((part) => part.name === name)!;

/** The whole graph in which the results of parts are zero, or meet weights of zero. */
function zeroed(graph: Graph, parts: readonly Part[]): Graph {
  const constants = new Map(graph.constants), index = GraphIndex.of(graph);
  const put = (name: string, isGone: (element: number) => boolean) => {
    const constant = constants.get(name)!, data = Float32Array.from(constant.data, Number);
    constants.set(name, { ...constant, data: data.map((value, element) => isGone(element) ? 0 : value) } as never);
  };
  for (const { branch, input } of parts) {
    for (const name of branch?.norm.inputs.slice(1, 3) ?? []) put(name, () => true);
    if (!input) continue;
    const [concat, place] = input, { inputs, outputs } = graph.nodes.find(({ name }) => name === concat)!;
    const channels = inputs.map((value) => index.shapeOf(value)[1]);
    const from = channels.slice(0, place).reduce((sum, count) => sum + count, 0), to = from + channels[place];
    for (const { inputs: [, weight] } of index.readersOf(outputs[0])) {
      const [, columns, ...kernel] = graph.constants.get(weight)!.shape;
      const taps = kernel.reduce((product, side) => product * side, 1);
      put(weight, (element) => {
        const column = Math.floor(element / taps) % columns;
        return column >= from && column < to;
      });
    }
  }
  return { ...graph, constants };
}

function check(gone: readonly Part[], graph = model): Graph {
  const short = removeParts(graph, gone), names = gone.map(({ name }) => name).join(", ");
  verify(short);
  const own = outputsOf(short);
  assert(difference(own, outputsOf(zeroed(graph, gone))) < ROUNDING, names);
  assert(difference(own, outputsOf(graph)) > 1e-9, `${names} change nothing`);
  return short;
}

Deno.test("a network without a part computes what it does with the part at zero, whatever part it is", () => {
  assertEquals(parts.length, 30);
  for (const part of parts) {
    assertEquals(countLayers(check([part])), countLayers(model) - part.layers, part.name);
  }
});

Deno.test("several parts go together, also those within others and around them", () => {
  const inner = named("model.6.m.0.m.0.add"), outer = named("model.6.concat[2]");
  const both = check([inner, outer]);
  assertEquals(countLayers(both), countLayers(check([outer])));
  const short = check([named("model.2.m.0.add"), outer, named("model.10.m.0.add"), named("model.22.m.0.m.1.add")]);
  const inputsOf = (graph: Graph) => graph.constants.get("model.2.cv2.conv.weight")!.shape[1];
  assertEquals(3 * inputsOf(short), 2 * inputsOf(model));
});

Deno.test("what a Split took apart and nothing changed is read as it was", () => {
  const short = check([named("model.2.m.0.add"), named("model.4.concat[2]")]);
  for (const row of ["model.2", "model.4"]) {
    assert(!short.nodes.some(({ name, op }) => name.startsWith(`${row}.`) && (op === "Split" || op === "Concat")));
  }
  assert(analyze(short).flops < analyze(model).flops);
});

Deno.test("parts are those of a file that was saved and loaded", async () => {
  const loaded = recogniseActivations(await loadOnnx(saveOnnx(model)));
  assertEquals(
    partsOf(loaded).map(({ name, layers }) => [name, layers]),
    parts.map(({ name, layers }) => [name, layers]),
  );
});

/** A Concat of three values, one of them twice, read by a 3x3 convolution with a bias, and by others if asked for. */
function joined(others: "none" | "relu" | "output" | "same weights" = "none"): Graph {
  const b = new ModelBuilder({ seed: 3 });
  const x = b.input("x", [3, 3, 7, 5]);
  const left = b.convBlock("left", x, { out: 5, kernel: 3 }), right = b.convBlock("right", x, { out: 2 });
  const all = b.concat("all", [left, right, left]);
  const weight = b.constant("weight", [4, 12, 3, 3], Float32Array.from({ length: 432 }, (_, i) => Math.sin(i)));
  const bias = b.constant("bias", [4], new Float32Array([1, -1, 2, 3]));
  const plain = { strides: [2, 1], pads: [1, 0, 1, 2], dilations: [1, 1], groups: 1 } as const;
  const outputs = [b.node("Conv", "end", [all, weight, bias], plain)];
  if (others === "relu") outputs.push(b.node("Relu", "relu", [all], {}));
  if (others === "output") outputs.push(all);
  if (others === "same weights") outputs.push(b.node("Conv", "again", [all, weight], plain));
  return lively(b.graph("joined", outputs), 4);
}

Deno.test("channels that are read twice are read once, with a kernel of 3x3 and a batch of three", () => {
  const graph = joined(), once = dropConcatInputs(graph);
  verify(once);
  assertEquals(once.constants.get("weight")!.shape, [4, 7, 3, 3]);
  assert(difference(outputsOf(once), outputsOf(graph)) < ROUNDING);
  const first = dropConcatInputs(graph, new Map([["all", new Set([0])]]));
  assertEquals(first.constants.get("weight")!.shape, [4, 7, 3, 3]);
  assert(
    difference(outputsOf(first), outputsOf(zeroed(graph, [{ name: "", layers: 0, input: ["all", 0] }]))) < ROUNDING,
  );
  const alone = dropConcatInputs(graph, new Map([["all", new Set([0, 2])]]));
  assertEquals(alone.nodes.filter(({ op }) => op === "Concat").length, 0);
  assertEquals(alone.nodes.find(({ name }) => name === "end")!.inputs[0], "right.act");
});

Deno.test("a Concat that others read too stays as it is, and what cannot go is refused", () => {
  for (const others of ["relu", "output", "same weights"] as const) {
    const graph = joined(others);
    assert(dropConcatInputs(graph) === graph, others);
    assertEquals(partsOf(graph), [], others);
    const drop = () => dropConcatInputs(graph, new Map([["all", new Set([1])]]));
    assertThrows(drop, FeatherdetError, '"all" is no Concat of channels that convolutions alone read');
  }
  const every = new Map([["all", new Set([0, 1, 2])]]);
  assertThrows(() => dropConcatInputs(joined(), every), FeatherdetError, "would have no input left");
  assertEquals(partsOf(joined()).map(({ name, layers }) => [name, layers]), [["all[1]", 1]]);
});
