/**
 * Files beside an exported model: class names and sizes where the runtime's own format drops them, and calibration pictures for the runtime's
 * own quantizer.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CalibrationSamples } from "../../compress/statistics.ts";
import { classNamesOf } from "../../detect/class_names.ts";
import type { Graph } from "../../graph/mod.ts";
import { makeFolderOf, writeWhole } from "../../host/whole_file.ts";
import { encodePng } from "../../image/codec/encode.ts";
import { mnnTailNames } from "./float_tail.ts";
import type { Target } from "./targets.ts";

/** Name of the file without its ending. */
export function stem(file: string): string {
  return file.replace(/\.onnx$/i, "");
}

/** The file of an array of floats in NumPy's format (version 1.0), row-major. */
export function npyFile(shape: readonly number[], data: Float32Array): Uint8Array<ArrayBuffer> {
  const extents = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${extents}), }`;
  // Magic, version, length and header fill up whole lines of 64 bytes.
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const file = new Uint8Array(10 + length + data.byteLength);
  file.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, length & 255, length >> 8]);
  file.set(new TextEncoder().encode(`${text.padEnd(length - 1)}\n`), 10);
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + length);
  return file;
}

/** Planes `[1, 3, height, width]` as pixels `[height, width, 3]`, each number made another by `change`. */
function pixels<Data extends Uint8Array | Float32Array>(
  planes: Float32Array,
  into: Data,
  change: (x: number) => number,
) {
  const size = planes.length / 3;
  for (let i = 0; i < size; i++) for (let c = 0; c < 3; c++) into[3 * i + c] = change(planes[c * size + i]);
  return into;
}

/** Makes LiteRT's int8 with a tail in float, from a float file and the pictures beside it. */
const LITERT_PROGRAM = new URL("./quantize_litert.py", import.meta.url);

/**
 * What MNN's quantizer is told: all but the tail in int8, thresholds of activations that leave the least error (ADMM). Its `KL` and `EMA`
 * cost YOLO11n half of its mAP.
 */
function mnnConfiguration(graph: Graph, folder: string, count: number): Record<string, unknown> {
  const [, , height, width] = graph.inputs[0].shape;
  return {
    format: "RGB",
    ...{ mean: [0, 0, 0], normal: [1 / 255, 1 / 255, 1 / 255], width, height, path: folder, used_image_num: count },
    ...{ feature_quantize_method: "ADMM", weight_quantize_method: "MAX_ABS" },
    skip_quant_op_names: mnnTailNames(graph),
  };
}

/** Writes what a target wants beside the model's file; returns the names of the files and folders. */
export async function writeBeside(
  file: string,
  graph: Graph,
  { names, calibration }: Target,
  pictures?: { readonly samples: CalibrationSamples; readonly input: string },
): Promise<string[]> {
  const written: string[] = [];
  if (names === "beside") {
    const { stride, task, imgsz, batch } = graph.metadata;
    const name = `${stem(file)}_metadata.json`;
    await writeWhole(
      name,
      JSON.stringify({ task, stride, imgsz, batch, names: classNamesOf(graph) }, undefined, 1) + "\n",
    );
    written.push(name);
  }
  if (calibration === undefined || pictures === undefined) return written;
  const folder = `${stem(file)}_calibration`, list: string[] = [], arrays: Float32Array[] = [];
  // MNN takes all files of a folder for pictures.
  const shown = calibration === "mnn" ? join(folder, "pictures") : folder;
  makeFolderOf(join(shown, "list.txt"));
  let extent: readonly number[] = [];
  for await (const { inputs } of pictures.samples) {
    const { shape, data } = inputs[pictures.input];
    const planes = data as Float32Array;
    extent = shape;
    if (calibration === "nhwc") arrays.push(pixels(planes, new Float32Array(planes.length), (x) => x));
    else {
      const name = join(shown, `${String(list.length).padStart(4, "0")}.png`);
      const levels = pixels(planes, new Uint8Array(planes.length), (x) => Math.round(255 * x));
      await writeWhole(name, await encodePng({ width: shape[3], height: shape[2], data: levels }));
      list.push(name);
    }
  }
  if (calibration === "nhwc") {
    const all = new Float32Array(arrays.length * (arrays[0]?.length ?? 0));
    arrays.forEach((one, i) => all.set(one, i * one.length));
    await writeWhole(join(folder, "nhwc.npy"), npyFile([arrays.length, extent[2], extent[3], 3], all));
    await writeWhole(join(folder, "quantize_litert.py"), await readFile(LITERT_PROGRAM));
  } else if (calibration === "mnn") {
    const configuration = mnnConfiguration(graph, `${shown}/`, list.length);
    await writeWhole(join(folder, "mnnquant.json"), JSON.stringify(configuration, undefined, 1) + "\n");
  } else await writeWhole(join(folder, "list.txt"), list.map((name) => `${name}\n`).join(""));
  return [...written, folder];
}
