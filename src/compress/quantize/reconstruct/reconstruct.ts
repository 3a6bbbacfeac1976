/**
 * Rounding that is learned after training, layer by layer: weights go up or down so that each layer makes what it made in float (Nagel et al.
 * 2020, "Up or Down? Adaptive Rounding for Post-Training Quantization", arXiv 2004.10568; the layers before are rounded already, as in Li et
 * al. 2021, "BRECQ", arXiv 2102.05426, and in their asymmetric form).
 *
 * @module
 */

import { FeatherdetError, type Graph, GraphEditor, GraphIndex, type Node } from "../../../graph/mod.ts";
import { Random } from "../../../numbers/random.ts";
import { changeShapes } from "../../../passes/mod.ts";
import type { Pass } from "../../pass.ts";
import type { Fitter, Runner } from "../../runner.ts";
import type { CalibrationSample } from "../../statistics.ts";
import { type FloatOption, floatRule } from "../float_rules.ts";
import { type Layer, layersOf } from "../layers.ts";
import { lowBitPlacement } from "../pack_weights.ts";
import { refuseQuantized } from "../refuse_quantized.ts";
import { endOf, GRID_MOST, onGrid, type ReconstructedBits, weightGrid } from "./grid.ts";
import { LayerBetween, type LearnOptions, type ReconstructedLayer } from "./layer.ts";
import { SideBySide } from "./side_by_side.ts";

/** How rounding is learned. */
export interface ReconstructOptions extends Partial<LearnOptions> {
  /** Bits of a weight: 4, as `packWeights` stores them, or 8, as `quantize` does with a scale for each output channel. */
  readonly bits: ReconstructedBits;
  /** Runs parts of the graph. */
  readonly runner: Runner;
  /** Learns rounding. */
  readonly fitter: Fitter;
  /** Layers that stay in float; default `yolo11`, as in `quantize` and `packWeights`. */
  readonly float?: FloatOption;
  /** How many samples are looked at, from the first one; 32 by default. Their values are held in memory. */
  readonly samples?: number;
  /** Equal seeds learn the same on one adapter; 0 by default. */
  readonly seed?: number;
  /** Called after each layer. */
  readonly onLayer?: (done: number, total: number, name: string) => void;
}

/** What became of a layer. */
export interface ReconstructedLayerReport {
  /** Name of the convolution. */
  readonly name: string;
  /**
   * Mean square error of what the layer makes over the mean square, on the samples, behind rounded layers: with every weight rounded to the
   * nearest, and as learned.
   */
  readonly error: { readonly nearest: number; readonly learned: number };
  /** Share of the weights that are not rounded to the nearest; 0 where nearest rounding was better and stays. */
  readonly moved: number;
}

/** What learning brought. */
export interface ReconstructReport {
  /** Bits of a weight. */
  readonly bits: ReconstructedBits;
  /** Samples that were looked at. */
  readonly samples: number;
  /** Layers, in order. */
  readonly layers: readonly ReconstructedLayerReport[];
}

/** What an option is unless said otherwise. */
const DEFAULTS = { samples: 32, steps: 100, batch: 8, seed: 0 } as const;

/** How far a weight's v can go in all steps together, unless said otherwise: the share goes from 0 to 1 within 4.8. */
const REACH = 6;

/** Most samples that are run at once. */
const GROUP = 8;

/** The layers whose rounding is learned: convolutions whose weights nobody else reads. */
function placed(graph: Graph, bits: ReconstructedBits, float: FloatOption): Map<string, Layer> {
  if (!Object.hasOwn(GRID_MOST, bits)) {
    throw new FeatherdetError(`rounding to ${bits} bits cannot be learned; there are 4 and 8`);
  }
  const rule = floatRule(graph, float), index = GraphIndex.of(graph);
  const few = bits === 4 ? lowBitPlacement(graph, bits, float) : undefined;
  const isRounded = (node: Node) => few ? few.has(node) && few.get(node) === undefined : rule(node) === undefined;
  const layers = layersOf(index).filter(({ node }) => {
    const [, weight, bias] = node.inputs;
    return node.op === "Conv" && graph.constants.get(weight)?.dtype === "f32" && isRounded(node) &&
      index.soleReader(weight) === node && (bias === undefined || graph.constants.has(bias));
  });
  if (layers.length === 0) {
    throw new FeatherdetError("there is no convolution whose rounding could be learned", { file: graph.name });
  }
  return new Map(layers.map((layer) => [layer.node.name, layer]));
}

/** The samples in groups, as one batch each; what is left over is left out. */
function grouped(
  samples: readonly CalibrationSample[],
): { readonly size: number; readonly groups: CalibrationSample[] } {
  const size = Math.min(GROUP, samples.length);
  const groups = Array.from({ length: Math.floor(samples.length / size) }, (_, group) => {
    const members = samples.slice(group * size, (group + 1) * size);
    const inputs = Object.fromEntries(
      Object.entries(members[0].inputs).map(([name, { shape: [, ...rest], data: { length } }]) => {
        const data = new Float32Array(size * length);
        members.forEach(({ inputs }, i) => data.set(inputs[name].data, i * length));
        return [name, { shape: [size, ...rest], data }];
      }),
    );
    return { name: members[0].name, inputs };
  });
  return { size, groups };
}

/** New numbers of a convolution. */
interface Numbers {
  readonly weight: Float32Array<ArrayBuffer>;
  readonly bias: Float32Array<ArrayBuffer>;
}

