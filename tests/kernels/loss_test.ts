/** Kernels of the detection loss against the reference: every output, results and scratch alike. */

import { assert } from "@std/assert";
import { LOSS_RESULTS } from "../../src/graph/mod.ts";
import type { Target } from "../../src/kernels/target.ts";
import { evaluateNode } from "../../src/reference/evaluate.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { Session } from "../../src/engine/session.ts";
import { withDetectionLoss } from "../../src/train/mod.ts";
import { trainingCase } from "../fixtures/training_case.ts";
import { assertClose, FORMS } from "../support/compare.ts";
import { gpuTest } from "../support/gpu.ts";
import { checkLossKernels, runLossKernels } from "../support/loss_kernels.ts";
import { type LossCase, lossInputs, lossNode, referenceInputs } from "../support/loss_case.ts";

const [FORM] = FORMS;

const drawnOf = (drawn: LossCase, scale: number) => ({
  node: lossNode(drawn),
  inputs: lossInputs(drawn, scale),
  reference: referenceInputs(drawn, scale),
});

/** Runs the kernels of a case and returns its outputs by name. */
const run = (drawn: LossCase, target: Target, scale: number) => runLossKernels(drawnOf(drawn, scale), target);

const check = (what: string, drawn: LossCase, target: Target, scale = 1) =>
  checkLossKernels(what, drawnOf(drawn, scale), target);

/** Boxes without area, with sides in the wrong order, beyond the input, of no class; sure logits, and equal ones, which all tie. */
async function finite(): Promise<void> {
  const boxes = [
    [[0, 0, 0, 72, 104], [1, 20, 20, 20, 20], [2, 3.9, 3.9, 4.1, 4.1], [0, 30, 60, 10, 20], [1, -40, -1e9, 900, 1e9]],
    [],
    [[2, 7, 9, 8, 11], [7, 0, 0, 40, 40]],
  ];
  for (const [range, target] of [[0, "software"], [0, "hardware"], [50, "software"], [120, "software"]] as const) {
    const drawn = { ...WHOLE, range, boxes };
    const found = await run(drawn, target, 1);
    for (const [name, data] of found) assert(data.every(Number.isFinite), `${name}, logits within ${range}`);
    const [expected] = evaluateNode(lossNode(drawn), referenceInputs(drawn)).slice(-LOSS_RESULTS.length);
    if (range > 0) assertClose(found.get("losses")!, expected.data, FORM, `losses, logits within ${range}`, 10);
  }
}

const PYRAMID = [[13, 9, 8], [7, 5, 16], [4, 3, 32]] as const;
const WHOLE: LossCase = { batch: 3, classes: 5, bins: 16, rows: 13, levels: PYRAMID };

const CASES: readonly [what: string, drawn: LossCase, scale?: number][] = [
  ["three levels", WHOLE],
  ["scaled", WHOLE, 1024],
  ["one class, one box", { ...WHOLE, batch: 1, classes: 1, rows: 1 }],
  ["no box in the batch", { ...WHOLE, batch: 2, rows: 2, boxes: [[], []] }],
  ["one level, few anchors to claim", { ...WHOLE, batch: 2, levels: [[5, 7, 16]], attributes: { topK: 3 } }],
  ["eighty classes, other bins", { ...WHOLE, batch: 1, classes: 80, bins: 4, rows: 2, attributes: { topK: 3 } }],
  // Boxes centred on a corner of cells, seen alike by the cells around it.
  ["equal anchors, of which the first are claimed", {
    ...WHOLE,
    batch: 2,
    range: 0,
    levels: [[8, 8, 8]],
    rows: 2,
    boxes: [[[0, 8, 8, 56, 56]], [[1, 16, 16, 32, 32], [2, 32, 32, 64, 64]]],
    attributes: { topK: 7 },
  }],
  ["another detector of other bins assigns", { ...WHOLE, judgeBins: 9 }],
  ["DIoU", { ...WHOLE, attributes: { boxLoss: "diou" } }],
  ["GIoU", { ...WHOLE, attributes: { boxLoss: "giou" } }],
  ["IoU, other powers and gains", {
    ...WHOLE,
    attributes: { boxLoss: "iou", alpha: 1, beta: 2, gains: { box: 1, classes: 2, distribution: 3 } },
  }],
];

gpuTest("the detection loss computes what the reference does", async (_, step) => {
  for (const [what, drawn, scale] of CASES) {
    await step(what, () => check(what, drawn, "software", scale));
  }
  await step("finite whatever is predicted and asked for", finite);
  const ties = CASES.find(([what]) => what.startsWith("equal"))![1];
  const large: LossCase = { ...WHOLE, batch: 1, levels: [[31, 17, 8]], rows: 40, seed: 3 };
  const judged: LossCase = { ...WHOLE, judgeBins: 4 };
  const cases = { "three levels": WHOLE, "one level": large, "equal anchors": ties, "another detector": judged };
  for (const [what, drawn] of Object.entries(cases)) {
    await step(`a workgroup a box, ${what}`, () => check(what, drawn, "hardware"));
  }
});

gpuTest("a planned model computes the loss behind its head", async () => {
  const { model, images, rows, boxes } = trainingCase();
  const loss = withDetectionLoss(model, { boxes: rows });
  const graph = { ...loss.graph, outputs: [loss.losses, ...Object.values(loss.seeds), loss.results.assignment] };
  const feeds = {
    images: { shape: model.inputs[0].shape, data: images },
    [loss.inputs.boxes]: { shape: [boxes.length / rows / 5, rows, 5], data: boxes },
    [loss.inputs.scale]: { shape: [1], data: Float32Array.of(1) },
  };
  const expected = runReference(
    graph,
    Object.fromEntries(Object.entries(feeds).map(([name, { shape, data }]) => [name, referenceTensor(shape, data)])),
  );
  const session = await Session.create(graph);
  try {
    const found = await session.run(feeds);
    for (const name of graph.outputs) {
      assertClose(found[name].data as Float32Array, expected.get(name)!.data, FORM, name);
    }
  } finally {
    session.destroy();
  }
});
