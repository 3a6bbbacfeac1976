/**
 * What a row of the table of targets does to a model: its passes, in order.
 *
 * @module
 */

import type { Pass, PassStep } from "../../compress/pass.ts";
import { passStep } from "../../compress/pass.ts";
import { listQuantizePasses } from "../../compress/quantize/mod.ts";
import { FeatherdetError, type Graph, GraphIndex, traitOf } from "../../graph/mod.ts";
import { saveOnnx } from "../../onnx/mod.ts";
import {
  findDetectionHead,
  findTrainableHead,
  floatBiases,
  separateOutputs,
  type SuppressionOptions,
  unsignedActivations,
  withoutQuantization,
  withSuppression,
} from "../../passes/mod.ts";
import { breachLines, checkRules, type RuleBreach } from "./check_rules.ts";
import { RULES } from "./rules.ts";
import { type QdqForm, type Target, TARGET_NAMES, type TargetName, TARGETS } from "./targets.ts";

/** How a model is exported. */
export interface ExportOptions {
  /** For which runtime. */
  readonly target: TargetName;
  /** Detections that are suppressed already instead of boxes and scores; absent for these. */
  readonly nms?: SuppressionOptions;
  /** Weights of 63 levels instead of 127, see `SchemeOptions.weightRange`; false by default. */
  readonly reducedRange?: boolean;
  /** One output or two; the target's own by default. */
  readonly outputs?: "joined" | "separate";
}

/** What a pass of the export has to say. */
export interface ExportReport {
  /** A sentence each. */
  readonly notes: readonly string[];
  /** What the runtime runs elsewhere, by its published rules. */
  readonly breaches: readonly RuleBreach[];
}

/** A row of the table. Throws FeatherdetError for a name that it does not have. */
export function targetOf(name: string): Target {
  if (Object.hasOwn(TARGETS, name)) return TARGETS[name as TargetName];
  throw new FeatherdetError(`unknown target "${name}", there are ${TARGET_NAMES.join(", ")}`);
}

/** True for a target whose int8 is in the file. */
export function isQdq(int8: Target["int8"]): int8 is QdqForm {
  return !("own" in int8);
}

/** True for a graph that holds rounded numbers. */
export function isQuantized(graph: Graph): boolean {
  return graph.nodes.some((node) => traitOf(node, "quantized"));
}

/** A pass that writes the same model in another form. */
function form(
  name: string,
  change: (graph: Graph) => { graph: Graph; notes?: readonly string[] },
): PassStep<ExportReport> {
  const pass: Pass<object, ExportReport> = {
    name,
    effect: "prepares",
    needs: () => ({}),
    apply(graph) {
      const { graph: made, notes = [] } = change(graph);
      return { graph: made, report: { notes, breaches: [] } };
    },
  };
  return passStep(pass, {});
}

/** The first value that is stored with a zero point of its own, where there is one. */
function asymmetricValue(graph: Graph): string | undefined {
  return graph.nodes.find(({ op, inputs }) =>
    op === "QuantizeLinear" && graph.constants.get(inputs[2])?.data.some((zero) => zero !== 0)
  )?.inputs[0];
}

/** Most of the levels of weights that are stored in int8. */
function greatestLevel(graph: Graph): number {
  let most = 0;
  for (const { op, inputs: [levels] } of graph.nodes) {
    const constant = op === "DequantizeLinear" ? graph.constants.get(levels) : undefined;
    if (constant?.dtype === "i8") { for (const level of constant.data) most = Math.max(most, Math.abs(level)); }
  }
  return most;
}

