/**
 * Big pictures whole and in tiles, by what is found: mAP50 of small objects, objects found twice at the borders of tiles, bytes on the
 * device, time per megapixel.
 *
 * `deno run -A bench/tiles.ts FOLDER [--model yolo11n] [--only 3] [--limit 64MB] [--tile 640] [--cell 500]`
 *
 * FOLDER is what `bench/mosaics.ts` makes. Each picture is measured whole and in tiles within the limit of memory. The first three are
 * also looked at photograph by photograph, without any border: what is found again there is no work of tiles. The first one is measured
 * without a limit too, and with plain suppression in the place of merging. Rows that `bench/results/tiles.json` holds are not measured
 * again. With `--summary` nothing is measured, the figures of all rows are computed anew.
 *
 * @module
 */

import { join } from "node:path";
import { parseArgs } from "node:util";
import { byteCount } from "../src/cli/arguments.ts";
import type { Dataset, DatasetImage } from "../src/data/dataset.ts";
import { openDataset } from "../src/data/open.ts";
import { type Detection, Detector, type TileSettings } from "../src/detect/detector.ts";
import { intersectionOverUnion } from "../src/detect/nms.ts";
import { cropped } from "../src/detect/rectangle.ts";
import { tileGridOf, tilesOf } from "../src/detect/tiles/grid.ts";
import { classMap } from "../src/eval/classes.ts";
import { classFigures, meanOf, precisionAt } from "../src/eval/coco/figures.ts";
import { matchClass } from "../src/eval/coco/match.ts";
import { type CocoDetection, cocoDetections } from "../src/eval/coco/results.ts";
import { detectionTable, truthTable } from "../src/eval/coco/table.ts";
import { COCO_SETTINGS } from "../src/eval/evaluate.ts";
import { openSharedDevice } from "../src/gpu/device.ts";
import { loadModel, modelSource } from "../src/host/models.ts";
import { writeWhole } from "../src/host/whole_file.ts";
import type { RgbImage } from "../src/image/rgb_image.ts";

/** Least score of a detection that somebody would be shown: doubles are counted among these. */
const SHOWN = 0.25;

/** Objects are found by boxes that overlap theirs by so much; pieces lie in them by so much. */
const FOUND = 0.5, WITHIN = 0.6;

/** Ways to look at a picture. */
const WAYS = ["whole", "tiles", "photographs", "tiles without a limit", "tiles by nms"] as const;
type Way = typeof WAYS[number];

/** Objects, and detections of them beyond the first one. */
interface Doubles {
  readonly objects: number;
  readonly found: number;
  /** Further boxes that overlap a found object's by half, or that lie in it. */
  readonly again: number;
  /** Those of them that end at a border of a tile where the object does not: what a border has cut. */
  readonly pieces: number;
}

interface Row {
  readonly picture: string;
  readonly way: Way;
  readonly megapixels: number;
  readonly milliseconds: number;
  /** All buffers and textures, when everything was made. */
  readonly deviceBytes: number;
  readonly limit?: number;
  readonly detections: readonly CocoDetection[];
}

interface RecordOfTiles {
  readonly date: string;
  readonly adapter: string;
  readonly model: string;
  readonly tile: TileSettings;
  readonly summary: object;
  readonly firstThree: object;
  readonly rows: readonly (Omit<Row, "detections"> & Counted)[];
}

/** Objects that a border of a tile cuts, and the others. */
interface Counted {
  readonly atBorders: Doubles;
  readonly elsewhere: Doubles;
}

type Box = Detection["box"];

const area = ([x1, y1, x2, y2]: readonly number[]) => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);

function coverage(box: Detection["box"], other: Detection["box"]): number {
  const common = [0, 1, 2, 3].map((side) =>
    side < 2 ? Math.max(box[side], other[side]) : Math.min(box[side], other[side])
  );
  return common[0] < common[2] && common[1] < common[3] ? area(common) / area(box) : 0;
}

/** Pixels within which a box ends at a border, and within which two edges are the same. */
const NEAR = 8;

