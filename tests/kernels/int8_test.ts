/** Convolutions of bytes, bit for bit against plain loops over whole numbers; and what decides how they are computed. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { packedDotWorks, storageTexturesWork } from "../../src/gpu/self_check.ts";
import type { Constant } from "../../src/graph/graph.ts";
import type { Node } from "../../src/graph/operators.ts";
import { chooseArithmetic, int8Numbers } from "../../src/kernels/int8/conv_numbers.ts";
import { QuantizedConstant } from "../../src/kernels/int8/quantized_constant.ts";
import { SHADERS } from "../../src/kernels/shaders.ts";
import { formName, FORMS } from "../support/compare.ts";
import { gpuTest } from "../support/gpu.ts";
import { checkInt8Conv, type Int8Case } from "../support/int8_conv_case.ts";
import { node, PLAIN } from "../support/tiny_graph.ts";

const PAD1 = { pads: [1, 1, 1, 1] } as const;
const S2 = { strides: [2, 2] } as const;
const SILU: Node = node("Silu", ["y"], ["z"], {});
const RELU: Node = node("Relu", ["y"], ["z"], {});
const CLIP: Node = node("Clip", ["y"], ["z"], { min: -0.3, max: 6 });
const ARITHMETICS = ["f32", "dot", "emulated"] as const;

const DIRECT: Readonly<Record<string, Int8Case>> = {
  "3x3": { x: [1, 5, 13, 7], weight: [17, 5, 3, 3], attributes: PAD1 },
  "3x3 s2 of 17 channels, batch 3, SiLU": {
    x: [3, 17, 7, 13],
    weight: [6, 17, 3, 3],
    attributes: { ...S2, ...PAD1 },
    activation: SILU,
  },
  "1x1 of one channel, 127 wide": { x: [2, 1, 3, 127], weight: [3, 1, 1, 1] },
  "1x1 s2 to one channel, bias in floats": { x: [1, 3, 13, 7], weight: [1, 3, 1, 1], attributes: S2, bias: "f32" },
};

const EXTREMES: Readonly<Record<string, Int8Case>> = {
  "-128 and 127 alone": { x: [1, 5, 13, 7], weight: [17, 5, 3, 3], attributes: PAD1, bytes: "extremes" },
  "saturation on both sides": {
    x: [1, 5, 13, 7],
    weight: [17, 5, 3, 3],
    attributes: PAD1,
    bytes: "extremes",
    stored: { scale: 0.004, zero: -20 },
  },
  "zero point at the least byte, padding": {
    x: [1, 5, 13, 7],
    weight: [17, 5, 3, 3],
    attributes: { pads: [0, 1, 1, 0] },
    cells: { scale: 0.02, zero: -128 },
  },
  // u8 with a zero point of 200 is stored less 128.
  "zero point of u8, weights in u8, no bias": {
    x: [1, 5, 13, 7],
    weight: [17, 5, 3, 3],
    attributes: PAD1,
    cells: { scale: 0.02, zero: 72 },
    weights: "u8",
    bias: "none",
  },
};

const RESIDUAL = { cells: { scale: 0.03, zero: 11 } } as const;
const BEHIND: Readonly<Record<string, Int8Case>> = {
  "ReLU": { x: [2, 6, 7, 9], weight: [5, 6, 3, 3], attributes: PAD1, activation: RELU },
  "Clip": { x: [2, 6, 7, 9], weight: [5, 6, 3, 3], attributes: PAD1, activation: CLIP },
  "residual of another scale": { x: [2, 6, 7, 9], weight: [5, 6, 3, 3], attributes: PAD1, residual: RESIDUAL },
  "SiLU, then a residual": {
    x: [2, 6, 7, 9],
    weight: [5, 6, 3, 3],
    attributes: PAD1,
    activation: SILU,
    residual: RESIDUAL,
  },
  "residual, then ReLU": {
    x: [2, 6, 7, 9],
    weight: [5, 6, 3, 3],
    attributes: PAD1,
    activation: RELU,
    residual: { ...RESIDUAL, activateLast: true },
  },
  "residual in floats": { x: [2, 6, 7, 9], weight: [5, 6, 3, 3], attributes: PAD1, residual: { cells: "float" } },
  "result in floats": { x: [2, 6, 7, 9], weight: [5, 6, 3, 3], attributes: PAD1, activation: SILU, stored: "float" },
};

const depthwise = (channels: number, kernel: number, stride: number) => {
  const pad = kernel >> 1;
  return {
    weight: [channels, 1, kernel, kernel],
    attributes: { groups: channels, strides: [stride, stride], pads: [pad, pad, pad, pad] },
  } as const;
};
const DEPTHWISE: Readonly<Record<string, Int8Case>> = {
  "3x3": { x: [3, 5, 13, 7], ...depthwise(5, 3, 1) },
  "3x3 s2": { x: [1, 17, 7, 13], ...depthwise(17, 3, 2), bytes: "extremes" },
  "5x5 of 3 channels, 127 wide, SiLU": { x: [1, 3, 5, 127], ...depthwise(3, 5, 1), activation: SILU },
  "5x5 s2, residual": { x: [2, 6, 9, 8], ...depthwise(6, 5, 2), residual: RESIDUAL },
};

const GENERAL: Readonly<Record<string, Int8Case>> = {
  "1x3, uneven strides and pads": {
    x: [3, 5, 13, 7],
    weight: [6, 5, 1, 3],
    attributes: { strides: [1, 3], pads: [0, 2, 0, 1] },
  },
  "3x3 dilated": {
    x: [1, 17, 9, 11],
    weight: [3, 17, 3, 3],
    attributes: { dilations: [2, 3], pads: [2, 3, 2, 3] },
    bytes: "extremes",
  },
  "groups that share blocks": {
    x: [2, 9, 7, 5],
    weight: [6, 3, 3, 3],
    attributes: { groups: 3, ...PAD1 },
    activation: SILU,
  },
  "depthwise of one channel, 7x7": { x: [1, 1, 13, 13], weight: [1, 1, 7, 7], attributes: { pads: [3, 3, 3, 3] } },
  "1x1 with padding": { x: [1, 4, 3, 5], weight: [4, 4, 1, 1], attributes: PAD1 },
};

const FAMILIES: Readonly<Record<string, Readonly<Record<string, Int8Case>>>> = {
  direct: DIRECT,
  extremes: EXTREMES,
  behind: BEHIND,
  depthwise: DEPTHWISE,
  general: GENERAL,
};

/** A tile that compiles quickly. */
const SMALL = { x: 2, y: 2, outBlocks: 1 } as const;

