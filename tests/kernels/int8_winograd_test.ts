/** Winograd's convolution of bytes, bit for bit against plain loops over whole numbers; and how many sums f32 takes together. */

import { assert, assertEquals } from "@std/assert";
import type { Node } from "../../src/graph/operators.ts";
import { blocksTogether } from "../../src/kernels/int8/conv_winograd.ts";
import { formName, FORMS } from "../support/compare.ts";
import { gpuTest } from "../support/gpu.ts";
import { checkInt8Conv, type Int8Case } from "../support/int8_conv_case.ts";
import { seededRandom } from "../support/random.ts";
import { node } from "../support/tiny_graph.ts";

const SILU: Node = node("Silu", ["y"], ["z"], {});
const PAD1 = { pads: [1, 1, 1, 1] } as const;

/** 96 channels of bytes that add up: what f32 holds of their sums in one part is off by up to 4. */
const ADDING_UP: Int8Case = {
  x: [1, 96, 6, 9],
  weight: [5, 96, 3, 3],
  attributes: PAD1,
  bytes: "adding up",
  stored: "float",
};

const CASES: Readonly<Record<string, Int8Case>> = {
  "odd sizes": { x: [1, 5, 13, 7], weight: [17, 5, 3, 3], attributes: PAD1 },
  "extremes, uneven pads, zero point at the least byte": {
    x: [1, 6, 11, 6],
    weight: [10, 6, 3, 3],
    attributes: { pads: [2, 0, 1, 3] },
    bytes: "extremes",
    cells: { scale: 0.02, zero: -128 },
  },
  "one channel, 127 wide, no padding": { x: [1, 1, 5, 127], weight: [1, 1, 3, 3] },
  "batch 3, SiLU, residual of another scale": {
    x: [3, 6, 7, 9],
    weight: [5, 6, 3, 3],
    attributes: PAD1,
    activation: SILU,
    residual: { cells: { scale: 0.03, zero: 11 } },
  },
  "sums of a hundred million on the way": ADDING_UP,
};

const WINOGRAD = { kernel: "int8 winograd", rows: 4 } as const;

for (const form of FORMS.slice(0, 2)) {
  gpuTest(`Winograd's convolution of bytes, ${formName(form)}`, async (_, step) => {
    // The forms differ only in what every kernel includes.
    const cases = Object.entries(CASES).slice(0, form === FORMS[0] ? undefined : 2);
    for (const [what, test] of cases) {
      await step(what, async () => void await checkInt8Conv(test, { form, ...WINOGRAD }));
    }
    if (form !== FORMS[0]) return;
    await step("ten rows", async () => void await checkInt8Conv(ADDING_UP, { form, ...WINOGRAD, rows: 10 }));
  });
}

/** Weights of one output channel by the six columns of Winograd's G, and the greatest input by B: sums of their products, block by block. */
function greatestSums(data: ArrayLike<number>, inputs: number): number[][] {
  const transformed: readonly ((a: number, b: number, c: number) => number)[] = [
    (a) => 10 * a,
    (a, b, c) => 10 * (a + b + c),
    (a, b, c) => 10 * (a - b + c),
    (a, b, c) => 6 * (a + 2 * b + 4 * c),
    (a, b, c) => 6 * (a - 2 * b + 4 * c),
    (_, __, c) => 10 * c,
  ];
  const blocks = Array.from({ length: Math.ceil(inputs / 4) }, (_, block) => {
    const rows = Array.from({ length: 12 }, (_, row) => 36 * block + 3 * row).filter((at) => at < 9 * inputs);
    return transformed.map((of) =>
      rows.reduce((sum, at) => sum + 128 * Math.abs(of(data[at], data[at + 1], data[at + 2])), 0)
    );
  });
  return transformed.map((_, product) => blocks.map((sums) => sums[product]));
}

Deno.test("sums stay below 2^24 in as few parts of equal length as that takes", () => {
  const random = seededRandom(5);
  const found: number[] = [];
  for (const [inputs, range] of [[3, 127], [13, 127], [64, 127], [70, 60], [256, 127], [256, 20]]) {
    const data = Int8Array.from({ length: 2 * 9 * inputs }, () => Math.round((2 * random() - 1) * range));
    const together = blocksTogether({ shape: [2, inputs, 3, 3], data }), blocks = Math.ceil(inputs / 4);
    const sums = [0, 1].flatMap((output) => greatestSums(data.subarray(9 * inputs * output), inputs));
    const greatest = (length: number) =>
      Math.max(
        ...sums.flatMap((list) =>
          Array.from({ length: Math.ceil(blocks / length) }, (_, part) =>
            list.slice(part * length, (part + 1) * length).reduce((sum, one) => sum + one, 0))
        ),
      );
    assert(greatest(together) < 2 ** 24, `${inputs} channels, ${together} blocks together`);
    const fewer = Math.ceil(blocks / together) - 1;
    if (fewer > 0) {
      assert(greatest(Math.ceil(blocks / fewer)) >= 2 ** 24, `${inputs} channels would fit ${fewer} parts`);
    }
    found.push(Math.ceil(blocks / together));
  }
  assertEquals(found[0], 1);
  assert(new Set(found).size >= 3, `only ${found} parts`);
  // The greatest weights there are: two blocks fit.
  const most = new Int8Array(9 * 64).fill(-128);
  assertEquals(blocksTogether({ shape: [1, 64, 3, 3], data: most }), 2);
});
