/**
 * Which layers can choose between float and int8, and what each takes in either.
 *
 * A layer can choose where it has a dispatch of its own in both forms. What a composite kernel computes in float (the core of attention,
 * the expectation of DFL within decoding) has none: in int8 it would be taken apart.
 *
 * @module
 */

import type { Graph, Node } from "../../../graph/mod.ts";
import type { DispatchMilliseconds } from "../../meter.ts";
import { detectorFloat, GATE } from "../float_rules.ts";
import { type PlacedLayer, placeInt8 } from "../placement.ts";

/** What the dispatches of a frame take, shared out to layers. */
export interface LayerMilliseconds {
  /** Milliseconds of each layer by its name, the conversions that are there for it included. */
  readonly layers: ReadonlyMap<string, number>;
  /** Milliseconds of all that belongs to no layer. */
  readonly others: number;
}

/** Reasons for which a layer is part of a kernel that only there is in float. */
const COMPOSITE = new Set(["expectation over a softmax (DFL)", "product of attention", GATE]);

/** A layer, and why it cannot choose; undefined where it can. */
export interface ChoosingLayer extends PlacedLayer {
  /** As in `PlacedLayer`: the reason for which it is float in every assignment. */
  readonly float: string | undefined;
}

/** All layers of a graph that is ready to be quantized, in order. */
export function choosingLayers(graph: Graph): ChoosingLayer[] {
  const reasons = detectorFloat(graph);
  const float = (node: Node) => {
    const reason = reasons.get(node);
    return reason !== undefined && COMPOSITE.has(reason) ? reason : undefined;
  };
  return [...placeInt8(graph, { float, joins: "shared", storeOutputs: false }).layers];
}

/** A rule for `quantizeFromCalibration`: float but for the layers that are named. */
export function floatBut(int8: ReadonlySet<string>): (node: Node) => boolean {
  return (node) => !int8.has(node.name);
}

/**
 * Shares out the time of a frame. A dispatch named after a layer is that layer's. One that only stores a value in int8 belongs to the
 * layers that read this value, in equal parts.
 */
export function shareOut(
  dispatches: readonly DispatchMilliseconds[],
  layers: readonly ChoosingLayer[],
): LayerMilliseconds {
  const result = new Map<string, number>(layers.map(({ node }) => [node.name, 0]));
  let others = 0;
  for (const { name, milliseconds } of dispatches) {
    const stored = name.match(/^(.*)\/QuantizeLinear$/)?.[1];
    const owners = result.has(name)
      ? [name]
      : layers.filter(({ inputs }) => stored !== undefined && inputs.includes(stored)).map(({ node }) => node.name);
    for (const owner of owners) result.set(owner, result.get(owner)! + milliseconds / owners.length);
    if (owners.length === 0) others += milliseconds;
  }
  return { layers: result, others };
}
