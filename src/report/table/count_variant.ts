/**
 * Costs and accuracy of one variant, of each seed that is there or was recorded.
 *
 * @module
 */

import { Detector, type DetectorOptions } from "../../detect/detector.ts";
import type { Precision } from "../../engine/session.ts";
import { countCosts } from "../../eval/costs.ts";
import { COCO_SETTINGS, evaluate } from "../../eval/evaluate.ts";
import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import { type Figure, meanOf, type MissingFigure } from "./figure.ts";
import type { MeasureOptions, VariantModel } from "./measure.ts";
import { predictedTimes } from "./predicted.ts";
import { seedVariants } from "./recipe.ts";
import {
  COUNTED_FIGURES,
  type CountedName,
  type Figures,
  LEFT_OUT,
  type PredictedName,
  type ResultRow,
  type SeedRow,
} from "./results.ts";
import type { Variant } from "./variant.ts";

/** A variant that was counted. */
export interface CountedVariant {
  readonly row: ResultRow;
  /** How activations were stored, if something was measured. */
  readonly storage?: string;
  /** The variant of the seed whose file is timed; absent if no file is there. */
  readonly timed?: Variant;
}

/** COCO's way to say that there was nothing to find. */
const accuracy = (value: number): Figure => value < 0 ? { missing: "the pictures show no object" } : { value };

interface Measured {
  readonly figures: Figures<CountedName>;
  readonly storage: string;
  readonly predicted: Figures<PredictedName>;
}

/** What is said of a variant's model, by itself or for all of them. */
export function readingOf(
  { head, boxes, inputRange, inputChannels }: Partial<Variant>,
  { reading }: Pick<MeasureOptions, "reading">,
): MeasureOptions["reading"] {
  const own = Object.entries({ head, boxes, inputRange, inputChannels }).filter(([, value]) => value !== undefined);
  return { ...reading, ...Object.fromEntries(own) };
}

/** A detector on the device that is measured. */
export async function detectorFor(
  graph: Graph,
  variant: Partial<Variant> & { readonly precision: Precision },
  options: Pick<MeasureOptions, "detectorOptions" | "reading">,
  settings: Partial<DetectorOptions> = {},
): Promise<Detector> {
  const { precision } = variant;
  const given = await options.detectorOptions?.(precision);
  return await Detector.load(graph, { ...given, ...readingOf(variant, options), ...settings, precision });
}

async function countAndEvaluate(
  variant: Variant,
  model: VariantModel,
  options: MeasureOptions,
): Promise<Measured> {
  const { dataset, journal, onPicture } = options, { precision } = variant, { graph, fileBytes } = model;
  const detector = await detectorFor(graph, variant, options, COCO_SETTINGS);
  try {
    const { storage } = detector.plan.form;
    const costs = countCosts(graph, { precision, storage });
    const elsewhere = await options.accuracy?.(variant, model);
    const { map, map50 } = elsewhere ?? await evaluate(detector, dataset, {
      journal: journal?.(variant),
      onProgress: onPicture && ((...progress) => onPicture(variant, ...progress)),
    });
    return {
      storage,
      predicted: predictedTimes(graph),
      figures: {
        parameters: { value: costs.parameters },
        fileBytes: { value: fileBytes ?? costs.fileBytes },
        deviceWeightBytes: { value: costs.deviceWeightBytes },
        flops: { value: costs.flops },
        sparsity: { value: costs.sparsity },
        nonzeroFlops: { value: costs.nonzeroFlops },
        bitOperations: { value: costs.bitOperations },
        activationBytes: { value: costs.activationPeak.planned },
        dispatches: { value: costs.dispatches },
        map: accuracy(map),
        map50: accuracy(map50),
      },
    };
  } finally {
    detector.destroy();
  }
}

