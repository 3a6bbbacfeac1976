/** Weights of one, two and four bits in the direct convolution: how they are found and packed, and the kernel against the reference. */

import { assert, assertEquals } from "@std/assert";
import type { LowBitName } from "../../src/compress/quantize/mod.ts";
import type { Node, Pads } from "../../src/graph/operators.ts";
import { activationOf, NO_ACTIVATION } from "../../src/kernels/activation.ts";
import { directConv } from "../../src/kernels/conv_direct.ts";
import { densePacking } from "../../src/kernels/conv_packing.ts";
import type { ConvStep } from "../../src/kernels/conv_step.ts";
import type { ConvTile } from "../../src/kernels/conv_tile.ts";
import type { Target } from "../../src/kernels/target.ts";
import type { StorageForm } from "../../src/kernels/kernel.ts";
import { levelsOf, packLowBit } from "../../src/kernels/low_bit_weights.ts";
import { evaluateNode } from "../../src/reference/evaluate.ts";
import { type ReferenceTensor, referenceTensor } from "../../src/reference/tensor.ts";
import { assertClose, blockedLayout, formName, FORMS, PITCH, SOME_FORMS, storable } from "../support/compare.ts";
import { gpuTest, runKernels, type TestTensor } from "../support/gpu.ts";
import { randomTensor, seededRandom } from "../support/random.ts";
import { node } from "../support/tiny_graph.ts";

const packingOf = (shape: readonly number[], outBlocks = 1, lead = 0) =>
  densePacking({ shape, groups: 1, transposed: false, flip: false }, outBlocks, lead);

/** Levels found in weights `[O,I,1,1]`. */
function found(shape: readonly [number, number], numbers: readonly number[], lead = 0) {
  const levels = levelsOf(packingOf([...shape, 1, 1], 1, lead), Float32Array.from(numbers));
  return levels && { bits: levels.bits, scales: [...levels.scales] };
}

Deno.test("levels are found where each output channel has one magnitude", () => {
  assertEquals(found([2, 4], [0.5, -0.5, 0.5, 0.5, -2, -2, 2, -2]), { bits: 1, scales: [0.5, 2] });
  assertEquals(found([2, 4], [0.5, -0.5, 0, 0.5, -2, -2, 2, -2]), { bits: 2, scales: [0.5, 2] });
  // A channel of zeros is one by its scale; -0 is a zero.
  assertEquals(found([2, 4], [0, -0, 0, 0, -2, -2, 2, -2]), { bits: 1, scales: [0, 2] });
  assertEquals(found([2, 4], [-0, 3, 3, -3, 0, 0, 0, 0]), { bits: 2, scales: [3, 0] });
  // Lanes without a channel need a level of zero.
  assertEquals(found([1, 5], [1, 1, -1, 1, 1]), { bits: 2, scales: [1] });
  assertEquals(found([1, 4], [1, 1, -1, 1], 3), { bits: 2, scales: [1] });
});

Deno.test("several magnitudes that are multiples of a scale by at most 7 are levels of four bits", () => {
  assertEquals(found([2, 4], [0.5, -1.5, 0, 3.5, -2, -2, 2, -2]), { bits: 4, scales: [0.5, 2] });
  // Multiples of the third of the least one.
  assertEquals(found([1, 4], [3, 3, -5, 7]), { bits: 4, scales: [1] });
  // What f32 makes of the multiples of a scale, and of these by another number.
  const scale = Math.fround(0.0371), factor = Math.fround(1.7);
  const numbers = [1, -2, 3, 4, -5, 6, 7, 0].map((level) => Math.fround(Math.fround(level * scale) * factor));
  const { bits, scales } = found([1, 8], numbers)!;
  assertEquals(bits, 4);
  assert(Math.abs(scales[0] / (scale * factor) - 1) < 2 ** -22);
});

Deno.test("other weights stay floats", () => {
  assertEquals(found([2, 4], [0.5, -0.5, 0.5, 0.5, -2, -2, 2, -2.000002]), undefined);
  // Eight magnitudes; multiples by more than 7.
  assertEquals(found([1, 8], [1, 2, 3, 4, 5, 6, 7, 8]), undefined);
  assertEquals(found([1, 4], [1, 3, 7, 8]), undefined);
  assertEquals(found([1, 4], [1, 1, 7.5, -1]), undefined);
  assertEquals(found([1, 4], [1, 1, NaN, 1]), undefined);
  assertEquals(found([1, 4], [NaN, NaN, NaN, NaN]), undefined);
  assertEquals(found([1, 4], [Infinity, Infinity, -Infinity, Infinity]), undefined);
});

