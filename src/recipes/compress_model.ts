/**
 * A model made smaller, from file to file: load it, open the pictures that its passes look at, run them, write the result whole.
 *
 * @module
 */

import { type PassReports, type PassStep, runPasses } from "../compress/pass.ts";
import type { CalibrationSamples } from "../compress/statistics.ts";
import type { Dataset } from "../data/dataset.ts";
import { openDataset } from "../data/open.ts";
import { type InputOptions, type PictureForm, pictureFormOf } from "../detect/picture_input.ts";
import { createSessionRunner, type SessionRunner } from "../engine/session_runner.ts";
import { takeCalibrationSamples } from "../eval/calibration.ts";
import { FeatherdetError, type Graph } from "../graph/mod.ts";
import { loadModel, refuseSource } from "../host/models.ts";
import { checkTarget, writeWhole } from "../host/whole_file.ts";
import { saveOnnx } from "../onnx/mod.ts";
import { historyDataset } from "./history_dataset.ts";

/** Pictures that passes look at. */
export interface PicturesWanted {
  /** A name, or a folder. */
  readonly data: string;
  /** The part of it; the part for training where there are parts and none is asked for. */
  readonly split?: string;
  /** Only the first so many. */
  readonly limit: number;
  /** Refuse what is otherwise put right or left out with a warning. */
  readonly strict?: boolean;
  /** Number that files in Pascal VOC's form give to the first pixel; by default what their boxes show. */
  readonly firstPixel?: 0 | 1;
}

/** Pictures that were opened. */
export interface OpenedPictures {
  /** All of them. */
  readonly dataset: Dataset;
  /** The same as the model takes them. */
  readonly samples: CalibrationSamples;
  /** Height and width that they are brought to. */
  readonly size: readonly [height: number, width: number];
}

/** What a compression has to work with. */
export interface CompressionInput {
  /** The model as it was loaded. */
  readonly graph: Graph;
  /** The pictures that were asked for. */
  readonly pictures?: OpenedPictures;
  /** A runner on the device, made when it is first asked for, whose floats are stored in this form; f32 by default. */
  readonly runner: (precision?: "f32" | "f16") => SessionRunner;
  /** Asked between two parts of what takes long. */
  readonly signal?: AbortSignal;
}

/** One way to make a model smaller. */
export interface Compression<Steps extends readonly PassStep<unknown>[]> {
  /** The pictures that its passes look at; absent where they look at none. */
  readonly pictures?: PicturesWanted;
  /** Whether the file has short names and what else saves bytes (`SaveOptions.compact`); for models that are not changed any further. */
  readonly compact?: boolean;
  /** Refuses a model before pictures are opened. Throws FeatherdetError. */
  check?(graph: Graph): void;
  /** The passes. */
  steps(input: CompressionInput): Steps | Promise<Steps>;
}

/** Which model, which file, and who is told of it. */
export interface CompressModelOptions extends InputOptions {
  /** ONNX file, URL, or name. */
  readonly model: string;
  /** ONNX file to write. */
  readonly out: string;
  /** Side of the input; the model's own by default. */
  readonly size?: number;
  /** Called with what is doubtful about the pictures. */
  readonly onNote?: (line: string) => void;
  /** Called after each picture that passes looked at how many are done, of how many. */
  readonly onPicture?: (done: number, total: number) => void;
  /** Ends the job with its reason, between two pictures; no file is written then. */
  readonly signal?: AbortSignal;
}

/** What was made. */
export interface CompressedModel<Steps extends readonly PassStep<unknown>[]> {
  /** The model with its history, as it was written. */
  readonly graph: Graph;
  /** Reports of the passes, in their order. */
  readonly reports: PassReports<Steps>;
  /** Where it is, and its bytes. */
  readonly file: { readonly name: string; readonly bytes: number };
}

