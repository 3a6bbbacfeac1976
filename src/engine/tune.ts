/**
 * Tuning: measures every candidate tile for every distinct convolution of a graph, on the adapter that will run it.
 *
 * @module
 */

import type { Device } from "../gpu/device.ts";
import { PassTimer } from "../gpu/timing.ts";
import { FeatherdetError, type Graph, inferTypes, type Node } from "../graph/mod.ts";
import { candidateTiles } from "../kernels/conv_tile.ts";
import type { ConvTile } from "../kernels/conv_direct.ts";
import { int8CandidateTiles } from "../kernels/int8/conv_tile.ts";
import type { StorageForm } from "../kernels/kernel.ts";
import { buildPlan } from "../plan/plan.ts";
import { convKey, type Tuning } from "../plan/tuning.ts";
import { Program } from "./program.ts";
import { planningFor, storageForm } from "./setup.ts";

/** How tuning is done. */
export interface TuneOptions {
  /** Stored type. Default `f32`. */
  readonly precision?: StorageForm["scalar"];
  /** How activations are stored; by default as in a session. */
  readonly storage?: StorageForm["storage"];
  /** Timed runs of each candidate; the median counts. Default 5. */
  readonly runs?: number;
  /** Called before each convolution. */
  readonly onProgress?: (done: number, total: number, key: string) => void;
}

interface Case {
  readonly key: string;
  readonly graph: Graph;
  readonly kernel: number;
  readonly stride: number;
  readonly int8: boolean;
}

/** A graph of one convolution (and a residual where there was one), with random-free weights: time does not depend on values. */
function convGraph(
  input: readonly number[],
  node: Node<"Conv">,
  weight: readonly number[],
  output: readonly number[],
  residual: boolean,
): Graph {
  const weights = new Float32Array(weight.reduce((a, b) => a * b, 1)).fill(0.01);
  const conv: Node = { ...node, name: "conv", inputs: ["x", "w"], outputs: ["c"] };
  const act: Node = { op: "Silu", name: "act", inputs: ["c"], outputs: ["a"], attributes: {} };
  const add: Node = { op: "Add", name: "add", inputs: ["a", "r"], outputs: ["y"], attributes: {} };
  return {
    name: "tune",
    inputs: [
      { name: "x", dtype: "f32", shape: input },
      ...residual ? [{ name: "r", dtype: "f32", shape: output } as const] : [],
    ],
    outputs: [residual ? "y" : "a"],
    nodes: residual ? [conv, act, add] : [conv, act],
    constants: new Map([["w", { dtype: "f32", shape: weight, data: weights }]]),
    metadata: {},
  };
}

/** The same on bytes, with scales at which nothing is saturated for long. */
function int8Graph(source: Graph): Graph {
  const scale = "scale", zero = "zero";
  const dequantize = (x: string, to: string): Node => {
    return { op: "DequantizeLinear", name: to, inputs: [x, scale, zero], outputs: [to], attributes: { axis: 0 } };
  };
  const [output] = source.outputs;
  const quantize: Node = {
    op: "QuantizeLinear",
    name: "quantize",
    inputs: [output, scale, zero],
    outputs: ["bytes"],
    attributes: { axis: 0 },
  };
  const { shape, data } = source.constants.get("w")!;
  return {
    ...source,
    inputs: source.inputs.map(({ name, shape }) => ({ name: `${name}/bytes`, dtype: "i8", shape })),
    outputs: ["bytes"],
    nodes: [
      ...source.inputs.map(({ name }) => dequantize(`${name}/bytes`, name)),
      dequantize("w/bytes", "w"),
      ...source.nodes,
      quantize,
    ],
    constants: new Map([
      ["w/bytes", { dtype: "i8", shape, data: new Int8Array(data.length).fill(9) }],
      [scale, { dtype: "f32", shape: [], data: Float32Array.of(0.03) }],
      [zero, { dtype: "i8", shape: [], data: Int8Array.of(0) }],
    ]),
  };
}

function distinctConvolutions(graph: Graph): Case[] {
  const types = inferTypes(graph);
  const cases = new Map<string, Case>();
  for (const node of graph.nodes) {
    if (node.op !== "Conv") continue;
    const input = types.get(node.inputs[0])!.shape, weight = types.get(node.inputs[1])!.shape;
    const output = types.get(node.outputs[0])!.shape;
    for (const residual of [false, true]) {
      for (const int8 of [false, true]) {
        const key = convKey(input, weight, node.attributes, residual, int8);
        const floats = convGraph(input, node, weight, output, residual);
        cases.set(key, {
          key,
          graph: int8 ? int8Graph(floats) : floats,
          kernel: weight[2],
          stride: node.attributes.strides[0],
          int8,
        });
      }
    }
  }
  return [...cases.values()];
}

/** Measures and returns the best tile for each convolution of the graph. Throws FeatherdetError without timestamp queries. */
export async function tune(device: Device, graph: Graph, options: TuneOptions = {}): Promise<Tuning> {
  if (!device.timestamps) {
    throw new FeatherdetError(`the adapter "${device.adapter.name}" has no timestamp queries, tuning needs them`);
  }
  const form = storageForm(device, options);
  const planning = planningFor(device, form);
  const { target = "software" } = planning;
  const used = buildPlan(graph, planning).convolutions;
  const cases = distinctConvolutions(graph).filter(({ key }) => used.has(key));
  const tiles: Record<string, ConvTile & { milliseconds: number }> = {};
  for (const [done, { key, graph: single, kernel, stride, int8 }] of cases.entries()) {
    options.onProgress?.(done, cases.length, key);
    for (const tile of (int8 ? int8CandidateTiles : candidateTiles)(kernel, stride, target)) {
      const plan = buildPlan(single, {
        ...planning,
        blockedInputs: single.inputs.map(({ name }) => name),
        blockedOutputs: single.outputs,
        // They are all alike here, which one bit would hold.
        floatWeights: true,
        tuning: {
          adapter: "",
          storage: form.storage,
          scalar: form.scalar,
          tiles: { [key]: { ...tile, milliseconds: 0 } },
        },
      });
      const program = await Program.create(device, plan);
      const times: number[] = [];
      for (let run = 0; run <= (options.runs ?? 5); run++) {
        const time = (await PassTimer.steps(device.device, program)).reduce((a, b) => a + b, 0);
        if (run > 0) times.push(time);
      }
      program.destroy();
      const milliseconds = times.sort((a, b) => a - b)[times.length >> 1];
      if (!(tiles[key]?.milliseconds <= milliseconds)) tiles[key] = { ...tile, milliseconds };
    }
  }
  options.onProgress?.(cases.length, cases.length, "");
  return { adapter: device.adapter.name, storage: form.storage, scalar: form.scalar, tiles };
}