Deno.test("the first weight that disagrees ends the search", () => {
  let seen = 0;
  const numbers = Float32Array.from([1, 1, 2, 3, 4, 5, 6, 7, 1.5, ...new Array<number>(55).fill(1)]);
  const data = new Proxy(numbers, {
    get: (target, key) => {
      if (typeof key === "string" && /^\d+$/.test(key)) seen++;
      return Reflect.get(target, key);
    },
  });
  assertEquals(levelsOf(packingOf([1, 64, 1, 1]), data), undefined);
  assertEquals(seen, 9);
});

Deno.test("rows longer than a texture may be are not made", () => {
  const levels = (inputs: number, outBlocks: number) => {
    const shape = [1, inputs, 3, 3];
    return levelsOf(packingOf(shape, outBlocks), new Float32Array(inputs * 9).fill(1));
  };
  // Binary weights of nine taps: two cells a block, and two cells of biases and scales.
  assertEquals(levels(4 * 4094, 1)?.bits, 1);
  assertEquals(levels(4 * 4095, 1), undefined);
});

/** Words of weights that are packed, row by row. */
function words(shape: readonly number[], data: Float32Array, outBlocks: number, bias?: Float32Array, lead = 0) {
  const packing = packingOf(shape, outBlocks, lead);
  const levels = levelsOf(packing, data)!;
  const { columns, rows, layers, pack } = packLowBit(packing, levels, { weight: { data }, bias });
  const packed = pack();
  assertEquals(packed.length, 4 * columns * rows * layers);
  return { bits: levels.bits, columns, rows, layers, packed };
}

Deno.test("two bits: sixteen weights of a tap in a word, outputs next to one another, four blocks to a cell", () => {
  // Output 0 reads channel 1, 2 and 9; output 2 channel 0.
  const data = new Float32Array(3 * 10);
  data[1] = 0.5;
  data[2] = -0.5;
  data[9] = 0.5;
  data[20] = -4;
  const { bits, columns, rows, layers, packed } = words([3, 10, 1, 1], data, 1, Float32Array.of(1, 2, 3));
  assertEquals({ bits, columns, rows, layers }, { bits: 2, columns: 3, rows: 1, layers: 2 });
  // Word 0: input 0, output 2 is -1 (bits 4, 5); input 1, output 0 is 1 (bit 8); input 2, output 0 is -1 (bits 16, 17).
  assertEquals([...packed.subarray(0, 4)], [0b11_0000_0001_0011_0000, 0, 0b01_0000_0000, 0]);
  assertEquals([...new Float32Array(packed.buffer, 16, 4)], [1, 2, 3, 0]);
  assertEquals([...new Float32Array(packed.buffer, 32, 4)], [0.5, 0, 4, 0]);
  assertEquals([...packed.subarray(12)], new Array(12).fill(0));
});

Deno.test("two bits: the first channel may be any of its block; two blocks of outputs take two words", () => {
  const data = new Float32Array(5 * 3);
  data[2] = 1; // output 0, channel 2: lane 1 of block 1 behind a lead of 3
  data[12] = -1; // output 4, channel 0: lane 3 of block 0
  const { bits, columns, packed } = words([5, 3, 1, 1], data, 2, undefined, 3);
  assertEquals({ bits, columns }, { bits: 2, columns: 1 + 4 });
  // Words of block 0: outputs 0 to 3, outputs 4 to 7; then of block 1.
  assertEquals([...packed.subarray(0, 4)], [0, 0b11 * 2 ** 24, 0b01 * 2 ** 8, 0]);
});

Deno.test("one bit: two taps to a word, a sign each", () => {
  // Nine taps of four channels to one: 4.5 words, two cells.
  const data = new Float32Array(36).fill(0.25);
  for (const [channel, tap] of [[0, 0], [3, 1], [2, 8]]) data[channel * 9 + tap] = -0.25;
  const { bits, columns, packed } = words([1, 4, 3, 3], data, 1);
  assertEquals({ bits, columns }, { bits: 1, columns: 2 + 2 });
  // Tap 0, input 0: bit 0; tap 1, input 3: bit 16 + 12; tap 8, input 2: bit 8 of word 4.
  assertEquals([...packed.subarray(0, 8)], [2 ** 28 + 1, 0, 0, 0, 2 ** 8, 0, 0, 0]);
  assertEquals([...new Float32Array(packed.buffer, 48, 4)], [0.25, 0, 0, 0]);
});

