/**
 * Statistics of gradients: those of the loss with respect to constants, run by run. Whoever runs graphs also differentiates: compression
 * knows no loss.
 *
 * @module
 */

import { FeatherdetError, type Graph } from "../graph/mod.ts";
import type { Collecting } from "./collect.ts";
import type { StatisticsSource } from "./statistics.ts";
import { JointSamples } from "./together.ts";

/**
 * Begins to collect the gradients with respect to `constants`.
 *
 * Throws FeatherdetError for a runner without a loss, and, as samples come, for samples without labels and for a constant that is not
 * trained. What the runner throws is passed on.
 */
export function collectGradients(
  graph: Graph,
  constants: readonly string[],
  { runner, together = 1 }: Pick<StatisticsSource, "runner" | "together">,
): Collecting<readonly ArrayLike<number>[]> {
  if (!runner.gradients) {
    throw new FeatherdetError("gradients were asked for, and the runner has no loss: createGradientRunner() has one", {
      file: graph.name,
    });
  }
  const found = new Map<string, Float32Array[]>(constants.map((name) => [name, []]));
  const joint = new JointSamples(graph, together, async ({ graph, name, inputs, labels }) => {
    if (!labels) throw new FeatherdetError(`sample "${name}" has no labels, which gradients need`);
    const made = await runner.gradients!(graph, { inputs, labels }, constants);
    for (const [constant, list] of found) {
      const gradient = made.get(constant);
      if (!gradient) throw new FeatherdetError(`"${constant}" has no gradient`, { file: graph.name });
      list.push(gradient);
    }
  });
  return {
    add: (sample) => joint.add(sample),
    end: () => joint.end(),
    found: () => found,
    warnings: () => [],
    release() {
      for (const each of joint.graphs) runner.release(each);
    },
  };
}
