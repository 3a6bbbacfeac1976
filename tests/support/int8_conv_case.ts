/**
 * One convolution of bytes computed by its kernels, and by plain loops over whole numbers.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Constant } from "../../src/graph/graph.ts";
import type { ConvAttributes, Node } from "../../src/graph/operators.ts";
import { activationOf, NO_ACTIVATION } from "../../src/kernels/activation.ts";
import type { Int8Arithmetic, KernelContext, Operand } from "../../src/kernels/context.ts";
import { chooseOption } from "../../src/kernels/candidate.ts";
import { convContest } from "../../src/kernels/conv.ts";
import type { ConvTile } from "../../src/kernels/conv_tile.ts";
import type { Int8Cells, StorageForm } from "../../src/kernels/kernel.ts";
import { QuantizedConstant } from "../../src/kernels/int8/quantized_constant.ts";
import { evaluateNode, referenceTensor } from "../../src/reference/run.ts";
import { blockedLayout, PITCH, storable } from "./compare.ts";
import { runKernels } from "./gpu.ts";
import { seededRandom } from "./random.ts";
import { node, PLAIN } from "./tiny_graph.ts";

/** A convolution of bytes. */
export interface Int8Case {
  readonly x: readonly number[];
  readonly weight: readonly number[];
  readonly attributes?: Partial<ConvAttributes>;
  /** Cells of the input; scale 0.02 and zero -3 unless given. */
  readonly cells?: Int8Cells;
  /** Cells of the output; `float` for none. By default such that most bytes lie inside their range. */
  readonly stored?: Int8Cells | "float";
  /**
   * Which bytes input and weights hold: all of them at random, the two extremes at random, or those whose products add up: two columns of
   * the least byte, two of the greatest and so on, with weights near 127 for the first half of the channels and near -127 for the others.
   * Sums are far greater on the way then than at the end.
   */
  readonly bytes?: "any" | "extremes" | "adding up";
  /** Weights as bytes with a sign, or as u8 around 128. */
  readonly weights?: "i8" | "u8";
  /** A bias in units of the sums, as floats, or none. */
  readonly bias?: "i32" | "f32" | "none";
  readonly activation?: Node;
  readonly residual?: { readonly cells: Int8Cells | "float"; readonly activateLast?: boolean };
  /** Range of the weights, 127 unless given. */
  readonly weightRange?: number;
  /** Scale of the weights; one of its own for each output unless given. */
  readonly weightScale?: number;
}

/** How a case is computed. */
export interface Int8Run {
  readonly form: StorageForm;
  /** Among all kernels but Winograd's by default. */
  readonly kernel?: string;
  /** By default what suits a software adapter. */
  readonly arithmetic?: Int8Arithmetic;
  readonly tile?: ConvTile;
  /** Rows of a tile of Winograd's kernel. */
  readonly rows?: number;
}

const roundHalfEven = (value: number) => {
  const floor = Math.floor(value), rest = value - floor;
  return rest < 0.5 || rest === 0.5 && floor % 2 === 0 ? floor : floor + 1;
};

/** Sums of products of whole numbers: x less its zero point, outside of which there is nothing, times w, plus the bias. */
function integerSums(
  x: { readonly shape: readonly number[]; readonly data: ArrayLike<number>; readonly zero: number },
  w: { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
  bias: ArrayLike<number>,
  { strides, pads, dilations, groups }: ConvAttributes,
): { readonly shape: readonly number[]; readonly data: Float64Array } {
  const [batch, , height, width] = x.shape;
  const [outputs, depth, kh, kw] = w.shape;
  const extent = (size: number, kernel: number, axis: 0 | 1) =>
    Math.floor((size + pads[axis] + pads[2 + axis] - dilations[axis] * (kernel - 1) - 1) / strides[axis]) + 1;
  const [rows, columns] = [extent(height, kh, 0), extent(width, kw, 1)];
  const data = new Float64Array(batch * outputs * rows * columns);
  let at = 0;
  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < outputs; o++) {
      const first = Math.floor(o / (outputs / groups)) * depth;
      for (let v = 0; v < rows; v++) {
        for (let u = 0; u < columns; u++) {
          let sum = bias[o];
          for (let c = 0; c < depth; c++) {
            for (let i = 0; i < kh; i++) {
              const row = v * strides[0] - pads[0] + i * dilations[0];
              if (row < 0 || row >= height) continue;
              for (let j = 0; j < kw; j++) {
                const column = u * strides[1] - pads[1] + j * dilations[1];
                if (column < 0 || column >= width) continue;
                const value = x.data[((n * x.shape[1] + first + c) * height + row) * width + column] - x.zero;
                sum += value * w.data[((o * depth + c) * kh + i) * kw + j];
              }
            }
          }
          data[at++] = sum;
        }
      }
    }
  }
  return { shape: [batch, outputs, rows, columns], data };
}

