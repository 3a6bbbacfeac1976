/**
 * Learns numbers of graphs for compression passes, each problem in a TrainingSession of its own.
 *
 * @module
 */

import type { Fit, Fitter } from "../compress/runner.ts";
import { buildTrainingGraph, type ParameterGroup } from "../train/mod.ts";
import { TrainingSession, type TrainingStep } from "./training_session.ts";

/** Steps that are on their way before the first of them has reported: reading back takes longer than a small step. */
const AHEAD = 8;

/** Adam, without decay and without a bound on the gradient. */
function settingsOf(rate: number) {
  const learningRates: Readonly<Record<ParameterGroup, number>> = { weight: rate, bias: rate, norm: rate };
  return { learningRates, momentum: 0.9, weightDecay: 0, averageDecay: 0, clipNorm: Infinity };
}

async function fit(
  { graph, losses, learned, steps, learningRate, feed }: Fit,
): Promise<ReadonlyMap<string, Float32Array>> {
  const trained = new Map(learned.map((name) => [name, "weight"] as const));
  const outputs = losses.map(({ value }) => value);
  const problem = buildTrainingGraph(graph, { outputs, trained, frozen: (name) => !trained.has(name) });
  const session = await TrainingSession.create({ ...problem, losses }, { optimizer: "adamw" });
  try {
    const settings = settingsOf(learningRate), running: Promise<TrainingStep>[] = [];
    for (let step = 0; step < steps; step++) {
      running.push(session.step(feed(step), settings, { epoch: step / steps }));
      if (running.length >= AHEAD) await running.shift();
    }
    await Promise.all(running);
    return await session.trained();
  } finally {
    session.destroy();
  }
}

/**
 * A fitter on the device. The same problem gives the same numbers on one adapter.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { GraphEditor } from "../graph/mod.ts";
 * import { createSessionFitter } from "./session_fitter.ts";
 * const editor = new GraphEditor();
 * const off = editor.one("Sub", "off", [editor.constant("a", [3], new Float32Array(3)), editor.input("target", [3])], {});
 * const loss = editor.one("ReduceMean", "loss", [editor.one("Mul", "squares", [off, off], {})], { axes: [0], keepDims: false });
 * const found = await createSessionFitter().fit({
 *   graph: editor.finish({ outputs: [loss] }),
 *   losses: [{ name: "error", value: loss, weight: 1 }],
 *   learned: ["a"],
 *   steps: 60,
 *   learningRate: 0.1,
 *   feed: () => ({ target: Float32Array.of(1, -1, 0.5) }),
 * });
 * assert.ok(Math.abs(found.get("a")![0] - 1) < 0.2);
 * ```
 */
export function createSessionFitter(): Fitter {
  return { fit };
}
