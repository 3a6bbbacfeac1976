/** Pruned graphs against the whole graph with the same channels zeroed, and budgets against what the analyser counts. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { prune, type PruneOptions, WidthModel } from "../../../src/compress/prune/mod.ts";
import { laddersOf, worthOf } from "../../../src/compress/prune/select.ts";
import { analyze, FeatherdetError, type Graph } from "../../../src/graph/mod.ts";
import { ModelBuilder } from "../../../src/models/builder.ts";
import { yolo11 } from "../../../src/models/yolo11.ts";
import { NAMED_MODELS } from "../../../src/models/named.ts";
import { importOnnx, saveOnnx } from "../../../src/onnx/mod.ts";
import { zeroChannels } from "../../../src/passes/zero_channels.ts";
import { referenceTensor, runReference } from "../../../src/reference/run.ts";
import { lively } from "../../support/lively.ts";
import { randomTensor } from "../../support/random.ts";
import { assertSameConstants } from "../../support/same_constants.ts";

/** All outputs of a graph in float64 on one input. */
function outputsOf(graph: Graph, seed: number): number[] {
  const [{ name, shape }] = graph.inputs;
  const made = runReference(graph, { [name]: referenceTensor(shape, randomTensor(shape, seed, 0, 1)) });
  return [...made.values()].flatMap(({ data }) => [...data]);
}

function assertComputesTheSame(whole: Graph, options: PruneOptions): Graph {
  const { graph, groups } = prune(whole, options);
  const [found, wanted] = [outputsOf(graph, 5), outputsOf(zeroChannels(whole, groups), 5)];
  assertEquals(found.length, wanted.length);
  const worst = found.reduce(
    (most, x, i) => Math.max(most, Math.abs(x - wanted[i]) / Math.max(1, Math.abs(wanted[i]))),
    0,
  );
  assert(worst < 1e-12, `differs by ${worst}`);
  return graph;
}

const SMALL = lively(yolo11({ width: 0.125, size: 32, classes: 3 }), 4);

Deno.test("a pruned YOLO11 computes what the whole one does with the same channels zeroed, by every criterion", () => {
  const criteria = ["l1", "l2", "bn", "lamp", "fpgm", "random"] as const;
  for (const [i, criterion] of criteria.entries()) {
    const ranking = i % 2 ? "local" : "global";
    assertComputesTheSame(SMALL, { budget: { gflops: 0.3 + 0.1 * i }, criterion, ranking, multiple: 2, seed: i });
  }
});

for (const name of ["yolo11lite-shufflenetv2-0.5x", "yolo11lite-mobilenetv3-small", "yolo11lite-efficientnet-lite0"]) {
  Deno.test(`so does a pruned ${name}`, () => {
    const whole = lively(NAMED_MODELS[name]({ size: 32, batch: 1 }), 2);
    const graph = assertComputesTheSame(whole, { budget: { parameters: 0.6 }, criterion: "l2" });
    assert(analyze(graph).parameters <= 0.6 * analyze(whole).parameters);
  });
}

Deno.test("budgets hold as the analyser counts, and no more than a step of widths below", () => {
  const before = analyze(SMALL);
  for (const ranking of ["global", "local"] as const) {
    for (const share of [0.9, 0.5, 0.2]) {
      const { graph, report } = prune(SMALL, { budget: { gflops: share }, criterion: "l2", ranking });
      const after = analyze(graph);
      assertEquals(report.after, { parameters: after.parameters, bytes: after.bytes, gflops: after.flops / 1e9 });
      assert(after.flops <= share * before.flops && after.flops > (share - 0.12) * before.flops, `${after.flops}`);
    }
  }
  const { graph } = prune(SMALL, { budget: { gflops: 0.6, bytes: 0.3 }, criterion: "l2" });
  const after = analyze(graph);
  assert(after.flops <= 0.6 * before.flops && after.bytes <= 0.3 * before.bytes);
  const { report } = prune(SMALL, { budget: { bytes: 0.5 }, criterion: "l2" });
  assert(report.after.bytes <= 0.5 * before.bytes);
});

Deno.test("costs by widths are those of the graph that is made", () => {
  const { graph } = prune(SMALL, { budget: { gflops: 0.4 }, criterion: "random", seed: 9, multiple: 1 });
  const model = new WidthModel(graph), { gflops, parameters, bytes } = model.costs(model.whole);
  const counted = analyze(graph);
  assertEquals([Math.round(gflops * 1e9), parameters, bytes], [counted.flops, counted.parameters, counted.bytes]);
  const widths = model.whole.map((width, i) => width > 2 && i % 3 === 0 ? width - 1 : width);
  const saved = model.whole.reduce((sum, width, bundle) => {
    const fewer = width - widths[bundle];
    return fewer === 0 ? sum : sum + model.saving("bytes", model.whole, bundle, fewer);
  }, 0);
  // Savings of bundles that share no constant add up; of those that do, part is counted twice.
  assert(saved >= bytes - model.costs(widths).bytes - 1e-6);
});

