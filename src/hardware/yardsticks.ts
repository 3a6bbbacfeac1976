/**
 * The networks that published rows name, built for their costs, and their layers.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";
import { YARDSTICKS } from "../models/named.ts";
import { type FusedLayer, fusedLayers, withoutTail } from "./layers.ts";
import { type LayerTable, layerTable } from "./latency_model.ts";

/** The layers of a graph that a time of the network holds, with or without the decoding of boxes. */
export function timedLayers(graph: Graph, tail: boolean): FusedLayer[] {
  const layers = fusedLayers(graph);
  return tail ? layers : withoutTail(graph, layers);
}

const tables = new Map<string, LayerTable>();

/** The layers of a published network at 640 x 640 pixels, built once. Throws FeatherdetError for a name that is not known. */
export function yardstick(model: string, tail: boolean): LayerTable {
  const key = `${model} ${tail}`;
  let table = tables.get(key);
  if (table) return table;
  if (!Object.hasOwn(YARDSTICKS, model)) {
    throw new FeatherdetError(`a published row names "${model}", known are ${Object.keys(YARDSTICKS).join(", ")}`);
  }
  table = layerTable(timedLayers(YARDSTICKS[model](), tail));
  tables.set(key, table);
  return table;
}
