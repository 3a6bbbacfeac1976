/** A depthwise convolution as the first stage of a 1x1 convolution: the kernel, when the planner uses it, and what it leaves alone. */

import { assert, assertEquals } from "@std/assert";
import type { Node, Pads } from "../src/graph/operators.ts";
import { activationOf } from "../src/kernels/activation.ts";
import { type ConvTile, directConv } from "../src/kernels/conv_direct.ts";
import { chooseStageTile, stagePays } from "../src/kernels/depthwise_stage.ts";
import type { Target } from "../src/kernels/conv_tile.ts";
import type { StorageForm } from "../src/kernels/kernel.ts";
import { ModelBuilder } from "../src/models/builder.ts";
import { buildPlan } from "../src/plan/plan.ts";
import { evaluateNode } from "../src/reference/evaluate.ts";
import { referenceTensor } from "../src/reference/tensor.ts";
import { assertClose, blockedLayout, formName, FORMS, PITCH, storable } from "./support/compare.ts";
import { gpuTest, runKernels } from "./support/gpu.ts";
import { comparePlan } from "./support/plan_case.ts";
import { randomTensor } from "./support/random.ts";
import { node } from "./support/tiny_graph.ts";

interface Case {
  readonly x: readonly [number, number, number, number];
  readonly kernel: number;
  readonly stride: number;
  readonly pads: Pads;
  readonly filters: number;
  readonly tile: ConvTile;
  readonly first: Node;
  readonly residual?: boolean;
  readonly bias?: boolean;
  readonly target?: Target;
}

const SILU = node("Silu", ["d"], ["a"], {});
const CLIP = node("Clip", ["d"], ["a"], { min: -0.25, max: 0.5 });
const SWISH = node("HardSwish", ["d"], ["a"], {});

const CASES: readonly Case[] = [
  {
    x: [3, 6, 13, 11],
    kernel: 3,
    stride: 1,
    pads: [1, 1, 1, 1],
    filters: 9,
    tile: { x: 2, y: 2, outBlocks: 2 },
    first: SILU,
  },
  {
    x: [1, 13, 9, 14],
    kernel: 3,
    stride: 2,
    pads: [0, 1, 1, 0],
    filters: 5,
    tile: { x: 2, y: 1, outBlocks: 1 },
    first: CLIP,
    residual: true,
  },
  {
    x: [2, 1, 7, 127],
    kernel: 5,
    stride: 2,
    pads: [2, 2, 2, 2],
    filters: 7,
    tile: { x: 2, y: 1, outBlocks: 2 },
    first: SWISH,
    bias: false,
    target: "hardware",
  },
];

async function check(test: Case, form: StorageForm): Promise<void> {
  const [, channels] = test.x;
  const attributes = {
    strides: [test.stride, test.stride],
    pads: test.pads,
    dilations: [1, 1],
    groups: channels,
  } as const;
  const point = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 } as const;
  const taps = [channels, 1, test.kernel, test.kernel], weights = [test.filters, channels, 1, 1];
  const random = (shape: readonly number[], seed: number) => storable(randomTensor(shape, seed, -0.5, 0.5), form);
  const x = random(test.x, 1), w = random(taps, 2), p = random(weights, 3);
  const b = test.bias === false ? undefined : random([channels], 4), q = random([test.filters], 5);
  const [stage] = evaluateNode(node("Conv", b ? ["x", "w", "b"] : ["x", "w"], ["d"], attributes), [
    referenceTensor(test.x, x),
    referenceTensor(taps, w),
    ...b ? [referenceTensor([channels], b)] : [],
  ]);
  const [sums] = evaluateNode(node("Conv", ["a", "p", "q"], ["s"], point), [
    evaluateNode(test.first, [stage])[0],
    referenceTensor(weights, p),
    referenceTensor([test.filters], q),
  ]);
  const [active] = evaluateNode(node("Relu", ["s"], ["y"], {}), [sums]);
  const r = test.residual ? random(active.shape, 6) : undefined;
  const expected = active.data.map((value, i) => value + (r?.[i] ?? 0));

  const layouts = { x: blockedLayout(test.x), y: blockedLayout(active.shape, 2, 1), r: blockedLayout(active.shape, 5) };
  const kernel = directConv(
    {
      name: "conv",
      attributes: point,
      weight: { shape: weights, data: p },
      bias: q,
      activation: activationOf(node("Relu", ["s"], ["y"], {}))!,
      depthwise: { attributes, weight: { shape: taps, data: w }, bias: b, activation: activationOf(test.first)! },
      residual: r && { value: "r", layout: layouts.r, activateLast: false },
      x: { value: "x", layout: layouts.x },
      y: { value: "y", layout: layouts.y },
    },
    test.tile,
    PITCH,
    test.target,
  );
  const tensors = [{ name: "x", layout: layouts.x, data: x }, { name: "y", layout: layouts.y }];
  if (r) tensors.push({ name: "r", layout: layouts.r, data: r });
  const found = await runKernels([kernel], tensors, form, PITCH);
  assertClose(found.get("y")!, expected, form, kernel.label, 2);
}

