/** Kernels of the loss of anchors against the reference: every output, results and scratch alike. */

import { assert, assertEquals } from "@std/assert";
import { ANCHOR_LOSS_RESULTS } from "../../src/graph/mod.ts";
import type { Target } from "../../src/kernels/target.ts";
import { evaluateNode } from "../../src/reference/evaluate.ts";
import {
  type AnchorCase,
  anchorLossInputs,
  anchorLossNode,
  referenceAnchorInputs,
} from "../support/anchor_loss_case.ts";
import { assertClose, FORMS } from "../support/compare.ts";
import { gpuTest } from "../support/gpu.ts";
import { checkLossKernels, runLossKernels } from "../support/loss_kernels.ts";

const [FORM] = FORMS;

const drawnOf = (drawn: AnchorCase, scale: number) => ({
  node: anchorLossNode(drawn),
  inputs: anchorLossInputs(drawn, scale),
  reference: referenceAnchorInputs(drawn, scale),
});

/** Runs the kernels of a case and returns its outputs by name. */
const run = (drawn: AnchorCase, target: Target, scale: number) => runLossKernels(drawnOf(drawn, scale), target);

const check = (what: string, drawn: AnchorCase, target: Target, scale = 1) =>
  checkLossKernels(what, drawnOf(drawn, scale), target);

const PYRAMID = [[13, 9, 8], [7, 5, 16], [4, 3, 32]] as const;
const ANCHORS = [[[10, 13], [16, 30], [33, 23]], [[30, 61], [62, 45], [59, 119]], [[116, 90], [156, 198], [
  373,
  326,
]]] as const;
const WHOLE: AnchorCase = { batch: 3, classes: 5, rows: 13, levels: PYRAMID, anchors: ANCHORS };

/** Boxes without area, with sides in the wrong order, beyond the input, on its edges, of no class. */
const ODD = [
  [[0, 0, 0, 72, 104], [1, 20, 20, 20, 20], [2, 3.9, 3.9, 4.1, 4.1], [0, 30, 60, 10, 20], [1, -40, -1e9, 900, 1e9]],
  [],
  [[2, 7, 9, 8, 11], [7, 0, 0, 40, 40], [1, 60, 90, 84, 118], [3, -12, -12, 12, 12], [0, 66, 20, 78, 40], [
    4,
    80,
    110,
    96,
    130,
  ]],
];

const CASES: readonly [what: string, drawn: AnchorCase, scale?: number][] = [
  ["three levels", WHOLE],
  ["scaled", WHOLE, 1024],
  ["one class, one box", { ...WHOLE, batch: 1, classes: 1, rows: 1 }],
  ["no box in the batch", { ...WHOLE, batch: 2, rows: 2, boxes: [[], []] }],
  ["odd boxes", { ...WHOLE, boxes: ODD }],
  ["one level of two anchors", { ...WHOLE, batch: 2, levels: [[5, 7, 16]], anchors: [[[20, 31], [64, 40]]] }],
  ["four levels of one anchor", {
    ...WHOLE,
    levels: [...PYRAMID, [2, 2, 64]],
    anchors: [[[13, 17]], [[40, 33]], [[80, 91]], [[127, 127]]],
  }],
  ["anchors that nobody matches", { ...WHOLE, attributes: { ratio: 1.0001 } }],
  // Centres on the edge between cells, in the middle of one, and two boxes that claim the same predictors.
  ["boxes in the grid", {
    ...WHOLE,
    batch: 1,
    boxes: [[[0, 8, 8, 40, 40], [1, 12, 12, 28, 28], [1, 12, 10, 28, 30], [3, 0, 0, 32, 32], [2, 56, 88, 72, 104]]],
  }],
  ["eighty classes", { ...WHOLE, batch: 1, classes: 80, rows: 2 }],
  ["IoU, other gains", {
    ...WHOLE,
    attributes: { boxLoss: "iou", ratio: 2, balance: [1, 2, 0], gains: { box: 1, classes: 2, objectness: 3 } },
  }],
];

gpuTest("the loss of anchors computes what the reference does", async (_, step) => {
  for (const [what, drawn, scale] of CASES) {
    await step(what, () => check(what, drawn, "software", scale));
  }
  await step("a workgroup an image", () => check("three levels", WHOLE, "hardware"));
  await step("finite whatever is predicted", async () => {
    for (const range of [0, 50, 120]) {
      const drawn = { ...WHOLE, range, boxes: ODD };
      const found = await run(drawn, "software", 1);
      for (const [name, data] of found) assert(data.every(Number.isFinite), `${name}, logits within ${range}`);
      const [expected] = evaluateNode(anchorLossNode(drawn), referenceAnchorInputs(drawn)).slice(
        -ANCHOR_LOSS_RESULTS.length,
      );
      assertClose(found.get("losses")!, expected.data, FORM, `losses, logits within ${range}`, 10);
    }
  });
  await step("the same numbers every time", async () => {
    const [first, second] = [await run(WHOLE, "software", 1), await run(WHOLE, "software", 1)];
    for (const [name, data] of first) assertEquals(second.get(name), data, name);
  });
});
