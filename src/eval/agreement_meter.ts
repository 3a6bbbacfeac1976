/**
 * How far a changed detector agrees with the one that it was made from: a score that needs no boxes drawn by people, and that moves where
 * the mAP of few pictures stands still.
 *
 * @module
 */

import type { MeterVariant, ScoreMeter } from "../compress/meter.ts";
import { FidelityMeter } from "../compress/quantize/fidelity.ts";
import type { RunnerTensor } from "../compress/runner.ts";
import { createSessionRunner } from "../engine/session_runner.ts";
import type { Graph } from "../graph/mod.ts";

type Tensors = Readonly<Record<string, RunnerTensor>>;

async function outputsOf(graph: Graph, storage: MeterVariant["storage"], batches: Iterable<{ inputs: Tensors }>) {
  const runner = createSessionRunner({ precision: storage });
  try {
    const found: Tensors[] = [];
    for (const { inputs } of batches) found.push(await runner.run(graph, inputs));
    return found;
  } finally {
    runner.destroy();
  }
}

/**
 * Makes a meter that keeps the outputs of the original. The score is 1 for outputs that are the original's own: for detections the mean
 * over anchors of overlap x (1 - difference of scores), counted by the original's scores; for others 1 - noise power / signal power.
 * Graphs have the shapes of the batches; `basis` says what these are.
 */
export function createAgreementMeter(
  original: Graph,
  batches: readonly { readonly inputs: Tensors }[],
  basis: string,
): ScoreMeter {
  let known: Promise<Tensors[]> | undefined;
  return {
    basis,
    async score({ graph, storage }) {
      known ??= outputsOf(original, "f32", batches);
      const originals = await known, meter = new FidelityMeter();
      (await outputsOf(graph, storage, batches)).forEach((outputs, i) => meter.add(originals[i], outputs));
      return 1 - meter.result().loss;
    },
  };
}
