/**
 * Statistics of activations: how large the channels of maps are on samples. The means are taken where the graph runs, so that only one
 * number a channel is read back.
 *
 * @module
 */

import { FeatherdetError, type Graph, GraphEditor } from "../graph/mod.ts";
import type { Collecting } from "./collect.ts";
import type { StatisticsSource } from "./statistics.ts";
import { JointSamples } from "./together.ts";

/** The graph that makes the mean of the absolute values of each channel of some maps, and the names of these means by map. */
function withMeans(graph: Graph, maps: readonly string[]): { watched: Graph; means: ReadonlyMap<string, string> } {
  const editor = new GraphEditor(graph);
  const means = new Map(maps.map((map) => {
    // |x| = max(x, 0) + max(-x, 0)
    const negative = editor.one("Neg", `${map}/negative`, [map], {});
    const parts = [[map, "above"], [negative, "below"]].map(([x, part]) =>
      editor.one("Relu", `${map}/${part}`, [x], {})
    );
    const absolute = editor.one("Add", `${map}/absolute`, parts, {});
    return [map, editor.one("GlobalAveragePool", `${map}/mean`, [absolute], {})] as const;
  }));
  return { watched: editor.finish({ outputs: [...means.values()] }), means };
}

/**
 * Begins to collect the means of absolute values of `maps`, which are `[N,C,H,W]`. Ending throws FeatherdetError where one is not finite;
 * what the runner throws is passed on.
 */
export function collectActivations(
  graph: Graph,
  maps: readonly string[],
  { runner, together = 1 }: Pick<StatisticsSource, "runner" | "together">,
): Collecting<ArrayLike<number>> {
  const sums = new Map<string, Float64Array>(), made = new Map<Graph, ReturnType<typeof withMeans>>();
  let pictures = 0;
  const joint = new JointSamples(graph, together, async (run) => {
    const known = made.get(run.graph) ?? withMeans(run.graph, maps);
    made.set(run.graph, known);
    const found = await runner.run(known.watched, run.inputs);
    for (const [map, mean] of known.means) {
      const { shape: [, channels], data } = found[mean];
      const sum = sums.get(map) ?? new Float64Array(channels);
      data.forEach((x, i) => sum[i % channels] += x);
      sums.set(map, sum);
    }
    pictures += run.graph.inputs[0].shape[0];
  });
  return {
    add: (sample) => joint.add(sample),
    async end() {
      await joint.end();
      const bad = [...sums].find(([, sum]) => !sum.every(Number.isFinite));
      if (bad) {
        throw new FeatherdetError(`the mean of the absolute values of "${bad[0]}" is not finite`, { file: graph.name });
      }
    },
    found: () => new Map([...sums].map(([map, sum]) => [map, sum.map((x) => x / pictures)])),
    warnings: () => [],
    release() {
      for (const { watched } of made.values()) runner.release(watched);
    },
  };
}