/** The cheapest option with the kernel, the arithmetic and, where the kernel has tiles, the tile of a run. */
function optionFor(context: KernelContext<"Conv">, { kernel: named, arithmetic, tile, rows }: Int8Run) {
  const { options, revision } = convContest(context);
  const wanted = options.filter(({ kernel, variant }) => {
    if (named ? kernel !== named : kernel === "int8 winograd") return false;
    if (rows !== undefined) return variant === `rows=${rows}`;
    const tiled = tile && variant.includes("outBlocks") ? `x=${tile.x} y=${tile.y} outBlocks=${tile.outBlocks} ` : "";
    return variant.startsWith(tiled) && variant.includes(arithmetic ? `arithmetic=${arithmetic}` : "");
  });
  return chooseOption({ options: wanted.map((option) => ({ ...option, measured: false })), revision });
}

/**
 * Runs a case; asserts that every byte is what whole numbers say: bit for bit where the activation is a clamp, else but for real numbers
 * within 1e-3 of a tie. Returns the label of the kernel.
 */
export async function checkInt8Conv(test: Int8Case, run: Int8Run): Promise<string> {
  const attributes: ConvAttributes = { ...PLAIN, groups: 1, ...test.attributes };
  const random = seededRandom(7 + test.x.join("").length + test.weight.join("").length);
  const whole = (low: number, high: number) => Math.floor(low + (high - low + 1) * random());
  const size = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1);
  const cells = test.cells ?? { scale: 0.02, zero: -3 };
  const [outputs, depth, kh, kw] = test.weight;

  const range = test.weightRange ?? 127;
  const byteOf: (column: number) => number = {
    any: () => whole(-128, 127),
    extremes: () => whole(0, 1) * 255 - 128,
    "adding up": (column: number) => column % 4 < 2 ? -128 : 127,
  }[test.bytes ?? "any"];
  const weightOf: (channel: number) => number = {
    any: () => whole(-range, range),
    extremes: () => whole(0, 1) * 255 - 128,
    "adding up": (channel: number) => (channel < depth / 2 ? 1 : -1) * whole(120, 127),
  }[test.bytes ?? "any"];
  const x = Float32Array.from({ length: size(test.x) }, (_, i) => byteOf(i % test.x[3]));
  const w = Int8Array.from({ length: size(test.weight) }, (_, i) => weightOf(Math.floor(i / (kh * kw)) % depth));
  const weightScale = Float32Array.from(
    { length: outputs },
    () => Math.fround(test.weightScale ?? 0.001 + 0.002 * random()),
  );
  const units = Array.from(weightScale, (scale) => cells.scale * scale);
  // About the standard deviation of a sum.
  const spread = Math.sqrt(depth * kh * kw) * (test.bytes === "extremes" ? 128 * 128 : 74 * range * 0.58);
  const biasSums = Int32Array.from({ length: outputs }, () => test.bias === "none" ? 0 : whole(-spread, spread));

  const unsigned = test.weights === "u8";
  const weight: Constant = new QuantizedConstant(test.weight, {
    data: unsigned ? Uint8Array.from(w, (value) => value + 128) : w,
    scale: weightScale,
    zero: new Array<number>(outputs).fill(unsigned ? 128 : 0),
    axis: 0,
  });
  const bias: Constant | undefined = test.bias === "none"
    ? undefined
    : test.bias === "f32"
    ? { dtype: "f32", shape: [outputs], data: Float32Array.from(biasSums, (sum, o) => sum * units[o]) }
    : new QuantizedConstant([outputs], {
      data: biasSums,
      scale: Float32Array.from(units),
      zero: new Array<number>(outputs).fill(0),
      axis: 0,
    });

  const sums = integerSums(
    { shape: test.x, data: x, zero: cells.zero },
    { shape: test.weight, data: w },
    biasSums,
    attributes,
  );
  const stored = test.stored ?? { scale: Math.fround(cells.scale * 0.002 * spread / 50), zero: 5 };
  const perChannel = sums.shape[2] * sums.shape[3];
  const channelOf = (i: number) => Math.floor(i / perChannel) % outputs;

  const residualCells = test.residual?.cells;
  const residualScale = typeof stored === "object" ? stored.scale * 20 : 1;
  const added = test.residual && Float32Array.from({ length: sums.data.length }, () => {
    return residualCells === "float" ? residualScale * (2 * random() - 1) : whole(-128, 127);
  });
  const residual = added && residualCells === "float" ? storable(added, run.form) : added;
  const residualNumbers = residual?.map((value) =>
    residualCells === "float" ? value : (value - (residualCells as Int8Cells).zero) * (residualCells as Int8Cells).scale
  );

  const operand = (value: string, shape: readonly number[], variant: number, int8?: Int8Cells): Operand => ({
    value,
    shape,
    layout: { ...blockedLayout(shape, 3 + variant, variant), ...int8 && { int8 } },
  });
  const y = operand("y", sums.shape, 1, stored === "float" ? undefined : stored);
  const inputs: Operand[] = [
    operand("x", test.x, 0, cells),
    { value: "w", shape: weight.shape, layout: { kind: "plain", shape: weight.shape }, constant: weight },
    ...bias
      ? [{ value: "b", shape: bias.shape, layout: { kind: "plain", shape: bias.shape }, constant: bias } as const]
      : [],
  ];
  const other = test.residual &&
    operand("r", sums.shape, 2, residualCells === "float" ? undefined : residualCells as Int8Cells);
  const conv = node("Conv", ["x", "w", "b"], ["y"], attributes) as Node<"Conv">;
  const context: KernelContext<"Conv"> = {
    node: conv,
    inputs,
    outputs: [y],
    epilogue: {
      activation: test.activation ? activationOf(test.activation)! : NO_ACTIVATION,
      residual: other && { operand: other, activateLast: test.residual!.activateLast ?? false },
    },
    pitch: PITCH,
    packedDot: true,
  };
  const kernels = optionFor(context, run).make(context);
  assert(kernels.every(({ shader }) => shader.startsWith("int8/")), `${kernels[0].label} computes in floats`);
  if (run.kernel) assert(kernels[0].label.includes(run.kernel.split(" ")[1]), kernels[0].label);
  if (run.arithmetic && !kernels[0].label.includes("depthwise")) {
    assert(kernels[0].label.endsWith(run.arithmetic), kernels[0].label);
  }
  const found = await runKernels(
    kernels,
    [
      { name: "x", layout: inputs[0].layout, data: x },
      { name: "y", layout: y.layout },
      ...other ? [{ name: "r", layout: other.layout, data: residual! }] : [],
    ],
    run.form,
    PITCH,
  );
  const actual = found.get("y")!;
  assertEquals(actual.length, sums.data.length);

  /** What the activation makes of real numbers, in float64. */
  const activated = (numbers: Float64Array): Float64Array =>
    test.activation ? evaluateNode(test.activation, [referenceTensor(sums.shape, numbers)])[0].data : numbers;
  const real = sums.data.map((sum, i) => sum * units[channelOf(i)]);
  const before = residualNumbers && test.residual!.activateLast
    ? real.map((value, i) => value + residualNumbers[i])
    : real;
  const after = activated(before);
  const numbers = residualNumbers && !test.residual!.activateLast
    ? after.map((value, i) => value + residualNumbers[i])
    : after;

  const linear = !test.residual && (!test.activation || ["Relu", "Clip"].includes(test.activation.op));
  let saturated = 0;
  const kinds = new Set<number>();
  for (let i = 0; i < actual.length; i++) {
    if (stored === "float") {
      const allowed = (run.form.scalar === "f16" ? 1e-3 : 2e-6) * Math.max(1, Math.abs(numbers[i]));
      assert(Math.abs(actual[i] - numbers[i]) <= allowed, `element ${i} is ${actual[i]}, must be ${numbers[i]}`);
      continue;
    }
    const clamp = (byte: number) => Math.min(Math.max(byte, -128), 127);
    kinds.add(actual[i]);
    if (linear) {
      // One product in f32, as documented: bit for bit.
      const { fround } = Math;
      const product = fround(fround(sums.data[i]) * fround(units[channelOf(i)] / stored.scale));
      let byte = clamp(roundHalfEven(product) + stored.zero);
      if (test.activation?.op === "Relu") byte = Math.max(byte, clamp(stored.zero));
      if (test.activation?.op === "Clip") {
        const { min, max } = test.activation.attributes as { min: number; max: number };
        const bound = (value: number) => clamp(roundHalfEven(fround(fround(value) / stored.scale)) + stored.zero);
        byte = Math.min(Math.max(byte, bound(min)), bound(max));
      }
      assert(actual[i] === byte, `byte ${i} is ${actual[i]}, must be ${byte} (sum ${sums.data[i]})`);
    } else {
      const steps = numbers[i] / stored.scale;
      const nearest = clamp(roundHalfEven(steps) + stored.zero);
      const tie = Math.abs(steps - Math.floor(steps) - 0.5) < 1e-3;
      const fits = actual[i] === nearest || tie && Math.abs(actual[i] - nearest) === 1;
      assert(fits, `byte ${i} is ${actual[i]}, must be ${nearest} (${steps} steps)`);
    }
    if (actual[i] === -128 || actual[i] === 127) saturated++;
  }
  const [{ label }] = kernels;
  if (stored === "float") return label;
  // A scale that is far off would leave nothing to compare.
  assert(kinds.size > Math.min(8, actual.length / 4), `only ${kinds.size} different bytes`);
  if (!test.stored) assert(saturated < actual.length / 2, "most bytes are saturated");
  return label;
}
