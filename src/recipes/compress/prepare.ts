/**
 * What a compression knows before anything is made: the model, the pictures, the candidates, and their manifest in the folder.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { historyOf } from "../../compress/history.ts";
import type { Dataset } from "../../data/dataset.ts";
import { sha256OfFile } from "../../data/download/checksum.ts";
import { kindOf, readBytes } from "../../data/files.ts";
import { openDataset } from "../../data/open.ts";
import { analyze, FeatherdetError } from "../../graph/mod.ts";
import { loadModel, modelSource } from "../../host/models.ts";
import { makeFolder } from "../../host/table_files.ts";
import { writeWhole } from "../../host/whole_file.ts";
import { hashOfData } from "../../report/table/recipe.ts";
import { predictedMilliseconds } from "../predicted_latency.ts";
import { type Candidate, type CandidateSettings, candidatesOf, manifestOf, ORIGINAL } from "./candidates.ts";
import { type OriginalModel, readLadder } from "./ladder.ts";
import { type CompressRequest, readState } from "./state.ts";
import { checkTargets, parseTarget, targetText } from "./targets.ts";

/** What is compressed, and how far. */
export interface CompressSubject {
  /** Name, file or URL of the model. */
  readonly model: string;
  /** Data set by name or folder. */
  readonly data: string;
  /** Texts as `parseTarget` reads them. */
  readonly targets: readonly string[];
  /** Folder for everything. */
  readonly out: string;
  /** Part of the data set that judges; `val` by default. */
  readonly split?: string;
  /** Part that nothing is chosen by, of which figures are told once at the end; `test` by default where there is one. */
  readonly testSplit?: string;
  /** Factor on numbers of epochs; 1 by default. */
  readonly effort?: number;
  /** A quick look at the first so many pictures of each part. */
  readonly limit?: number;
  readonly seed?: number;
  /** File of the candidates; the project's own by default. */
  readonly ladder?: string;
  /** Only says what would be done, for which no device is needed. */
  readonly dryRun?: boolean;
}

/** Everything that is known before anything is made. */
export interface Prepared extends CandidateSettings {
  readonly candidates: readonly Candidate[];
  readonly request: CompressRequest;
  readonly manifest: string;
  readonly validated: Dataset;
  readonly tested: Dataset | undefined;
}

/** The part that judges at the end, where there is one. */
async function openTest(
  data: string,
  asked: string | undefined,
  limit: number | undefined,
): Promise<Dataset | undefined> {
  try {
    return await openDataset(data, { split: asked ?? "test", limit });
  } catch (error) {
    if (asked !== undefined || !(error instanceof FeatherdetError)) throw error;
    return undefined;
  }
}

/**
 * Reads model, data and ladder; puts the original and the manifest into the folder. Throws FeatherdetError for what is no model, data set,
 * ladder or target, and for a folder that holds a compression of something else.
 */
export async function prepare(options: CompressSubject): Promise<Prepared> {
  const { model, data, out, split = "val", testSplit, limit, effort = 1, seed = 0 } = options;
  const targets = options.targets.map(parseTarget);
  checkTargets(targets);
  const source = modelSource(model);
  if (kindOf(source) !== "file") {
    throw new FeatherdetError("is no file: name an ONNX file, or the name of one that is here", { file: source });
  }
  const graph = await loadModel(source, { batch: 1 }), [, , height, width] = graph.inputs[0].shape;
  if (height !== width || height % 32 !== 0) {
    throw new FeatherdetError(`reads ${height} x ${width} pixels: a square of a multiple of 32 is expected`, {
      file: source,
    });
  }
  const { flops, parameters } = analyze(graph), bytes = await readBytes(source), fileBytes = bytes.length;
  const devices = targets.flatMap(({ device }) => device ?? []);
  const trainedAs = historyOf(graph).findLast(({ name }) => name === "train")?.options.augment;
  const { flipVertical } = (trainedAs ?? {}) as { readonly flipVertical?: number };
  const original: OriginalModel = {
    ...{ size: width, parameters, fileBytes, ...(flipVertical && { flipVertical }) },
    figures: {
      ...{ gflops: flops / 1e9, bytes: fileBytes, parameters },
      ...Object.fromEntries(
        await Promise.all(
          devices.map(async (device) => [`latency@${device}`, await predictedMilliseconds(graph, device)] as const),
        ),
      ),
    },
  };
  const trained = await openDataset(data, { split: "train", limit }),
    validated = await openDataset(data, { split, limit });
  const tested = await openTest(data, testSplit, limit);
  const settings = {
    original,
    targets,
    data: kindOf(data) === undefined ? data : resolve(data),
    split,
    trained,
    validated,
    effort,
    limit,
    seed,
  };
  const candidates = candidatesOf(await readLadder(options.ladder), settings);
  const folder = join(out, "recipe"), manifest = join(folder, "variants.json");
  const content = manifestOf(candidates, settings, source);
  const request: CompressRequest = {
    ...{
      model: await sha256OfFile(source),
      recipes: hashOfData(content.variants.slice(1)),
      data: settings.data,
      split,
    },
    ...{ testSplit: tested?.split ?? null, targets: targets.map(targetText), limit: limit ?? null },
  };
  if (!options.dryRun) {
    // Of another compression nothing may be written over.
    await readState(out, request);
    await makeFolder(join(folder, "models"));
    await writeWhole(join(folder, "models", `${ORIGINAL}.onnx`), bytes);
    await writeWhole(manifest, `${JSON.stringify(content, null, 1)}\n`);
  }
  return { ...settings, candidates, request, manifest, tested };
}
