/**
 * What all verbs that make a model smaller share: the model, the pictures and the file, the passes run with a bar, the report, and the one
 * JSON object. A verb adds its options and says which passes they stand for.
 *
 * @module
 */

import type { Command, OptionValues } from "npm:@commander-js/extra-typings@15.1.0";
import type { PassStep } from "../compress/pass.ts";
import {
  type CompressedModel,
  type Compression,
  type CompressionInput,
  compressModel,
  type PicturesWanted,
} from "../recipes/compress_model.ts";
import type { InputOptions } from "../detect/picture_input.ts";
import { inputSize, integerIn } from "./arguments.ts";
import { firstPixelOption, inputChannelsOption, inputRangeOption, strictOption } from "./detection_options.ts";
import { modelSource } from "../host/models.ts";
import type { Output } from "./output.ts";
import { type Progress, progressBar } from "./progress.ts";
import { INTERRUPTED, stopSignal } from "./stop_signal.ts";
import { deviceAction, deviceVerb } from "./verb.ts";

/** What is said of a model that was made. */
export interface Told {
  /** Lines of the result, for people. */
  readonly lines: readonly string[];
  /** What the user should know, a sentence each. */
  readonly warnings?: readonly string[];
  /** Fields of the JSON object besides `file`. */
  readonly json: object;
}

/** A compression, and what a verb says of it. */
export interface CompressionJob<Steps extends readonly PassStep<unknown>[]> extends Compression<Steps> {
  /** What is said when the file is written. */
  told(made: CompressedModel<Steps>, input: CompressionInput): Told;
  /** Measures what was made and says it; the fields that it adds to the JSON object, or puts in the place of others. */
  measured?(made: CompressedModel<Steps>, input: CompressionInput): Promise<object>;
}

/** A job whose reports nobody else has to understand. */
export type AnyCompressionJob = { run(options: RunOptions, output: Output): Promise<object> };

/** What all such verbs are asked. */
interface RunOptions extends InputOptions {
  readonly model: string;
  readonly out: string;
  readonly size?: number;
}

/** Runs a job: what `--json` prints. */
export function compressionJob<const Steps extends readonly PassStep<unknown>[]>(
  job: CompressionJob<Steps>,
): AnyCompressionJob {
  return {
    async run({ model, out, size, inputRange, inputChannels }, output) {
      let bar: Progress | undefined;
      const stop = stopSignal(output, "stopping after this picture or layer");
      const { signal } = stop;
      // From here on Ctrl-C is handled.
      output.note(`reading ${modelSource(model)}`);
      const options = {
        signal,
        ...{ model, out, size, inputRange, inputChannels },
        onNote: (line: string) => output.note(line),
        onPicture(done: number, total: number) {
          bar ??= progressBar(total, "pictures");
          bar.step();
          if (done === total) bar.stop();
        },
      };
      let told: Told | undefined;
      try {
        const { file, measured } = await compressModel(job, options, async (made, input) => {
          told = job.told(made, input);
          for (const warning of told.warnings ?? []) output.note(`warning: ${warning}`);
          for (const line of told.lines) output.line(line);
          output.line(`written to ${out}, ${made.file.bytes} bytes`);
          return await job.measured?.(made, input);
        });
        return { ...told!.json, file, ...measured };
      } catch (error) {
        if (!signal.aborted || error !== signal.reason) throw error;
        output.note(`interrupted: ${told ? `${out} is written, not all of it is measured` : "nothing is written"}`);
        Deno.exitCode = INTERRUPTED;
        return { reason: "interrupted", ...told?.json, file: told ? { name: out } : null };
      } finally {
        bar?.stop();
        stop.release();
      }
    },
  };
}

/** Runs something with a bar that counts its steps. */
export async function withBar<T>(
  total: number,
  unit: string,
  run: (step: (label?: string) => void) => Promise<T>,
): Promise<T> {
  const bar = progressBar(total, unit);
  try {
    return await run((label) => bar.step(label));
  } finally {
    bar.stop();
  }
}

/** The options that all such verbs have. */
function sharedOptions(name: string, summary: string, example: string) {
  return deviceVerb(name, summary, example)
    .requiredOption("--model <model>", "ONNX file, URL, or name")
    .option("--calibrate <set>", "pictures that passes look at: synthetic, bccd, coco, a folder, or its data.yaml")
    .requiredOption("--out <file>", "ONNX file to write")
    .option("--split <name>", "part of the data set; train by default where there are parts")
    .option("--limit <number>", "only the first so many pictures", integerIn(1, 2 ** 31 - 1), 256)
    .addOption(strictOption())
    .addOption(firstPixelOption())
    .option("--size <pixels>", "side of the network's input; the model's own by default", inputSize)
    .addOption(inputRangeOption())
    .addOption(inputChannelsOption());
}

/** A command with the options that all such verbs have. */
export type CompressCommand = ReturnType<typeof sharedOptions>;

/** What of a verb is its own. */
export interface CompressVerb<Options extends OptionValues> {
  readonly name: string;
  readonly summary: string;
  readonly example: string;
  /** Adds the verb's own options. */
  readonly options: (command: CompressCommand) => Command<[], Options>;
  /** What its options stand for; `isGiven` tells which were typed. Throws FeatherdetError for options that do not go together. */
  readonly job: (options: Options, isGiven: (option: keyof Options) => boolean, output: Output) => AnyCompressionJob;
}

/** The pictures that were asked for; undefined where none were. */
export function picturesOf(
  { calibrate, split, limit, strict, firstPixel }: { calibrate?: string } & Omit<PicturesWanted, "data">,
): Compression<[]>["pictures"] {
  return calibrate === undefined ? undefined : { data: calibrate, split, limit, strict, firstPixel };
}

/** The command of such a verb, with all of its options. */
export function compressCommand<Options extends OptionValues>(
  { name, summary, example, options }: Omit<CompressVerb<Options>, "job">,
): Command<[], Options> {
  return options(sharedOptions(name, summary, example));
}

/** Runs such a verb with what a command has parsed: what `--json` prints. */
export async function runCompress<Options extends OptionValues & RunOptions>(
  { job }: Pick<CompressVerb<Options>, "job">,
  command: { opts(): Options; getOptionValueSource(name: string): string | undefined },
  output: Output,
): Promise<object> {
  const settings = command.opts();
  const isGiven = (option: keyof Options) => command.getOptionValueSource(String(option)) === "cli";
  return await job(settings, isGiven, output).run(settings, output);
}

/** A verb that makes a model smaller. */
export function compressVerb<Options extends OptionValues & RunOptions & { json?: true; install: boolean }>(
  verb: CompressVerb<Options>,
): Command<[], Options> {
  return compressCommand(verb).action(async (given, command) => {
    await deviceAction<Options>((_, output) => runCompress(verb, command, output))(given as Options);
  });
}
