/** Detectors with NonMaxSuppression inside: the importer takes what it chooses from where that is asked for, and a detector finds the same. */

import type { onnx } from "npm:onnx-proto@8.0.1";
import { Detector } from "../../src/detect/detector.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { importOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { schema } from "../../src/onnx/proto.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { colourDetector, COLOURS, colourScene, SCENE_OBJECTS } from "../support/colour_detector.ts";
import { gpuTest } from "../support/gpu.ts";
import { floats, integers, ints, onnxFile, onnxNode, value } from "../support/onnx_models.ts";

const OPTIONS = { leaveOutSuppression: true };

const node = (opType: string, input: string[], output: string[], attribute: onnx.IAttributeProto[] = []) =>
  onnxNode(opType, { name: "", input, output, attribute });

/** One picture's results from `picked [1, anchors, 4 + classes]`, ending in `name`: mask, suppression, and what it chose. */
const chosenOf = (picked: string, name: string, classes: number) => [
  node("Split", [picked, "sizes"], [`${name}/boxes`, `${name}/scores`], [ints("axis", 2)]),
  node("ReduceMax", [`${name}/scores`], [`${name}/best`], [{ name: "axes", type: 7, ints: [2] }]),
  node("ArgMax", [`${name}/scores`], [`${name}/class`], [ints("axis", 2)]),
  node("Greater", [`${name}/best`, "least"], [`${name}/mask`]),
  node("NonZero", [`${name}/mask`], [`${name}/places`]),
  node("Transpose", [`${name}/places`], [`${name}/indices`]),
  node("GatherND", [`${name}/boxes`, `${name}/indices`], [`${name}/kept`]),
  node("Mul", [`${name}/kept`, `${name}/class`], [`${name}/apart`]),
  node("GatherND", [`${name}/best`, `${name}/indices`], [`${name}/keptScores`]),
  node("NonMaxSuppression", [`${name}/apart`, `${name}/keptScores`, "most", "overlap"], [`${name}/chosen`]),
  node("Gather", [`${name}/kept`, `${name}/chosen`], [name], [ints("axis", classes > 0 ? 0 : 1)]),
];

const CONSTANTS = [integers("most", 300), floats("overlap", [1], [0.45]), floats("least", [1], [0.25])];

/** The colours' detector as exporters write it with suppression inside: a file whose results are chosen. */
function withSuppression(metadata: Readonly<Record<string, string>>): Uint8Array {
  const graph = colourDetector((tail, { corners, scores }) => tail.join(1, corners, scores), metadata);
  const model = schema.ModelProto.decode(saveOnnx(graph));
  const [{ name: all }] = model.graph!.output!;
  model.graph!.node!.push(
    node("Transpose", [all!], ["swapped"], [ints("perm", 0, 2, 1)]),
    node("Gather", ["swapped", "first"], ["picked"], [ints("axis", 0)]),
    ...chosenOf("picked", "results", 3),
  );
  model.graph!.initializer!.push(...CONSTANTS, integers("sizes", 4, 3), integers("first", 0));
  model.graph!.output = [{ name: "results" }];
  return Uint8Array.from(schema.ModelProto.encode(model).finish());
}

gpuTest("a detector suppresses itself what a model would choose", async () => {
  const detector = await Detector.load(withSuppression({ names: COLOURS, task: "detect", nms: "True" }));
  const found = (await detector.detect(colourScene())).toSorted((a, b) => a.classId - b.classId);
  assertEquals(found.map(({ classId }) => classId), SCENE_OBJECTS.map(({ classId }) => classId));
  SCENE_OBJECTS.forEach(({ box }, at) =>
    box.forEach((edge, k) => assert(Math.abs(edge - found[at].box[k]) < 0.05, `${found[at].box} is not ${box}`))
  );
  assertEquals(detector.warnings.length, 1);
  assert(detector.warnings[0].includes("own suppression (iou 0.45)"), detector.warnings[0]);
  detector.destroy();
});

