/** Kernels of attention blocks and of channel shuffle against the papers' formulas. */

import { type Activation, activationOf, NO_ACTIVATION } from "../../src/kernels/activation.ts";
import { channelShuffleKernel } from "../../src/kernels/channel_shuffle.ts";
import type { Operand } from "../../src/kernels/context.ts";
import type { Target } from "../../src/kernels/target.ts";
import type { Kernel, StorageForm } from "../../src/kernels/kernel.ts";
import { simamKernel } from "../../src/kernels/simam.ts";
import { spatialGateKernel, statisticsKernel } from "../../src/kernels/spatial_attention.ts";
import { type ChannelProduct, excitedTwice, squeezeExciteKernel } from "../../src/kernels/squeeze_excite.ts";
import { unaryBlocked } from "../../src/kernels/unary.ts";
import {
  cbamChannelGates,
  channelStatistics,
  type Dense,
  hardSigmoid,
  hardSwish,
  type Map4,
  mapped,
  pixelGates,
  relu,
  shuffleFormula,
  sigmoid,
  silu,
  simamFormula,
  squeezeExciteGates,
} from "../support/attention_formulas.ts";
import { assertClose, blockedLayout, formName, FORMS, PITCH, SOME_FORMS, storable } from "../support/compare.ts";
import { gpuTest, runKernels } from "../support/gpu.ts";
import { randomTensor } from "../support/random.ts";
import { node } from "../support/tiny_graph.ts";

type Shape4 = Map4["shape"];

const operand = (value: string, shape: readonly number[], variant = 0): Operand => ({
  value,
  shape,
  layout: blockedLayout(shape, 3 + variant, variant),
});

const seeded = (shape: Shape4, seed: number, form: StorageForm): Map4 & { data: Float32Array } => ({
  shape,
  data: storable(randomTensor(shape, seed), form),
});

/** Runs a kernel over inputs and asserts what it writes. */
async function check(
  kernel: Kernel,
  form: StorageForm,
  inputs: readonly { readonly operand: Operand; readonly data: Float32Array }[],
  outputs: readonly { readonly operand: Operand; readonly expected: readonly number[] }[],
  slack = 1,
): Promise<void> {
  const tensors = [
    ...inputs.map(({ operand: { value, layout }, data }) => ({ name: value, layout, data })),
    ...outputs.map(({ operand: { value, layout } }) => ({ name: value, layout })),
  ];
  const found = await runKernels([kernel], tensors, form, PITCH);
  for (const { operand: { value }, expected } of outputs) {
    assertClose(found.get(value)!, expected, form, `${kernel.label} ${value}`, slack);
  }
}

const activation = (op: "Relu" | "Silu" | "Sigmoid" | "HardSwish"): Activation =>
  activationOf(node(op, ["x"], ["y"], {}))!;
const HARD_SIGMOID = activationOf(node("HardSigmoid", ["x"], ["y"], { alpha: 1 / 6, beta: 0.5 }))!;

interface ExciteCase {
  readonly x: Shape4;
  readonly squeeze: number;
  readonly out: number;
  readonly bias: boolean;
  readonly act: readonly [Activation, (x: number) => number];
  readonly gate: readonly [Activation, (x: number) => number];
}

const RELU = [activation("Relu"), relu] as const;
const SIGMOID = [activation("Sigmoid"), sigmoid] as const;

/** Channels below, at and beyond what the threads of a workgroup take at once; one pixel; several images. */
const EXCITE: readonly ExciteCase[] = [
  { x: [3, 13, 13, 7], squeeze: 5, out: 13, bias: true, act: RELU, gate: [HARD_SIGMOID, hardSigmoid] },
  { x: [1, 64, 1, 1], squeeze: 4, out: 64, bias: false, act: [activation("Silu"), silu], gate: SIGMOID },
  { x: [2, 290, 3, 5], squeeze: 70, out: 290, bias: true, act: RELU, gate: SIGMOID },
  {
    x: [1, 1, 127, 2],
    squeeze: 300,
    out: 18,
    bias: true,
    act: [activation("HardSwish"), hardSwish],
    gate: [NO_ACTIVATION, (x) => x],
  },
];

function products({ x, squeeze, out, bias, act, gate }: ExciteCase, form: StorageForm) {
  const dense = (outputs: number, inputs: number, seed: number): Dense & { weight: Float32Array } => ({
    weight: storable(randomTensor([outputs, inputs], seed, -0.5, 0.5), form),
    bias: bias ? storable(randomTensor([outputs], seed + 1), form) : undefined,
  });
  const layers = [dense(squeeze, x[1], 5), dense(out, squeeze, 7)] as const;
  const product = (layer: Dense, inputs: number, outputs: number, activation: Activation): ChannelProduct => ({
    weight: layer.weight as Float32Array,
    bias: layer.bias as Float32Array | undefined,
    inputs,
    outputs,
    activation,
  });
  return {
    layers,
    squeeze: product(layers[0], x[1], squeeze, act[0]),
    excite: product(layers[1], squeeze, out, gate[0]),
  };
}