Deno.test("four bits: eight weights of two channels in a word, two blocks to a cell", () => {
  // Output 0 reads channel 1, 2 and 5; output 2 channel 0; all but one of 3 magnitudes.
  const data = new Float32Array(3 * 6);
  data[1] = 3.5;
  data[2] = -0.5;
  data[5] = 1.5;
  data[12] = -4;
  const { bits, columns, rows, layers, packed } = words([3, 6, 1, 1], data, 1, Float32Array.of(1, 2, 3));
  assertEquals({ bits, columns, rows, layers }, { bits: 4, columns: 3, rows: 1, layers: 2 });
  // Word 0: input 0, output 2 is -1 (bits 8 to 11); input 1, output 0 is 7 (bits 16 to 19). Word 1: input 2, output 0 is -1.
  // Word 3 is of channels 6 and 7, which there are not; word 2: channel 5 (input 1), output 0 is 3.
  assertEquals([...packed.subarray(0, 4)], [0x0007_0f00, 0xf, 0x0003_0000, 0]);
  assertEquals([...new Float32Array(packed.buffer, 16, 4)], [1, 2, 3, 0]);
  assertEquals([...new Float32Array(packed.buffer, 32, 4)], [0.5, 0, 4, 0]);
});

Deno.test("groups of outputs lie by turns in two layers", () => {
  const data = Float32Array.from({ length: 20 }, (_, i) => i >> 2);
  const { columns, rows, layers, packed } = words([20, 1, 1, 1], data, 1);
  assertEquals({ columns, rows, layers }, { columns: 3, rows: 3, layers: 2 });
  const scales = Array.from({ length: 6 }, (_, row) => new Float32Array(packed.buffer, 16 * (3 * row + 2), 1)[0]);
  assertEquals(scales, [0, 2, 4, 1, 3, 0]);
});

interface Case {
  readonly x: readonly [number, number, number, number];
  readonly filters: number;
  readonly k: number;
  readonly s?: number;
  readonly pads?: Pads;
  readonly tile: ConvTile;
  readonly bias?: false;
  readonly activation?: Node;
  readonly residual?: "before" | "after";
  /** First channel that is read, and how many there are before and behind. */
  readonly part?: { readonly first: number; readonly of: number };
  readonly gate?: true;
  readonly shuffle?: "conv first" | "conv last";
  readonly transposed?: true;
  readonly target?: Target;
}

const SILU = node("Silu", ["y"], ["z"], {});
const RELU = node("Relu", ["y"], ["z"], {});
const SAME: Pads = [1, 1, 1, 1];
const tile = (x: number, y: number, outBlocks: number): ConvTile => ({ x, y, outBlocks });

const CASES: readonly Case[] = [
  { x: [1, 13, 13, 13], filters: 16, k: 3, pads: SAME, tile: tile(5, 4, 1), activation: SILU },
  { x: [3, 8, 13, 11], filters: 7, k: 3, s: 2, pads: SAME, tile: tile(3, 2, 2), activation: SILU },
  { x: [1, 36, 9, 127], filters: 13, k: 1, tile: tile(5, 2, 2), bias: false },
  { x: [2, 40, 5, 6], filters: 33, k: 1, tile: tile(2, 2, 1), activation: SILU, residual: "after" },
  { x: [1, 24, 6, 7], filters: 40, k: 1, tile: tile(5, 2, 4), activation: RELU, residual: "before" },
  { x: [3, 9, 7, 5], filters: 1, k: 1, s: 2, tile: tile(4, 1, 1) },
  { x: [2, 8, 8, 8], filters: 9, k: 2, s: 2, pads: [1, 0, 0, 1], tile: tile(2, 2, 1) },
  { x: [1, 12, 10, 17], filters: 11, k: 3, pads: SAME, tile: tile(2, 1, 2), activation: RELU, residual: "before" },
  { x: [3, 5, 7, 13], filters: 6, k: 1, tile: tile(2, 2, 1), part: { first: 7, of: 14 } },
  { x: [1, 8, 7, 9], filters: 5, k: 3, pads: SAME, tile: tile(2, 2, 1), part: { first: 4, of: 13 } },
  { x: [2, 16, 6, 5], filters: 12, k: 1, tile: tile(5, 2, 2), gate: true },
  { x: [3, 13, 6, 5], filters: 9, k: 3, pads: SAME, tile: tile(2, 2, 1), gate: true },
  { x: [2, 20, 5, 7], filters: 10, k: 1, tile: tile(2, 2, 1), activation: SILU, shuffle: "conv last" },
  { x: [1, 8, 5, 7], filters: 11, k: 1, tile: tile(2, 2, 2), shuffle: "conv first" },
  { x: [2, 8, 6, 5], filters: 7, k: 3, pads: [0, 2, 1, 0], tile: tile(2, 2, 1), transposed: true },
  { x: [3, 8, 13, 11], filters: 19, k: 3, s: 2, pads: SAME, tile: tile(2, 1, 2), target: "hardware" },
  { x: [2, 20, 9, 9], filters: 24, k: 1, tile: tile(1, 1, 1), target: "hardware" },
];

