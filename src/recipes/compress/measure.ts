/**
 * Measures a candidate: costs, accuracy on the split that judges, and the latencies that targets ask for.
 *
 * @module
 */

import type { Dataset } from "../../data/dataset.ts";
import { detectorEntrant, measureInRounds } from "../../eval/measure_rounds.ts";
import { openSharedDevice } from "../../gpu/device.ts";
import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import { JournalFile, journalFile } from "../../host/evaluation_file.ts";
import { tuningFor } from "../../host/tuning_store.ts";
import { loadVariant } from "../../host/variant_model.ts";
import type { CountedName, Figures, Variant } from "../../report/table/mod.ts";
import type { Precision } from "../../engine/setup.ts";
import { countVariant, detectorFor } from "../../report/table/count_variant.ts";
import { predictedMilliseconds } from "../predicted_latency.ts";
import { figureOf, type Target, type TargetFigures } from "./targets.ts";

/** Where variants are and what they are measured on. */
export interface MeasureSettings {
  /** Manifest of the variants, and the folder of their files. */
  readonly manifest: string;
  readonly folder: string;
  readonly dataset: Dataset;
  readonly targets: readonly Target[];
  /** The original, which latencies on this adapter are compared with. */
  readonly original: Variant;
  /** Pictures that were evaluated before are kept in this file while an evaluation is under way. */
  readonly journal?: string;
  readonly say?: (line: string) => void;
}

/** What was measured. */
export interface Measured {
  readonly figures: TargetFigures;
  readonly counted: Figures<CountedName>;
  readonly storage: string | null;
}

/** Rounds in which a candidate is timed beside the original. */
const ROUNDS = 20;

const detectorOptions = async (precision: Precision) => {
  return { tuning: tuningFor(await openSharedDevice(), { precision }) };
};

async function graphOf(variant: Variant, { manifest, folder }: MeasureSettings): Promise<Graph> {
  const model = await loadVariant(variant, manifest, folder);
  if ("missing" in model) throw new FeatherdetError(model.missing, { file: manifest });
  return model.graph;
}

/** Milliseconds of a model and the original on this adapter, in turn, on the first picture. */
async function timed(variant: Variant, settings: MeasureSettings): Promise<number> {
  const { original, dataset } = settings, picture = await dataset.images[0].load();
  const members = variant.id === original.id ? [original] : [original, variant];
  const times = await measureInRounds(
    members.map((one) => async () =>
      detectorEntrant(await detectorFor(await graphOf(one, settings), one, { detectorOptions }), picture)
    ),
    { rounds: ROUNDS, original: 0 },
  );
  const { gpu, detect } = times.at(-1)!;
  return (gpu ?? detect).median;
}

/** Measures the costs of a variant, its accuracy, and the latencies that targets are about. Throws FeatherdetError as `countVariant` does. */
export async function measureCandidate(variant: Variant, settings: MeasureSettings): Promise<Measured> {
  const { dataset, targets, journal, manifest, folder, say } = settings;
  const kept = journal === undefined ? undefined : new JournalFile(journalFile(journal));
  try {
    const { row, storage } = await countVariant({ ...variant, recipe: undefined }, {
      ...{ dataset, detectorOptions, say },
      load: (one) => loadVariant(one, manifest, folder),
      ...(kept && { journal: () => kept }),
    }, undefined);
    if (row.missing !== undefined) throw new FeatherdetError(row.missing, { file: variant.id });
    const valueOf = (name: CountedName) => {
      const figure = row.figures[name];
      return figure && "value" in figure ? figure.value : undefined;
    };
    const figures: Record<string, number | undefined> = {
      ...{ map: valueOf("map"), map50: valueOf("map50"), gflops: valueOf("flops")! / 1e9 },
      ...{ bytes: valueOf("fileBytes"), parameters: valueOf("parameters") },
    };
    for (const target of targets.filter(({ kind }) => kind === "latency")) {
      const { device } = target;
      figures[figureOf(target)] = device === undefined
        ? await timed(variant, settings)
        : await predictedMilliseconds(await graphOf(variant, settings), device, variant.precision);
    }
    await kept?.remove();
    const present = Object.entries(figures).filter(([, value]) => value !== undefined);
    return { figures: Object.fromEntries(present), counted: row.figures, storage: storage ?? null };
  } finally {
    kept?.close();
  }
}
