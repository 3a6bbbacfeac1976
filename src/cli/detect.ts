/**
 * `detect`: finds objects on pictures, in videos and in what cameras see, prints and draws them.
 *
 * @module
 */

import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import type { Detector } from "../detect/detector.ts";
import { decodeImage } from "../image/codec/decode.ts";
import { DECODE_TIMEOUT, sharedDecodeWorker } from "../image/codec/decode_there.ts";
import { sentence } from "../host/file_error.ts";
import { listSources } from "../host/sources/open.ts";
import type { DecodePicture, Source, SourceFrame } from "../host/sources/source.ts";
import { detectAll, type ImageResult, type NamedPicture, printDetections, printSpeed } from "./detections.ts";
import { type DetectorSettings, detectorVerb, loadDetector, maxPixelsOption } from "./detection_options.ts";
import { drawTargets } from "./draw_targets.ts";
import { Drawing } from "./drawing.ts";
import type { Output } from "./output.ts";
import { progressBar } from "./progress.ts";
import { INTERRUPTED, stopSignal } from "./stop_signal.ts";
import { deviceAction, Quit } from "./verb.ts";

/** A picture that could not be read, as `--json` prints it. */
interface FailedImage {
  readonly file: string;
  readonly frame?: number;
  readonly error: string;
}

/** A picture on its way through the detector. */
interface ReadPicture extends NamedPicture {
  readonly source: SourceFrame;
}

/** How sources are read. */
interface Reading {
  readonly decode: DecodePicture;
  readonly strict: boolean;
  readonly signal: AbortSignal;
  readonly output: Output;
}

/** The pictures that can be read; what is wrong with the others goes to `failed`. With `strict` the first of them ends it. */
async function* readable(
  sources: readonly Source[],
  failed: FailedImage[],
  { decode, strict, signal, output }: Reading,
): AsyncGenerator<ReadPicture> {
  const fail = (file: string, error: unknown, frame?: number) => {
    const record = { file, ...frame !== undefined && { frame }, error: sentence(error) };
    failed.push(record);
    output.record(record);
    output.note(`error: ${record.error}`);
  };
  for (const source of sources) {
    if (signal.aborted) return;
    try {
      for await (const frame of source.frames({ decode, signal })) {
        if (signal.aborted) return;
        let picture: ReadPicture;
        try {
          picture = { file: frame.file, image: await frame.image(), source: frame };
        } catch (error) {
          fail(frame.file, error, frame.frame);
          if (strict) return;
          continue;
        }
        yield picture;
      }
    } catch (error) {
      fail(source.file, error);
      if (strict) return;
    }
  }
}

/** What is counted: pictures of files and URLs, or frames of videos among them. */
const unitOf = (sources: readonly Source[]) =>
  sources.every(({ content }) => content === "picture") ? "images" : "sources";

/** Says how many of the pictures could not be read, and sets the exit status. */
function tellFailures(failed: readonly FailedImage[], sources: readonly Source[], output: Output): void {
  if (failed.length === 0) return;
  Deno.exitCode = 1;
  if (sources.length > 1) output.note(`${failed.length} of ${sources.length} ${unitOf(sources)} could not be read`);
}

/** What may help where nothing was found. */
function nothingText({ head }: Detector, { inputRange, confidence }: DetectorSettings): string {
  const asked = `nothing was found with a score of at least ${confidence}: --confidence lowers it`;
  if (head === "maps" || inputRange !== undefined) return asked;
  return `${asked}; a network that was trained on levels in 0..255 needs --input-range 0..255, one on BGR --input-channels bgr`;
}

/** A result as it is printed: frames of videos have a number, and the seconds from the beginning where those are known. */
function resultOf({ file, frame, video }: SourceFrame, detections: ImageResult["detections"]): ImageResult {
  const time = video?.rate !== undefined && frame !== undefined ? frame / video.rate : undefined;
  return { file, ...frame !== undefined && { frame }, ...time !== undefined && { time }, detections };
}

/** The verb `detect`. */
export const detectVerb = detectorVerb(
  "detect",
  "Detect objects on images, in videos and in what a camera sees.",
  "deno task detect --model yolo11n.onnx --image street.jpg --draw found.png",
)
  .alias("predict")
  .requiredOption("--model <model>", "ONNX file, URL, or name")
  .requiredOption(
    "--image <source...>",
    "images (JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF, HEIC), videos, folders of them, patterns, URLs, camera:0, - for stdin",
  )
  .option("--draw <target>", "draw boxes and labels: a file for one image or video, a folder for several")
  .option("--force", "replace drawn files that exist")
  .option("--strict", "end at the first image that is damaged or cannot be read")
  .addOption(maxPixelsOption())
  .addOption(
    new Option("--jsonl", "print a JSON object a line on stdout for each image or frame as it is done")
      .conflicts("json"),
  )
  .action(async (options) => {
    await deviceAction<typeof options>(async (settings, output) => {
      const { sources, notes } = listSources(settings.image);
      for (const note of notes) output.note(note);
      const { draw, strict = false, force = false, maxPixels } = settings;
      const targets = new Map(
        draw === undefined ? [] : drawTargets(sources, draw, force).map((target, at) => [sources[at].file, target]),
      );
      const onWarning = (text: string) => output.note(`warning: ${text}`);
      const limits = { strict, maxPixels, timeout: DECODE_TIMEOUT, onWarning };
      const decode: DecodePicture = (bytes, file) => decodeImage(bytes, file, limits);
      // Begun first, so that it is ready when the model is.
      sharedDecodeWorker();
      const drawing = new Drawing(targets, force, (text) => output.note(text));
      const { detector, load } = await loadDetector(settings.model, settings, output);
      // Lines of results are progress enough for who watches them.
      const isCounted = unitOf(sources) === "images" && (output.json || !Deno.stdout.isTerminal());
      const progress = progressBar(isCounted ? sources.length : 0, "images");
      const images: ImageResult[] = [], failed: FailedImage[] = [];
      let done = 0, found = 0;
      const stop = stopSignal(output, "stopping after the images that have been begun");
      try {
        const pictures = readable(sources, failed, { decode, strict, signal: stop.signal, output });
        const timing = await detectAll(detector, pictures, async ({ source, image }, detections) => {
          const result = resultOf(source, detections);
          done++;
          found += detections.length;
          // A video may be long: only the one object needs all of its results.
          if (output.json) images.push(result);
          await drawing.draw(source, image, detections);
          output.record(result);
          printDetections(output, result);
          progress.step(result.file);
        });
        await drawing.close();
        const speed = { load, ...timing };
        progress.stop();
        if (done > 0 && found === 0) output.note(nothingText(detector, settings));
        if (draw !== undefined && done > 0) output.note(`drawn to ${draw}`);
        if (done > 0) printSpeed(output, speed);
        tellFailures(failed, sources, output);
        // Nothing was asked for but this: there is no result.
        if (sources.length === 1 && done === 0 && failed.length === 1) throw new Quit(1);
        const interrupted = stop.signal.aborted;
        if (interrupted) {
          Deno.exitCode = INTERRUPTED;
          const all = unitOf(sources) === "images" ? ` of ${sources.length}` : "";
          output.note(`interrupted after ${done}${all} images`);
        }
        const others = { ...(failed.length > 0 && { failed }), ...(interrupted && { interrupted }) };
        return { images, ...others, ...(done > 0 && { speed }) };
      } finally {
        progress.stop();
        stop.release();
        // What was drawn before an error can be played too.
        await drawing.close().catch(() => {});
        detector.destroy();
      }
    })(options);
  });
