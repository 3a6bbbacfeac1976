/**
 * Reads what `tests/fixtures/ultralytics_exports.py` wrote into a folder, and compares a model's raw outputs and boxes with it.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import type { Detection } from "../../src/detect/detector.ts";
import type { FoundBox } from "./detections.ts";

/** Numbers in a file of the folder. */
export interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Little-endian f32. */
  readonly file: string;
}

/** An output of onnxruntime in f32. */
export interface StoredOutput extends StoredTensor {
  /** Files of the same output from other right evaluations: fewer fused operators, pictures that are moved by one unit in the last place. */
  readonly again: readonly string[];
  /** Of an export in half precision: the file of the output with every value rounded to f16. */
  readonly half?: string;
}

/** One exported model and what others make of it. */
export interface ExportCase {
  readonly name: string;
  readonly task: string;
  /** What the package says where it does not export this. */
  readonly failed?: string;
  readonly file: string;
  /** Height and width. */
  readonly size: readonly [number, number];
  readonly export: Readonly<Record<string, unknown>>;
  readonly opset: number;
  readonly runs: readonly { readonly input: StoredTensor; readonly outputs: readonly StoredOutput[] }[];
  /** Of each picture x1, y1, x2, y2, score, class; null for other tasks than detection. */
  readonly boxes: readonly (readonly number[])[][] | null;
}

/** The folder's table. */
export interface ExportFolder {
  readonly versions: Readonly<Record<string, string>>;
  readonly pictures: readonly string[];
  readonly confidence: number;
  readonly iou: number;
  readonly cases: readonly ExportCase[];
}

/** How far detections may be from those of the package's pipeline, which runs the same graph in f32 on the same pictures. */
export const BOUNDS = {
  /** Pixels of edges in the picture: less than a drawing shows. */
  pixels: 1,
  /** Score: the last digit that is printed. */
  score: 0.01,
} as const;

/** Scores below this are compared as if they were this large: nobody sees a difference of 1e-7. */
const LEAST_SCORE = 1e-3;

/** Scores that are this near, relative to each other, may be in another order: the last one of a list may then be another. */
const TIE = 1e-4;

/** Largest differences: in pixels, and of scores or other numbers relative to the number, or to the greatest of an output that holds neither. */
export interface RawDifference {
  readonly pixels: number;
  readonly relative: number;
}

/** A tensor's numbers. */
export async function storedNumbers(folder: string, file: string): Promise<Float32Array> {
  const bytes = await readFile(`${folder}/${file}`);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer);
}

/** The larger of two differences, each part by itself. */
export const larger = (a: RawDifference, b: RawDifference): RawDifference => ({
  pixels: Math.max(a.pixels, b.pixels),
  relative: Math.max(a.relative, b.relative),
});

/** The smaller of two differences, each part by itself. */
export const smaller = (a: RawDifference, b: RawDifference): RawDifference => ({
  pixels: Math.min(a.pixels, b.pixels),
  relative: Math.min(a.relative, b.relative),
});

/** NaN is never small. */
const distance = (a: number, b: number) => a === b ? 0 : Number.isNaN(a - b) ? Infinity : Math.abs(a - b);

/** `[N, 4 + classes, anchors]`. */
function anchorDifference(found: Float32Array, wanted: Float32Array, [, rows, anchors]: readonly number[]) {
  let pixels = 0, relative = 0;
  wanted.forEach((number, at) => {
    const off = distance(found[at], number);
    if (Math.floor(at / anchors) % rows < 4) pixels = Math.max(pixels, off);
    else relative = Math.max(relative, off / Math.max(LEAST_SCORE, Math.abs(number)));
  });
  return { pixels, relative };
}

/**
 * Results `[N, results, 6]` whatever the order of those with nearly equal scores: the difference of the best partner. The last result may be
 * another one, where its score is nearly that of the first that was left out.
 */
