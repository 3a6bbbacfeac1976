/**
 * The candidates of a compression as variants of a manifest of their own, with what they will cost and how long they will take.
 *
 * @module
 */

import type { Dataset } from "../../data/dataset.ts";
import type { RecipeStep, Variant } from "../../report/table/mod.ts";
import { isReference } from "../../report/table/recipe.ts";
import {
  type ExpectedCosts,
  expectedCosts,
  filledSteps,
  type OriginalModel,
  outOfReach,
  type Rung,
  sizeOf,
} from "./ladder.ts";
import { stepSeconds, type Work } from "./pace.ts";
import { type Target, targetText } from "./targets.ts";

/** Id of the model that is compressed, in the manifest and in all that is told. */
export const ORIGINAL = "original";

/** What candidates are made for. */
export interface CandidateSettings {
  readonly original: OriginalModel;
  readonly targets: readonly Target[];
  /** Data set by name or folder, and the part that judges. */
  readonly data: string;
  readonly split: string;
  /** Pictures that are trained on and judged by. */
  readonly trained: Pick<Dataset, "images">;
  readonly validated: Pick<Dataset, "images">;
  /** Factor on numbers of epochs. */
  readonly effort: number;
  /** Only the first so many pictures of each part. */
  readonly limit?: number;
  readonly seed: number;
}

/** A candidate, ready to be made. */
export interface Candidate {
  readonly id: string;
  readonly title: string;
  readonly size: number;
  readonly precision: "f32" | "int8";
  readonly steps: readonly RecipeStep[];
  /** Ids of candidates that it is made from. */
  readonly parents: readonly string[];
  /** Shares of the original's. */
  readonly expected: ExpectedCosts;
  /** Cost targets that it cannot meet, as text. */
  readonly outOfReach: readonly string[];
  /** Seconds at a pace of 1, its parents' not among them, and those that do not depend on the pace. */
  readonly seconds: (pace: number) => number;
}

/** Figure that epochs are chosen by: that of the targets. */
export const metricOf = (targets: readonly Target[]): "map" | "map50" =>
  targets.some(({ kind }) => kind === "map") ? "map" : "map50";

/** Options that keep a verb to the first pictures. */
function limited({ verb, ...step }: RecipeStep, limit: number | undefined): RecipeStep {
  if (limit === undefined) return { verb, ...step };
  const options = { ...step.options, limit, ...(verb !== "quantize" && { valLimit: limit }) };
  return { verb, ...step, options };
}

/** The candidates of a ladder in its order. Throws FeatherdetError for places that nobody knows. */
export function candidatesOf(rungs: readonly Rung[], settings: CandidateSettings): readonly Candidate[] {
  const { original, targets, limit, trained, validated } = settings, metric = metricOf(targets);
  return rungs.map((rung) => {
    const steps = filledSteps(rung, original, targets, { ...settings, metric }).map((step) => limited(step, limit));
    const references = steps.flatMap(({ options }) => Object.values(options)).filter(isReference);
    const parents = references.flatMap((one) => "variant" in one && one.variant !== ORIGINAL ? [one.variant] : []);
    const size = sizeOf(rung, original, targets), expected = expectedCosts(rung, original, targets);
    const work: Work = {
      trained: trained.images.length,
      validated: validated.images.length,
      original: original.figures.gflops! * (size / original.size) ** 2,
      candidate: original.figures.gflops! * expected.gflops,
    };
    return {
      ...{ id: rung.id, title: rung.title, size, steps, expected, parents: [...new Set(parents)] },
      precision: rung.weights === "int8" ? "int8" : "f32",
      outOfReach: outOfReach(rung, original, targets).map(targetText),
      seconds: (pace) => steps.reduce((sum, step) => sum + stepSeconds(step, work, pace), 0),
    };
  });
}

/** A candidate behind everything that it is made from. */
export function chainOf(candidates: readonly Candidate[], id: string): readonly Candidate[] {
  const own = candidates.find((one) => one.id === id);
  if (!own) return [];
  return [...new Set([...own.parents.flatMap((parent) => chainOf(candidates, parent)), own])];
}

/** Seconds of what is not made yet of a candidate and what it is made from. */
export function secondsOf(
  candidates: readonly Candidate[],
  id: string,
  made: ReadonlySet<string>,
  pace: number,
): number {
  return chainOf(candidates, id).filter((one) => !made.has(one.id)).reduce((sum, one) => sum + one.seconds(pace), 0);
}

/** The manifest: the original, whose file lies beside it, and all candidates with their recipes. */
export function manifestOf(
  candidates: readonly Candidate[],
  { original, data, split, seed }: Pick<CandidateSettings, "original" | "data" | "split" | "seed">,
  source: string,
): { readonly variants: readonly (Omit<Variant, "made"> & { readonly made: unknown })[] } {
  const of = { data, split };
  const file = (id: string) => ({ model: { file: `models/${id}.onnx` } });
  return {
    variants: [
      {
        ...of,
        id: ORIGINAL,
        title: "original",
        role: "original",
        ...file(ORIGINAL),
        size: original.size,
        precision: "f32",
        made: `given: ${source}`,
      },
      ...candidates.map(({ id, title, size, precision, steps }) => ({
        ...{ ...of, id, title, role: "other" as const, ...file(id), size, precision },
        made: { steps, out: `data/models/${id}.onnx`, seeds: [seed] },
      })),
    ],
  };
}
