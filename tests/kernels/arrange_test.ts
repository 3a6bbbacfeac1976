/** Kernels that move elements: layout changes, Concat, Split, Slice, Pad, Transpose; against the reference. */

import { assertEquals } from "@std/assert";
import { toBlocked, toPlain } from "../../src/kernels/layout.ts";
import { KERNELS } from "../../src/kernels/table.ts";
import type { Node } from "../../src/graph/operators.ts";
import { blockedLayout, formName, FORMS, PITCH, storable } from "../support/compare.ts";
import { gpuTest, runKernels } from "../support/gpu.ts";
import { type CaseInput, checkKernels } from "../support/kernel_case.ts";
import { randomTensor } from "../support/random.ts";
import { node } from "../support/tiny_graph.ts";

for (const form of FORMS) {
  gpuTest(`plain to row memory and back, ${formName(form)}`, async () => {
    for (const shape of [[3, 5, 13, 11], [1, 1, 1, 127], [2, 8, 3, 1], [2, 6, 13]]) {
      const data = storable(randomTensor(shape, 1), form);
      const plain = { kind: "plain", shape } as const;
      const operands = {
        x: { value: "x", shape, layout: plain },
        b: { value: "b", shape, layout: blockedLayout(shape) },
        y: { value: "y", shape, layout: plain },
      };
      const kernels = [toBlocked(operands.x, operands.b, PITCH), toPlain(operands.b, operands.y, PITCH)];
      const tensors = [
        { name: "x", layout: plain, data },
        { name: "b", layout: operands.b.layout },
        { name: "y", layout: plain },
      ];
      const found = await runKernels(kernels, tensors, form, PITCH);
      assertEquals(found.get("b"), data);
      assertEquals(found.get("y"), data);
    }
  });
}

type Case = readonly [string, Node, Readonly<Record<string, CaseInput>>];

const pad = (mode: "constant" | "edge" | "reflect", pads: readonly number[], value = 0) =>
  node("Pad", ["x"], ["y"], { mode, pads, value });
const slice = (axes: number[], starts: number[], ends: number[], steps: number[]) =>
  node("Slice", ["x"], ["y"], { axes, starts, ends, steps });

const BOTH: readonly Case[] = [
  ["Concat of 3, 6 and 5 channels", node("Concat", ["a", "b", "c"], ["y"], { axis: 1 }), {
    a: { shape: [3, 3, 4, 7] },
    b: { shape: [3, 6, 4, 7] },
    c: { shape: [3, 5, 4, 7] },
  }],
  ["Concat of single channels", node("Concat", ["d", "a", "b", "e", "c"], ["y"], { axis: 1 }), {
    a: { shape: [2, 1, 3, 5] },
    b: { shape: [2, 1, 3, 5] },
    c: { shape: [2, 1, 3, 5] },
    d: { shape: [2, 7, 3, 5] },
    e: { shape: [2, 2, 3, 5] },
  }],
  ["Concat of a tensor with itself", node("Concat", ["a", "b", "a"], ["y"], { axis: 1 }), {
    a: { shape: [1, 3, 5, 6] },
    b: { shape: [1, 2, 5, 6] },
  }],
  ["Concat on height", node("Concat", ["a", "b"], ["y"], { axis: 2 }), {
    a: { shape: [2, 5, 4, 7] },
    b: { shape: [2, 5, 3, 7] },
  }],
  ["Concat on images", node("Concat", ["a", "b"], ["y"], { axis: 0 }), {
    a: { shape: [1, 9, 4, 7] },
    b: { shape: [2, 9, 4, 7] },
  }],
  ["Split of channels", node("Split", ["x"], ["y", "z", "w"], { axis: 1, sizes: [3, 6, 4] }), {
    x: { shape: [3, 13, 5, 3] },
  }],
  ["Split of width", node("Split", ["x"], ["y", "z"], { axis: 3, sizes: [3, 8] }), { x: { shape: [2, 5, 3, 11] } }],
  ["Slice of channels", slice([1], [2], [9], [1]), { x: { shape: [3, 13, 5, 3] } }],
  ["Slice of channels backwards", slice([1], [8], [-1], [-2]), { x: { shape: [2, 10, 5, 3] } }],
  ["Slice of every other pixel", slice([2, 3], [1, 0], [9, 13], [2, 2]), { x: { shape: [1, 3, 9, 13] } }],
  ["Slice of everything", slice([0, 1, 2, 3], [1, 4, 5, 2], [3, 8, 0, 12], [1, 1, -1, 3]), {
    x: { shape: [3, 11, 7, 13] },
  }],
  ["Pad of the image", pad("constant", [0, 0, 1, 2, 0, 0, 3, 0], 0.5), { x: { shape: [2, 6, 5, 7] } }],
  ["Pad of every axis", pad("constant", [1, 2, 1, 0, 0, 3, 0, 1], -2), { x: { shape: [2, 5, 3, 4] } }],
  ["Pad by reflection", pad("reflect", [0, 0, 2, 3, 0, 0, 1, 2]), { x: { shape: [1, 5, 4, 5] } }],
  ["Pad by the edge", pad("edge", [0, 1, 2, 3, 1, 0, 1, 2]), { x: { shape: [2, 5, 4, 5] } }],
];

for (const form of FORMS) {
  gpuTest(`moving elements in row memory, ${formName(form)}`, async (_, step) => {
    for (const [what, moved, inputs] of form === FORMS[0] ? BOTH : BOTH.filter((_, i) => i % 5 === 0 || i === 2)) {
      await step(what, () => checkKernels(moved, inputs, { form, layout: "blocked" }));
    }
  });
}

const PLAIN: readonly Case[] = [
  ...BOTH,
  ["Concat with a constant", node("Concat", ["a", "b"], ["y"], { axis: -1 + 3 }), {
    a: { shape: [2, 3, 5], constant: true },
    b: { shape: [2, 3, 127] },
  }],
  ["Transpose of a matrix", node("Transpose", ["x"], ["y"], { perm: [1, 0] }), { x: { shape: [13, 127] } }],
  ["Transpose of rank 6", node("Transpose", ["x"], ["y"], { perm: [5, 0, 3, 1, 4, 2] }), {
    x: { shape: [2, 3, 1, 4, 5, 3] },
  }],
  ["Transpose that shuffles channels", node("Transpose", ["x"], ["y"], { perm: [0, 2, 1, 3, 4] }), {
    x: { shape: [3, 2, 5, 4, 3] },
  }],
  ["Slice of a vector", slice([0], [120], [3], [-7]), { x: { shape: [127] } }],
  ["Pad of rank 6", pad("edge", [1, 0, 0, 2, 0, 1, 0, 0, 1, 0, 3, 0]), { x: { shape: [1, 2, 3, 2, 2, 3] } }],
];

gpuTest("moving elements of plain tensors", async (_, step) => {
  for (const [what, moved, inputs] of PLAIN) {
    await step(what, () => checkKernels(moved, inputs, { form: FORMS[0], layout: "plain" }));
  }
});

Deno.test("Reshape over plain tensors takes no kernel", () => {
  const reshape = node("Reshape", ["x"], ["y"], { shape: [6] }) as Node<"Reshape">;
  const operand = (value: string, shape: number[]) => ({ value, shape, layout: { kind: "plain", shape } as const });
  const epilogue = { activation: { name: "None", kind: 0, a: 0, b: 0 } } as const;
  const context = {
    node: reshape,
    inputs: [operand("x", [2, 3])],
    outputs: [operand("y", [6])],
    epilogue,
    pitch: PITCH,
  };
  assertEquals(KERNELS.Reshape.plain!.kernels(context), []);
});
