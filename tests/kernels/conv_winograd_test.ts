/** Winograd's convolution against the reference: odd shapes, every form of storage, and how far f32 is off. */

import { assert, assertEquals } from "@std/assert";
import type { Node, Pads } from "../../src/graph/operators.ts";
import { NO_ACTIVATION } from "../../src/kernels/activation.ts";
import type { Operand } from "../../src/kernels/context.ts";
import { convContest } from "../../src/kernels/conv.ts";
import type { ConvForm } from "../../src/kernels/conv_form.ts";
import { winogradApplies, winogradCandidate } from "../../src/kernels/conv_winograd.ts";
import type { Target } from "../../src/kernels/target.ts";
import { evaluateNode } from "../../src/reference/evaluate.ts";
import { referenceTensor } from "../../src/reference/tensor.ts";
import { blockedLayout, formName, FORMS, PITCH, SOME_FORMS } from "../support/compare.ts";
import { gpuTest, runKernels } from "../support/gpu.ts";
import { type CaseEpilogue, checkKernels } from "../support/kernel_case.ts";
import { randomTensor } from "../support/random.ts";
import { node, PLAIN } from "../support/tiny_graph.ts";

const SILU: Node = node("Silu", ["y"], ["z"], {});
const SAME: Pads = [1, 1, 1, 1];

interface Case {
  readonly x: readonly [number, number, number, number];
  readonly filters: number;
  readonly pads?: Pads;
  readonly epilogue?: CaseEpilogue;
}

const CASES: readonly Case[] = [
  { x: [1, 9, 13, 13], filters: 7, epilogue: { activation: SILU, residual: "before activation", shift: 1 } },
  { x: [1, 1, 5, 127], filters: 1 },
  { x: [3, 6, 11, 6], filters: 10, pads: [2, 0, 1, 3], epilogue: { activation: SILU, residual: "after activation" } },
  { x: [2, 4, 3, 3], filters: 5, pads: [0, 0, 0, 0] },
];

const convOf = (pads: Pads): Node => node("Conv", ["x", "w", "b"], ["y"], { ...PLAIN, groups: 1, pads });

async function check(
  { x, filters, pads = SAME, epilogue }: Case,
  form: typeof FORMS[number],
  rows: number,
  target: Target,
) {
  await checkKernels(convOf(pads), {
    x: { shape: x },
    w: { shape: [filters, x[1], 3, 3], constant: true, range: [-0.5, 0.5] },
    b: { shape: [filters], constant: true },
  }, { form, layout: "blocked", epilogue, target, option: { kernel: "winograd", variant: `rows=${rows}` }, slack: 2 });
}

for (const form of SOME_FORMS) {
  gpuTest(`Winograd's convolution, ${formName(form)}`, async (_, step) => {
    // The forms differ only in what every kernel includes; more rows of the same text take longer to compile.
    for (const test of form === FORMS[0] ? CASES : [CASES[0], CASES[2]]) {
      await step(`[${test.x}] to ${test.filters}`, () => check(test, form, 1, "hardware"));
    }
    if (form === FORMS[0]) await step("ten rows", () => check(CASES[2], form, 10, "software"));
  });
}

gpuTest("Winograd's convolution with weights of this run, and backwards as a gradient is", async (_, step) => {
  for (const op of ["Conv", "ConvTranspose"] as const) {
    for (const { x, filters, pads = SAME } of [CASES[0], CASES[2]]) {
      for (const constant of [true, false]) {
        await step(`${op} of [${x}] to ${filters}, ${constant ? "constant" : "trained"} weights`, async () => {
          const operands = {
            x: { shape: x },
            w: { shape: op === "Conv" ? [filters, x[1], 3, 3] : [x[1], filters, 3, 3], constant, range: [-0.5, 0.5] },
            b: { shape: [filters], constant },
          } as const;
          await checkKernels(
            node(op, ["x", "w", "b"], ["y"], { ...PLAIN, groups: 1, pads, outputPadding: [0, 0] } as never),
            operands,
            {
              ...{ form: FORMS[0], layout: constant ? "blocked" : "mixed", target: "hardware", slack: 2 } as const,
              option: { kernel: "winograd", variant: "rows=1" },
            },
          );
        });
      }
    }
  }
});

/** Weights `[O,I,3,3]` as multiples by whole numbers up to `most` of a scale of their output, none of them 0 where that is 1 bit. */
function toLevels(data: Float32Array, perOutput: number, bits: number): Float32Array {
  const most = bits === 4 ? 7 : 1;
  return data.map((value, i) => {
    const level = bits === 1 ? Math.sign(value) : Math.round(2 * value * most);
    return level * (0.03 + 0.01 * Math.floor(i / perOutput));
  });
}

