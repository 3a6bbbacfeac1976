/**
 * Meters that measure nothing: they predict networks and layers for an adapter that was measured before, so that searches can ask them as
 * they ask the adapter.
 *
 * @module
 */

import type { LayerMeter, LayerShape, TimeMeter } from "../../compress/meter.ts";
import { layersGraph, lotsOf, namedLayer } from "../../eval/layer_graphs.ts";
import type { Graph } from "../../graph/graph.ts";
import { buildPlan } from "../../plan/plan.ts";
import { textHash } from "../../kernels/shader_hash.ts";
import type { AdapterModel } from "./model.ts";
import { predictDispatches, predictFrame } from "./predict.ts";
import { enginePlanning } from "./record.ts";

/**
 * A meter of layers by a model of an adapter. What it says of a network's dispatches is what `predictFrame` does, with a dispatch a node: of
 * a detector from letterbox to suppression.
 */
export function adapterLayerMeter(model: AdapterModel, scalar: "f32" | "f16" = "f32"): LayerMeter {
  const form = { scalar, separate: true } as const, planning = enginePlanning(model.planning, form);
  const revision = textHash(JSON.stringify([model.measured, model.costs]));
  return {
    // Another fit is another place: what is remembered of whole networks is remembered by the place alone.
    place: `predicted for ${model.adapter} | ${model.planning.storage} ${scalar} | ${revision}`,
    revision: () => revision,
    milliseconds(layers: readonly LayerShape[]) {
      const times = layers.map(() => 0);
      for (const lot of lotsOf(layers)) {
        const plan = buildPlan(layersGraph(lot.map((i) => layers[i])), planning);
        for (const { name, milliseconds } of predictDispatches(model, plan, plan.dispatches)) {
          const layer = namedLayer(name);
          if (layer !== undefined) times[lot[layer]] += milliseconds;
        }
      }
      return Promise.resolve(times);
    },
    dispatches: (graph: Graph) => Promise.resolve(predictFrame(graph, model, form).dispatches),
  };
}

/** A meter of networks by a model of an adapter: times as `predictFrame` gives them, of frames where networks are detectors. */
export function adapterTimeMeter(model: AdapterModel): TimeMeter {
  return {
    times: (variants) =>
      Promise.resolve(variants.map(({ graph, storage }) => {
        const { deviceTime: device, milliseconds = device, dispatches } = predictFrame(graph, model, {
          scalar: storage,
        });
        return { milliseconds, device, dispatches };
      })),
  };
}
