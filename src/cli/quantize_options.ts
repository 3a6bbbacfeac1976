/**
 * Checks that the options of `quantize` go together. An option that would be ignored is refused before anything is computed.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/mod.ts";
import { findModel } from "../host/models.ts";

/** Options that only int8 has a use for, by the names that the library gives them. */
const FOR_INT8: Readonly<Record<string, string>> = {
  calibrate: "--calibrate",
  split: "--split",
  limit: "--limit",
  observer: "--observer",
  percentile: "--percentile",
  scheme: "--scheme",
  clipWeights: "--clip-weights",
  biasCorrection: "--no-bias-correction",
  equalise: "--equalise",
  joins: "--joins",
  sensitivity: "--sensitivity",
};

/** Options that only the search for mixed precision has a use for. */
const FOR_MIXED: Readonly<Record<string, string>> = {
  budgetMap: "--budget-map",
  budgetMs: "--budget-ms",
  measure: "--measure",
  measureSplit: "--measure-split",
  measureLimit: "--measure-limit",
};

/** What decides over the use of other options. */
export interface DecidingOptions {
  readonly weights: string;
  readonly observer: string;
  readonly mixed?: true;
}

/** Throws FeatherdetError for options that were given (`isGiven` knows them by the library's names) although others leave them no use. */
export function refuseUnused(
  { weights, observer, mixed }: DecidingOptions,
  isGiven: (option: string) => boolean,
): void {
  const given = (options: Readonly<Record<string, string>>) =>
    Object.keys(options).filter(isGiven).map((option) => options[option]);
  const refuse = (names: readonly string[], what: string) => {
    if (names.length === 0) return;
    throw new FeatherdetError(`${names.join(", ")} ${names.length === 1 ? "is" : "are"} for ${what}`);
  };
  if (mixed === undefined) refuse(given(FOR_MIXED), "--mixed");
  if (weights === "ternary" || weights === "binary") {
    refuse(given(FOR_INT8), `int8: ${weights} weights need neither pictures nor ranges`);
  }
  if (observer !== "percentile") refuse(given({ percentile: "--percentile" }), "--observer percentile");
}

/** Throws FeatherdetError if the file to write is the model to read, of which only integers would be left. */
export function refuseSource(model: string, out: string): void {
  const found = findModel(model);
  if ("build" in found || /^(https?|file):/i.test(found.source)) return;
  let written: string;
  try {
    written = Deno.realPathSync(out);
  } catch {
    return;
  }
  if (written === Deno.realPathSync(found.source)) {
    throw new FeatherdetError("is the model itself, whose floats would be lost: name another file to write", {
      file: out,
    });
  }
}

/** The input of a model that is calibrated with pictures. Throws FeatherdetError if it takes something else. */
export function pictureInput(graph: Graph): { readonly name: string; readonly height: number; readonly width: number } {
  const [input] = graph.inputs, { shape: [batch, channels, height, width] } = input;
  if (graph.inputs.length !== 1 || input.shape.length !== 4 || batch !== 1 || channels !== 3) {
    const inputs = graph.inputs.map(({ name, shape }) => `"${name}" [${shape.join(",")}]`).join(", ");
    throw new FeatherdetError(
      `quantize calibrates with pictures, for which a model has one input [1,3,height,width], this one has ${inputs}: ` +
        `calibrate it in code, with quantize()`,
      { file: graph.name },
    );
  }
  return { name: input.name, height, width };
}
