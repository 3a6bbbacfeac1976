/**
 * Precision f16-fast: how far products in halves are off, that their sums stay within f16, and who is refused.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Session } from "../../src/engine/session.ts";
import { FeatherdetError, type Graph } from "../../src/graph/mod.ts";
import { densePacking, packedExtent, packingSource } from "../../src/kernels/conv_packing.ts";
import { packForHalves } from "../../src/kernels/half_products.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { randomTensor } from "../support/random.ts";
import { gpuTest } from "../support/gpu.ts";
import { graphOf, node, PLAIN } from "../support/tiny_graph.ts";

const adapter = await navigator.gpu?.requestAdapter() ?? undefined;

/** A test on a device that computes in f16; ignored where the adapter does not. */
function halfTest(name: string, run: (device: GPUDevice) => Promise<unknown>): void {
  if (!adapter?.features.has("shader-f16")) {
    Deno.test({ name: `${name} (the adapter has no shader-f16)`, ignore: true, fn: () => {} });
    return;
  }
  gpuTest(name, async () => {
    const device = await adapter.requestDevice({ requiredFeatures: ["shader-f16"] });
    await run(device);
    device.destroy();
  });
}

interface Case {
  readonly x: readonly [number, number, number, number];
  readonly filters: number;
  readonly kernel: 1 | 2 | 3;
}

/** Few, since llvmpipe takes seconds to compile one. */
const CASES: readonly Case[] = [
  { x: [3, 127, 5, 13], filters: 7, kernel: 1 },
  { x: [1, 13, 7, 9], filters: 18, kernel: 3 },
  { x: [1, 1, 4, 6], filters: 1, kernel: 1 },
  { x: [1, 22, 5, 6], filters: 6, kernel: 2 },
];

/** Numbers as f16 stores them. */
const held = (data: Float32Array) => Float32Array.from(new Float16Array(data));

function convolution({ x, filters, kernel }: Case, edit = (data: Float32Array) => data): Graph {
  const shape = [filters, x[1], kernel, kernel], pad = kernel === 3 ? 1 : 0;
  return graphOf({ x }, ["y"], [
    node("Conv", ["x", "w", "b"], ["y"], {
      ...{ ...PLAIN, groups: 1, pads: [pad, pad, pad, pad] },
    }),
  ], {
    w: { dtype: "f32", shape, data: held(edit(randomTensor(shape, 5, -0.5, 0.5))) },
    b: { dtype: "f32", shape: [filters], data: held(randomTensor([filters], 6)) },
  });
}

async function both(graph: Graph, device: GPUDevice, storage: "texture" | "buffer", data: Float32Array) {
  const session = await Session.create(graph, { device, precision: "f16-fast", storage, onWarning: () => {} });
  const [{ shape }] = graph.inputs;
  const { y: found } = await session.run({ x: { shape, data } });
  // What overflows is found in the first run, and kept in f32.
  assertEquals([session.warnings, session.plan.form.scalar], [[], "f16"]);
  const kernels = session.plan.dispatches.map(({ kernel }) => kernel.label);
  session.destroy();
  const expected = runReference(graph, { x: referenceTensor(shape, data) }).get("y")!.data;
  return { found: found.data, expected, kernels };
}

halfTest(
  "f16-fast: sums are off by no more than 32 roundings of f16, and by more than those of f32",
  async (device) => {
    for (const test of CASES) {
      const graph = convolution(test), [{ shape }] = graph.inputs;
      const data = held(randomTensor(shape, 7));
      const magnitudes = runReference(
        convolution(test, (weights) => weights.map(Math.abs)),
        { x: referenceTensor(shape, data.map(Math.abs)) },
      ).get("y")!.data;
      for (const storage of test === CASES[0] ? ["texture", "buffer"] as const : ["texture"] as const) {
        const { found, expected, kernels } = await both(graph, device, storage, data);
        assert(kernels.some((label) => label.endsWith(" f16")), kernels.join());
        let most = 0;
        expected.forEach((value, i) => {
          // One rounding more for what is stored; biases are added in f32.
          const bound = (32 * (Math.abs(magnitudes[i]) + 1) + Math.abs(value)) * 2 ** -11;
          const off = Math.abs(found[i] - value);
          assert(off <= bound, `${kernels}: [${i}] is ${found[i]} for ${value}, which is off by more than ${bound}`);
          most = Math.max(most, off);
        });
        // A single product is rounded once, as it is stored.
        if (test.x[1] > 1) assert(most > 1e-5, `${kernels}: ${most} is what f32 would be off`);
      }
    }
  },
);

