/**
 * What is measured: the model's file and the picture.
 *
 * @module
 */

import { basename } from "node:path";
import { findModel, loadModel } from "../../host/models.ts";
import { encodeJpeg } from "../../image/codec/encode.ts";
import { syntheticPicture } from "../../data/synthetic.ts";
import { saveOnnx } from "../../onnx/mod.ts";

/** A photograph for models that know photographs, in the data for measuring. */
const PHOTOGRAPH = new URL("../../../../shared/data/coco/val/images/000000397133.jpg", import.meta.url);

/** A model as a file that every engine can read. */
export interface ModelFile {
  readonly name: string;
  readonly path: string;
  /** Was written for the measurement and is to be deleted after it. */
  readonly temporary: boolean;
}

function exists(path: URL | string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/**
 * The file of a model for square inputs of `size` pixels: the model's own where it is of that size, else `NAME_SIZE.onnx` beside it,
 * else one that is written, since other engines cannot change a file's size. Throws FeatherdetError if there is no such
 * model or it cannot have that size.
 */
export async function modelFile(model: string, size: number): Promise<ModelFile> {
  const found = findModel(model);
  const source = "source" in found ? found.source : undefined;
  const name = source === undefined ? model : basename(source, ".onnx");
  if (source !== undefined && exists(source)) {
    const [, , height, width] = (await loadModel(source)).inputs[0].shape;
    if (height === size && width === size) return { name, path: source, temporary: false };
    const sized = source.replace(/(\.onnx)?$/, `_${size}.onnx`);
    if (exists(sized)) return { name, path: sized, temporary: false };
  }
  const path = await Deno.makeTempFile({ prefix: `featherdet-${name}-${size}-`, suffix: ".onnx" });
  await Deno.writeFile(path, saveOnnx(await loadModel(model, { size, untrained: true })));
  return { name, path, temporary: true };
}

/** The model that is measured unless one is named: YOLO11n where its file is there, else the demo detector. */
export function defaultModel(): string {
  return "source" in findModel("yolo11n") ? "yolo11n" : "demo";
}

/** The picture that is measured on, as a JPEG file: a photograph of 640 x 427 pixels, or a synthetic picture of 640 x 480. */
export async function benchPicture(model: string): Promise<{ readonly name: string; readonly bytes: Uint8Array }> {
  if (model !== "demo" && exists(PHOTOGRAPH)) {
    return { name: "coco/val/images/000000397133.jpg", bytes: await Deno.readFile(PHOTOGRAPH) };
  }
  const { image } = syntheticPicture({ seed: 7, width: 640, height: 480 });
  return { name: "synthetic, seed 7, 640x480", bytes: await encodeJpeg(image) };
}
