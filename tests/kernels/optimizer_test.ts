/** Optimizers: the reference against PyTorch, kernels against the reference, several updates in a row. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  accumulateGradient,
  averageStatistics,
  OPTIMIZER_VALUES,
  optimizerBuffers,
  type OptimizerMethod,
  type OptimizerSettings,
  optimizerUpdate,
  readOptimizerState,
  takeStatistics,
} from "../../src/kernels/train/optimizer.ts";
import {
  FLAT_GROUPS,
  type FlatGroup,
  type FlatLayout,
  flatLayout,
  flatten,
  unflatten,
} from "../../src/kernels/train/flat.ts";
import { gradientNorm, type ReferenceOptimizer, updateReference } from "../../src/reference/optimizer.ts";
import type { Kernel } from "../../src/kernels/kernel.ts";
import { linearGroups } from "../../src/kernels/linear.ts";
import { gpuTest } from "../support/gpu.ts";
import { flatProgram } from "../support/optimizer_case.ts";
import { randomTensor } from "../support/random.ts";
import cases from "../fixtures/optimizer_cases.json" with { type: "json" };

const { parameters: PARAMETERS, average: AVERAGE, first: FIRST, second: SECOND, sum: SUM, state: STATE } =
  OPTIMIZER_VALUES;

const SETTINGS: OptimizerSettings = {
  learningRates: { weight: 0.02, bias: 0.07, norm: 0.01 },
  momentum: 0.9,
  weightDecay: 0.05,
  averageDecay: 0.95,
  clipNorm: Infinity,
};

function assertNear(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string, tolerance = 2e-6): void {
  assertEquals(actual.length, expected.length, what);
  for (let i = 0; i < expected.length; i++) {
    const near = Math.abs(actual[i] - expected[i]) <= tolerance * (1 + Math.abs(expected[i]));
    assert(near, `${what}: element ${i} is ${actual[i]}, the reference says ${expected[i]}`);
  }
}

/** Group of every element of a flat buffer. */
function groupsOf({ size, ends }: FlatLayout): FlatGroup[] {
  return Array.from({ length: size }, (_, i) => FLAT_GROUPS.find((group) => i < ends[group])!);
}

/** A flat buffer of seeded numbers with zeros between tensors. */
function filled(layout: FlatLayout, sizes: ReadonlyMap<string, number>, seed: number): Float32Array<ArrayBuffer> {
  return flatten(layout, new Map([...sizes].map(([name, size], i) => [name, randomTensor([size], seed + i)])));
}

function referenceOf(layout: FlatLayout, start: Float32Array): ReferenceOptimizer {
  const zeros = () => new Float64Array(layout.size);
  const groups = groupsOf(layout);
  const [parameters, average] = [Float64Array.from(start), Float64Array.from(start)];
  return { groups, parameters, average, first: zeros(), second: zeros(), updates: 0 };
}

/** The buffers of an optimizer that begins with the given parameters. */
function startBuffers(method: OptimizerMethod, layout: FlatLayout, start: Float32Array): Map<string, Float32Array> {
  return new Map(
    optimizerBuffers(method, layout).map(({ name, bytes }) => {
      const begins = name === PARAMETERS || name === AVERAGE;
      // What is not kept may hold anything before the first update.
      const rest = new Float32Array(bytes / 4).fill(name === OPTIMIZER_VALUES.partials ? NaN : 0);
      return [name, begins ? start.slice() : rest];
    }),
  );
}

Deno.test("the reference of both optimizers makes the steps that PyTorch makes", () => {
  for (const { method, initial, steps, ...settings } of cases) {
    const groups = FLAT_GROUPS.flatMap((group) => initial[group].map(() => group));
    const joined = (parts: Record<FlatGroup, number[]>) => Float64Array.from(FLAT_GROUPS.flatMap((g) => parts[g]));
    const model: ReferenceOptimizer = {
      groups,
      parameters: joined(initial),
      average: joined(initial),
      first: new Float64Array(groups.length),
      second: new Float64Array(groups.length),
      updates: 0,
    };
    steps.forEach(({ learningRates, gradients, norm, parameters, averages }, i) => {
      const gradient = joined(gradients);
      assertNear([gradientNorm(gradient).norm], [norm], `${method} norm of step ${i}`, 1e-12);
      updateReference(method as OptimizerMethod, model, gradient, { ...settings, learningRates });
      // PyTorch clips to a norm that is 1e-6 less.
      assertNear(model.parameters, joined(parameters), `${method} step ${i}`, 1e-6);
      assertNear(model.average, joined(averages), `${method} average of step ${i}`, 1e-6);
    });
  }
});

