/**
 * Measures the gradients of a model's convolutions against the convolutions themselves, layer by layer on the adapter at hand:
 * `deno run -A bench/conv_gradients.ts [--model yolo11n] [--size 256] [--batch 8] [--runs 7] [--only 3x3] [--tiles 4,4,1,1]`.
 *
 * For every distinct shape prints GFLOP/s of the forward convolution, of the gradient with respect to its weight (all dispatches) and
 * of that with respect to its input. The three are timed in turn, run by run, and the fastest run of each counts: other load on the
 * machine then meets all of them. `--tiles "x,y,outBlocks,inBlocks ..."` times other tiles of the weight's gradient beside them, `--input-tiles "x,y,outBlocks ..."` of
 * transposed convolutions of stride 2.
 *
 * @module
 */

import { adapterText, openDevice } from "../src/gpu/device.ts";
import { parseArgs } from "node:util";
import { PassTimer } from "../src/gpu/timing.ts";
import { type Graph, inferTypes, type Node, type Operator, sizeOf } from "../src/graph/mod.ts";
import { NO_ACTIVATION } from "../src/kernels/activation.ts";
import type { KernelContext, Operand } from "../src/kernels/context.ts";
import { stepOf } from "../src/kernels/conv_step.ts";
import { transposedConv } from "../src/kernels/conv_transposed.ts";
import type { Kernel } from "../src/kernels/kernel.ts";
import { denseGradient } from "../src/kernels/train/conv_weight_gradient.ts";
import { NAMED_MODELS } from "../src/models/named.ts";
import { buildPlan, type Plan } from "../src/plan/plan.ts";
import { Program } from "../src/engine/program.ts";
import { planningFor, storageForm } from "../src/engine/setup.ts";
import { transposed } from "../src/train/autodiff/conv.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "yolo11n" },
    size: { type: "string", default: "256" },
    batch: { type: "string", default: "8" },
    runs: { type: "string", default: "7" },
    only: { type: "string", default: "" },
    tiles: { type: "string", default: "" },
    "input-tiles": { type: "string", default: "" },
  },
});

const opened = await openDevice();
const { device } = opened;
const form = storageForm(opened, {});
const target = opened.adapter.software ? "software" : "hardware";
console.log(`adapter: ${adapterText(opened.adapter)}, ${form.storage}`);

type Layer = { readonly node: Node<"Conv">; readonly x: number[]; readonly w: number[]; readonly y: number[] };

/** The distinct convolutions of a model, and how many of each there are. */
function layersOf(model: Graph): Map<string, Layer & { count: number }> {
  const types = inferTypes(model);
  const layers = new Map<string, Layer & { count: number }>();
  for (const node of model.nodes) {
    if (node.op !== "Conv") continue;
    const [x, w, y] = [node.inputs[0], node.inputs[1], node.outputs[0]].map((name) => [...types.get(name)!.shape]);
    const { strides: [stride], groups } = node.attributes;
    const key = `${w[2]}x${w[3]} s${stride}${groups > 1 ? ` g${groups}` : ""} ${x.slice(1).join("x")}->${w[0]}`;
    layers.set(key, { node, x, w, y, count: (layers.get(key)?.count ?? 0) + 1 });
  }
  return layers;
}

function planOf(node: Node, inputs: Record<string, readonly number[]>, weight?: readonly number[]): Plan {
  const data = weight && new Float32Array(sizeOf(weight)).fill(0.01);
  const graph: Graph = {
    name: "layer",
    inputs: Object.entries(inputs).map(([name, shape]) => ({ name, dtype: "f32", shape })),
    outputs: [...node.outputs],
    nodes: [node],
    constants: new Map(weight ? [["w", { dtype: "f32", shape: weight, data: data! }]] : []),
    metadata: {},
  };
  return buildPlan(graph, {
    ...planningFor(opened, form),
    blockedInputs: Object.keys(inputs),
    blockedOutputs: node.op === "ConvWeightGradient" ? [] : node.outputs,
  });
}

function forward({ node, x, w }: Layer): Plan {
  return planOf({ ...node, name: "forward", inputs: ["x", "w"], outputs: ["y"] }, { x }, w);
}

