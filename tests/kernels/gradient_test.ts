/** Kernels of gradients of activations, windows, Softmax, maxima and biases, against the reference. */

import { assertEquals } from "@std/assert";
import type { Node, OperatorAttributes, PoolAttributes } from "../../src/graph/operators.ts";
import { NO_ACTIVATION } from "../../src/kernels/activation.ts";
import { KERNELS } from "../../src/kernels/table.ts";
import { evaluateNode } from "../../src/reference/evaluate.ts";
import { referenceTensor } from "../../src/reference/tensor.ts";
import { assertClose, blockedLayout, formName, FORMS, PITCH, SOME_FORMS } from "../support/compare.ts";
import { gpuTest, runKernels } from "../support/gpu.ts";
import { checkKernels } from "../support/kernel_case.ts";
import { randomTensor } from "../support/random.ts";
import { node, PLAIN } from "../support/tiny_graph.ts";
import { ACTIVATION_CASES, type ActivationCase } from "../support/unary_cases.ts";

for (const form of SOME_FORMS) {
  gpuTest(`gradients of activations, ${formName(form)}`, async (_, step) => {
    const isPlain = ({ activation }: ActivationCase) => Object.keys(activation).length === 1;
    const cases = form === FORMS[0] ? ACTIVATION_CASES : ACTIVATION_CASES.filter(isPlain);
    for (const { what, activation, range } of cases) {
      const one = node("ActivationGradient", ["value", "dy"], ["dx"], activation);
      for (const layout of form.scalar === "f32" ? ["blocked", "plain"] as const : ["blocked"] as const) {
        const shape = layout === "plain" ? [3, 7, 13] : [3, 6, 13, 11];
        await step(
          `${what}, ${layout}`,
          () => checkKernels(one, { value: { shape, range }, dy: { shape } }, { form, layout }),
        );
      }
    }
  });
}

type Attributes = Partial<PoolAttributes>;
const WINDOW: PoolAttributes = { ...PLAIN, kernel: [2, 2], ceilMode: false };
/** Windows over an image, and how many there are. */
const POOLS: readonly (readonly [string, readonly number[], readonly number[], Attributes])[] = [
  ["5x5", [3, 6, 13, 11], [13, 11], { kernel: [5, 5], pads: [2, 2, 2, 2] }],
  ["5x5 of fewer pixels than a window", [1, 1, 2, 3], [2, 3], { kernel: [5, 5], pads: [2, 2, 2, 2] }],
  ["3x3 without pads", [2, 5, 9, 6], [7, 4], { kernel: [3, 3] }],
  ["4x4, pads on one side", [2, 5, 9, 6], [7, 6], { kernel: [4, 4], pads: [0, 3, 1, 0] }],
  ["3x3 s2", [2, 9, 13, 7], [7, 4], { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }],
  ["2x2 s2", [1, 1, 13, 127], [6, 63], { strides: [2, 2] }],
  ["3x3 s2, rounded up", [2, 9, 14, 8], [7, 4], { kernel: [3, 3], strides: [2, 2], ceilMode: true }],
  ["2x3 dilated", [2, 5, 9, 13], [7, 12], { kernel: [2, 3], dilations: [3, 2], pads: [1, 2, 0, 1] }],
  ["7x7", [1, 5, 9, 8], [9, 8], { kernel: [7, 7], pads: [3, 3, 3, 3] }],
];

/** Numbers of which many are equal, so that windows have several greatest elements. */
const tied = (shape: readonly number[]) => randomTensor(shape, 5, -2, 2).map(Math.round);

for (const form of SOME_FORMS) {
  gpuTest(`gradient of MaxPool, ${formName(form)}`, async (_, step) => {
    for (const [what, shape, windows, attributes] of form === FORMS[0] ? POOLS : [POOLS[0], POOLS[4]]) {
      const one = node("MaxPoolGradient", ["x", "dy"], ["dx"], { ...WINDOW, ...attributes });
      const dy = [...shape.slice(0, 2), ...windows];
      // Below zero, so that a padding of zeros would show in a maximum.
      const inputs = { x: { shape, range: [-2, -1] }, dy: { shape: dy } } as const;
      await step(`${what} of [${shape}]`, () => checkKernels(one, inputs, { form, layout: "blocked", slack: 4 }));
    }
  });
}