for (const form of SOME_FORMS) {
  for (const target of ["software", "hardware"] as const) {
    gpuTest(`squeeze-and-excitation, ${target}, ${formName(form)}`, async () => {
      for (const one of EXCITE) {
        const map = seeded(one.x, 1, form);
        const x = operand("x", one.x), y = operand("y", [one.x[0], one.out, 1, 1], 1);
        const { layers, squeeze, excite } = products(one, form);
        const expected = squeezeExciteGates(map, layers, [one.act[1], one.gate[1]]).flat();
        const kernel = squeezeExciteKernel({ x, y, squeeze, excite, pitch: PITCH, target });
        await check(kernel, form, [{ operand: x, data: map.data }], [{ operand: y, expected }], 4);
      }
    });
  }

  gpuTest(`channel gates of CBAM, ${formName(form)}`, async () => {
    for (const one of EXCITE.filter(({ act, x, out }) => act === RELU && out === x[1])) {
      const map = seeded(one.x, 1, form);
      const x = operand("x", one.x), y = operand("y", [one.x[0], one.out, 1, 1], 1);
      const { layers, squeeze, excite } = products(one, form);
      const expected = cbamChannelGates(map, layers).flat();
      const twice = { ...excitedTwice(excite), activation: activation("Sigmoid") };
      const step = { x, y, squeeze, excite: twice, maxima: true, pitch: PITCH, target: "software" } as const;
      await check(squeezeExciteKernel(step), form, [{ operand: x, data: map.data }], [{ operand: y, expected }], 4);
    }
  });

  gpuTest(`channel statistics, ${formName(form)}`, async () => {
    for (const shape of [[3, 13, 13, 7], [1, 1, 2, 127], [2, 44, 5, 6]] as const) {
      const [batch, channels, height, width] = shape;
      const map = seeded(shape, 1, form), gate = seeded([batch, channels, 1, 1], 2, form);
      const x = operand("x", shape), g = operand("g", gate.shape, 1), z = operand("z", shape, 2);
      const y = operand("y", [batch, 2, height, width], 1);
      const gated = mapped(map, (value, n, c) => value * gate.data[n * channels + c]);
      const common = { x, statistics: y, pitch: PITCH };
      await check(
        statisticsKernel({ ...common, maximumFirst: false, gated: { gate: g, output: z } }),
        form,
        [{ operand: x, data: map.data }, { operand: g, data: gate.data }],
        [{ operand: y, expected: channelStatistics({ shape, data: gated }).data }, { operand: z, expected: gated }],
      );
      const both = channelStatistics(map).data, pixels = height * width;
      const turned = both.map((_, i) => both[i + (Math.floor(i / pixels) % 2 === 0 ? pixels : -pixels)]);
      const plain = statisticsKernel({ ...common, maximumFirst: true });
      await check(plain, form, [{ operand: x, data: map.data }], [{ operand: y, expected: turned }]);
    }
  });

  gpuTest(`spatial gate, ${formName(form)}`, async () => {
    for (const [shape, kernel] of [[[3, 13, 13, 7], 7], [[1, 1, 2, 127], 3], [[2, 6, 5, 6], 1]] as const) {
      const [batch, , height, width] = shape;
      const map = seeded(shape, 1, form), both = seeded([batch, 2, height, width], 2, form);
      const weight = storable(randomTensor([1, 2, kernel, kernel], 3, -0.3, 0.3), form);
      const gates = pixelGates(both, weight, 0.25);
      const x = operand("x", shape), statistics = operand("s", both.shape, 1), y = operand("y", shape, 2);
      const half = (kernel - 1) / 2, pad = [half, half] as const;
      const step = { x, statistics, y, weight, bias: 0.25, kernel, pad, activation: SIGMOID[0], pitch: PITCH };
      await check(
        spatialGateKernel(step),
        form,
        [{ operand: x, data: map.data }, { operand: statistics, data: both.data }],
        [{ operand: y, expected: mapped(map, (value, n, _, pixel) => value * gates[n][pixel]) }],
        2,
      );
    }
  });

  gpuTest(`SimAM, ${formName(form)}`, async () => {
    for (const shape of [[3, 13, 13, 7], [1, 1, 127, 2], [2, 5, 1, 1], [1, 70, 3, 5]] as const) {
      const lambda = 1e-2, freedom = Math.max(1, shape[2] * shape[3] - 1);
      const map = seeded(shape, 1, form);
      const x = operand("x", shape), y = operand("y", shape, 1);
      for (const target of ["software", "hardware"] satisfies Target[]) {
        const step = { x, y, scale: 4 / freedom, shift: 4 * lambda, offset: 0.5, pitch: PITCH, target };
        const expected = simamFormula(map, lambda);
        await check(simamKernel(step), form, [{ operand: x, data: map.data }], [{ operand: y, expected }], 2);
      }
    }
  });

  gpuTest(`channel shuffle, ${formName(form)}`, async () => {
    const cases = [[[3, 6, 13, 7], 2], [[1, 58, 5, 6], 2], [[1, 58, 5, 6], 29], [[2, 24, 1, 127], 3], [
      [1, 20, 3, 4],
      4,
    ], [[1, 7, 3, 3], 7]] as const;
    for (const [shape, groups] of cases) {
      const map = seeded(shape, 1, form);
      const x = operand("x", shape), y = operand("y", shape, 1);
      const expected = shuffleFormula(map, groups);
      await check(channelShuffleKernel(x, y, groups, PITCH), form, [{ operand: x, data: map.data }], [
        { operand: y, expected },
      ]);
    }
  });

  gpuTest(`hard-swish and hard-sigmoid, ${formName(form)}`, async () => {
    const shape = [3, 13, 13, 7] as const;
    const map = { shape, data: storable(randomTensor(shape, 1, -5, 5), form) };
    const x = operand("x", shape), y = operand("y", shape, 1);
    for (const [function_, formula] of [[activation("HardSwish"), hardSwish], [HARD_SIGMOID, hardSigmoid]] as const) {
      const kernel = unaryBlocked("unary", x, y, function_, PITCH);
      await check(kernel, form, [{ operand: x, data: map.data }], [{ operand: y, expected: mapped(map, formula) }]);
    }
  });
}