/** A case for every word layout of both kinds, in the other forms of storage. */
const SMALL = [1, 4, 7, 8, 11, 12].map((i) => CASES[i]);

/** Weights of few bits, with a channel of zeros where there are several. */
const LEVEL_MOST = { "4bit": 7, ternary: 1, binary: 1 } as const;

function lowBits(shape: readonly number[], kind: LowBitName, form: StorageForm): Float32Array {
  const random = seededRandom(shape.reduce((a, b) => a + b, 7));
  const perOutput = shape[1] * shape[2] * shape[3];
  const scales = storable(randomTensor([shape[0]], 5, 0.05, 0.4), form);
  return Float32Array.from({ length: shape[0] * perOutput }, (_, i) => {
    const most = LEVEL_MOST[kind];
    const level = kind === "binary" ? Math.sign(random() - 0.5) : Math.floor((2 * most + 1) * random()) - most;
    const output = Math.floor(i / perOutput);
    return output === 4 ? 0 : level * scales[output];
  });
}

function label(test: Case): string {
  const { x, filters, k, s = 1, tile: { x: tx, y: ty, outBlocks }, part, target = "software" } = test;
  const besides = [
    part && `from channel ${part.first} of ${part.of}`,
    test.gate && "gated",
    test.residual && `residual ${test.residual} activation`,
    test.shuffle && `shuffled, ${test.shuffle}`,
    test.transposed && "transposed",
  ].filter((text) => text);
  return [`${k}x${k} s${s} of [${x}] to ${filters}, tile ${tx}x${ty}x${outBlocks}, ${target}`, ...besides].join(", ");
}

/** `[O,I,k,k]` as the `[I,O,k,k]` of a transposed convolution, taps backwards: the same convolution. */
function asTransposed(weight: Float32Array, [o, i, kh, kw]: readonly number[]): Float32Array {
  const taps = kh * kw;
  const turned = new Float32Array(weight.length);
  for (let a = 0; a < o; a++) {
    for (let b = 0; b < i; b++) {
      for (let t = 0; t < taps; t++) turned[(b * o + a) * taps + t] = weight[(a * i + b) * taps + taps - 1 - t];
    }
  }
  return turned;
}

/** Channels of a map by the image and their number there. */
function mapChannels(
  [n, c, h, w]: readonly number[],
  pick: (image: number, channel: number) => ArrayLike<number>,
): ReferenceTensor {
  const data = new Float64Array(n * c * h * w);
  for (let i = 0; i < n * c; i++) data.set(pick(Math.floor(i / c), i % c), i * h * w);
  return { shape: [n, c, h, w], data };
}

const planeOf = ({ shape: [, c, h, w], data }: { shape: readonly number[]; data: ArrayLike<number> }) => {
  const numbers = Float64Array.from(data);
  return (image: number, channel: number) =>
    numbers.subarray((image * c + channel) * h * w, (image * c + channel + 1) * h * w);
};

