/**
 * Which options of `quantize` go together: what would be ignored is refused before anything is computed.
 *
 * @module
 */

import { isLowBit } from "../compress/quantize/mod.ts";
import { FeatherdetError, type Graph, type Node } from "../graph/mod.ts";

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
  device: "--device",
  measure: "--measure",
  measureSplit: "--measure-split",
  measureLimit: "--measure-limit",
};

/** Of these, what rounding that is learned has a use for. */
const FOR_ROUNDING = ["calibrate", "split", "limit"];

/** What decides over the use of other options. */
export interface DecidingOptions {
  readonly rounding?: string;
  readonly weights: string;
  readonly observer: string;
  readonly mixed?: true;
}

/** Throws FeatherdetError for options that were given (`isGiven` knows them by the library's names) although others leave them no use. */
export function refuseUnused(
  { weights, observer, mixed, rounding }: DecidingOptions,
  isGiven: (option: string) => boolean,
): void {
  const given = (options: Readonly<Record<string, string>>) =>
    Object.keys(options).filter(isGiven).map((option) => options[option]);
  const refuse = (names: readonly string[], what: string) => {
    if (names.length === 0) return;
    throw new FeatherdetError(`${names.join(", ")} ${names.length === 1 ? "is" : "are"} for ${what}`);
  };
  if (mixed === undefined) refuse(given(FOR_MIXED), "--mixed");
  const isLearned = rounding === "reconstructed";
  if (isLearned) {
    if (mixed) refuse(["--rounding reconstructed"], "one precision: --mixed has a use for nearest rounding only");
    if (!["channel", "4bit"].includes(weights)) {
      refuse(["--rounding reconstructed"], "weights of 8 and 4 bits with a scale for each output channel");
    }
    refuse(given({ clipWeights: "--clip-weights" }), "nearest rounding");
  } else refuse(given({ roundingSteps: "--rounding-steps" }), "--rounding reconstructed");
  if (isLowBit(weights)) {
    const useless = Object.entries(FOR_INT8).filter(([option]) => !isLearned || !FOR_ROUNDING.includes(option));
    refuse(given(Object.fromEntries(useless)), `int8: ${weights} weights need neither pictures nor ranges`);
  }
  if (observer !== "percentile") refuse(given({ percentile: "--percentile" }), "--observer percentile");
}

/** What `--float` stands for. Throws FeatherdetError for a name that no node has. */
export function floatOption(text: string, graph: Graph): "yolo11" | "none" | ((node: Node) => boolean) {
  if (text === "yolo11" || text === "none") return text;
  const names = new Set(text.split(",").map((name) => name.trim()));
  for (const name of names) {
    if (!graph.nodes.some((node) => node.name === name)) {
      throw new FeatherdetError(`--float is yolo11, none or names of layers, "${name}" is none of them`, {
        file: graph.name,
      });
    }
  }
  return ({ name }) => names.has(name);
}