gpuTest("kernels of both optimizers make the steps that PyTorch makes", async () => {
  for (const { method, initial, steps, ...settings } of cases) {
    const tensors = FLAT_GROUPS.map((group) => ({ name: group, group, size: initial[group].length }));
    const layout = flatLayout(tensors);
    const flat = (parts: Record<FlatGroup, number[]>) => flatten(layout, new Map(Object.entries(parts)));
    const kernelsOf = (i: number) =>
      optimizerUpdate(method as OptimizerMethod, layout, { ...settings, learningRates: steps[i].learningRates });
    const program = await flatProgram(
      kernelsOf(0),
      startBuffers(method as OptimizerMethod, layout, flat(initial)),
    );
    for (const [i, step] of steps.entries()) {
      program.fill(SUM, flat(step.gradients));
      program.run(kernelsOf(i));
      assertNear(await program.read(PARAMETERS), flat(step.parameters), `${method} step ${i}`);
      assertNear(await program.read(AVERAGE), flat(step.averages), `${method} average of step ${i}`);
    }
    const { updates, nonFinite } = readOptimizerState(await program.read(STATE));
    assertEquals([updates, nonFinite], [steps.length, 0]);
    const named = unflatten(layout, await program.read(PARAMETERS), tensors);
    assertNear(named.get("bias")!, steps.at(-1)!.parameters.bias, `${method} biases by name`);
    program.destroy();
  }
});

/** Sizes of the three tensors of a case. */
const SIZES: readonly (readonly [weight: number, bias: number, norm: number])[] = [
  [1, 0, 0],
  [13, 1, 127],
  [127, 13, 64],
  [4096, 65, 8191],
];

interface UpdateCase {
  readonly method: OptimizerMethod;
  readonly sizes: readonly number[];
  readonly all: readonly OptimizerSettings[];
  readonly storage?: "texture" | "buffer";
  /** Changes kernels before they run. */
  readonly change?: (kernel: Kernel) => Kernel;
}

async function compareUpdates({ method, sizes, all, storage = "buffer", change }: UpdateCase): Promise<void> {
  const named = new Map(FLAT_GROUPS.map((group, i) => [group as string, sizes[i]]));
  const layout = flatLayout(FLAT_GROUPS.map((group, i) => ({ name: group, group, size: sizes[i] })));
  const start = filled(layout, named, 1);
  const model = referenceOf(layout, start);
  const kernelsOf = (settings: OptimizerSettings) =>
    optimizerUpdate(method, layout, settings).map((kernel) => change?.(kernel) ?? kernel);
  const program = await flatProgram(kernelsOf(all[0]), startBuffers(method, layout, start), storage);
  for (const [step, settings] of all.entries()) {
    const gradient = filled(layout, named, 10 * (step + 2));
    program.fill(SUM, gradient);
    program.run(kernelsOf(settings));
    updateReference(method, model, gradient, settings);
    const { norm } = readOptimizerState(await program.read(STATE));
    assertNear([norm / gradientNorm(gradient, settings.factor).norm], [1], `${method} norm`);
  }
  const what = `${method} of ${sizes.join(", ")} in ${storage}s`;
  assertNear(await program.read(PARAMETERS), model.parameters, what);
  assertNear(await program.read(AVERAGE), model.average, `${what}: average`);
  assertNear(await program.read(FIRST), model.first, `${what}: first moment`);
  if (method === "adamw") assertNear(await program.read(SECOND), model.second, `${what}: second moment`);
  program.destroy();
}