/** The form in which a target reads quantized models. */
function quantizedForm(
  graph: Graph,
  { text, int8 }: Target,
  { reducedRange = false }: ExportOptions,
): { graph: Graph; notes?: readonly string[] } {
  if (!isQuantized(graph)) return { graph };
  const packed = graph.nodes.some(({ op }) => op === "UnpackWeights");
  if (!isQdq(int8)) {
    const note =
      `${text} reads no QuantizeLinear: the file holds floats, weights as they were rounded; int8 is made by ${int8.own}`;
    return { graph: withoutQuantization(graph), notes: [note] };
  }
  const again = "export the float model with --calibrate";
  const value = int8.activations === "symmetric" ? asymmetricValue(graph) : undefined;
  if (value !== undefined) {
    throw new FeatherdetError(`value "${value}" has a zero point, ${text} wants symmetric activations: ${again}`, {
      file: graph.name,
    });
  }
  if (reducedRange && greatestLevel(graph) > 63) {
    throw new FeatherdetError(
      `weights have levels up to ${greatestLevel(graph)}, with a reduced range they go up to 63: ${again}`,
      { file: graph.name },
    );
  }
  let made = graph;
  if (int8.biases === "float") made = floatBiases(made);
  if (int8.stored === "u8") made = unsignedActivations(made);
  const notes = packed ? ["weights of few bits are unpacked by nodes of the file, and multiplied as floats"] : [];
  return { graph: made, notes };
}

/** The outputs that are asked for, or those that the target takes. */
function outputForm(graph: Graph, options: ExportOptions): { graph: Graph; notes?: readonly string[] } {
  const { text, nms, outputs } = targetOf(options.target);
  if (options.nms !== undefined) {
    if (nms !== true) throw new FeatherdetError(`${text} is given no suppression inside: ${nms}`);
    return { graph: withSuppression(graph, options.nms) };
  }
  if ((options.outputs ?? outputs) === "joined") return { graph };
  const head = graph.outputs.length === 1 && findDetectionHead(GraphIndex.of(graph));
  if (head) return { graph: separateOutputs(graph) };
  if (options.outputs === "separate") return { graph: separateOutputs(graph) };
  return { graph, notes: ["the outputs are as in the model: it is no YOLO11 detector"] };
}

/** Metadata under the keys that exported detectors use, completed by what the graph shows. */
export function withMetadata(graph: Graph): Graph {
  const [input] = graph.inputs, head = graph.outputs.length === 1 && findTrainableHead(GraphIndex.of(graph));
  if (input?.shape.length !== 4) return graph;
  const [batch, , height, width] = input.shape;
  const shown: Record<string, string> = { batch: String(batch), imgsz: `[${height}, ${width}]` };
  if (head) {
    shown.task = "detect";
    shown.stride = String(Math.max(...head.levels.map(({ stride }) => stride)));
  }
  return { ...graph, metadata: { ...shown, ...graph.metadata, batch: shown.batch, imgsz: shown.imgsz } };
}

/** Holds the file against the runtime's rules. Throws FeatherdetError for what it would refuse. */
function rulesStep({ rules, text }: Target): PassStep<ExportReport> {
  const pass: Pass<object, ExportReport> = {
    name: "rules",
    effect: "looks",
    needs: () => ({}),
    apply(graph) {
      const breaches = rules === undefined ? [] : checkRules(saveOnnx(graph), RULES[rules], graph.name);
      const refused = breachLines(breaches.filter(({ elsewhere }) => !elsewhere));
      if (refused.length > 0) {
        throw new FeatherdetError(`${text} would refuse the file: ${refused.join("; ")}`, { file: graph.name });
      }
      return { graph, report: { notes: breachLines(breaches), breaches } };
    },
  };
  return passStep(pass, {});
}

/**
 * The passes of an export: quantization where there are pictures and the target reads it in the file, then the target's forms. Throws
 * FeatherdetError for a name that no target has; the passes throw for what the target cannot have.
 */
export function listExportPasses(
  graph: Graph,
  options: ExportOptions,
  hasPictures: boolean,
): PassStep<unknown>[] {
  const target = targetOf(options.target), { int8 } = target;
  const quantizes = hasPictures && isQdq(int8) && !isQuantized(graph);
  return [
    form("metadata", (given) => ({ graph: withMetadata(given) })),
    ...(quantizes
      ? listQuantizePasses({ activations: int8.activations, weightRange: options.reducedRange ? "reduced" : "full" }, {
        target: options.target,
      })
      : []),
    form("quantized form", (given) => quantizedForm(given, target, options)),
    form("outputs", (given) => outputForm(given, options)),
    rulesStep(target),
  ];
}