/** Counts objects that are found, and found again, on a picture: by classes, best detections first, each for one object. */
function countDoubles(row: Row, dataset: Dataset, tile: TileSettings): Counted {
  const image = dataset.images.find(({ name }) => name === row.picture)!;
  const lines = borderLines(image, tile);
  const counts = [0, 1].map(() => ({ objects: 0, found: 0, again: 0, pieces: 0 }));
  const countsOf = (box: Box) =>
    counts[lines.some((list, axis) => list.some((at) => isBetween(box, axis, at))) ? 0 : 1];
  const truths = image.boxes.filter(({ crowd }) => !crowd);
  for (const { box } of truths) countsOf(box).objects++;
  const found = new Set<typeof truths[number]>();
  const open: { readonly box: Box; readonly classId: number }[] = [];
  const shown = row.detections.filter(({ score }) => score >= SHOWN).sort((a, b) => b.score - a.score);
  for (const { bbox: [x, y, width, height], category_id } of shown) {
    const box: Box = [x, y, x + width, y + height], classId = dataset.categoryIds.indexOf(category_id);
    const best = truths.filter((truth) => truth.classId === classId && !found.has(truth)).map((truth) => {
      return { truth, overlap: intersectionOverUnion(truth.box, box) };
    }).sort((a, b) => b.overlap - a.overlap)[0];
    if (best !== undefined && best.overlap >= FOUND) {
      found.add(best.truth);
      countsOf(best.truth.box).found++;
    } else open.push({ box, classId });
  }
  for (const { box, classId } of open) {
    const again = [...found].find((truth) =>
      classId === truth.classId &&
      (intersectionOverUnion(truth.box, box) >= FOUND || coverage(box, truth.box) >= WITHIN)
    );
    if (again === undefined) continue;
    countsOf(again.box).again++;
    const endsAtBorder = box.some((edge, side) =>
      lines[side % 2].some((at) => Math.abs(edge - at) <= NEAR) && Math.abs(edge - again.box[side]) > NEAR
    );
    if (endsAtBorder) countsOf(again.box).pieces++;
  }
  return { atBorders: counts[0], elsewhere: counts[1] };
}

const isBetween = (box: Box, axis: number, at: number) => box[axis] < at && at < box[axis + 2];

/** Where tiles begin and end within a picture: across, down. */
function borderLines(picture: DatasetImage, tile: TileSettings): readonly (readonly number[])[] {
  const input = [640, 640] as const, views = tilesOf(tileGridOf(tile, input), picture, input);
  const lines = (from: (view: typeof views[number]) => number[], length: number) =>
    [...new Set(views.flatMap(from))].filter((at) => at > 0 && at < length);
  return [
    lines(({ left, width }) => [left, left + width], picture.width),
    lines(({ top, height }) => [top, top + height], picture.height),
  ];
}

/** Mean average precision at an overlap of a half, of all objects and of small ones (less than 32 x 32 pixels). */
function accuracyOf(dataset: Dataset, detections: readonly CocoDetection[]) {
  const truth = truthTable(dataset), found = detectionTable(dataset, detections);
  const figures = dataset.classes.map((_, classId) => classFigures(matchClass(truth, found, classId)));
  const map50 = (range: number) =>
    meanOf(figures.flatMap(({ areas }) => {
      const accuracy = areas[range];
      return accuracy ? [...precisionAt(accuracy, 0)] : [];
    }));
  return { map50: map50(0), map50Small: map50(1), map50Medium: map50(2), map50Large: map50(3) };
}

function sumOf(rows: readonly Counted[], which: keyof Counted): Doubles & { readonly againPerFound: number } {
  const sum = (key: keyof Doubles) => rows.reduce((total, row) => total + row[which][key], 0);
  const found = sum("found"), again = sum("again");
  return { objects: sum("objects"), found, again, pieces: sum("pieces"), againPerFound: again / Math.max(1, found) };
}

/** The figures of rows, each way on the pictures that it has. */
function summarise(dataset: Dataset, rows: readonly (Row & Counted)[]): object {
  return Object.fromEntries(WAYS.flatMap((way) => {
    const mine = rows.filter((row) => row.way === way);
    if (mine.length === 0) return [];
    const names = new Set(mine.map(({ picture }) => picture));
    const part = { ...dataset, images: dataset.images.filter(({ name }) => names.has(name)) };
    const pixels = mine.reduce((sum, { megapixels }) => sum + megapixels, 0);
    return [[way, {
      pictures: mine.length,
      ...accuracyOf(part, mine.flatMap(({ detections }) => detections)),
      millisecondsPerMegapixel: mine.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / pixels,
      // Of the picture that the rest of the machine disturbed least.
      leastMillisecondsPerMegapixel: Math.min(...mine.map((row) => row.milliseconds / row.megapixels)),
      deviceBytes: Math.max(...mine.map(({ deviceBytes }) => deviceBytes)),
      limit: mine[0].limit,
      atBorders: sumOf(mine, "atBorders"),
      elsewhere: sumOf(mine, "elsewhere"),
    }]];
  }));
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: "string", default: "yolo11n" },
    only: { type: "string" },
    limit: { type: "string", default: "64MB" },
    tile: { type: "string", default: "640" },
    cell: { type: "string", default: "500" },
    summary: { type: "boolean", default: false },
    out: { type: "string", default: new URL("./results/tiles.json", import.meta.url).pathname },
  },
});
const dataset = await openDataset(positionals[0], {});
const limit = byteCount(values.limit), tile = { size: Number(values.tile), overlap: 0.2 };
const { adapter } = await openSharedDevice();
// Detections are many and can be made again: they stay beside the pictures.
const rowsFile = join(positionals[0], "rows.json");
const read = (file: string) => Deno.readTextFile(file).then(JSON.parse, () => undefined);
const rows: Row[] = await read(rowsFile) ?? [];