/** Updates in a row: every setting changes, decay and clipping come and go. AdamW's reference takes only constant betas. */
const UPDATES: readonly OptimizerSettings[] = [
  SETTINGS,
  { ...SETTINGS, clipNorm: 0.5, factor: 1 / 3 },
  { ...SETTINGS, weightDecay: 0, averageDecay: 0, learningRates: { weight: 0.3, bias: 0, norm: 0.2 } },
  { ...SETTINGS, clipNorm: 1e-3, factor: 1 / 1024, averageDecay: 1 },
  { ...SETTINGS, clipNorm: 1e6 },
];

for (const method of ["sgd", "adamw"] as const) {
  for (const storage of ["texture", "buffer"] as const) {
    gpuTest(
      `kernels of ${method} follow the reference over odd sizes, several updates in a row, ${storage}s`,
      async () => {
        for (const sizes of SIZES) await compareUpdates({ method, sizes, all: UPDATES, storage });
      },
    );
  }
}

gpuTest("an update takes more parameters than a row of workgroups has threads", async () => {
  // With workgroups of one thread few parameters are enough for a second row.
  const change = (kernel: Kernel): Kernel => {
    if (kernel.shader !== "train/update.wgsl") return kernel;
    const threads = Object.values(kernel.parameters)[0].value as number;
    return { ...kernel, constants: { ...kernel.constants, WORKGROUP: 1 }, workgroups: linearGroups(threads, 1) };
  };
  await compareUpdates({ method: "sgd", sizes: [4 * 65537, 257, 13], all: [SETTINGS], change });
});

gpuTest("the momentum of SGD may change from update to update", async () => {
  const all = [0, 0.8, 0.937].map((momentum) => ({ ...SETTINGS, momentum }));
  await compareUpdates({ method: "sgd", sizes: [127, 13, 1], all });
});

gpuTest("a gradient with an element that is not finite changes nothing but what is said of it", async () => {
  const sizes = new Map([["weight", 127], ["bias", 13], ["norm", 5]]);
  const layout = flatLayout([...sizes].map(([name, size]) => ({ name, size, group: name as FlatGroup })));
  const statistics = flatLayout([{ name: "mean", size: 13 }]);
  const next = randomTensor([statistics.size], 4);
  for (const method of ["sgd", "adamw"] as const) {
    const kernels = [...optimizerUpdate(method, layout, SETTINGS), averageStatistics(statistics, SETTINGS)];
    const start = filled(layout, sizes, 1);
    const buffers = startBuffers(method, layout, start);
    buffers.set(OPTIMIZER_VALUES.statistics, next).set(
      OPTIMIZER_VALUES.averageStatistics,
      new Float32Array(next.length),
    );
    const program = await flatProgram(kernels, buffers);
    const kept = [
      PARAMETERS,
      AVERAGE,
      FIRST,
      ...method === "adamw" ? [SECOND] : [],
      OPTIMIZER_VALUES.averageStatistics,
    ];
    const all = () => Promise.all(kept.map((name) => program.read(name)));
    const good = filled(layout, sizes, 30);
    program.fill(SUM, good);
    program.run(kernels);
    const before = await all();
    const { norm } = readOptimizerState(await program.read(STATE));
    for (const bad of [NaN, Infinity, -Infinity]) {
      const gradient = good.slice();
      gradient[126] = gradient[layout.offsets.get("norm")! + 4] = bad;
      program.fill(SUM, gradient);
      program.run(kernels);
      assertEquals(await all(), before);
      const said = readOptimizerState(await program.read(STATE));
      assertEquals([said.nonFinite, said.updates], [2, 1]);
      assert(Number.isFinite(said.norm) && said.norm < norm);
    }
    program.fill(SUM, good.map((value) => 1e25 * value));
    program.run(kernels);
    assertEquals(await all(), before);
    assertEquals(readOptimizerState(await program.read(STATE)).nonFinite, 1);
    // The second update that counts: AdamW's corrections have stood still in between.
    program.fill(SUM, good);
    program.run(kernels);
    const model = referenceOf(layout, start);
    for (let i = 0; i < 2; i++) updateReference(method, model, good, SETTINGS);
    assertNear((await all())[0], model.parameters, `${method} after skipped updates`);
    program.destroy();
  }
});