for (const form of FORMS.slice(0, 2)) {
  gpuTest(`convolutions of bytes, ${formName(form)}`, async (_, step) => {
    for (const [family, cases] of Object.entries(FAMILIES)) {
      for (const [i, [what, test]] of Object.entries(cases).entries()) {
        // Each arithmetic with each family; all of them with all cases would mostly wait for the compiler.
        const all = form === FORMS[0] && (family === "direct" || family === "extremes");
        for (const arithmetic of all ? ARITHMETICS : [ARITHMETICS[i % 3]]) {
          await step(
            `${family}: ${what}, ${arithmetic}`,
            async () => void await checkInt8Conv(test, { form, arithmetic, tile: SMALL }),
          );
        }
      }
    }
  });
}

gpuTest("convolutions of bytes beside floats of 16 bits", async (_, step) => {
  for (const [what, form] of [["residual in floats", FORMS[3]], ["result in floats", FORMS[2]]] as const) {
    await step(
      `${what}, ${formName(form)}`,
      async () => void await checkInt8Conv(BEHIND[what], { form, tile: SMALL }),
    );
  }
});

gpuTest("convolutions of bytes in the tiles of large maps", async (_, step) => {
  const wide: Int8Case = { x: [1, 5, 7, 127], weight: [18, 5, 3, 3], attributes: PAD1 };
  const cases: readonly [Int8Case, { x: number; y: number; outBlocks: number }][] = [
    [wide, { x: 5, y: 2, outBlocks: 2 }],
    [{ ...wide, attributes: { ...S2, ...PAD1 } }, { x: 5, y: 1, outBlocks: 4 }],
    [{ ...wide, weight: [18, 5, 1, 1], attributes: {} }, { x: 5, y: 2, outBlocks: 4 }],
  ];
  for (const [test, tile] of cases) {
    for (const [form, arithmetic] of [[FORMS[0], undefined], [FORMS[1], "dot"]] as const) {
      const title = `${test.weight[2]}x${test.weight[3]} ${Object.values(tile).join("x")}, ${formName(form)}`;
      await step(title, async () => void await checkInt8Conv(test, { form, arithmetic, tile }));
    }
  }
});

gpuTest("sums beyond what f32 knows are exact, since they are not computed in it", async () => {
  const test: Int8Case = {
    x: [1, 160, 4, 5],
    weight: [3, 160, 3, 3],
    attributes: PAD1,
    bytes: "extremes",
    cells: { scale: 0.02, zero: 127 },
  };
  assertStringIncludes(await checkInt8Conv(test, { form: FORMS[0] }), "emulated");
  const few = { ...test, x: [1, 16, 4, 5], weight: [3, 16, 3, 3] };
  assertStringIncludes(await checkInt8Conv(few, { form: FORMS[0] }), "f32");
});

Deno.test("the arithmetic follows adapter, kernel and weights", () => {
  const step = (kernel: number, exactInFloat: boolean) => ({
    exactInFloat,
    weight: { shape: [8, 8, kernel, kernel], data: new Int8Array() },
  });
  const choices = [[1, true], [3, true], [3, false]] as const;
  const chosen = (adapter: "software" | "hardware", packedDot: boolean) =>
    choices.map(([kernel, exact]) => chooseArithmetic(step(kernel, exact), { adapter, packedDot }));
  assertEquals(chosen("software", true), ["emulated", "f32", "emulated"]);
  assertEquals(chosen("software", false), ["emulated", "f32", "emulated"]);
  assertEquals(chosen("hardware", true), ["dot", "dot", "dot"]);
  assertEquals(chosen("hardware", false), ["f32", "f32", "emulated"]);
});

