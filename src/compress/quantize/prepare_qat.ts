/**
 * The graph that quantization-aware training runs: a float model whose forward pass computes with what few bits would give back of its
 * weights and, for int8, of its activations, while training goes on moving the floats behind them.
 *
 * What is rounded is decided on the graph with BatchNormalization folded, where `quantize` and `packWeights` decide it; values and
 * nodes that are there keep their names in the unfolded one. Folding multiplies an output channel's weights by one number, and so its
 * scale: a weight rounded before is that rounded behind it.
 *
 * @module
 */

import {
  FeatherdetError,
  type Graph,
  GraphEditor,
  GraphIndex,
  type OperatorAttributes,
  type WeightBits,
} from "../../graph/mod.ts";
import { recogniseActivations } from "../../passes/mod.ts";
import type { QuantizationParameters } from "./quantization_parameters.ts";
import type { FloatOption } from "./float_rules.ts";
import { lowBitPlacement } from "./pack_weights.ts";
import { hasIntegerWeights } from "./integers.ts";
import { prepared } from "./prepared.ts";
import { QUANTIZATION_RULES } from "./rules.ts";
import { type ActivationScales, scaledPlacement, scaleOf } from "./scaled.ts";

/** What to round. */
export interface PrepareQatOptions {
  /** Bits of a weight: 8 with activations in int8 too, 4, 2 (ternary) or 1 (binary) for weights of few bits with activations in
   * float. */
  readonly bits: WeightBits | 8;
  /** For 8 bits: how activations are stored, as `activationScales` finds it on calibration pictures. */
  readonly scales?: ActivationScales;
  /** What stays in float; default `yolo11`, as in `quantize` and `packWeights`. */
  readonly float?: FloatOption;
  /**
   * For 8 bits: scales of activations are trained too (Esser et al. 2020, "Learned Step Size Quantization", arXiv 1902.08153), by their
   * logarithms, so that they stay positive and move by shares of themselves; zero points stay. False by default.
   */
  readonly learnScales?: boolean;
}

/** A graph that computes with rounded numbers. */
export interface PreparedQat {
  /** The graph; constants, inputs and outputs are those of the float model. */
  readonly graph: Graph;
  /** Names of the layers whose weights are rounded, in order. */
  readonly layers: readonly string[];
  /** Values that are rounded where they are made, in order. Values that only move parts of these are not rounded again. */
  readonly values: readonly string[];
  /** Constants `[1]` that hold logarithms of scales, where these are learned: they have to be trained. */
  readonly logScales: readonly string[];
}

/** What is rounded in a graph, by names. */
interface Roundings {
  readonly layers: ReadonlySet<string>;
  /** Values that are stored in int8 and do not follow from such. */
  readonly values: ReadonlyMap<string, QuantizationParameters>;
  /** The value whose name the scale of a value bears, the first of those that share it. */
  readonly scaleHolder: (value: string) => string;
  /** True where the node of that name reads what int8 gives back of a value. */
  readonly readsRounded: (reader: string, value: string) => boolean;
}

function int8Roundings(folded: Graph, float: FloatOption, scales: ActivationScales): Roundings {
  const placement = scaledPlacement(folded, float);
  const index = GraphIndex.of(folded);
  const nodes = new Map(folded.nodes.map((node) => [node.name, node]));
  const setOf = new Map(placement.sets.flatMap((values) => values.map((value) => [value, values] as const)));
  /** Parts and joints of values of the same scale, and maxima of them, are multiples of it already. */
  const follows = (value: string) => {
    const maker = index.producerOf(value);
    return maker !== undefined && placement.int8.has(maker) && QUANTIZATION_RULES[maker.op] === "same" &&
      maker.inputs.every((name) => setOf.get(name) === setOf.get(value));
  };
  const rounded = placement.layers.filter((layer) => hasIntegerWeights(folded, layer)).map(({ node }) => node);
  const other = rounded.find(({ op }) => op !== "Conv");
  if (other) {
    throw new FeatherdetError("only weights of convolutions can be trained in int8: keep this layer in float", {
      file: folded.name,
      node: other.name,
      operator: other.op,
    });
  }
  const values = [...setOf.keys()].filter((value) => !follows(value));
  return {
    layers: new Set(rounded.map(({ name }) => name)),
    values: new Map(values.map((value) => [value, scaleOf(scales, value)])),
    scaleHolder: (value) => setOf.get(value)![0],
    readsRounded: (reader, value) => {
      const node = nodes.get(reader);
      return node !== undefined && placement.readsInt8(node, value);
    },
  };
}

function lowBitRoundings(folded: Graph, bits: WeightBits, float: FloatOption): Roundings {
  const packed = [...lowBitPlacement(folded, bits, float)].filter(([, reason]) => reason === undefined);
  return {
    layers: new Set(packed.map(([{ name }]) => name)),
    values: new Map(),
    scaleHolder: (value) => value,
    readsRounded: () => false,
  };
}

/** Name of the constant that holds the logarithm of the scale of a value and of those that share it. */
const logScaleOf = (value: string) => `${value}/learned_log_scale`;