gpuTest("a model of another task with suppression inside is refused by its task", async () => {
  const file = withSuppression({ task: "pose", kpt_shape: "[17, 3]" });
  await assertRejects(() => Detector.load(file), FeatherdetError, "poses");
});

Deno.test("without the option such a model is refused by the operator", () => {
  const help =
    'NonZero "NonZero": operator is not supported (inputs [1,16,1]); heads that choose their boxes inside the graph have it: export ' +
    "the model without that (Ultralytics: without nms=True";
  assertThrows(() => importOnnx(withSuppression({})), FeatherdetError, help);
});

Deno.test("metadata tell the task and the suppression of a model whose operators do not", () => {
  const metadataProps = [{ key: "task", value: "obb" }, { key: "args", value: "{'batch': 1, 'nms': True}" }];
  const file = onnxFile({ nodes: [node("Frobnicate", ["x"], ["y"])], model: { metadataProps } });
  const help =
    "without nms=True, and with end2end=False where there is such an option; YOLOv7: without --end2end); its metadata say task=obb";
  assertThrows(() => importOnnx(file, OPTIONS), FeatherdetError, help);
});

Deno.test("suppressions of several pictures are chosen from one value, whatever reads shapes beside", () => {
  const file = onnxFile({
    inputs: [value("x", [2, 3, 2, 4])],
    outputs: ["joined"],
    initializers: [
      ...CONSTANTS,
      floats("w", [6, 3, 1, 1], Array.from({ length: 18 }, (_, at) => at)),
      integers("flat", 2, 6, 8),
      integers("sizes", 4, 2),
      integers("first", 0),
      integers("second", 1),
    ],
    nodes: [
      node("Conv", ["x", "w"], ["maps"]),
      node("Shape", ["x"], ["extents"]),
      node("Reshape", ["maps", "flat"], ["rows"]),
      node("Sigmoid", ["rows"], ["all"]),
      node("Transpose", ["all"], ["swapped"], [ints("perm", 0, 2, 1)]),
      node("Gather", ["swapped", "first"], ["a"], [ints("axis", 0)]),
      node("Gather", ["swapped", "second"], ["b"], [ints("axis", 0)]),
      ...chosenOf("a", "results a", 2),
      ...chosenOf("b", "results b", 2),
      node("Concat", ["results a", "results b", "extents"], ["joined"], [ints("axis", 0)]),
    ],
  });
  const { outputs, nodes, metadata } = importOnnx(file, OPTIONS);
  assertEquals([...outputs], ["all"]);
  assertEquals(nodes.map(({ op }) => op), ["Conv", "Reshape", "Sigmoid"]);
  assertEquals({ ...metadata }, { suppression_left_out: "iou 0.45" });
});

Deno.test("boxes and scores that layers make apart are not taken for one value", () => {
  const file = onnxFile({
    initializers: [...CONSTANTS, floats("w", [4, 3, 1, 1], Array.from({ length: 12 }, (_, at) => at))],
    nodes: [
      node("Relu", ["x"], ["features"]),
      node("Conv", ["features", "w"], ["boxes"]),
      node("Conv", ["features", "w"], ["scores"]),
      node("NonMaxSuppression", ["boxes", "scores", "most", "overlap"], ["y"]),
    ],
  });
  assertThrows(() => importOnnx(file, OPTIONS), FeatherdetError, "NonMaxSuppression");
});

Deno.test("a suppression of what enters the graph stays, and one that no output needs does not matter", () => {
  const parts = { initializers: CONSTANTS, nodes: [node("NonMaxSuppression", ["x", "x", "most", "overlap"], ["y"])] };
  assertThrows(() => importOnnx(onnxFile(parts), OPTIONS), FeatherdetError, "NonMaxSuppression");
  const dead = { ...parts, outputs: ["z"], nodes: [...parts.nodes, node("Relu", ["x"], ["z"])] };
  assertEquals([...importOnnx(onnxFile(dead), OPTIONS).outputs], ["z"]);
});
