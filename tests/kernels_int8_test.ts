/** Convolutions of bytes, bit for bit against plain loops over whole numbers. */

import type { Node } from "../src/graph/operators.ts";
import { formName, FORMS } from "./support/compare.ts";
import { gpuTest } from "./support/gpu.ts";
import { checkInt8Conv, type Int8Case } from "./support/int8_conv_case.ts";
import { node } from "./support/tiny_graph.ts";

const PAD1 = { pads: [1, 1, 1, 1] } as const;
const SILU: Node = node("Silu", ["y"], ["z"], {});
const RELU: Node = node("Relu", ["y"], ["z"], {});
const CLIP: Node = node("Clip", ["y"], ["z"], { min: -0.3, max: 6 });

const DIRECT: Readonly<Record<string, Int8Case>> = {
  "3x3": { x: [1, 5, 13, 7], weight: [17, 5, 3, 3], attributes: PAD1 },
  "3x3 s2, batch 3, SiLU": {
    x: [3, 17, 7, 13],
    weight: [6, 17, 3, 3],
    attributes: { strides: [2, 2], ...PAD1 },
    activation: SILU,
  },
  "1x1 of one channel, 127 wide": { x: [2, 1, 3, 127], weight: [3, 1, 1, 1] },
  "1x1 s2 to one channel": { x: [1, 3, 13, 7], weight: [1, 3, 1, 1], attributes: { strides: [2, 2] }, bias: "f32" },
};
for (const form of FORMS.slice(0, 2)) {
  gpuTest(`direct, ${formName(form)}`, async (_, step) => {
    for (const arithmetic of ["f32", "dot", "emulated"] as const) {
      for (const [what, test] of Object.entries(DIRECT)) {
        await step(`${what}, ${arithmetic}`, () => checkInt8Conv(test, { form, arithmetic }));
      }
    }
  });
}
