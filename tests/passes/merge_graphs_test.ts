/** Two graphs as one: what each computes stays, gradients are the first one's alone, and nothing of a frozen part is trained. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Session } from "../../src/engine/session.ts";
import { FeatherdetError, type Graph, verify } from "../../src/graph/mod.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { foldBatchNormalization, mergeGraphs } from "../../src/passes/mod.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { buildGradientGraph, buildTrainingGraph, headMaps } from "../../src/train/mod.ts";
import { uniform } from "../support/finite_differences.ts";
import { gpuTest } from "../support/gpu.ts";
import { lively } from "../support/lively.ts";

const SHAPE = [3, 1, 13, 7];

/** A net of one picture of one channel, all of whose names are those of any other of these. */
function net(width: number, seed: number, input = "x"): Graph {
  const b = new ModelBuilder({ seed });
  const first = b.convBlock("first", b.input(input, SHAPE), { out: width, kernel: 3, stride: 2 });
  const second = b.convBlock("second", first, { out: 4, kernel: 3, act: "relu" });
  return lively(b.graph("net", [b.conv("last", second, { out: 5, bias: 0.1 }), first]), seed);
}

const x = uniform(SHAPE, 3);

for (const frozen of [false, true]) {
  Deno.test(`a joint graph computes what both compute, the second one ${frozen ? "frozen" : "free"}`, () => {
    const student = net(4, 1), teacher = net(7, 2);
    const { graph, names, frozen: constants } = mergeGraphs(student, teacher, { prefix: "teacher/", frozen });
    verify(graph);
    assertEquals(graph.inputs, student.inputs);
    assertEquals(graph.outputs, [...student.outputs, ...teacher.outputs.map((name) => `teacher/${name}`)]);
    assertEquals(names.get("x"), "x");
    const found = runReference(graph, { x });
    for (const [name, { data }] of runReference(student, { x })) assertEquals(found.get(name)!.data, data, name);
    // Folding rounds weights to f32: what is frozen computes exactly what it computes folded, and nearly what it did.
    const alone = runReference(frozen ? foldBatchNormalization(teacher) : teacher, { x });
    for (const [name, { data }] of alone) assertEquals(found.get(names.get(name)!)!.data, data, name);
    for (const [name, { data }] of runReference(teacher, { x })) {
      const near = found.get(names.get(name)!)!.data;
      data.forEach((value, i) => assert(Math.abs(value - near[i]) < 1e-5, `${name}[${i}]`));
    }
    assertEquals(graph.nodes.filter(({ op }) => op === "BatchNormalization").length, frozen ? 2 : 4);
    assertEquals(constants.size, frozen ? 6 : 0);
  });
}

gpuTest("on the device both parts of a joint graph give the bits that they give alone", async (device) => {
  const size = { size: 64, batch: 2, classes: 3 };
  const student = lively(yolo11({ ...size, width: 0.0625 })), teacher = lively(yolo11({ ...size, width: 0.125 }), 2);
  // The decoded output of a graph of one output has kernels of its own, so the maps are compared that it is decoded from.
  const maps = headMaps(student).levels.flatMap(({ boxes, classes }) => [boxes, classes]);
  const { graph, names } = mergeGraphs({ ...student, outputs: maps }, { ...teacher, outputs: maps }, {
    ...{ prefix: "teacher/", frozen: true },
  });
  const shape = [2, 3, 64, 64];
  const images = { shape, data: Float32Array.from(uniform(shape, 5, 0, 1).data) };
  const valuesOf = async (model: Graph) => {
    const session = await Session.create(model, { device, precision: "f32" });
    const found = await session.run({ images });
    session.destroy();
    return found;
  };
  const joint = await valuesOf(graph);
  const [own, taught] = [await valuesOf({ ...student, outputs: maps }), await valuesOf({ ...teacher, outputs: maps })];
  for (const map of maps) {
    assertEquals(joint[map].data, own[map].data, map);
    assertEquals(joint[names.get(map)!].data, taught[map].data, `the teacher's ${map}`);
  }
});