Deno.test("widths stay multiples, above their floors, and what is kept is whole", () => {
  const whole = yolo11({ width: 0.25, size: 32, classes: 2 });
  const { report } = prune(whole, {
    budget: { gflops: 0.4 },
    criterion: "l2",
    floor: 0.25,
    keep: ["model.0.*", "model.4.cv2.conv"],
  });
  for (const { name, before, after } of report.layers) {
    assert(before.outputs % 4 !== 0 || after.outputs % 4 === 0, `${name}: ${after.outputs}`);
    assert(after.outputs >= Math.floor(0.25 * before.outputs), `${name}: ${before.outputs} to ${after.outputs}`);
    if (/^model\.(0\.|4\.cv2\.)/.test(name)) assertEquals(after.outputs, before.outputs, name);
  }
});

Deno.test("channels worth least go first, by what they save", () => {
  const b = new ModelBuilder();
  let x = b.input("x", [1, 3, 16, 16]);
  x = b.convBlock("wide", x, { out: 8, kernel: 3 });
  x = b.convBlock("next", x, { out: 8, kernel: 3, stride: 2 });
  const graph = b.graph("net", [b.conv("last", x, { out: 2 })]);
  const constants = new Map(graph.constants);
  const scale = (name: string, numbers: readonly number[]) =>
    constants.set(name, { ...constants.get(name)!, data: Float32Array.from(numbers) });
  scale("wide.bn.weight", [1, 0.01, 1, 1, 0.02, 1, 1, 1]);
  scale("next.bn.weight", [1, 1, 1, 1, 1, 1, 0.001, 1]);
  const { groups } = prune({ ...graph, constants }, {
    budget: { gflops: 0.8 },
    criterion: "bn",
    normalisation: "none",
    multiple: 1,
  });
  const gone = groups.flatMap(({ members }) =>
    members.filter(({ operator, input }) => operator === "BatchNormalization" && input === 1)
  )
    .map(({ node, indices }) => `${node} ${indices}`);
  assertEquals(gone.sort(), ["next.bn 6", "wide.bn 1", "wide.bn 4"].slice(3 - gone.length).sort());
});

Deno.test("what goes is worth the least of its ladder, one step after the other", () => {
  const [ladder, whole] = laddersOf([[5, 1, 3, 2], [1, 1]], { multiple: 1, floor: 0 }, new Set([1]));
  assertEquals([ladder.order, ladder.steps, whole.steps], [[1, 3, 2, 0], [3, 2, 1], []]);
  assertEquals([worthOf(ladder, 4, 3), worthOf(ladder, 4, 2), worthOf(ladder, 3, 1), worthOf(ladder, 1, 0)], [
    1,
    3,
    5,
    5,
  ]);
});

Deno.test("what is pruned, saved and loaded is the same bit for bit, and is pruned again", async () => {
  const { graph } = prune(SMALL, { budget: { gflops: 0.5 }, criterion: "l2" });
  const loaded = await importOnnx(saveOnnx(graph));
  assertSameConstants(loaded.constants, graph.constants);
  assertEquals(outputsOf(loaded, 1), outputsOf(graph, 1));
  assertComputesTheSame(loaded, { budget: { gflops: 0.6 }, criterion: "bn" });
});

Deno.test("what cannot be is refused in a sentence", () => {
  const refused = (options: object, text: string) =>
    assertThrows(() => prune(SMALL, { criterion: "l2", budget: { gflops: 0.5 }, ...options }), FeatherdetError, text);
  refused({ budget: { gflops: 0.001 } }, "cannot be met");
  refused({ budget: { gflops: 0.01 }, ranking: "local" }, "cannot be met");
  refused({ budget: { gflops: 0 } }, "above 0");
  refused({ budget: { gflops: 1.5 } }, "not above 1");
  refused({ budget: {} }, "a budget has shares of gflops");
  refused({ budget: { watts: 0.5 } }, "a budget has shares of gflops");
  refused({ budget: { latency: 0.5 } }, "needs measured times");
  refused({ keep: ["model.99.*"] }, 'no node is called "model.99.*"');
  refused({ keep: ["*"] }, "nothing is left to prune");
  refused({ criterion: "taylor" }, "needs gradients");
  refused({ multiple: 0 }, "multiple is 0");
  refused({ floor: 2 }, "the floor is 2");
  refused({ ranking: "none" }, 'unknown ranking "none"');
  const b = new ModelBuilder();
  const single = b.graph("one", [b.conv("only", b.input("x", [1, 3, 4, 4]), { out: 2 })]);
  assertThrows(
    () => prune(single, { budget: { gflops: 0.5 }, criterion: "l2" }),
    FeatherdetError,
    "nothing can be pruned",
  );
});
