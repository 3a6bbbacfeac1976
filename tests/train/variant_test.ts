/** Training variants: what they make of a graph, how they combine, and the sum of absolute scales of BatchNormalization. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { FeatherdetError, type Graph } from "../../src/graph/mod.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import {
  batchNormL1,
  buildGradientGraph,
  buildTrainingGraph,
  combineVariants,
  joinSeeds,
  PLAIN,
  trainableGraph,
  type TrainingVariant,
} from "../../src/train/mod.ts";
import { lively } from "../support/lively.ts";

/** Two blocks, whose scales include a negative one and a zero. */
function net(): Graph {
  const b = new ModelBuilder({ seed: 5 });
  const x = b.convBlock("first", b.input("x", [2, 1, 5, 7]), { out: 3, kernel: 3 });
  const model = lively(b.graph("net", [b.convBlock("second", x, { out: 5, kernel: 1 })]));
  const scales = Float32Array.of(0.5, -0.25, 0);
  return {
    ...model,
    constants: new Map([...model.constants, ["first.bn.weight", { dtype: "f32", shape: [3], data: scales }]]),
  };
}

/** Name -> gradient of the variant's one loss, of all parameters; and the loss. */
function gradientsOf(variant: TrainingVariant, model: Graph) {
  const made = variant.trainable(trainableGraph(model));
  const { graph, losses: [{ value }] } = variant.losses(made);
  const training = buildTrainingGraph(graph, {
    outputs: [value, ...graph.outputs],
    frozen: (name) => made.frozen.has(name),
  });
  const wrt = training.parameters.map(({ name }) => name);
  const step = buildGradientGraph(training.graph, { losses: [value], wrt });
  const feeds = Object.fromEntries(
    [...training.parameters, ...training.statistics].map(({ name, initial: { shape, data } }) =>
      [name, referenceTensor(shape, data)] as const
    ),
  );
  const x = { x: referenceTensor([2, 1, 5, 7], new Float64Array(70)) };
  const values = runReference(step.graph, { ...x, ...feeds });
  const gradients = [...step.gradients].map(([name, gradient]) => [name, [...values.get(gradient)!.data]] as const);
  return { loss: values.get(value)!.data[0], gradients: new Map(gradients) };
}

Deno.test("the sum of absolute scales has their signs as its gradient, and 0 where a scale is 0", () => {
  const model = net();
  const scales = ["first.bn.weight", "second.bn.weight"].map((name) =>
    [...model.constants.get(name)!.data].map(Number)
  );
  const { loss, gradients } = gradientsOf(batchNormL1({ weight: 1 }), model);
  const expected = scales.flat().reduce((sum, scale) => sum + Math.abs(scale), 0);
  assert(Math.abs(loss - expected) < 1e-12 && expected > 1, `${loss}, expected ${expected}`);
  assertEquals(gradients, new Map([["first.bn.weight", [1, -1, 0]], ["second.bn.weight", scales[1].map(Math.sign)]]));
});

Deno.test("layers may be left out, frozen scales are, and without any there is nothing to draw to zero", () => {
  const model = net();
  const first = batchNormL1({ weight: 1, layers: (name) => name.startsWith("first") });
  assertEquals(gradientsOf(first, model).loss, 0.75);
  const frozen: TrainingVariant = {
    ...PLAIN,
    name: "frozen",
    trainable: (made) => ({ ...made, frozen: new Set([...made.frozen, "second.bn.weight"]) }),
  };
  const both = gradientsOf(combineVariants([frozen, batchNormL1({ weight: 1 })]), model);
  assertEquals([both.loss, [...both.gradients.keys()]], [0.75, ["first.bn.weight"]]);
  const none = batchNormL1({ weight: 1, layers: () => false });
  assertThrows(() => none.losses(trainableGraph(model)), FeatherdetError, "there is no BatchNormalization");
});

/** A variant that notes in the graph's metadata what was done, and adds a seeded loss. */
function noting(name: string): TrainingVariant {
  const note = (graph: Graph, what: string): Graph => ({
    ...graph,
    metadata: { ...graph.metadata, notes: `${graph.metadata.notes ?? ""}${what} ${name}; ` },
  });
  return {
    name,
    settings: { [name]: 1 },
    trainable: (model) => ({ ...model, graph: note(model.graph, "train"), frozen: new Set([...model.frozen, name]) }),
    losses: ({ graph }) => ({
      graph: note(graph, "loss"),
      losses: [{ name, value: "v" }],
      seeds: { shared: `${name} gradient` },
    }),
    exported: (model) => note(model, "export"),
  };
}

Deno.test("variants combine in their order: graphs, losses, seeds of one value, settings, exports", () => {
  const variant = combineVariants([noting("a"), noting("b")]);
  assertEquals([variant.name, variant.settings], ["a + b", { a: 1, b: 1 }]);
  const made = variant.trainable(trainableGraph(net()));
  assertEquals([made.graph.metadata.notes, [...made.frozen]], ["train a; train b; ", ["a", "b"]]);
  const { graph, losses, seeds } = variant.losses(made);
  assertEquals(graph.metadata.notes, "train a; train b; loss a; loss b; ");
  assertEquals(losses.map(({ name }) => name), ["a", "b"]);
  assertEquals(seeds, { shared: ["a gradient", "b gradient"] });
  assertEquals(variant.exported(net()).metadata.notes, "export a; export b; ");
  assertEquals(combineVariants([]).name, "plain");
  assertEquals(joinSeeds({ x: ["a", "b"], y: "c" }, { x: "d" }), { x: ["a", "b", "d"], y: "c" });
  assertThrows(() => combineVariants([noting("a"), noting("a")]), FeatherdetError, '"a" is stated twice');
});