gpuTest("Winograd's convolution of weights of four, two and one bits", async (_, step) => {
  const { epilogue } = CASES[0];
  for (const [bits, form] of [[4, FORMS[0]], [2, FORMS[0]], [1, FORMS[0]], [2, FORMS[2]], [4, FORMS[1]]] as const) {
    await step(`${bits} bits, ${formName(form)}`, async () => {
      const inputs = bits === 1 ? 8 : 9, found: unknown[] = [];
      const edit = (data: Float32Array) => toLevels(data, 9 * inputs, bits);
      await checkKernels(convOf([2, 0, 1, 3]), {
        x: { shape: [2, inputs, 13, 7] },
        w: { shape: [13, inputs, 3, 3], constant: true, range: [-0.5, 0.5], edit },
        b: { shape: [13], constant: true },
      }, {
        ...{ form, layout: "blocked", epilogue, target: "hardware", slack: 2 } as const,
        make: (context) => {
          const { options } = convContest(context);
          const kernels = options.find(({ kernel, variant }) => `${kernel} ${variant}` === "winograd rows=1")!.make(
            context,
          );
          found.push(kernels[0].constants.WEIGHT_BITS);
          return kernels;
        },
      });
      assertEquals(found, [bits]);
    });
  }
});

gpuTest(
  "Winograd's convolution begins at any channel, and f32 is off by no more than 4e-6 of what its products are together",
  async () => {
    // Channels 5 to 68 of 70, which begin and end within a block.
    const shape = [1, 70, 6, 9], first = 5, inputs = 64, filters = 6;
    const x = randomTensor(shape, 1), w = randomTensor([filters, inputs, 3, 3], 2, -0.2, 0.2);
    const bias = randomTensor([filters], 3), conv = convOf(SAME);
    const part = x.subarray(first * 54, (first + inputs) * 54);
    const [expected] = evaluateNode(conv, [
      referenceTensor([1, inputs, 6, 9], part),
      referenceTensor([filters, inputs, 3, 3], w),
      referenceTensor([filters], bias),
    ]);
    const layouts = { x: blockedLayout(shape), y: blockedLayout([1, filters, 6, 9], 2, 1) };
    const constant = (value: string, shape: readonly number[], data: Float32Array): Operand => ({
      value,
      shape,
      layout: { kind: "plain", shape },
      constant: { dtype: "f32", shape, data },
    });
    const kernels = winogradCandidate.kernels(
      {} as ConvForm,
      {
        node: conv as Node<"Conv">,
        inputs: [
          { value: "x", shape, layout: layouts.x },
          constant("w", [filters, inputs, 3, 3], w),
          constant("b", [filters], bias),
        ],
        outputs: [{ value: "y", shape: [1, filters, 6, 9], layout: layouts.y }],
        epilogue: { activation: NO_ACTIVATION },
        firstChannel: first,
        pitch: PITCH,
      },
      { rows: 1 },
      { adapter: "hardware", packedDot: false, floatWeights: false },
    );
    const tensors = [{ name: "x", layout: layouts.x, data: x }, { name: "y", layout: layouts.y }];
    const found = (await runKernels(kernels, tensors, FORMS[0], PITCH)).get("y")!;
    // Root of the sum of squares of 9 * 64 products of such numbers.
    const size = Math.sqrt(9 * inputs) * Math.sqrt(1 / 3) * Math.sqrt(0.04 / 3);
    const off = found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected.data[i])), 0);
    assert(off < 4e-6 * size, `${off} beside ${size}`);
  },
);

Deno.test("Winograd's convolution is one of 3x3 and stride 1, backwards too, whose sums need not be exact", () => {
  const form = (over: Partial<ConvForm>, shape: readonly number[] = [8, 8, 3, 3], attributes = {}): ConvForm => ({
    attributes: { ...PLAIN, groups: 1, pads: SAME, ...attributes },
    weight: { shape },
    transposed: false,
    trained: false,
    whole: false,
    firstChannel: 0,
    input: { batch: 1, channels: 8, height: 20, width: 20 },
    output: { batch: 1, channels: 8, height: 20, width: 20 },
    ...over,
  });
  for (const one of [{}, { trained: true }, { transposed: true, trained: true }]) assert(winogradApplies(form(one)));
  const others = [
    form({ transposed: true }, [8, 8, 3, 3], { strides: [2, 2] }),
    form({ whole: true }),
    form({}, [8, 8, 1, 1]),
    form({}, [8, 8, 3, 5]),
    form({}, [8, 4, 3, 3], { groups: 2 }),
    form({}, [8, 8, 3, 3], { strides: [1, 2] }),
    form({}, [8, 8, 3, 3], { dilations: [2, 1] }),
  ];
  assertEquals(others.map(winogradApplies), others.map(() => false));
  // The estimate: ten rows where they divide the map, eight where those do.
  const target = { adapter: "software", packedDot: false, floatWeights: false } as const;
  const best = (extent: number) => {
    const map = form({ output: { batch: 1, channels: 8, height: extent, width: extent } });
    const costs = winogradCandidate.variants(map, target).usual.map((
      one,
    ) => [winogradCandidate.cost(map, one, target), one.rows]);
    return costs.toSorted(([a], [b]) => a - b)[0][1];
  };
  assertEquals([160, 80, 40, 20, 10, 64, 32, 16, 8].map(best), [10, 10, 10, 10, 10, 8, 8, 8, 8]);
});
