/**
 * What `demo` and `detect` have in common: running a detector over pictures, printing and drawing what it finds.
 *
 * @module
 */

import { encodeFor } from "../image/codec/encode.ts";
import type { Detection, Detector } from "../detect/detector.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import { drawDetections } from "../report/draw/draw.ts";
import type { Output } from "./output.ts";
import { fileError } from "../host/file_error.ts";
import { decodeInTime } from "../host/sources/source.ts";
import { writeWhole } from "../host/whole_file.ts";
import { prepareLabels } from "../recipes/label_font.ts";

/** A picture with a name to report it by. */
export interface NamedPicture {
  readonly file: string;
  readonly image: RgbImage;
}

/** Detections of one picture, as `--json` prints them. */
export interface ImageResult {
  readonly file: string;
  /** Number of the frame in a video or a stream of pictures, from 0. */
  readonly frame?: number;
  /** Seconds from the beginning of a video. */
  readonly time?: number;
  readonly detections: readonly Detection[];
}

/** Milliseconds, and pictures a second. */
export interface Speed {
  /** Reading the model, planning, compiling kernels, uploading weights. */
  readonly load: number;
  /** From the first picture's file to its detections; drivers finish compiling then. */
  readonly first: number;
  /** Wall-clock time of the other pictures by their number, several in flight; that of the first if it is the only one. */
  readonly perImage: number;
  readonly imagesPerSecond: number;
}

/** Reads and decodes one picture; errors name the file. */
export async function readPicture(file: string): Promise<NamedPicture> {
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(file);
  } catch (error) {
    throw fileError(error, file);
  }
  return { file, image: await decodeInTime(bytes, file) };
}

/** Runs the detector over pictures with several frames in flight; `each` is called in order with every result. */
export async function detectAll<Named extends NamedPicture>(
  detector: Detector,
  pictures: Iterable<Named> | AsyncIterable<Named>,
  each: (picture: Named, detections: readonly Detection[]) => Promise<void>,
): Promise<Omit<Speed, "load">> {
  const started = performance.now();
  const waiting: Named[] = [];
  async function* images() {
    for await (const picture of pictures) {
      waiting.push(picture);
      yield picture.image;
    }
  }
  let count = 0;
  // Drawing and writing results is not detecting.
  let aside = 0;
  let first = 0;
  for await (const detections of detector.stream(images())) {
    const picture = waiting.shift()!;
    const before = performance.now();
    if (count++ === 0) first = before - started;
    await each(picture, detections);
    aside += performance.now() - before;
  }
  const others = performance.now() - started - aside - first;
  const perImage = count > 1 ? others / (count - 1) : first;
  return { first, perImage, imagesPerSecond: 1000 / perImage };
}

/** Writes the picture with its detections drawn on it. `note` is told what of the labels cannot be drawn. */
export async function writeDrawn(
  image: RgbImage,
  detections: readonly Detection[],
  target: string,
  note: (text: string) => void,
): Promise<void> {
  await prepareLabels(detections.map(({ label }) => label), note);
  const bytes = await encodeFor(drawDetections(image, detections), target);
  await writeWhole(target, bytes);
}

/** Prints the detections of one picture as a table. */
export function printDetections(output: Output, { file, frame, detections }: ImageResult): void {
  const count = detections.length === 1 ? "1 object" : `${detections.length} objects`;
  output.line(`${file}${frame === undefined ? "" : ` frame ${frame}`}: ${count}`);
  const widest = Math.max(0, ...detections.map(({ label }) => label.length));
  for (const { label, score, box } of detections) {
    const edges = box.map((edge) => edge.toFixed(1).padStart(7)).join(" ");
    output.line(`  ${label.padEnd(widest)}  ${score.toFixed(3)}  ${edges}`);
  }
}

/** Prints the speed on stderr: the result on stdout is the same in every run. */
export function printSpeed(output: Output, { load, first, perImage }: Speed): void {
  const text = (milliseconds: number) => `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
  const others = perImage === first ? "" : `, ${text(perImage)} for each of the others`;
  output.note(`loaded in ${text(load)}, ${text(first)} for the first image${others}`);
}
