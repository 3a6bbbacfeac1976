/**
 * Convolutions whose weights are stored in one, two or four bits.
 *
 * Activations stay in float. In the graph the packed bytes go through an UnpackWeights, which the planner computes once; the direct
 * convolution packs them again for the device (`kernels/low_bit_weights.ts`).
 *
 * @module
 */

import {
  analyze,
  type Constant,
  FeatherdetError,
  type Graph,
  GraphEditor,
  type Node,
  packLevels,
  type WeightBits,
} from "../../graph/mod.ts";
import { historyEntry, withHistory } from "../history.ts";
import type { Pass } from "../pass.ts";
import { decibels } from "./quantization_parameters.ts";
import { binaryChannel } from "./binary.ts";
import { type FloatOption, floatRule } from "./float_rules.ts";
import { fourBitChannel } from "./four_bit.ts";
import { channelPowers, type LowBitChannel } from "./low_bit_channel.ts";
import { LOW_BIT_NAMES, lowBitTotals, type PackedLayerReport, type PackWeightsReport } from "./pack_weights_report.ts";
import { refuseQuantized } from "./refuse_quantized.ts";
import { ternaryChannel, twnThreshold } from "./ternary.ts";

/** How weights become few bits. */
export interface PackWeightsOptions {
  /** 4 for whole numbers from -7 to 7, 2 for ternary weights, 1 for binary ones. */
  readonly bits: WeightBits;
  /**
   * Convolutions that keep their weights in float. Default `yolo11`: the first layer, the last ones before decoding, the expectation of
   * DFL, and depthwise convolutions, in which the scale alone would take as much room as the weights.
   */
  readonly float?: FloatOption;
  /** How ternary weights choose what becomes zero: `optimal` (the default) has the least square error, `twn` is the paper's rule. */
  readonly threshold?: "optimal" | "twn";
}

/** A graph with packed weights, and what that did to it. */
export interface PackWeightsResult {
  /** The graph with an UnpackWeights before each packed convolution. */
  readonly graph: Graph;
  /** What became of each convolution. */
  readonly report: PackWeightsReport;
}

/** Packed weights. */
interface Packed {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly scales: Float32Array<ArrayBuffer>;
  readonly sqnr: number | null;
  readonly zeros: number;
}

function pack({ shape, data }: Constant, bits: WeightBits, channelOf: (values: Float32Array) => LowBitChannel): Packed {
  const levels = new Int8Array(data.length), scales = new Float32Array(shape[0]);
  const size = data.length / shape[0];
  let signal = 0, noise = 0;
  for (let output = 0; output < shape[0]; output++) {
    const values = Float32Array.from(data.subarray(output * size, (output + 1) * size));
    const channel = channelOf(values);
    levels.set(channel.levels, output * size);
    scales[output] = channel.scale;
    const powers = channelPowers(values, channel);
    signal += powers.signal;
    noise += powers.noise;
  }
  const zeros = levels.reduce((count, level) => count + (level === 0 ? 1 : 0), 0) / levels.length;
  return { data: packLevels(bits, levels), scales, sqnr: decibels(signal, noise), zeros };
}

/** Why a convolution keeps its weights in float; undefined for one that need not. */
function reasons(graph: Graph, option: FloatOption): (node: Node) => string | undefined {
  const rule = floatRule(graph, option);
  return (node) => {
    if (node.op !== "Conv") return "no convolution";
    const constant = graph.constants.get(node.inputs[1]);
    if (constant?.dtype !== "f32") return "weights are no constants in f32";
    const { groups } = node.attributes;
    const isDepthwise = groups > 1 && constant.shape[1] === 1;
    return rule(node) ?? (option === "yolo11" && isDepthwise ? "depthwise" : undefined);
  };
}

/**
 * Every convolution, and why it keeps its weights in float; undefined where they get few bits.
 *
 * Throws FeatherdetError for other bits, and if all stay in float.
 */
export function lowBitPlacement(graph: Graph, bits: WeightBits, float: FloatOption): Map<Node, string | undefined> {
  if (!Object.hasOwn(LOW_BIT_NAMES, bits)) {
    throw new FeatherdetError(`weights of ${bits} bits were asked for; there are 1, 2 and 4`);
  }
  refuseQuantized(graph);
  const reasonOf = reasons(graph, float);
  const convolutions = graph.nodes.filter(({ op }) => op === "Conv");
  const kept = new Map(convolutions.map((node) => [node, reasonOf(node)]));
  const inFloat = new Set(graph.nodes.flatMap((node) => {
    return node.inputs.filter((_, index) => node.op !== "Conv" || index !== 1 || kept.get(node) !== undefined);
  }));
  for (const name of graph.outputs) inFloat.add(name);
  for (const node of convolutions) {
    if (inFloat.has(node.inputs[1])) kept.set(node, kept.get(node) ?? "shares its weights with something in float");
  }
  if (![...kept.values()].includes(undefined)) {
    const few = bits === 1 ? "one bit" : bits === 2 ? "two bits" : "four bits", { length } = convolutions;
    throw new FeatherdetError(
      length === 0
        ? `graph "${graph.name}" has no convolution whose weights could have ${few}`
        : `none of the ${length} convolutions of graph "${graph.name}" can have weights of ${few}: all stay in float`,
    );
  }
  return kept;
}