/** The variant's model, or why it is not measured. */
export async function openVariant(
  variant: Variant,
  { load }: Pick<MeasureOptions, "load">,
): Promise<VariantModel | MissingFigure> {
  const found = await load(variant);
  if ("missing" in found || variant.precision !== "int8") return found;
  const isQuantized = found.graph.nodes.some(({ op }) => op === "QuantizeLinear");
  return isQuantized ? found : { missing: "its model is in floats" };
}

/** What a row tells of its variant. */
function about({ id, title, role, model, size, precision, made, note }: Variant) {
  return { id, title, role, model, size, precision, made, ...(note !== undefined && { note }) };
}

/** Each figure as the mean over the seeds that have figures. */
function meanFigures(seeds: readonly SeedRow[]): Figures<CountedName> {
  const present = seeds.filter(({ source }) => source !== "missing");
  return Object.fromEntries(COUNTED_FIGURES.flatMap((name) => {
    const figures = present.flatMap(({ figures }) => figures[name] ?? []);
    return figures.length === 0 ? [] : [[name, meanOf(figures)]];
  }));
}

/** What is there of a seed. */
interface CountedSeed {
  readonly row: SeedRow;
  readonly missing?: string;
  readonly storage?: string;
  readonly predicted?: Figures<PredictedName>;
}

async function countSeed(
  variant: Variant,
  seed: number,
  options: MeasureOptions,
  recorded: () => Pick<SeedRow, "sha256" | "figures"> | undefined,
): Promise<CountedSeed> {
  const model = await openVariant(variant, options);
  if ("missing" in model) {
    const { missing } = model, found = recorded();
    options.say?.(`${variant.title}: ${found ? "taken from the record" : "not measured"}, ${missing}`);
    if (found) return { row: { seed, source: "recorded", ...found } };
    return { row: { seed, source: "missing", figures: {} }, missing };
  }
  options.say?.(`${variant.title}: ${options.dataset.images.length} pictures`);
  try {
    const { sha256 } = model;
    const { figures, storage, predicted } = await countAndEvaluate(variant, model, options);
    return { row: { seed, source: "measured", ...(sha256 && { sha256 }), figures }, storage, predicted };
  } catch (error) {
    throw error instanceof FeatherdetError ? error.at({ file: variant.id }) : error;
  }
}

/**
 * Counts and evaluates a variant, each of its seeds; `storage` is what is known of how activations are stored. A variant of which nothing
 * is there becomes a row that says so.
 *
 * Throws FeatherdetError, which names the variant, for models that do not fit the data set.
 */
export async function countVariant(
  variant: Variant,
  options: MeasureOptions,
  storage: string | undefined,
): Promise<CountedVariant> {
  const { only, recorded } = options;
  const empty = { figures: {}, timing: {} };
  if (only && !only.includes(variant.id)) {
    options.say?.(`${variant.title}: not measured, ${LEFT_OUT}`);
    return { row: { ...about(variant), missing: LEFT_OUT, ...empty } };
  }
  const seeds = seedVariants(variant), counted: CountedSeed[] = [];
  let stored = storage;
  for (const [index, { seed, variant: one }] of seeds.entries()) {
    const known = () => index === 0 || stored === undefined ? undefined : recorded?.(variant, seed, stored);
    const made = await countSeed(one, seed, options, known);
    stored = made.storage ?? stored;
    counted.push(made);
  }
  const rows = counted.map(({ row }) => row);
  const first = rows.findIndex(({ source }) => source === "measured");
  const sha256 = rows[first]?.sha256;
  const { predicted } = counted[first] ?? {};
  const missing = rows.every(({ source }) => source === "missing") ? counted[0].missing : undefined;
  const row: ResultRow = {
    ...about(variant),
    ...(sha256 && { sha256 }),
    ...(missing !== undefined && { missing }),
    figures: meanFigures(rows),
    ...(predicted && { predicted }),
    ...(seeds.length > 1 && { seeds: rows }),
    timing: {},
  };
  return { row, ...(stored && { storage: stored }), ...(first >= 0 && { timed: seeds[first].variant }) };
}