/** The input of a model that is shown pictures, one at a time. Throws FeatherdetError if it takes something else. */
export function pictureInput(graph: Graph, options: InputOptions = {}): PictureForm {
  if (graph.inputs.length === 1 && graph.inputs[0].shape[0] === 1) {
    try {
      return pictureFormOf(graph, options);
    } catch (error) {
      if (!(error instanceof FeatherdetError)) throw error;
    }
  }
  const inputs = graph.inputs.map(({ name, shape }) => `"${name}" [${shape.join(",")}]`).join(", ");
  throw new FeatherdetError(
    `pictures are shown to models of one input [1,3,height,width] or [1,height,width,3], this one has ${inputs}: run its ` +
      `passes in code, with runPasses() or quantize()`,
    { file: graph.name },
  );
}

/** The pictures: the part for training where there are parts and none was asked for. */
async function openPart(
  { data, split, limit, strict, firstPixel }: PicturesWanted,
  note: (line: string) => void,
): Promise<Dataset> {
  const rest = { limit, strict, firstPixel };
  if (split !== undefined) return await openDataset(data, { split, ...rest });
  try {
    return await openDataset(data, { split: "train", ...rest });
  } catch (error) {
    // Whatever else is wrong with the pictures is no reason to take others.
    if (!(error instanceof FeatherdetError && /no splits?\b/.test(error.detail))) throw error;
    const dataset = await openDataset(data, rest);
    if (dataset.split !== undefined) {
      note(`there is no split "train": calibrating on "${dataset.split}", measure on another`);
    }
    return dataset;
  }
}

async function openPictures(
  graph: Graph,
  wanted: PicturesWanted,
  options: InputOptions,
  note: (line: string) => void,
): Promise<OpenedPictures> {
  const { name: input, height, width, ...form } = pictureInput(graph, options);
  const dataset = await openPart(wanted, note);
  for (const warning of dataset.warnings) note(warning);
  const size = [height, width] as const;
  return { dataset, size, samples: takeCalibrationSamples(dataset, { size, input, form }) };
}

/**
 * Compresses a model from file to file. `after` measures what was made, while the runners are still there, when the file is written.
 *
 * Throws FeatherdetError for a model that cannot be loaded, for a file that cannot be written or is the model itself, for pictures that
 * cannot be read or do not fit the model, and what the passes throw.
 */
export async function compressModel<const Steps extends readonly PassStep<unknown>[], Measured>(
  compression: Compression<Steps>,
  { model, out, size, onNote = () => {}, onPicture, signal, ...inputOptions }: CompressModelOptions,
  after: (made: CompressedModel<Steps>, input: CompressionInput) => Promise<Measured>,
): Promise<CompressedModel<Steps> & { readonly measured: Measured }> {
  checkTarget(out);
  refuseSource(model, out);
  const graph = await loadModel(model, { size, batch: 1 });
  compression.check?.(graph);
  const pictures = compression.pictures && await openPictures(graph, compression.pictures, inputOptions, onNote);
  const runners = new Map<"f32" | "f16", SessionRunner>();
  const runner = (precision: "f32" | "f16" = "f32") => {
    if (!runners.has(precision)) runners.set(precision, createSessionRunner({ precision }));
    return runners.get(precision)!;
  };
  const input = { graph, pictures, runner, signal };
  try {
    const steps = await compression.steps(input);
    const total = pictures?.dataset.images.length ?? 0;
    const source = pictures && {
      samples: pictures.samples,
      runner: runner(),
      onSample: (done: number) => onPicture?.(done, total),
      signal,
    };
    const dataset = pictures && historyDataset(pictures.dataset);
    const { graph: compressed, reports } = await runPasses(graph, steps, { source, origin: { dataset } });
    signal?.throwIfAborted();
    const bytes = saveOnnx(compressed, { compact: compression.compact });
    await writeWhole(out, bytes);
    const made = { graph: compressed, reports, file: { name: out, bytes: bytes.byteLength } };
    return { ...made, measured: await after(made, input) };
  } finally {
    for (const each of runners.values()) each.destroy();
  }
}