function resultDifference(
  found: Float32Array,
  wanted: Float32Array,
  shape: readonly number[],
): RawDifference {
  const [batch, results, width] = shape, row = (data: Float32Array, at: number) => data.subarray(at, at + width);
  let total: RawDifference = { pixels: 0, relative: 0 };
  for (let image = 0; image < batch; image++) {
    const rows = Array.from({ length: results }, (_, i) => (image * results + i) * width);
    const free = new Set(rows);
    const last = wanted[rows[results - 1] + 4];
    for (const at of rows) {
      const [x1, y1, x2, y2, score, classId] = row(wanted, at);
      let best: { from: number; pixels: number; relative: number; cost: number } | undefined;
      for (const from of free) {
        const [a, b, c, d, otherScore, otherClass] = row(found, from);
        if (otherClass !== classId) continue;
        const pixels = Math.max(distance(a, x1), distance(b, y1), distance(c, x2), distance(d, y2));
        const relative = distance(otherScore, score) / Math.max(LEAST_SCORE, score);
        const cost = pixels + 100 * relative;
        if (best === undefined || cost < best.cost) best = { from, pixels, relative, cost };
      }
      const isLast = score - last <= TIE * last;
      if (isLast && (best === undefined || best.relative > TIE)) continue;
      if (best === undefined) return { pixels: Infinity, relative: Infinity };
      free.delete(best.from);
      total = larger(total, best);
    }
  }
  return total;
}

/** Numbers without pixels or scores: relative to the greatest. */
function plainDifference(found: Float32Array, wanted: Float32Array): RawDifference {
  const greatest = wanted.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
  const off = wanted.reduce((most, number, at) => Math.max(most, distance(found[at], number)), 0);
  return { pixels: 0, relative: off === 0 ? 0 : off / greatest };
}

/** The difference between a raw output and onnxruntime's. */
export function rawDifference(
  found: Float32Array,
  wanted: Float32Array,
  shape: readonly number[],
  task: string,
): RawDifference {
  if (found.length !== wanted.length) return { pixels: Infinity, relative: Infinity };
  if (task !== "detect" || shape.length !== 3) return plainDifference(found, wanted);
  return shape[2] === 6 ? resultDifference(found, wanted, shape) : anchorDifference(found, wanted, shape);
}

/** How detections go together with those of the package. */
export interface BoxDifference {
  /** Theirs. */
  readonly count: number;
  /** Without a partner, in either list. */
  readonly missing: number;
  readonly surplus: number;
  /** Largest differences between partners. */
  readonly pixels: number;
  readonly score: number;
}

/**
 * Compares the detections of a picture. The end-to-end pipeline of the package prints boxes whose second corner lies before the first; a
 * detector leaves them out, since nothing lies in them.
 */
export function boxDifference(found: readonly Detection[], wanted: readonly (readonly number[])[]): BoxDifference {
  const places = wanted.filter(([x1, y1, x2, y2]) => x1 <= x2 && y1 <= y2);
  const theirs = places.map(([x1, y1, x2, y2, score, classId]): FoundBox => ({
    box: [x1, y1, x2, y2],
    score,
    classId,
  }));
  const free = new Set<FoundBox>(found);
  let pixels = 0, score = 0, missing = 0;
  for (const one of theirs) {
    const partner = [...free].filter(({ classId }) => classId === one.classId)
      .map((other) => ({
        other,
        pixels: Math.max(...other.box.map((edge, k) => distance(edge, one.box[k]))),
        score: distance(other.score, one.score),
      }))
      .filter((pair) => pair.pixels <= BOUNDS.pixels && pair.score <= BOUNDS.score)
      .sort((a, b) => a.pixels + 100 * a.score - b.pixels - 100 * b.score)[0];
    if (partner === undefined) {
      missing++;
      continue;
    }
    free.delete(partner.other);
    pixels = Math.max(pixels, partner.pixels);
    score = Math.max(score, partner.score);
  }
  return { count: theirs.length, missing, surplus: free.size, pixels, score };
}
