/**
 * `detect`: finds objects on pictures, prints and draws them.
 *
 * @module
 */

import type { Detector } from "../detect/detector.ts";
import { sentence } from "../host/file_error.ts";
import { detectAll, type ImageResult, printDetections, printSpeed, readPicture, writeDrawn } from "./detections.ts";
import { type DetectorSettings, detectorVerb, loadDetector } from "./detection_options.ts";
import { drawTargets } from "./draw_targets.ts";
import { listImages } from "./images.ts";
import type { Output } from "./output.ts";
import { progressBar } from "./progress.ts";
import { INTERRUPTED, stopSignal } from "./stop_signal.ts";
import { deviceAction, Quit } from "./verb.ts";

/** A picture that could not be read, as `--json` prints it. */
interface FailedImage {
  readonly file: string;
  readonly error: string;
}

/** How pictures are read one by one. */
interface Reading {
  readonly strict: boolean;
  readonly signal: AbortSignal;
  readonly output: Output;
}

/** The pictures that can be read; what is wrong with the others goes to `failed`. With `strict` the first of them ends it. */
async function* readable(
  files: readonly string[],
  failed: FailedImage[],
  { strict, signal, output }: Reading,
) {
  for (const file of files) {
    if (signal.aborted) return;
    try {
      const onWarning = (text: string) => output.note(`warning: ${text}`);
      yield await readPicture(file, { strict, onWarning });
    } catch (error) {
      failed.push({ file, error: sentence(error) });
      output.note(`error: ${sentence(error)}`);
      if (strict) return;
    }
  }
}

/** Says how many of the pictures could not be read, and sets the exit status. */
function tellFailures(failed: readonly FailedImage[], files: readonly string[], output: Output): void {
  if (failed.length === 0) return;
  Deno.exitCode = 1;
  if (files.length > 1) output.note(`${failed.length} of ${files.length} images could not be read`);
}

/** What may help where nothing was found. */
function nothingText({ head }: Detector, { inputRange, confidence }: DetectorSettings): string {
  const asked = `nothing was found with a score of at least ${confidence}: --confidence lowers it`;
  if (head === "maps" || inputRange !== undefined) return asked;
  return `${asked}; a network that was trained on levels in 0..255 needs --input-range 0..255, one on BGR --input-channels bgr`;
}

const isEmpty = ({ detections }: ImageResult) => detections.length === 0;

/** The verb `detect`. */
export const detectVerb = detectorVerb(
  "detect",
  "Detect objects on images.",
  "deno task detect --model yolo11n.onnx --image street.jpg --draw found.png",
)
  .alias("predict")
  .requiredOption("--model <model>", "ONNX file, URL, or name")
  .requiredOption("--image <path...>", "image files (JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF, HEIC), or folders of them")
  .option("--draw <target>", "draw boxes and labels: a file for one image, a folder for several")
  .option("--force", "replace drawn files that exist")
  .option("--strict", "end at the first image that is damaged or cannot be read")
  .action(async (options) => {
    await deviceAction<typeof options>(async (settings, output) => {
      const { files, notes } = listImages(settings.image);
      for (const note of notes) output.note(note);
      const { draw, strict = false, force = false } = settings;
      const targets = new Map(
        draw === undefined ? [] : drawTargets(files, draw, force).map((target, at) => [files[at], target]),
      );
      const { detector, load } = await loadDetector(settings.model, settings, output);
      // Lines of results are progress enough for who watches them.
      const progress = progressBar(output.json || !Deno.stdout.isTerminal() ? files.length : 0, "images");
      const images: ImageResult[] = [], failed: FailedImage[] = [];
      const stop = stopSignal(output, "stopping after the images that have been begun");
      try {
        const pictures = readable(files, failed, { strict, signal: stop.signal, output });
        const timing = await detectAll(detector, pictures, async (result, image) => {
          images.push(result);
          const target = targets.get(result.file);
          if (target !== undefined) await writeDrawn(image, result.detections, target, (text) => output.note(text));
          printDetections(output, result);
          progress.step(result.file);
        });
        const speed = { load, ...timing };
        progress.stop();
        if (images.length > 0 && images.every(isEmpty)) output.note(nothingText(detector, settings));
        if (draw !== undefined && images.length > 0) output.note(`drawn to ${draw}`);
        if (images.length > 0) printSpeed(output, speed);
        tellFailures(failed, files, output);
        // Nothing was asked for but this: there is no result.
        if (files.length === 1 && failed.length === 1) throw new Quit(1);
        const interrupted = stop.signal.aborted;
        if (interrupted) {
          Deno.exitCode = INTERRUPTED;
          output.note(`interrupted after ${images.length} of ${files.length} images`);
        }
        const others = { ...(failed.length > 0 && { failed }), ...(interrupted && { interrupted }) };
        return { images, ...others, ...(images.length > 0 && { speed }) };
      } finally {
        progress.stop();
        stop.release();
        detector.destroy();
      }
    })(options);
  });