gpuTest("of equal elements of a window the first has the gradient", async (_, step) => {
  const [form] = FORMS;
  for (const [what, shape, windows, attributes] of POOLS) {
    await step(`${what} of [${shape}]`, async () => {
      const one = node("MaxPoolGradient", ["x", "dy"], ["dx"], { ...WINDOW, ...attributes });
      const shapes = { x: shape, dy: [...shape.slice(0, 2), ...windows], dx: shape };
      const data = { x: tied(shapes.x), dy: randomTensor(shapes.dy, 6) };
      const operand = (value: "x" | "dy" | "dx") => {
        return { value, shape: shapes[value], layout: blockedLayout(shapes[value]) };
      };
      const kernels = KERNELS.MaxPoolGradient.blocked!.kernels({
        node: one as Node<"MaxPoolGradient">,
        inputs: [operand("x"), operand("dy")],
        outputs: [operand("dx")],
        epilogue: { activation: NO_ACTIVATION },
        pitch: PITCH,
      });
      const tensors = [
        { name: "x", layout: operand("x").layout, data: data.x },
        { name: "dy", layout: operand("dy").layout, data: data.dy },
        { name: "dx", layout: operand("dx").layout },
      ];
      const [expected] = evaluateNode(one, [referenceTensor(shapes.x, data.x), referenceTensor(shapes.dy, data.dy)]);
      const found = await runKernels(kernels, tensors, form, PITCH);
      assertClose(found.get("dx")!, expected.data, form, what);
    });
  }
});

type Resize = OperatorAttributes["Resize"];
const MODES: readonly Partial<Resize>[] = [
  { mode: "nearest", coordinates: "asymmetric", nearest: "floor" },
  { mode: "nearest", coordinates: "half_pixel", nearest: "round_prefer_ceil" },
  { mode: "linear", coordinates: "half_pixel" },
  { mode: "linear", coordinates: "align_corners" },
];
const SIZES: readonly (readonly [readonly number[], readonly [number, number]])[] = [
  [[3, 6, 5, 7], [10, 14]],
  [[1, 1, 13, 6], [5, 9]],
  [[2, 5, 3, 13], [9, 26]],
];

for (const form of SOME_FORMS) {
  gpuTest(`gradient of Resize, ${formName(form)}`, async (_, step) => {
    for (const mode of form === FORMS[0] ? MODES : [MODES[0], MODES[2]]) {
      for (const [from, size] of form === FORMS[0] ? SIZES : SIZES.slice(0, 1)) {
        const one = node("ResizeGradient", ["dy"], ["dx"], {
          mode: "nearest",
          coordinates: "half_pixel",
          nearest: "floor",
          size,
          scales: [size[0] / from[2], size[1] / from[3]],
          from: [from[2], from[3]],
          ...mode,
        });
        const inputs = { dy: { shape: [from[0], from[1], ...size] } };
        await step(
          `${mode.mode} ${mode.coordinates} [${from}] to ${size}`,
          () => checkKernels(one, inputs, { form, layout: "blocked", slack: 2 }),
        );
      }
    }
  });
}

