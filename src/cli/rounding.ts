/**
 * `quantize --rounding reconstructed`: the pass that learns how weights are rounded, and what is said of it.
 *
 * @module
 */

import {
  type FloatOption,
  type ReconstructedBits,
  reconstructPass,
  type ReconstructReport,
} from "../compress/quantize/mod.ts";
import { type Pass, type PassStep, passStep } from "../compress/pass.ts";
import type { StatisticsWanted } from "../compress/statistics.ts";
import { createSessionFitter } from "../engine/session_fitter.ts";
import { FeatherdetError } from "../graph/mod.ts";
import type { CompressionInput } from "../recipes/compress_model.ts";
import { type Progress, progressBar } from "./progress.ts";
import type { QuantizeSettings } from "./quantize.ts";

/** Pictures that are looked at, at most: their values are held in memory. */
export const ROUNDING_PICTURES = 32;

/** Layers that are named. */
const NAMED = 5;

/** Throws FeatherdetError where there are no pictures to learn from. */
export function checkRounding({ calibrate, rounding }: QuantizeSettings): void {
  if (calibrate === undefined && rounding === "reconstructed") {
    throw new FeatherdetError("--rounding reconstructed needs pictures that it learns from: --calibrate");
  }
}

/** Rounding to the nearest, which the passes behind it do by themselves. */
const NEAREST: Pass<object, undefined> = {
  name: "nearest",
  effect: "looks",
  needs: (): StatisticsWanted => ({}),
  apply: (graph) => ({ graph, report: undefined }),
};

/** The pass with its bar; one that does nothing where weights are rounded to the nearest. */
export function roundingStep(
  { limit, rounding, roundingSteps: steps, float: rule }: QuantizeSettings,
  { runner, signal }: CompressionInput,
  bits: ReconstructedBits,
  float: FloatOption,
): PassStep<ReconstructReport | undefined> {
  if (rounding === "nearest") return passStep(NEAREST, {});
  let bar: Progress | undefined;
  return passStep(reconstructPass, {
    ...{ bits, steps, float, runner: runner(), fitter: createSessionFitter() },
    samples: Math.min(limit, ROUNDING_PICTURES),
    onLayer(done, total, name) {
      signal?.throwIfAborted();
      bar ??= progressBar(total, "layers");
      bar.step(name);
      if (done === total) bar.stop();
    },
  }, { float: rule });
}

const decibels = (share: number) => `${(-10 * Math.log10(share)).toFixed(1)} dB`;

/** Lines about what was learned, if anything was. */
export function roundingText(report: ReconstructReport | undefined): string[] {
  if (report === undefined) return [];
  const { layers, samples } = report;
  const mean = (of: (layer: typeof layers[number]) => number) =>
    layers.reduce((sum, layer) => sum + of(layer), 0) / layers.length;
  const share = (100 * mean(({ moved }) => moved)).toFixed(1);
  const gained = layers.toSorted((a, b) => b.error.nearest / b.error.learned - a.error.nearest / a.error.learned).slice(
    0,
    NAMED,
  );
  const [nearest, learned] = (["nearest", "learned"] as const).map((which) =>
    decibels(2 ** mean(({ error }) => Math.log2(Math.max(error[which], 1e-20))))
  );
  return [
    `rounding     ${layers.length} layers on ${samples} pictures: signal to noise ${learned}, to the nearest ${nearest}, on average`,
    `moved        ${share} % of the weights are not rounded to the nearest`,
    ...gained.map(({ name, error }) =>
      `gained       ${name}: ${decibels(error.learned)} of ${decibels(error.nearest)}`
    ),
  ];
}