function withReconstructed(graph: Graph, numbers: ReadonlyMap<string, Numbers>): Graph {
  const editor = new GraphEditor(graph);
  for (const node of graph.nodes) {
    const made = numbers.get(node.name);
    if (!made) continue;
    const [x, weight] = node.inputs;
    const names = ["weight", "bias"].map((what) => editor.uniqueName(`${node.name}/reconstructed_${what}`));
    editor.constant(names[0], graph.constants.get(weight)!.shape, made.weight);
    editor.constant(names[1], [made.bias.length], made.bias);
    editor.setInputs(node, [x, ...names]);
  }
  return editor.finish();
}

async function reconstruct(
  graph: Graph,
  samples: readonly CalibrationSample[],
  options: ReconstructOptions,
): Promise<{ graph: Graph; report: ReconstructReport }> {
  const { bits, runner, fitter, float = "yolo11", onLayer, seed = DEFAULTS.seed } = options;
  const { steps = DEFAULTS.steps, batch = DEFAULTS.batch, learningRate = REACH / steps } = options;
  const layers = placed(graph, bits, float);
  const { size, groups } = grouped(samples);
  const batched = changeShapes(
    graph,
    Object.fromEntries(graph.inputs.map(({ name, shape }) => [name, [size, ...shape.slice(1)]])),
  );
  const index = GraphIndex.of(batched), shapeOf = (value: string) => index.shapeOf(value);
  const byLast = new Map(
    layersOf(index).filter(({ node }) => layers.has(node.name)).map((layer) => [layer.nodes.at(-1)!, layer]),
  );
  const inLayers = new Set([...byLast.values()].flatMap(({ nodes }) => nodes));
  const side = new SideBySide(batched, groups, runner), random = new Random(seed);
  const reports: ReconstructedLayerReport[] = [], numbers = new Map<string, Numbers>();
  let waiting: Node[] = [];
  /** Nodes that are not computed yet, whether they are whole layers or others. */
  const ahead = new Set(batched.nodes);
  const readAhead = () => new Set([...ahead].flatMap(({ inputs }) => inputs));
  for (const node of batched.nodes) {
    if (!inLayers.has(node)) waiting.push(node);
    const layer = byLast.get(node);
    if (!layer) continue;
    for (const done of waiting) ahead.delete(done);
    const needed = readAhead();
    await side.compute(waiting, waiting.flatMap(({ outputs }) => outputs).filter((name) => needed.has(name)));
    waiting = [];

    const conv = layer.node as Node<"Conv">, weight = batched.constants.get(conv.inputs[1])!;
    const given = batched.constants.get(conv.inputs[2] ?? "");
    const one: ReconstructedLayer = {
      ...{ layer, conv, weight },
      bias: given ? Float32Array.from(given.data) : new Float32Array(weight.shape[0]),
    };
    const between = await LayerBetween.create(one, side, batched, shapeOf);
    const grid = weightGrid(weight, bits);
    const isNearestUp = (i: number) => grid.rests[i] >= 0.5;
    const nearest = { weight: onGrid(grid, isNearestUp), moved: 0 };
    const first = await between.measure(nearest.weight);
    let best = { ...nearest, ...first };
    if (first.error > 0) {
      const { bias } = await between.measure(Float32Array.from(weight.data));
      const shares = await between.learn(grid, {
        ...{ bias, nearest: first.error, fitter, random, steps, batch, learningRate },
      });
      const ups = shares.map((up, i) => endOf(grid, bits, i) ?? up);
      const learned = onGrid(grid, (i) => ups[i]);
      const found = await between.measure(learned);
      const moved = ups.reduce((sum, up, i) => sum + (up === isNearestUp(i) ? 0 : 1), 0) / ups.length;
      if (found.error < first.error) best = { weight: learned, moved, ...found };
    }
    let power = 0;
    for (const data of between.target) for (const value of data) power += value * value;
    const error = { nearest: first.error / power, learned: best.error / power };
    reports.push({ name: conv.name, error, moved: best.moved });
    numbers.set(conv.name, best);
    side.take(new Map([[layer.output, between.target]]), new Map([[layer.output, best.made]]));
    for (const done of layer.nodes) ahead.delete(done);
    side.keep(readAhead());
    onLayer?.(reports.length, layers.size, conv.name);
  }
  const report = { bits, samples: size * groups.length, layers: reports };
  return { graph: withReconstructed(graph, numbers), report };
}

/**
 * Puts the weights of convolutions on the grid of 4 or 8 bits so that each layer makes what it made in float, and corrects biases. Weights
 * stay floats, which `packWeights` or `quantize` behind it round to just these whole numbers.
 *
 * Each layer in turn is handed what the layers before make with their rounded weights. Which weights go up is learned with Adam on windows
 * of the maps: the loss is the square error of the layer's output, behind its activation and residual, and a term that draws the shares to 0
 * or 1. Where nearest rounding turns out better on the samples, it stays.
 *
 * It works on graphs whose BatchNormalization is folded and whose activations are recognised (`foldPass`, `recognisePass`).
 */
export const reconstructPass: Pass<ReconstructOptions, ReconstructReport> = {
  name: "reconstruct",
  needs(graph, { bits, float = "yolo11", samples = DEFAULTS.samples }) {
    refuseQuantized(graph);
    placed(graph, bits, float);
    return { sample: Array.from({ length: samples }, (_, i) => String(i)) };
  },
  async apply(graph, statistics, options) {
    const { samples: wanted = DEFAULTS.samples } = options;
    const known = statistics.all("sample");
    const samples = Array.from({ length: wanted }, (_, i) => known.get(String(i)) ?? []).flat();
    return await reconstruct(graph, samples, options);
  },
  described({ bits, float = "yolo11", ...options }, { samples }) {
    const { steps, batch, seed, learningRate = REACH / steps } = { ...DEFAULTS, ...options };
    return {
      bits,
      samples,
      steps,
      batch,
      learningRate,
      seed,
      float: typeof float === "string" ? float : "chosen layers",
    };
  },
};