gpuTest("an enlargement by whole factors needs no table for its gradient", () => {
  const nearest = { mode: "nearest", coordinates: "asymmetric", nearest: "floor" } as const;
  const kernelFor = (size: readonly [number, number], more: Partial<Resize> = {}) => {
    const shape = [1, 4, ...size];
    const [kernel] = KERNELS.ResizeGradient.blocked!.kernels({
      node: node("ResizeGradient", ["dy"], ["dx"], {
        ...nearest,
        size,
        scales: [size[0] / 5, size[1] / 7],
        from: [5, 7],
        ...more,
      }) as Node<"ResizeGradient">,
      inputs: [{ value: "dy", shape, layout: blockedLayout(shape) }],
      outputs: [{ value: "dx", shape: [1, 4, 5, 7], layout: blockedLayout([1, 4, 5, 7]) }],
      epilogue: { activation: NO_ACTIVATION },
      pitch: PITCH,
    });
    return kernel.constants;
  };
  assertEquals(kernelFor([10, 14]), { FACTOR_X: 2, FACTOR_Y: 2 });
  assertEquals(kernelFor([5, 21]), { FACTOR_X: 3, FACTOR_Y: 1 });
  assertEquals(kernelFor([10, 14], { nearest: "ceil" }), {});
  assertEquals(kernelFor([10, 14], { mode: "linear" }), {});
  assertEquals(kernelFor([9, 14]), {});
  return Promise.resolve();
});

gpuTest("gradients of Softmax and of maxima, plain", async (_, step) => {
  const run = { form: FORMS[0], layout: "plain", slack: 4 } as const;
  for (const [shape, axis] of [[[3, 5, 13], 1], [[2, 127], 1], [[4, 3, 2, 5], 0], [[1, 16, 4, 9], 1]] as const) {
    const one = node("SoftmaxGradient", ["y", "dy"], ["dx"], { axis });
    const inputs = { y: { shape, range: [0, 1] }, dy: { shape } } as const;
    await step(`Softmax of [${shape}] along ${axis}`, () => checkKernels(one, inputs, run));
  }
  const maxima = [[[3, 5, 13], [1], [3, 5, 1]], [[2, 5, 7, 3], [2, 3], [2, 5]], [[13], [0], []], [[3, 4, 5], [0, 2], [
    4,
  ]]] as const;
  for (const [shape, axes, dy] of maxima) {
    const keepDims = dy.length === shape.length;
    const reduced = keepDims ? shape.map((extent, i) => (axes as readonly number[]).includes(i) ? 1 : extent) : dy;
    const one = node("ReduceMaxGradient", ["x", "dy"], ["dx"], { axes, keepDims });
    await step(
      `maximum of [${shape}] over [${axes}]`,
      () => checkKernels(one, { x: { shape }, dy: { shape: reduced } }, run),
    );
  }
});

gpuTest("equal maxima share their gradient", async () => {
  const x = Float32Array.of(1, 3, 3, 0, 2, 2, 2, 1), dy = Float32Array.of(6, 12);
  const layout = (shape: readonly number[]) => ({ kind: "plain", shape } as const);
  const operand = (value: string, shape: readonly number[]) => ({ value, shape, layout: layout(shape) });
  const kernels = KERNELS.ReduceMaxGradient.plain!.kernels({
    node: node("ReduceMaxGradient", ["x", "dy"], ["dx"], { axes: [1], keepDims: false }) as Node<"ReduceMaxGradient">,
    inputs: [operand("x", [2, 4]), operand("dy", [2])],
    outputs: [operand("dx", [2, 4])],
    epilogue: { activation: NO_ACTIVATION },
    pitch: PITCH,
  });
  const tensors = [
    { name: "x", layout: layout([2, 4]), data: x },
    { name: "dy", layout: layout([2]), data: dy },
    { name: "dx", layout: layout([2, 4]) },
  ];
  const found = await runKernels(kernels, tensors, FORMS[0], PITCH);
  assertEquals([...found.get("dx")!], [0, 3, 3, 0, 4, 4, 4, 0]);
});

for (const form of SOME_FORMS) {
  gpuTest(`sums of channels, ${formName(form)}`, async (_, step) => {
    for (const target of ["software", "hardware"] as const) {
      for (const shape of [[3, 6, 13, 127], [1, 1, 1, 1], [2, 9, 5, 3]]) {
        for (const keepDims of [false, true]) {
          const one = node("ReduceSum", ["x"], ["y"], { axes: [0, 2, 3], keepDims });
          await step(
            `[${shape}] for ${target}${keepDims ? ", axes kept" : ""}`,
            () => checkKernels(one, { x: { shape } }, { form, layout: "mixed", target, slack: 4 }),
          );
        }
      }
    }
  });
}
