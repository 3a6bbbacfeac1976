/**
 * Kernels of a loss, which has many outputs, against the reference: each of them, results and scratch alike.
 *
 * @module
 */

import type { Node } from "../../src/graph/mod.ts";
import { NO_ACTIVATION } from "../../src/kernels/activation.ts";
import type { Operand } from "../../src/kernels/context.ts";
import { KERNELS } from "../../src/kernels/table.ts";
import type { Target } from "../../src/kernels/target.ts";
import { evaluateNode } from "../../src/reference/evaluate.ts";
import { assertClose, FORMS, PITCH } from "./compare.ts";
import { runKernels } from "./gpu.ts";

const [FORM] = FORMS;

/** A loss with its inputs, as the device and as the reference take them. */
export interface DrawnLoss {
  readonly node: Node;
  readonly inputs: readonly { readonly shape: readonly number[]; readonly data: Float32Array }[];
  readonly reference: Parameters<typeof evaluateNode>[1];
}

/** Runs the kernels of a loss and returns its outputs by name. */
export function runLossKernels(
  { node, inputs, reference }: DrawnLoss,
  target: Target,
): Promise<Map<string, Float32Array>> {
  const outputs = evaluateNode(node, reference);
  const operand = (value: string, shape: readonly number[]): Operand => ({
    value,
    shape,
    layout: { kind: "plain", shape },
  });
  const given = node.inputs.map((name, i) => operand(name, inputs[i].shape));
  const made = node.outputs.map((name, i) => operand(name, outputs[i].shape));
  const kernels = KERNELS[node.op].plain!.kernels({
    // The table is keyed by operator: that of this node takes this node.
    node: node as never,
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

/** Every output is the reference's. */
export async function checkLossKernels(what: string, drawn: DrawnLoss, target: Target): Promise<void> {
  const expected = evaluateNode(drawn.node, drawn.reference), found = await runLossKernels(drawn, target);
  drawn.node.outputs.forEach((name, i) =>
    assertClose(found.get(name)!, expected[i].data, FORM, `${what}: ${name}`, 10)
  );
}
