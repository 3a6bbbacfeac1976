/**
 * Measures batch normalisation in training and its gradient, each with SiLU, beside a copy of the same map, on the adapter at hand:
 * `deno run -A bench/batch_norm.ts [--shape 8,16,128,128] [--runs 15] [--storage texture] [--scalar f32]`.
 *
 * Prints milliseconds of each dispatch, the fastest of its runs, and how many copies (every cell loaded and stored once) that is worth.
 * Runs of all dispatches take turns, so that other load on the machine meets all of them.
 *
 * @module
 */

import { adapterText, openDevice } from "../src/gpu/device.ts";
import { parseArgs } from "node:util";
import { PassTimer } from "../src/gpu/timing.ts";
import { type Graph, type Node, sizeOf } from "../src/graph/mod.ts";
import { buildPlan } from "../src/plan/plan.ts";
import { Program } from "../src/engine/program.ts";
import { planningFor, storageForm } from "../src/engine/setup.ts";

const { values } = parseArgs({
  options: {
    shape: { type: "string", default: "8,16,128,128" },
    runs: { type: "string", default: "15" },
    storage: { type: "string" },
    scalar: { type: "string" },
  },
});

const opened = await openDevice();
const form = { ...storageForm(opened, {}), ...values.storage && { storage: values.storage } } as ReturnType<
  typeof storageForm
>;
const scalar = (values.scalar ?? form.scalar) as typeof form.scalar;
const shape = values.shape.split(",").map(Number), vector = [shape[1]];

const activation = { activation: "Silu" } as const;
const nodes: readonly Node[] = [
  {
    op: "BatchNormTraining",
    name: "forward",
    inputs: ["x", "scale", "bias", "oldMean", "oldVariance"],
    outputs: ["y", "mean", "inverse", "newMean", "newVariance"],
    attributes: { epsilon: 1e-3, momentum: 0.03, activation },
  },
  // Reads what lies in row memory already, so that it is computed there.
  { op: "Neg", name: "copy", inputs: ["y"], outputs: ["copied"], attributes: {} },
  {
    op: "BatchNormGradient",
    name: "backward",
    inputs: ["x", "scale", "mean", "inverse", "dy", "bias"],
    outputs: ["dx", "dScale", "dBias"],
    attributes: { activation },
  },
];
const inputs = { x: shape, dy: shape, scale: vector, bias: vector, oldMean: vector, oldVariance: vector };
const graph: Graph = {
  name: "norm",
  inputs: Object.entries(inputs).map(([name, shape]) => ({ name, dtype: "f32", shape })),
  outputs: ["copied", "y", "newMean", "newVariance", "dx", "dScale", "dBias"],
  nodes,
  constants: new Map(),
  metadata: {},
};
const plan = buildPlan(graph, {
  ...planningFor(opened, { ...form, scalar }),
  blockedInputs: ["x", "dy"],
  blockedOutputs: ["copied", "y", "dx"],
});
const program = await Program.create(opened, plan);
const fastest = plan.dispatches.map(() => Infinity);
for (let run = 0; run <= Number(values.runs); run++) {
  const times = await PassTimer.timeDispatches(opened.device, program);
  // The first run compiles.
  if (run > 0) times.forEach((time, i) => fastest[i] = Math.min(fastest[i], time));
}
program.destroy();
opened.device.destroy();

const bytes = sizeOf(shape) * (scalar === "f16" ? 2 : 4);
const copy = fastest[plan.dispatches.findIndex(({ name }) => name === "copy")];
console.log(
  `adapter: ${adapterText(opened.adapter)}, ${form.storage} ${scalar}, [${shape}]`,
);
const line = (what: string, time: number) =>
  console.log(`${what.padEnd(46)} ${time.toFixed(3)} ms  ${(time / copy).toFixed(2)} copies`);
plan.dispatches.forEach(({ name, kernel }, i) => line(`${name}: ${kernel.label}`, fastest[i]));
for (const part of ["forward", "backward"]) {
  line(`${part}, all`, fastest.filter((_, i) => plan.dispatches[i].name === part).reduce((a, b) => a + b, 0));
}
console.log(`a copy moves ${(2 * bytes / copy / 1e6).toFixed(2)} GB/s`);