/**
 * Scales of activations as they were learned behind the graph of `prepareQat` with `learnScales`: `trained` has the logarithms among the
 * trained numbers. Values whose scale was not learned keep theirs.
 */
export function learnedScales(
  model: Graph,
  { scales, float = "yolo11" }: Pick<PrepareQatOptions, "float"> & { readonly scales: ActivationScales },
  trained: ReadonlyMap<string, Float32Array>,
): ActivationScales {
  const { sets } = scaledPlacement(prepared(model), float);
  const found = new Map(scales);
  for (const values of sets) {
    const learned = trained.get(logScaleOf(values[0]));
    if (learned === undefined) continue;
    const scale = Math.fround(Math.exp(learned[0]));
    for (const value of values) found.set(value, { ...scaleOf(scales, value), scale });
  }
  return found;
}

/**
 * The float model with a FakeQuantizeWeights before every convolution whose weights `packWeights` (4, 2 and 1 bits, ternary ones by the rule
 * `twn`) or `quantize` (8 bits) would round, and for 8 bits a FakeQuantize behind every value that `quantize` would store in int8; values
 * that share a scale there share it here. BatchNormalization stays, to be trained. `withWeights` puts trained numbers into the float
 * model; `convertQat` then makes the quantized model.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { prepareQat } from "./prepare_qat.ts";
 * const { graph, layers } = prepareQat(yolo11({ width: 0.0625, size: 64 }), { bits: 2 });
 * assert.equal(graph.nodes.filter(({ op }) => op === "FakeQuantizeWeights").length, layers.length);
 * ```
 *
 * Throws FeatherdetError for a model that is quantized or fake-quantized already, for scales of another model, and if nothing would be
 * rounded.
 */
export function prepareQat(source: Graph, options: PrepareQatOptions): PreparedQat {
  const { bits, float = "yolo11", scales, learnScales = false } = options;
  if (bits === 8 && scales === undefined) {
    throw new FeatherdetError("training in int8 needs scales of activations", { file: source.name });
  }
  if (learnScales && bits !== 8) {
    throw new FeatherdetError("only int8 has scales of activations to learn", { file: source.name });
  }
  const folded = prepared(source);
  const { layers, values, scaleHolder, readsRounded } = bits === 8
    ? int8Roundings(folded, float, scales!)
    : lowBitRoundings(folded, bits, float);
  if (layers.size === 0) {
    throw new FeatherdetError("nothing is rounded: every layer stays in float", { file: source.name });
  }

  const graph = recogniseActivations(source);
  const editor = new GraphEditor(graph);
  const place = <K extends "FakeQuantize" | "FakeQuantizeWeights">(
    op: K,
    value: string,
    attributes: OperatorAttributes[K],
  ): string => {
    const outputs = [editor.uniqueName(`${value}/rounded`)];
    return editor.nodeWithOutputs(op, editor.uniqueName(`${value}/${op}`), [value], attributes, outputs)[0];
  };
  const logScales = new Set<string>();
  /** A value in steps of a learned scale, rounded there, and back: its gradient by the scale is that of the paper. */
  const placeLearned = (value: string, { scale, zeroPoint }: QuantizationParameters): string => {
    const name = logScaleOf(scaleHolder(value)), ones = editor.shapeOf(value).map(() => 1);
    if (!logScales.has(name)) editor.constant(name, [1], Float32Array.of(Math.log(scale)));
    logScales.add(name);
    const shaped = editor.one("Reshape", `${value}/log_scale`, [name], { shape: ones });
    const inverse = editor.one("Exp", `${value}/inverse`, [editor.one("Neg", `${value}/negative`, [shaped], {})], {});
    const steps = editor.one("Mul", `${value}/steps`, [value, inverse], {});
    const whole = editor.one("FakeQuantize", `${value}/FakeQuantize`, [steps], { scale: 1, zeroPoint });
    return editor.one("Mul", `${value}/rounded`, [whole, editor.one("Exp", `${value}/scale`, [shaped], {})], {});
  };
  const roundValue = (value: string): void => {
    const affine = values.get(value);
    if (affine === undefined) return;
    editor.insert(
      value,
      () => learnScales ? placeLearned(value, affine) : place("FakeQuantize", value, { ...affine }),
      (reader) => readsRounded(reader.name, value),
    );
  };
  /** Rounded form of weights, which several layers may share. */
  const weights = new Map<string, string>();
  for (const { name } of graph.inputs) roundValue(name);
  for (const node of graph.nodes) {
    if (layers.has(node.name)) {
      const [x, weight, ...rest] = editor.current(node)!.inputs;
      const rounded = weights.get(weight) ??
        editor.before(node, () => place("FakeQuantizeWeights", weight, { bits }));
      weights.set(weight, rounded);
      editor.setInputs(node, [x, rounded, ...rest]);
    }
    for (const value of node.outputs) roundValue(value);
  }
  const made = editor.finish();
  // What leaves the graph is not rounded.
  const read = [...logScales].filter((name) => made.constants.has(name));
  return { graph: made, layers: [...layers], values: [...values.keys()], logScales: read };
}
