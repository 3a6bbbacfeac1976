/**
 * Measures the gradients of a model's convolutions against the convolutions themselves, layer by layer on the adapter at hand:
 * `deno run -A bench/conv_gradients.ts [--model yolo11n] [--size 256] [--batch 8] [--runs 7] [--only 3x3] [--tile 4,4,1,1]`.
 *
 * For every distinct shape prints GFLOP/s of the forward convolution, of the gradient with respect to its weight (all dispatches) and
 * of that with respect to its input. The three are timed in turn, run by run, and the fastest run of each counts: other load on the
 * machine then meets all of them. `--tile x,y,outBlocks,inBlocks` tries another tile for the weight's gradient.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { openDevice } from "../src/gpu/device.ts";
import { PassTimer } from "../src/gpu/timing.ts";
import { type Graph, inferTypes, type Node, sizeOf } from "../src/graph/mod.ts";
import type { KernelContext, Operand } from "../src/kernels/context.ts";
import { denseGradient } from "../src/kernels/train/conv_weight_gradient.ts";
import { NAMED_MODELS } from "../src/models/named.ts";
import { buildPlan, type Plan } from "../src/plan/plan.ts";
import { Program } from "../src/program.ts";
import { planLimits, storageForm } from "../src/session.ts";
import { transposed } from "../src/train/gradients/conv.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "yolo11n" },
    size: { type: "string", default: "256" },
    batch: { type: "string", default: "8" },
    runs: { type: "string", default: "7" },
    only: { type: "string", default: "" },
    tile: { type: "string" },
    input: { type: "boolean", default: false },
  },
});

const opened = await openDevice();
const { device } = opened;
const form = storageForm(opened, {});
const target = opened.adapter.software ? "software" : "hardware";
console.log(`adapter: ${opened.adapter.name}${opened.adapter.software ? " (software)" : ""}, ${form.storage}`);

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
    form,
    ...planLimits(opened, form),
    target,
    blockedInputs: Object.keys(inputs),
    blockedOutputs: node.op === "ConvWeightGradient" ? [] : node.outputs,
  });
}

function forward({ node, x, w }: Layer): Plan {
  return planOf({ ...node, name: "forward", inputs: ["x", "w"], outputs: ["y"] }, { x }, w);
}

function weightGradient({ node, x, w, y }: Layer, tile?: readonly number[]): Plan {
  const one: Node<"ConvWeightGradient"> = {
    op: "ConvWeightGradient",
    name: "weight",
    inputs: ["x", "dy"],
    outputs: ["dw"],
    attributes: { ...node.attributes, kernel: [w[2], w[3]] },
  };
  const plan = planOf(one, { x, dy: y });
  if (!tile || node.attributes.groups > 1) return plan;
  const operand = (value: string): Operand => ({
    value,
    shape: plan.types.get(value)!.shape,
    layout: plan.placements.get(value)!.layout,
  });
  const context = {
    node: one,
    inputs: one.inputs.map(operand),
    outputs: [operand("dw")],
    epilogue: { activation: { kind: 0, a: 0, b: 0 } },
    pitch: plan.pitch,
    target,
  } as unknown as KernelContext<"ConvWeightGradient">;
  const kernels = denseGradient(context, { x: tile[0], y: tile[1], outBlocks: tile[2], inBlocks: tile[3] });
  return { ...plan, steps: kernels.map((kernel) => ({ name: "weight", operator: "", kernel, macs: 0 })) };
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

const model = NAMED_MODELS[values.model]({ size: Number(values.size), batch: Number(values.batch) });
const tile = values.tile?.split(",").map(Number);
console.log("convolution                          count    forward  by weight          by input");
const totals = { forward: 0, weight: 0, input: 0 };
for (const [key, layer] of layersOf(model)) {
  if (!key.includes(values.only)) continue;
  const plans = [forward(layer), weightGradient(layer, tile), ...values.input ? [inputGradient(layer)] : []];
  const programs = await Promise.all(plans.map((plan) => Program.create(opened, plan)));
  const fastest = plans.map(() => Infinity);
  for (let run = 0; run <= Number(values.runs); run++) {
    for (const [i, program] of programs.entries()) {
      const time = (await PassTimer.steps(device, program)).reduce((a, b) => a + b, 0);
      // The first run compiles.
      if (run > 0) fastest[i] = Math.min(fastest[i], time);
    }
  }
  for (const program of programs) program.destroy();
  const flops = 2 * sizeOf(layer.y) * sizeOf(layer.w.slice(1));
  const rates = fastest.map((time) => flops / time / 1e6);
  const texts = rates.map((rate, i) =>
    `${rate.toFixed(2).padStart(7)}${i > 0 ? ` x${(rate / rates[0]).toFixed(2)}` : ""}`
  );
  totals.forward += layer.count * fastest[0];
  totals.weight += layer.count * fastest[1];
  totals.input += layer.count * (fastest[2] ?? 0);
  console.log(
    `${key.padEnd(38)} ${String(layer.count).padStart(3)}  ${texts.join("    ")}   ${
      plans[1].steps[0].kernel.label.replace("conv weight gradient ", "")
    } ${plans[1].steps[1]?.kernel.label ?? ""}`,
  );
}
console.log(
  `all layers, ms: forward ${totals.forward.toFixed(0)}, by weight ${totals.weight.toFixed(0)}, by input ${
    totals.input.toFixed(0)
  }`,
);
device.destroy();