async function check(test: Case, kind: LowBitName, form: StorageForm): Promise<void> {
  const { x: [n, channels, h, w], filters, k, s = 1, pads = [0, 0, 0, 0], part, tile } = test;
  const attributes = { strides: [s, s], pads, dilations: [1, 1], groups: 1 } as const;
  const shape = [filters, channels, k, k];
  const random = (shape: readonly number[], seed: number) => storable(randomTensor(shape, seed), form);
  const whole = { shape: [n, part?.of ?? channels, h, w], data: random([n, part?.of ?? channels, h, w], 1) };
  const weight = lowBits(shape, kind, form);
  const bias = test.bias === false ? undefined : random([filters], 3);
  const gate = { shape: [n, channels, 1, 1], data: random([n, channels, 1, 1], 6) };

  const read = mapChannels(test.x, (image, c) => {
    const plane = planeOf(whole)(image, (part?.first ?? 0) + c);
    return test.gate ? plane.map((value) => value * gate.data[image * channels + c]) : plane;
  });
  const conv = node("Conv", bias ? ["x", "w", "b"] : ["x", "w"], ["y"], attributes);
  const inputs = [read, referenceTensor(shape, weight), ...bias ? [referenceTensor([filters], bias)] : []];
  let [expected] = evaluateNode(conv, inputs);
  const [, , height, width] = expected.shape;
  const r = test.residual ? random(expected.shape, 4) : undefined;
  const add = () => ({ shape: expected.shape, data: expected.data.map((value, i) => value + r![i]) });
  if (test.residual === "before") expected = add();
  if (test.activation) [expected] = evaluateNode(test.activation, [expected]);
  if (test.residual === "after") expected = add();
  const other = { shape: [n, filters + 4, height, width], data: random([n, filters + 4, height, width], 8) };
  if (test.shuffle) {
    const own = planeOf(expected), others = planeOf(other), first = test.shuffle === "conv first" ? 0 : 1;
    expected = mapChannels(
      [n, 2 * filters, height, width],
      (image, c) => c % 2 === first ? own(image, c >> 1) : others(image, 4 + (c >> 1)),
    );
  }

  const tensors: TestTensor[] = [
    { name: "x", layout: blockedLayout(whole.shape), data: whole.data },
    { name: "y", layout: blockedLayout(expected.shape, 2, 1) },
    ...r ? [{ name: "r", layout: blockedLayout(expected.shape, 5), data: r }] : [],
    ...test.gate ? [{ name: "g", layout: blockedLayout(gate.shape, 2), data: gate.data }] : [],
    ...test.shuffle ? [{ name: "o", layout: blockedLayout(other.shape, 4), data: other.data }] : [],
  ];
  const operand = (name: string) => {
    const { layout } = tensors.find((tensor) => tensor.name === name)!;
    return { value: name, layout: layout as ReturnType<typeof blockedLayout> };
  };
  const step: ConvStep = {
    name: "conv",
    attributes,
    weight: { shape, data: test.transposed ? asTransposed(weight, shape) : weight },
    bias,
    transposed: test.transposed,
    activation: test.activation ? activationOf(test.activation)! : NO_ACTIVATION,
    residual: r && { ...operand("r"), activateLast: test.residual === "before" },
    interleaved: test.shuffle && { ...operand("o"), firstChannel: 4, convFirst: test.shuffle === "conv first" },
    firstChannel: part?.first,
    gate: test.gate && operand("g"),
    x: operand("x"),
    y: operand("y"),
  };
  const kernels = directConv(step, tile, PITCH, { target: test.target });
  const bits = kind === "4bit" ? 4 : kind === "binary" && channels % 4 === 0 && (part?.first ?? 0) % 4 === 0 ? 1 : 2;
  assertEquals(kernels.map(({ label, constants }) => [label.endsWith(` w${bits}`), constants.WEIGHT_BITS]), [[
    true,
    bits,
  ]]);
  const results = await runKernels(kernels, tensors, form, PITCH);
  assertClose(results.get("y")!, expected.data, form, label(test), 2);

  const [floats] = directConv(step, tile, PITCH, { target: test.target, floatWeights: true });
  assertEquals(floats.constants.WEIGHT_BITS, 32);
  assert(floats.bindings.some(({ kind }) => kind === "weights"));
}

for (const form of SOME_FORMS) {
  for (const kind of ["4bit", "ternary", "binary"] as const) {
    gpuTest(`direct conv with ${kind} weights, ${formName(form)}`, async (_, step) => {
      for (const test of form === FORMS[0] ? CASES : SMALL) await step(label(test), () => check(test, kind, form));
    });
  }
}
