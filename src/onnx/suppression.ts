/**
 * Detectors that suppress their boxes inside the graph: finds what NonMaxSuppression chooses from, so that a reader can take that instead.
 *
 * @module
 */

import type { onnx } from "npm:onnx-proto@8.0.1";
import { FeatherdetError } from "../graph/error.ts";
import type { Initializers } from "./initializers.ts";
import { orderNodes } from "./order.ts";
import type { DecodedModel } from "./proto.ts";

/** Metadata key that says that a model's own suppression was left out, with its threshold where the file states one. */
export const LEFT_OUT = "suppression_left_out";

/** Where data comes from, as a tree of dominators: everything below a place depends on it by way of it alone. */
interface Place {
  /** Undefined for what enters the graph. */
  readonly node?: onnx.INodeProto;
  readonly above?: Place;
  readonly depth: number;
}

const SOURCE: Place = { depth: 0 };

/** Operators that only pass on what they read, or part of it: what is chosen from lies before them. */
const PASSES_ON = new Set(["Cast", "Gather", "Identity", "Split", "Squeeze", "Transpose", "Unsqueeze"]);

/** Operators of the last layers. */
const LAYERS = new Set(["Conv", "ConvTranspose"]);

/** Operators that read a shape, which is known at import. */
const READS_SHAPE = new Set(["Shape", "Size"]);

/** The lowest place that lies above both. */
function common(a: Place, b: Place): Place {
  let [one, other] = [a, b];
  while (one !== other) {
    if (one.depth >= other.depth) one = one.above!;
    else other = other.above!;
  }
  return one;
}

const isSuppression = ({ opType, domain }: onnx.INodeProto) =>
  opType === "NonMaxSuppression" && (!domain || domain === "ai.onnx");

/** Whether layers lie between a value and others that are made from it: then it is a map of features, and no boxes. */
function layersBetween(places: ReadonlyMap<string, Place>, from: onnx.INodeProto, values: readonly string[]): boolean {
  const seen = new Set([from]), open = [...values];
  while (open.length > 0) {
    const node = places.get(open.pop()!)?.node;
    if (node === undefined || seen.has(node)) continue;
    if (LAYERS.has(node.opType ?? "")) return true;
    seen.add(node);
    open.push(...node.input ?? []);
  }
  return false;
}

/** The value on which all boxes and scores depend that enter a suppression; undefined if there is none behind the last layers. */
function chosenFrom(nodes: readonly onnx.INodeProto[], inputs: ReadonlySet<string>): string | undefined {
  const places = new Map<string, Place>([...inputs].map((name) => [name, SOURCE]));
  const above = (values: readonly string[]) =>
    values.flatMap((value) => places.get(value) ?? []).reduce<Place | undefined>(
      (found, place) => found ? common(found, place) : place,
      undefined,
    );
  for (const node of nodes) {
    const from = READS_SHAPE.has(node.opType ?? "") ? undefined : above(node.input ?? []);
    // What depends on no input is a constant.
    if (from === undefined) continue;
    const place = { node, above: from, depth: from.depth + 1 };
    for (const output of node.output ?? []) places.set(output, place);
  }
  const chosen = nodes.filter(isSuppression).flatMap(({ input }) => (input ?? []).slice(0, 2));
  const last = above(chosen)?.node;
  if (last === undefined || layersBetween(places, last, chosen)) return undefined;
  let maker = last, value = last.output?.[0];
  while (PASSES_ON.has(maker.opType ?? "")) {
    value = maker.input?.[0] ?? "";
    const next = places.get(value)?.node;
    if (next === undefined) return undefined;
    maker = next;
  }
  return value;
}

/**
 * The model with the numbers of all anchors as its output, if its own outputs are chosen from them by NonMaxSuppression; any other model as
 * it is. Metadata tell it under `LEFT_OUT`, and say no more that the model suppresses.
 */
export function leaveOutSuppression(model: DecodedModel, initializers: Initializers): DecodedModel {
  const { graph } = model;
  if (!graph.node?.some(isSuppression)) return model;
  const inputs = new Set((graph.input ?? []).map(({ name }) => name ?? "").filter((name) => !initializers.has(name)));
  const outputs = (graph.output ?? []).map(({ name }) => name ?? "");
  const nodes = orderNodes(graph.node, outputs, (name) => inputs.has(name) || initializers.has(name));
  const suppression = nodes.find(isSuppression);
  const value = suppression && chosenFrom(nodes, inputs);
  if (value === undefined) return model;
  const { nms: _, ...metadata } = model.metadata;
  const threshold = initializers.get(suppression?.input?.[3] ?? "")?.data[0];
  return {
    ...model,
    graph: { ...graph, output: [{ name: value }] },
    metadata: {
      ...metadata,
      [LEFT_OUT]: threshold === undefined ? "true" : `iou ${Number(Number(threshold).toPrecision(6))}`,
    },
  };
}

/** Operators of heads that choose their results inside the graph. */
const CHOOSING =
  /^(TopK|NonMaxSuppression|GatherElements|GatherND|ArgMax|NonZero|.*NMS.*|Mod|ScatterND|ScatterElements)$/i;

/** Whether a model's file shows that it suppresses inside: by its operators, or by the arguments of Ultralytics' export. */
function suppresses({ graph, metadata }: DecodedModel): boolean {
  return (graph.node ?? []).some(isSuppression) || /'nms': True/.test(metadata.args ?? "");
}

/**
 * An error of importing; of a model that chooses its results inside the graph with the export option that leaves that out, and with its task
 * where that is another than detection.
 */
export function explainChoosing(error: FeatherdetError, model: DecodedModel): FeatherdetError {
  if (!CHOOSING.test(error.place.operator ?? "") && !suppresses(model)) return error;
  const { task = "detect" } = model.metadata;
  return new FeatherdetError(
    `${error.detail}; heads that choose their boxes inside the graph have it: export the model without that (Ultralytics: without ` +
      `nms=True, and with end2end=False where there is such an option; YOLOv7: without --end2end)${
        task === "detect" ? "" : `; its metadata say task=${task}`
      }`,
    error.place,
    { cause: error },
  );
}