for (const form of FORMS) {
  for (const test of CASES) {
    const { x, kernel, stride, filters } = test;
    gpuTest(
      `depthwise ${kernel}x${kernel} s${stride} of [${x}] before 1x1 to ${filters}, ${formName(form)}`,
      () => check(test, form),
    );
  }
}

Deno.test("a stage pays where few groups cover the outputs", () => {
  assertEquals(chooseStageTile(3, 1, { channels: 16, height: 80, width: 80 }), { x: 5, y: 4, outBlocks: 4 });
  assert(stagePays(3, 1, { channels: 16, height: 80, width: 80 }));
  assert(stagePays(5, 2, { channels: 24, height: 40, width: 40 }));
  assert(!stagePays(3, 1, { channels: 200, height: 20, width: 20 }));
  assert(!stagePays(5, 1, { channels: 120, height: 10, width: 10 }));
});

/** An inverted residual block of `channels`, with what a test does to it. */
function block(
  { stride = 1, channels = 8, kernel = 3, second = 1, branch = false }: Partial<
    Record<"stride" | "channels" | "kernel" | "second", number> & { branch: boolean }
  > = {},
) {
  const b = new ModelBuilder({ seed: 3 });
  const x = b.conv("expand", b.input("x", [2, 5, 20, 15]), { out: 24 });
  const wide = b.activation("act", b.conv("depthwise", x, { out: 24, kernel, stride, groups: 24 }), "relu6");
  const y = b.conv("project", wide, { out: channels, kernel: second });
  return b.graph("block", branch ? [y, b.activation("other", wide, "relu")] : [y]);
}

gpuTest("depthwise stage: the planner joins the two convolutions", async () => {
  for (const options of [{}, { stride: 2 }, { kernel: 5 }]) {
    assertEquals((await comparePlan(block(options))).operators, ["ToBlocked", "Conv", "Conv+Clip+Conv", "ToPlain"]);
  }
});

Deno.test("depthwise stage: near misses are left alone", () => {
  const form = { storage: "buffer", scalar: "f32" } as const;
  const operators = (graph: ReturnType<typeof block>, target?: Target) =>
    buildPlan(graph, { form, maxPages: 256, target }).steps.map(({ operator }) => operator);
  assert(operators(block()).includes("Conv+Clip+Conv"));
  const misses = {
    "too many outputs": { channels: 240 },
    "another kernel": { second: 3 },
    "a reader": { branch: true },
    "7x7": { kernel: 7 },
  };
  for (const [what, options] of Object.entries(misses)) {
    assert(!operators(block(options)).includes("Conv+Clip+Conv"), what);
  }
  assert(!operators(block(), "hardware").includes("Conv+Clip+Conv"), "hardware");
});