function weightGradient({ node, x, w, y }: Layer): Plan {
  const one: Node<"ConvWeightGradient"> = {
    op: "ConvWeightGradient",
    name: "weight",
    inputs: ["x", "dy"],
    outputs: ["dw"],
    attributes: { ...node.attributes, kernel: [w[2], w[3]] },
  };
  return planOf(one, { x, dy: y });
}

function inputGradient({ node, x, w, y }: Layer): Plan {
  const one: Node<"ConvTranspose"> = {
    op: "ConvTranspose",
    name: "input",
    inputs: ["dy", "w"],
    outputs: ["dx"],
    attributes: transposed(node.attributes, [w[2], w[3]], [x[2], x[3]], [y[2], y[3]]),
  };
  return planOf(one, { dy: y }, w);
}

/** A plan of one node with other kernels. */
function withKernels<K extends Operator>(plan: Plan, make: (context: KernelContext<K>) => Kernel[]): Plan {
  const node = plan.graph.nodes[0] as Node<K>;
  const operand = (value: string): Operand => ({
    value,
    shape: plan.types.get(value)!.shape,
    layout: plan.placements.get(value)?.layout ?? { kind: "plain", shape: [] },
    constant: plan.graph.constants.get(value),
  });
  const kernels = make({
    node,
    inputs: node.inputs.map(operand),
    outputs: node.outputs.map(operand),
    epilogue: { activation: NO_ACTIVATION },
    pitch: plan.pitch,
    target,
  });
  return { ...plan, dispatches: kernels.map((kernel) => ({ name: node.name, operator: node.op, kernel, macs: 0 })) };
}

const tilesOf = (text: string) => text.split(" ").filter(Boolean).map((tile) => tile.split(",").map(Number));

/** What is measured of a layer, by title. */
function contendersOf(layer: Layer): Map<string, Plan> {
  const { groups, strides: [stride] } = layer.node.attributes;
  const weight = weightGradient(layer), input = inputGradient(layer);
  const contenders = new Map([["forward", forward(layer)], ["by weight", weight], ["by input", input]]);
  for (const tile of groups === 1 ? tilesOf(values.tiles) : []) {
    const [x, y, outBlocks, inBlocks] = tile;
    const make = (context: KernelContext<"ConvWeightGradient">) =>
      denseGradient(context, { x, y, outBlocks, inBlocks });
    contenders.set(`by weight ${tile}`, withKernels(weight, make));
  }
  for (const tile of groups === 1 && stride === 2 ? tilesOf(values["input-tiles"]) : []) {
    const [x, y, outBlocks] = tile;
    const make = (context: KernelContext<"ConvTranspose">) =>
      transposedConv(stepOf(context), context.pitch, target, { x, y, outBlocks });
    contenders.set(`by input ${tile}`, withKernels(input, make));
  }
  return contenders;
}

const model = NAMED_MODELS[values.model]({ size: Number(values.size), batch: Number(values.batch) });
const totals = new Map<string, number>();
for (const [key, layer] of layersOf(model)) {
  if (!key.includes(values.only)) continue;
  const contenders = contendersOf(layer);
  const programs = await Promise.all([...contenders.values()].map((plan) => Program.create(opened, plan)));
  const fastest = programs.map(() => Infinity);
  for (let run = 0; run <= Number(values.runs); run++) {
    for (const [i, program] of programs.entries()) {
      const time = (await PassTimer.timeDispatches(device, program)).reduce((a, b) => a + b, 0);
      // The first run compiles.
      if (run > 0) fastest[i] = Math.min(fastest[i], time);
    }
  }
  for (const program of programs) program.destroy();
  const flops = 2 * sizeOf(layer.y) * sizeOf(layer.w.slice(1));
  const texts = [...contenders.keys()].map((title, i) => {
    totals.set(title, (totals.get(title) ?? 0) + layer.count * fastest[i]);
    const rate = (flops / fastest[i] / 1e6).toFixed(1);
    return `${title} ${rate}${i > 0 ? ` (x${(fastest[0] / fastest[i]).toFixed(2)})` : ""}`;
  });
  console.log(`${layer.count} x ${key.padEnd(28)} ${texts.join("  ")}`);
}
console.log(`all, ms: ${[...totals].map(([title, time]) => `${title} ${time.toFixed(0)}`).join("  ")}`);
device.destroy();
