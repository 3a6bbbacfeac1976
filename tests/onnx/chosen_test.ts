/** End-to-end heads as Ultralytics' package writes them, with integer arithmetic on places: results are those of a plain sort. */

import type { onnx } from "npm:onnx-proto@8.0.1";
import { Session } from "../../src/engine/session.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { importOnnx } from "../../src/onnx/mod.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { gpuTest, testDevice } from "../support/gpu.ts";
import { integers, ints, onnxFile, onnxNode, value } from "../support/onnx_models.ts";
import { randomTensor } from "../support/random.ts";

const BATCH = 2, ANCHORS = 13, CLASSES = 3, CHOSEN = 5, ROWS = 4 + CLASSES;

const node = (opType: string, input: string[], output: string[], ...attribute: onnx.IAttributeProto[]) =>
  onnxNode(opType, { name: "", input, output, attribute });

/** The best anchors, then the best scores among theirs, then their boxes; `[batch, chosen, 6]`. */
function endToEnd(): Graph {
  return importOnnx(onnxFile({
    inputs: [value("x", [BATCH, ANCHORS, ROWS])],
    opset: 18,
    initializers: [
      integers("sizes", 4, CLASSES),
      integers("last", -1),
      integers("two", 2),
      integers("k", CHOSEN),
      { name: "classes", dims: [], dataType: 7, int64Data: [CLASSES] },
      integers("wide", 1, 1, CLASSES),
      integers("four", 1, 1, 4),
    ],
    nodes: [
      node("Split", ["x", "sizes"], ["boxes", "scores"], ints("axis", -1)),
      node("ReduceMax", ["scores", "last"], ["best"], ints("keepdims", 0)),
      node("TopK", ["best", "k"], ["", "anchors"], ints("axis", 1)),
      node("Unsqueeze", ["anchors", "two"], ["column"]),
      node("Expand", ["column", "wide"], ["places"]),
      node("GatherElements", ["scores", "places"], ["theirs"], ints("axis", 1)),
      node("Flatten", ["theirs"], ["flat"], ints("axis", 1)),
      node("TopK", ["flat", "k"], ["top", "index"], ints("axis", 1)),
      node("Mod", ["index", "classes"], ["label"]),
      node("Div", ["index", "classes"], ["which"]),
      node("GatherElements", ["anchors", "which"], ["anchor"], ints("axis", 1)),
      node("Unsqueeze", ["anchor", "two"], ["anchorColumn"]),
      node("Expand", ["anchorColumn", "four"], ["corners"]),
      node("GatherElements", ["boxes", "corners"], ["chosen"], ints("axis", 1)),
      node("Unsqueeze", ["top", "two"], ["score"]),
      node("Unsqueeze", ["label", "two"], ["labelColumn"]),
      node("Cast", ["labelColumn"], ["class"], ints("to", 1)),
      node("Concat", ["chosen", "score", "class"], ["y"], ints("axis", -1)),
    ],
  }));
}

/** The same by sorting. */
function sorted(x: Float32Array): number[] {
  return Array.from({ length: BATCH }, (_, image) => {
    const rows = Array.from({ length: ANCHORS }, (_, anchor) => {
      const at = (image * ANCHORS + anchor) * ROWS;
      return { box: [...x.subarray(at, at + 4)], scores: [...x.subarray(at + 4, at + ROWS)] };
    });
    const best = rows.toSorted((a, b) => Math.max(...b.scores) - Math.max(...a.scores)).slice(0, CHOSEN);
    const all = best.flatMap(({ box, scores }) => scores.map((score, label) => [...box, score, label]));
    return all.toSorted((a, b) => b[4] - a[4]).slice(0, CHOSEN);
  }).flat(2);
}

function check(found: ArrayLike<number>, x: Float32Array): void {
  const wanted = sorted(x);
  assertEquals(found.length, wanted.length);
  wanted.forEach((number, at) => assert(Math.abs(found[at] - number) < 1e-6, `${at}: ${found[at]}, not ${number}`));
}

const shape = [BATCH, ANCHORS, ROWS];

Deno.test("an end-to-end head by the reference", () => {
  const data = randomTensor(shape, 3, 0, 1);
  check(runReference(endToEnd(), { x: referenceTensor(shape, data) }).get("y")!.data, data);
});

gpuTest("an end-to-end head on the device", async () => {
  const data = randomTensor(shape, 4, 0, 1);
  const session = await Session.create(endToEnd(), { device: await testDevice() });
  check((await session.run({ x: { shape, data } })).y.data, data);
  session.destroy();
});

/** Whole numbers -40 .. 39 divided by a constant. */
function divided(op: "Mod" | "Div", by: number): number[] {
  const graph = importOnnx(onnxFile({
    inputs: [value("x", [80])],
    initializers: [{ name: "by", dims: [], dataType: 7, int64Data: [by] }],
    nodes: [
      node("Cast", ["x"], ["whole"], ints("to", 7)),
      node(op, ["whole", "by"], ["left"]),
      node("Cast", ["left"], ["y"], ints("to", 1)),
    ],
  }));
  const data = Float32Array.from({ length: 80 }, (_, at) => at - 40);
  return [...runReference(graph, { x: referenceTensor([80], data) }).get("y")!.data];
}

Deno.test("whole numbers that are known at import, as of shapes, are divided there", () => {
  const graph = importOnnx(onnxFile({
    initializers: [integers("many", 1, -1, 7 * 3), integers("by", 1, 1, 3)],
    nodes: [node("Div", ["many", "by"], ["shape"]), node("Reshape", ["x", "shape"], ["y"])],
    inputs: [value("x", [3, 7, 2])],
  }));
  assertEquals(graph.nodes.map(({ op, attributes }) => ({ op, attributes })), [
    { op: "Reshape", attributes: { shape: [1, 6, 7] } },
  ]);
});

Deno.test("whole numbers are divided as ONNX says: quotients towards 0, remainders from 0 on", () => {
  for (const by of [1, 3, 7, 80]) {
    divided("Div", by).forEach((found, at) => assertEquals(found + 0, Math.trunc((at - 40) / by) + 0));
    divided("Mod", by).forEach((found, at) => assertEquals(found, (((at - 40) % by) + by) % by));
  }
  assertThrows(() => divided("Mod", -3), FeatherdetError, "supported for one positive constant");
});