function waysFor(at: number): readonly Way[] {
  return at === 0 ? WAYS : at < 3 ? ["whole", "tiles", "photographs"] : ["whole", "tiles"];
}

/** What is found on the photographs of a mosaic one by one. */
async function eachPhotograph(detector: Detector, picture: RgbImage): Promise<Detection[]> {
  const side = Number(values.cell), all: Detection[] = [];
  for (let top = 0; top + side <= picture.height; top += side) {
    for (let left = 0; left + side <= picture.width; left += side) {
      const found = await detector.detect(cropped(picture, { left, top, width: side, height: side }));
      all.push(...found.map(({ box: [x1, y1, x2, y2], ...rest }): Detection => {
        return { ...rest, box: [x1 + left, y1 + top, x2 + left, y2 + top] };
      }));
    }
  }
  return all.sort((a, b) => b.score - a.score);
}

async function measure(image: DatasetImage, way: Way): Promise<Row> {
  const graph = await loadModel(values.model, { size: 640, batch: 1 });
  const memoryLimit = way === "tiles" || way === "tiles by nms" ? limit : undefined;
  const merge = way === "tiles by nms" ? "nms" as const : "join" as const;
  const tiles = way === "whole" || way === "photographs" ? undefined : { ...tile, merge };
  const detector = await Detector.load(graph, {
    ...COCO_SETTINGS,
    precision: "f32",
    start: "full",
    tiles,
    memoryLimit,
    file: modelSource(values.model),
  });
  try {
    const picture = await image.load();
    // The first frame of a program compiles its shaders.
    await detector.detect({ width: 64, height: 64, data: new Uint8Array(3 * 64 * 64) });
    const started = performance.now();
    const detections = way === "photographs" ? await eachPhotograph(detector, picture) : await detector.detect(picture);
    const milliseconds = performance.now() - started;
    const classOf = classMap(detector.labels, dataset.classes, new Set(image.boxes.map(({ classId }) => classId)));
    return {
      picture: image.name,
      way,
      megapixels: picture.width * picture.height / 1e6,
      milliseconds,
      deviceBytes: detector.bytes,
      ...(memoryLimit !== undefined && { limit: memoryLimit }),
      detections: cocoDetections(image.id, detections, classOf, dataset.categoryIds),
    };
  } finally {
    detector.destroy();
  }
}

const write = (file: string, value: unknown) =>
  writeWhole(file, new TextEncoder().encode(`${JSON.stringify(value)}\n`));

if (!values.summary) {
  for (const [at, image] of dataset.images.entries()) {
    if (values.only !== undefined && Number(values.only) !== at + 1) continue;
    for (const way of waysFor(at)) {
      if (rows.some((row) => row.picture === image.name && row.way === way)) continue;
      const row = await measure(image, way);
      rows.push(row);
      await write(rowsFile, rows);
      const { milliseconds, deviceBytes } = row;
      console.error(image.name, way, { milliseconds, deviceBytes, ...countDoubles(row, dataset, tile) });
    }
  }
}
const counted = rows.map((row) => ({ ...row, ...countDoubles(row, dataset, tile) }));
const firstThree = counted.filter(({ picture }) => dataset.images.slice(0, 3).some(({ name }) => name === picture));
const record: RecordOfTiles = {
  date: new Date().toISOString(),
  adapter: adapter.name,
  model: values.model,
  tile,
  summary: summarise(dataset, counted),
  firstThree: summarise(dataset, firstThree),
  rows: counted.map(({ detections: _, ...row }) => row),
};
await writeWhole(values.out, new TextEncoder().encode(`${JSON.stringify(record, undefined, 1)}\n`));
console.log(JSON.stringify({ all: record.summary, firstThree: record.firstThree }, undefined, 1));