halfTest("f16-fast: sums of the greatest numbers that f16 stores do not overflow on their way", async (device) => {
  // The first half of the channels adds up to some 96 times the input, the second takes it away again. Few levels would be kept as bits.
  for (const kernel of [1, 3] as const) {
    const taps = kernel * kernel;
    const test: Case = { x: [1, 128, 5, 6], filters: 6, kernel };
    const weightOf = (channel: number) => (channel < 64 ? 1 : -1) * (1 + channel % 64 / 64);
    const graph = convolution(test, (weights) => weights.map((_, i) => weightOf(Math.floor(i / taps) % 128)));
    const { found, expected, kernels } = await both(graph, device, "texture", new Float32Array(128 * 30).fill(60_000));
    assert(kernels.some((label) => label.endsWith(" f16")), kernels.join());
    expected.forEach((value, i) => assert(Math.abs(found[i] - value) < 1e-3, `${found[i]} for ${value}`));
  }
});

Deno.test("f16-fast: weights that are summed up in halves are one half at most, and more than a quarter in each channel", () => {
  for (const { x, filters, kernel } of CASES) {
    for (const [transposed, lead] of [[false, 0], [false, 3], [true, 0]] as const) {
      const shape = [filters, x[1], kernel, kernel];
      const weight = { shape, data: randomTensor(shape, 8, -40, 90) };
      const attributes = { ...PLAIN, groups: 1, pads: [0, 0, 0, 0] as const };
      const packing = densePacking(packingSource({ weight, attributes, transposed }), 2, lead);
      const { columns, rows, layers } = packedExtent(packing), packed = packForHalves(packing, { weight }).pack();
      const cell = (column: number, row: number, layer: number) => 4 * ((layer * rows + row) * columns + column);
      const taps = kernel * kernel, greatest = new Map<number, number>();
      for (let output = 0; output < filters; output++) {
        const layer = Math.floor(output / 8), block = (output >> 2) % 2, lane = output & 3;
        const scale = packed[cell(2 + block, packing.inBlocks, layer) + lane];
        assertEquals(Math.log2(scale) % 1, 0);
        // As the shader goes: blocks of inputs, their taps, four lanes each; a new sum after 8 blocks, 2 blocks, or 8 taps.
        let sum = 0, terms = 0, total = 0;
        for (let row = 0; row < packing.inBlocks; row++) {
          for (let tap = 0; tap < taps; tap++) {
            const isNew = kernel === 3 ? tap === 0 || tap === 8 : tap === 0 && row % (kernel === 1 ? 8 : 2) === 0;
            if (isNew) [sum, terms] = [0, 0];
            for (let input = 0; input < 4; input++) {
              const value = packed[cell((block * taps + tap) * 4 + input, row, layer) + lane];
              total += scale * value;
              sum += Math.abs(value);
            }
            terms += 4;
            assert(terms <= 32);
            greatest.set(output, Math.max(greatest.get(output) ?? 0, sum));
          }
        }
        assert(
          layer < layers && greatest.get(output)! <= 0.5 && greatest.get(output)! > 0.25,
          `${greatest.get(output)}`,
        );
        const of = (input: number, tap: number) =>
          weight.data[transposed ? (input * filters + output) * taps + tap : (output * x[1] + input) * taps + tap];
        const all = Array.from({ length: x[1] * taps }, (_, i) => of(Math.floor(i / taps), i % taps));
        const expected = all.reduce((a, b) => a + b, 0);
        assert(
          Math.abs(total - expected) <= 1e-5 * all.reduce((a, b) => a + Math.abs(b), 0),
          `${total} for ${expected}`,
        );
      }
    }
  }
});

gpuTest("f16-fast is refused where there is no such arithmetic", async (device) => {
  const { message } = await assertRejects(
    () => Session.create(convolution(CASES[0]), { device, precision: "f16-fast" }),
    FeatherdetError,
  );
  assertStringIncludes(message, "has no arithmetic in f16 (shader-f16), which f16-fast needs");
});