Deno.test("gradients of a student beside its teacher are those of the student alone, and the teacher has none", () => {
  const student = net(4, 1), teacher = net(7, 2);
  const merged = mergeGraphs(student, teacher, { prefix: "teacher/", frozen: true });
  const [logits] = student.outputs;
  const target = merged.names.get(teacher.outputs[0])!;
  /** Mean square of the student's distance from a value. */
  const withLoss = (graph: Graph, value: string): Graph => ({
    ...graph,
    outputs: ["loss"],
    nodes: [
      ...graph.nodes,
      { op: "Sub", name: "difference", inputs: [logits, value], outputs: ["difference"], attributes: {} },
      { op: "Mul", name: "square", inputs: ["difference", "difference"], outputs: ["square"], attributes: {} },
      {
        op: "ReduceMean",
        name: "loss",
        inputs: ["square"],
        outputs: ["loss"],
        attributes: { axes: [0, 1, 2, 3], keepDims: false },
      },
    ],
  });
  const joint = buildTrainingGraph(withLoss(merged.graph, target), { frozen: (name) => merged.frozen.has(name) });
  const given = referenceTensor([3, 5, 7, 4], runReference(merged.graph, { x }).get(target)!.data);
  const fed: Graph = { ...student, inputs: [...student.inputs, { name: "target", dtype: "f32", shape: given.shape }] };
  const alone = buildTrainingGraph(withLoss(fed, "target"));
  assertEquals(joint.parameters.map(({ name }) => name), alone.parameters.map(({ name }) => name));
  assertEquals(joint.statistics.map(({ name }) => name), alone.statistics.map(({ name }) => name));

  const wrt = alone.parameters.map(({ name }) => name);
  const gradientsOf = ({ graph, parameters, statistics }: typeof joint, feeds: Parameters<typeof runReference>[1]) => {
    const made = buildGradientGraph(graph, { losses: ["loss"], wrt });
    const constants = [...parameters, ...statistics].map(({ name, initial: { shape, data } }) =>
      [name, referenceTensor(shape, data)] as const
    );
    const values = runReference(made.graph, { ...feeds, ...Object.fromEntries(constants) });
    return { graph: made.graph, gradients: wrt.map((name) => values.get(made.gradients.get(name)!)!.data) };
  };
  const found = gradientsOf(joint, { x }), expected = gradientsOf(alone, { x, target: given });
  assertEquals(found.gradients, expected.gradients);
  const backward = ({ nodes }: Graph) => nodes.filter(({ name }) => name.startsWith("gradient/")).length;
  assertEquals(backward(found.graph), backward(expected.graph));
});

Deno.test("a BatchNormalization of a frozen part that cannot be folded keeps its running statistics", () => {
  const b = new ModelBuilder({ seed: 4 });
  const teacher = lively(
    b.graph("pool", [b.batchNorm("bn", b.maxPool("pool", b.input("x", SHAPE), { kernel: 3 }), 1)]),
  );
  const merged = mergeGraphs(net(4, 1), teacher, { prefix: "t.", frozen: true });
  const { graph, parameters } = buildTrainingGraph(merged.graph, { frozen: (name) => merged.frozen.has(name) });
  assertEquals(graph.nodes.filter(({ op }) => op === "BatchNormalization").map(({ name }) => name), ["t.bn"]);
  assert(!parameters.some(({ name }) => name.startsWith("t.")));
});

Deno.test("inputs may be shared by a map, also with a value in between; others become inputs of the joint graph", () => {
  const student = net(4, 1), other = net(7, 2, "y");
  const { graph, names } = mergeGraphs(student, other, { prefix: "b/", shared: { y: "x" } });
  assertEquals(graph.inputs.map(({ name }) => name), ["x"]);
  const value = other.outputs[0];
  assertEquals(runReference(graph, { x }).get(names.get(value)!)!.data, runReference(other, { y: x }).get(value)!.data);

  const b = new ModelBuilder();
  const sum = b.graph("sum", [b.add("sum", b.input("left", SHAPE), b.input("right", SHAPE))]);
  const scaled: Graph = {
    ...student,
    nodes: [
      { op: "Neg", name: "negative", inputs: ["x"], outputs: ["negative"], attributes: {} },
      ...student.nodes,
    ],
  };
  const joint = mergeGraphs(scaled, sum, { prefix: "b/", shared: { left: "negative" } });
  assertEquals(joint.graph.inputs.map(({ name }) => name), ["x", "b/right"]);
  const zero = runReference(joint.graph, { x, "b/right": x }).get("b/sum")!.data;
  assert(zero.every((one) => one === 0));
});

Deno.test("graphs that cannot be joined are refused by name", () => {
  const student = net(4, 1);
  const refused = (second: Graph, options: Parameters<typeof mergeGraphs>[2], text: string) =>
    assertThrows(() => mergeGraphs(student, second, options), FeatherdetError, text);
  refused(net(4, 2), { prefix: "" }, 'the prefix "" does not tell the graphs apart');
  refused(
    net(4, 2, "y"),
    { prefix: "t/" },
    'its inputs are "y" f32 [3,1,13,7], those of the other are "x" f32 [3,1,13,7]',
  );
  refused(net(4, 2), { prefix: "t/", shared: { z: "x" } }, 'has no input "z" to share');
  refused(net(4, 2), { prefix: "t/", shared: { x: "z" } }, 'has no value "z" to share');
  refused(net(4, 2), { prefix: "t/", shared: { x: student.outputs[0] } }, "which it is to share, is f32 [3,5,7,4]");
});