Deno.test("sums that 32 bits may not hold, and weights that fit no signed byte, are left to floats", () => {
  const step = (channels: number, weight: number, zero = 0, bias = 0) => {
    const shape = [1, channels, 1, 1];
    const unsigned = zero !== 0;
    const data = unsigned ? new Uint8Array(channels).fill(weight) : new Int8Array(channels).fill(weight);
    const stored = { data, scale: [1], zero: [zero], axis: 0 };
    const cells = { scale: 1, zero: 0 };
    const floats = (constant: Constant) => ({ dtype: "f32", shape: constant.shape, constant }) as const;
    return int8Numbers({
      node: node("Conv", ["x", "w", "b"], ["y"], { ...PLAIN, groups: 1 }) as Node<"Conv">,
      types: {
        inputs: [
          { dtype: "f32", shape: [1, channels, 1, 1] },
          floats(new QuantizedConstant(shape, stored)),
          floats({ dtype: "f32", shape: [1], data: Float32Array.of(bias) }),
        ],
        outputs: [{ dtype: "f32", shape: [1, 1, 1, 1] }],
      },
      fusions: new Set(),
      cells: { input: cells, output: cells },
    });
  };
  // Whole steps are too large for an assertion to print.
  const isLeft = (...given: Parameters<typeof step>) => step(...given) === undefined;
  // 512 times the weights, each as far from zero as bytes go, must stay below 2^31 together with the bias.
  const most = 2 ** 22 / 128;
  assertEquals([isLeft(most, -128), step(most - 1, -128)?.exactInFloat], [true, false]);
  assertEquals([isLeft(4, 1, 0, 2 ** 31 - 2 ** 12), isLeft(4, 1, 0, -(2 ** 31) + 2 ** 12)], [false, false]);
  assertEquals([isLeft(4, 1, 0, 2 ** 31 - 2 ** 10), isLeft(4, 1, 0, -(2 ** 31))], [true, true]);
  // Bytes without a sign, less their zero point: -128 to 127 are signed bytes, others are none.
  assertEquals([step(2, 0, 128)?.weight.data[0], step(2, 255, 128)?.weight.data[0]], [-128, 127]);
  assertEquals([isLeft(2, 0, 129), isLeft(2, 255, 127)], [true, true]);
});

/** Changes a shader for the time of a check. */
async function withPatch(path: string, from: string, to: string, check: () => Promise<void>): Promise<void> {
  const library = SHADERS as Record<string, string>;
  const text = library[path];
  assert(text.includes(from), `${path} has no "${from}"`);
  library[path] = text.replace(from, to);
  try {
    await check();
  } finally {
    library[path] = text;
  }
}

gpuTest("a shader that is off by one anywhere is noticed", async (_, step) => {
  const patches: readonly [path: string, from: string, to: string][] = [
    ["lib/requantize.wgsl", "+ params.output.zero", "+ params.output.zero + 1.0"],
    ["lib/requantize.wgsl", "round(sum * scale)", "floor(sum * scale + 0.5)"],
    ["lib/int8.wgsl", "& vec4u(255u)", "& vec4u(254u)"],
    ["int8/conv_direct.wgsl", "i32(params.input.zero)", "i32(params.input.zero) + 1"],
    ["int8/conv_direct.wgsl", "+ bias", "+ bias + Sums(1)"],
  ];
  // Sums are sixteenths of steps: ties are common.
  const ties: Int8Case = {
    ...DIRECT["3x3"],
    weightRange: 1,
    weightScale: 2 ** -10,
    cells: { scale: 1, zero: -3 },
    stored: { scale: 2 ** -9 * 8, zero: 5 },
  };
  for (const [path, from, to] of patches) {
    await step(`${path}: ${to}`, () =>
      withPatch(path, from, to, async () => {
        const test = to.startsWith("+ params") ? DIRECT["3x3"] : ties;
        await assertRejects(
          () => checkInt8Conv(test, { form: FORMS[0], arithmetic: "f32", tile: SMALL }),
          Error,
          "must be",
        );
      }));
  }
});

gpuTest("packed dot products and storage textures are trusted only where they are right", async (device) => {
  assert(await packedDotWorks(device) && await storageTexturesWork(device));
  const lying = (change: (code: string) => string) =>
    new Proxy(device, {
      get(target, name) {
        if (name === "createShaderModule") {
          return ({ code }: GPUShaderModuleDescriptor) => target.createShaderModule({ code: change(code) });
        }
        const value = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  // As if bytes had no sign, and as if the compiler did not know the function.
  const unsigned = lying((code) => code.replace("dot4I8Packed(", "i32(dot4U8Packed(").replace(".y);", ".y));"));
  assertEquals(await packedDotWorks(unsigned), false);
  assertEquals(await packedDotWorks(lying((code) => code.replace("dot4I8Packed", "dot4I8Pack"))), false);
  // As if a view began at another layer.
  assertEquals(
    await storageTexturesWork(lying((code) => code.replace("i32(id.x), 2), layer,", "i32(id.x), 2), 1 - layer,"))),
    false,
  );
});
