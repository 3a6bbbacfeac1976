/** Kernels of transposed convolutions of stride 2, with constant weights and with such as change from run to run, against the reference. */

import type { Pads, Pair } from "../../src/graph/operators.ts";
import type { Target } from "../../src/kernels/target.ts";
import { formName, FORMS, SOME_FORMS } from "../support/compare.ts";
import { gpuTest } from "../support/gpu.ts";
import { checkKernels } from "../support/kernel_case.ts";
import { node } from "../support/tiny_graph.ts";

interface Case {
  readonly x: readonly [number, number, number, number];
  /** Channels of the result; as those of x where `depthwise`. */
  readonly outputs: number;
  readonly kernel: number;
  readonly pads: Pads;
  readonly outputPadding?: Pair;
  readonly depthwise?: boolean;
}

const SAME: Pads = [1, 1, 1, 1], NONE: Pads = [0, 0, 0, 0];

const CASES: readonly Case[] = [
  // The way back through a convolution of an even map, of an odd one, of one without padding.
  { x: [3, 12, 7, 6], outputs: 5, kernel: 3, pads: SAME, outputPadding: [1, 1] },
  { x: [1, 5, 7, 64], outputs: 17, kernel: 3, pads: SAME },
  { x: [2, 1, 5, 3], outputs: 6, kernel: 3, pads: NONE, outputPadding: [1, 0] },
  { x: [1, 7, 13, 9], outputs: 1, kernel: 3, pads: [0, 1, 2, 3] },
  { x: [1, 6, 3, 9], outputs: 7, kernel: 3, pads: [2, 3, 1, 0], outputPadding: [0, 1] },
  { x: [3, 6, 5, 7], outputs: 5, kernel: 2, pads: NONE },
  { x: [1, 4, 6, 5], outputs: 9, kernel: 4, pads: SAME },
  { x: [3, 6, 7, 5], outputs: 6, kernel: 3, pads: SAME, outputPadding: [1, 1], depthwise: true },
  { x: [1, 17, 6, 64], outputs: 17, kernel: 3, pads: [0, 1, 1, 0], depthwise: true },
  { x: [2, 5, 7, 6], outputs: 5, kernel: 5, pads: [2, 2, 2, 2], outputPadding: [1, 1], depthwise: true },
  { x: [1, 12, 4, 13], outputs: 12, kernel: 5, pads: [1, 2, 3, 0], depthwise: true },
];

async function check(test: Case, form: typeof FORMS[number], target: Target, trained: boolean) {
  const { x, outputs, kernel, pads, outputPadding = [0, 0], depthwise = false } = test;
  const groups = depthwise ? outputs : 1;
  const attributes = { strides: [2, 2], pads, dilations: [1, 1], groups, outputPadding } as const;
  const weight = { shape: [x[1], outputs / groups, kernel, kernel], constant: !trained, range: [-0.5, 0.5] as const };
  await checkKernels(
    node("ConvTranspose", ["x", "w"], ["y"], attributes),
    { x: { shape: x }, w: weight },
    // Trained weights are rounded only where they are packed.
    { form, layout: trained ? "mixed" : "blocked", target, slack: trained && form.scalar === "f16" ? 4 : 2 },
  );
}

for (const [i, form] of SOME_FORMS.entries()) {
  gpuTest(`transposed convolutions of stride 2: ${formName(form)}`, async (_, step) => {
    for (const [k, test] of CASES.entries()) {
      const { x, outputs, kernel, pads, depthwise } = test;
      const name = `${depthwise ? "depthwise " : ""}${kernel}x${kernel} pads ${pads} of [${x}] to ${outputs}`;
      // Forms differ in the libraries that all kernels include: one form has all cases and both sizes of tiles.
      if (i > 0 && k % 3 !== 1) continue;
      const targets = i === 0 ? ["software", "hardware"] as const : ["hardware"] as const;
      for (const target of targets) {
        await step(`${name}, ${target}`, () => check(test, form, target, (i + k) % 2 === 0));
      }
    }
  });
}
