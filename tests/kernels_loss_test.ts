/** Kernels of the detection loss against the reference: every output, results and scratch alike. */

import type { Operand } from "../src/kernels/context.ts";
import { NO_ACTIVATION } from "../src/kernels/activation.ts";
import type { Target } from "../src/kernels/conv_tile.ts";
import { KERNELS } from "../src/kernels/table.ts";
import { evaluateNode } from "../src/reference/evaluate.ts";
import { assertClose, FORMS, PITCH } from "./support/compare.ts";
import { gpuTest, runKernels } from "./support/gpu.ts";
import { type LossCase, lossInputs, lossNode, referenceInputs } from "./support/loss_case.ts";

const [FORM] = FORMS;

/** Runs the kernels of a case and returns its outputs by name. */
function run(drawn: LossCase, target: Target, scale: number): Promise<Map<string, Float32Array>> {
  const node = lossNode(drawn);
  const inputs = lossInputs(drawn, scale);
  const outputs = evaluateNode(node, referenceInputs(drawn, scale));
  const operand = (value: string, shape: readonly number[]): Operand => ({
    value,
    shape,
    layout: { kind: "plain", shape },
  });
  const given = node.inputs.map((name, i) => operand(name, inputs[i].shape));
  const made = node.outputs.map((name, i) => operand(name, outputs[i].shape));
  const kernels = KERNELS.DetectionLoss.plain!.kernels({
    node,
    inputs: given,
    outputs: made,
    epilogue: { activation: NO_ACTIVATION },
    pitch: PITCH,
    target,
  });
  const tensors = [
    ...given.map(({ value, layout }, i) => ({ name: value, layout, data: inputs[i].data })),
    ...made.map(({ value, layout }) => ({ name: value, layout })),
  ];
  return runKernels(kernels, tensors, FORM, PITCH);
}

async function check(what: string, drawn: LossCase, target: Target, scale = 1): Promise<void> {
  const node = lossNode(drawn);
  const expected = evaluateNode(node, referenceInputs(drawn, scale));
  const found = await run(drawn, target, scale);
  node.outputs.forEach((name, i) => assertClose(found.get(name)!, expected[i].data, FORM, `${what}: ${name}`, 10));
}

const PYRAMID = [[13, 9, 8], [7, 5, 16], [4, 3, 32]] as const;
const WHOLE: LossCase = { batch: 3, classes: 5, bins: 16, rows: 13, levels: PYRAMID };

const CASES: readonly [what: string, drawn: LossCase, scale?: number][] = [
  ["three levels", WHOLE],
  ["scaled", WHOLE, 1024],
  ["one class, one box", { ...WHOLE, batch: 1, classes: 1, rows: 1 }],
  ["no box in the batch", { ...WHOLE, batch: 2, rows: 2, boxes: [[], []] }],
  ["one level, few anchors to claim", { ...WHOLE, batch: 2, levels: [[5, 7, 16]], attributes: { topK: 3 } }],
  ["eighty classes, other bins", { ...WHOLE, batch: 1, classes: 80, bins: 8, rows: 2, attributes: { topK: 3 } }],
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
  for (const drawn of [WHOLE, { ...WHOLE, batch: 1, levels: [[31, 17, 8]] as const, rows: 40, seed: 3 }]) {
    await step("a workgroup a box", () => check("hardware", drawn, "hardware"));
  }
});
