/**
 * What a model takes on this adapter by its widths: a table of its layers' times, filled as pruning asks, and the time of all the rest.
 *
 * @module
 */

import { hashOfGraph } from "../../compress/graph_hash.ts";
import {
  createMemoryMemo,
  type LayerMeter,
  type LayerShape,
  type Memo,
  memoisedLayers,
  remember,
} from "../../compress/meter.ts";
import {
  type CostModel,
  latencyModel,
  LatencyTable,
  layerShapes,
  type ReportedState,
  settle,
  WidthModel,
} from "../../compress/prune/mod.ts";
import { createLayerMeter } from "../../eval/layer_meter.ts";
import type { Graph } from "../../graph/mod.ts";
import { withBatch } from "../../passes/mod.ts";

/** Who measures, and what is known already. */
export interface LatencyOptions {
  /** Times layers; by default on this adapter, floats in f32. */
  readonly layerMeter?: LayerMeter;
  /** Name of the device that it predicts; a run in rounds goes on for the same one only. */
  readonly device?: string;
  /** Numbers of earlier runs; by default none. */
  readonly memo?: Memo;
}

/** Times of a model and of what becomes of it. */
export interface MeasuredLatency {
  /** Is filled as it is asked: run what asks by `settle`. */
  readonly table: LatencyTable;
  /** What `prune` takes. */
  readonly latency: (model: WidthModel) => CostModel;
}

/**
 * Milliseconds of one picture by widths. Layers that are no dispatch of their own, such as those within attention, are part of the rest,
 * which counts as constant. Throws FeatherdetError for an adapter without timestamp queries.
 */
export async function measuredLatency(source: Graph, options: LatencyOptions = {}): Promise<MeasuredLatency> {
  const { memo = createMemoryMemo() } = options;
  const meter = memoisedLayers(options.layerMeter ?? await createLayerMeter(), memo);
  const graph = withBatch(source, 1), table = new LatencyTable(meter);
  const shapes = layerShapes(graph), content = `${meter.place} | ${hashOfGraph(graph)}`;
  let found: Map<string, number> | undefined;
  const dispatches = async () => {
    found ??= (await meter.dispatches(graph)).reduce(
      (sums, { name, milliseconds }) => sums.set(name, (sums.get(name) ?? 0) + milliseconds),
      new Map<string, number>(),
    );
    return found;
  };
  // Which layers are dispatched follows from the graph, but only the plan tells it: it is kept as 1 and 0.
  const own = new Map<string, LayerShape>();
  for (const [name, shape] of shapes) {
    const isOwn = await remember(memo, "dispatched", `${content} | ${name}`, async () => {
      return (await dispatches()).has(name) ? 1 : 0;
    });
    if (isOwn === 1) own.set(name, shape);
  }
  const rest = await remember(memo, "rest", content, async () => {
    return [...await dispatches()].reduce((sum, [name, time]) => own.has(name) ? sum : sum + time, 0);
  });
  return { table, latency: latencyModel(table, { shapes: own, rest }) };
}

/** A model as a report of pruning takes it, with the milliseconds of its layers if they are to be timed. Throws as `measuredLatency`. */
export async function reportedState(graph: Graph, options?: LatencyOptions): Promise<ReportedState> {
  const model = new WidthModel(graph), state = { graph, model, widths: model.whole };
  if (!options) return state;
  const { table, latency } = await measuredLatency(graph, options), costs = latency(model);
  await settle(table, () => costs.cost(model.whole));
  return { ...state, latency: costs };
}

/** Milliseconds of one picture, predicted from the layers of a model. Throws as `measuredLatency`. */
export async function latencyOfLayers(graph: Graph, options: LatencyOptions = {}): Promise<number> {
  const { latency, widths } = await reportedState(graph, options);
  return latency!.cost(widths);
}