/** As `packWeights`, without an entry in the history. */
export function withPackedWeights(graph: Graph, options: PackWeightsOptions): PackWeightsResult {
  const { bits, float = "yolo11", threshold = "optimal" } = options;
  const kept = lowBitPlacement(graph, bits, float);
  const editor = new GraphEditor(graph);
  const packed = new Map<string, Packed & { readonly value: string }>();
  const channelOf = (values: Float32Array) => {
    if (bits === 1) return binaryChannel(values);
    if (bits === 4) return fourBitChannel(values);
    return ternaryChannel(values, threshold === "twn" ? twnThreshold(values) : undefined);
  };
  /** The packed weights of a convolution, which are unpacked before the first that reads them. */
  const packedFor = (conv: Node<"Conv">) => {
    const name = conv.inputs[1];
    const constant = graph.constants.get(name)!;
    if (!constant.data.every(Number.isFinite)) {
      throw new FeatherdetError(`weight "${name}" holds numbers that are not finite`, {
        node: conv.name,
        operator: conv.op,
      });
    }
    const made = pack(constant, bits, channelOf);
    const [node, data, scales, value] = ["UnpackWeights", "packed", "scale", "unpacked"].map((suffix) =>
      editor.uniqueName(`${name}/${suffix}`)
    );
    editor.constant(data, [made.data.length], made.data);
    editor.constant(scales, [made.scales.length], made.scales);
    editor.before(conv, () => {
      editor.nodeWithOutputs("UnpackWeights", node, [data, scales], { bits, shape: constant.shape }, [value]);
    });
    return { ...made, value };
  };

  const layers: PackedLayerReport[] = [];
  for (const node of graph.nodes) {
    if (node.op !== "Conv") continue;
    const reason = kept.get(node);
    const constant = graph.constants.get(node.inputs[1]);
    const before = constant?.data.byteLength ?? 0;
    const shape = constant?.shape ?? [];
    if (reason !== undefined) {
      const bytes = { before, after: before };
      layers.push({ name: node.name, shape, weights: "float", reason, bytes, sqnr: null, zeros: null });
      continue;
    }
    const [x, weight, ...rest] = node.inputs;
    const isFirst = !packed.has(weight);
    const { value, data, scales, sqnr, zeros } = packed.get(weight) ?? packedFor(node);
    if (isFirst) packed.set(weight, { value, data, scales, sqnr, zeros });
    editor.setInputs(node, [x, value, ...rest]);
    const bytes = isFirst ? { before, after: data.byteLength + scales.byteLength } : { before: 0, after: 0 };
    layers.push({
      name: node.name,
      shape,
      weights: LOW_BIT_NAMES[bits],
      reason: null,
      bytes,
      sqnr,
      zeros,
    });
  }
  const result = editor.finish();
  const model = { before: analyze(graph).bytes, after: analyze(result).bytes };
  return { graph: result, report: lowBitTotals(bits, layers, model) };
}

/** What a history keeps of the options. */
export function describedPacking(
  { bits, float = "yolo11", threshold = "optimal" }: PackWeightsOptions,
): Readonly<Record<string, unknown>> {
  const rule = typeof float === "string" ? float : "chosen layers";
  return { weights: LOW_BIT_NAMES[bits], float: rule, ...(bits === 2 && { threshold }) };
}

/** Packs the weights of convolutions in few bits; see `packWeights`. */
export const packWeightsPass: Pass<PackWeightsOptions, PackWeightsReport> = {
  name: "packWeights",
  needs(graph) {
    refuseQuantized(graph);
    return {};
  },
  apply: (graph, _, options) => withPackedWeights(graph, options),
  described: describedPacking,
};

/**
 * Stores the weights of convolutions in one, two or four bits with a scale for each output channel. Biases and everything else stay as they
 * are. A weight that several convolutions share is packed once, if all of them may.
 *
 * Without training a detector does not survive one or two bits: the report says what is left of the weights, not of the accuracy.
 *
 * Throws FeatherdetError for other bits, for a graph that is quantized already, for weights that are not finite, and if no
 * convolution is left to pack.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../../models/demo_detector.ts";
 * import { packWeights } from "./pack_weights.ts";
 * const { graph, report } = packWeights(demoDetector({ size: 320 }), { bits: 2 });
 * assert.ok(graph.nodes.some(({ op }) => op === "UnpackWeights"));
 * assert.ok(report.packed.ratio < 1 / 10);
 * ```
 */
export function packWeights(graph: Graph, options: PackWeightsOptions): PackWeightsResult {
  const { graph: packed, report } = withPackedWeights(graph, options);
  const entry = historyEntry(packWeightsPass.name, describedPacking(options), graph);
  return { graph: withHistory(packed, entry), report };
}