gpuTest("gradients are summed, and the update takes their mean", async () => {
  const sizes = new Map([["weight", 131]]);
  const layout = flatLayout([{ name: "weight", size: 131 }]);
  const settings = { ...SETTINGS, factor: 1 / 3 };
  const kernels = [accumulateGradient(layout), ...optimizerUpdate("sgd", layout, settings)];
  const start = filled(layout, sizes, 1);
  const buffers = startBuffers("sgd", layout, start);
  const gradients = [2, 3, 4].map((seed) => filled(layout, sizes, seed));
  buffers.set(SUM, gradients[0].slice()).set(OPTIMIZER_VALUES.gradient, new Float32Array(layout.size));
  const program = await flatProgram(kernels, buffers);
  for (const gradient of gradients.slice(1)) {
    program.fill(OPTIMIZER_VALUES.gradient, gradient);
    program.run(kernels, 0, 1);
  }
  program.run(kernels, 1);
  const sum = Float64Array.from(gradients[0], (value, i) => value + gradients[1][i] + gradients[2][i]);
  assertNear(await program.read(SUM), sum, "sum");
  const model = referenceOf(layout, start);
  updateReference("sgd", model, sum, settings);
  assertNear(await program.read(PARAMETERS), model.parameters, "update by the mean");
  program.destroy();
});

gpuTest("statistics are taken where they are finite, and averaged", async () => {
  const layout = flatLayout([{ name: "mean", size: 13 }, { name: "variance", size: 127 }]);
  const kernels = [takeStatistics(layout), averageStatistics(layout, { ...SETTINGS, averageDecay: 0.75 })];
  const [next, before] = [randomTensor([layout.size], 7), randomTensor([layout.size], 8)];
  next[2] = NaN;
  next[64] = Infinity;
  const program = await flatProgram(
    kernels,
    new Map([
      [OPTIMIZER_VALUES.nextStatistics, next],
      [OPTIMIZER_VALUES.statistics, before.slice()],
      [OPTIMIZER_VALUES.averageStatistics, before.slice()],
      [STATE, new Float32Array(8)],
    ]),
  );
  program.run(kernels);
  const current = next.map((value, i) => Number.isFinite(value) ? value : before[i]);
  assertEquals(await program.read(OPTIMIZER_VALUES.statistics), current);
  const average = before.map((value, i) => 0.75 * value + 0.25 * current[i]);
  assertNear(await program.read(OPTIMIZER_VALUES.averageStatistics), average, "average");
  program.destroy();
});

Deno.test("tensors lie by groups at multiples of 64 elements, and settings out of range are refused", () => {
  const layout = flatLayout([
    { name: "a", size: 64, group: "norm" },
    { name: "b", size: 65 },
    { name: "c", size: 1, group: "bias" },
    { name: "d", size: 1 },
  ]);
  assertEquals([...layout.offsets], [["b", 0], ["d", 128], ["c", 192], ["a", 256]]);
  assertEquals([layout.size, layout.ends], [320, { weight: 192, bias: 256, norm: 320 }]);
  assertThrows(() => flatLayout([{ name: "a", size: 1 }, { name: "a", size: 2 }]), Error, `"a"`);
  assertThrows(() => flatten(layout, new Map()), Error, `"b"`);
  assertThrows(() => unflatten(layout, new Float32Array(320), [{ name: "x", size: 1 }]), Error, `"x"`);
  const refused: readonly [Partial<OptimizerSettings>, string][] = [
    [{ momentum: 1 }, "momentum is 1"],
    [{ secondMomentum: 1 }, "second momentum is 1"],
    [{ clipNorm: 0 }, "norm of the gradient is 0"],
    [{ averageDecay: 1.5 }, "average is 1.5"],
    [{ weightDecay: -1 }, "weight decay is -1"],
    [{ factor: NaN }, "factor is NaN"],
    [{ learningRates: { weight: 0.1, bias: NaN, norm: 0.1 } }, `group "bias" is NaN`],
  ];
  for (const [change, says] of refused) {
    assertThrows(() => optimizerUpdate("sgd", layout, { ...SETTINGS, ...change }), Error, says);
  }
});
