/**
 * Makes big pictures with known objects: photographs of a data set side by side, each in a square cell, with their boxes.
 *
 * `deno run -A bench/mosaics.ts FOLDER [--data coco] [--count 10] [--side 4000] [--cell 500] [--seed 1]`
 *
 * Writes a data set in COCO's form: `images/`, `instances.json`. Equal seeds give equal pictures. Pictures that are there are kept.
 *
 * @module
 */

import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Dataset, DatasetImage } from "../src/data/dataset.ts";
import { openDataset } from "../src/data/open.ts";
import { letterboxImage } from "../src/detect/host_letterbox.ts";
import { boxToInput, letterboxGeometry } from "../src/detect/letterbox.ts";
import { writeWhole } from "../src/host/whole_file.ts";
import { encodeJpeg } from "../src/image/codec/encode.ts";
import type { RgbImage } from "../src/image/rgb_image.ts";
import { Random } from "../src/numbers/random.ts";

/** An object as COCO's files have it. */
interface Annotation {
  readonly id: number;
  readonly image_id: number;
  readonly category_id: number;
  readonly bbox: readonly [number, number, number, number];
  readonly area: number;
  readonly iscrowd: 0 | 1;
}

/** Which photographs each mosaic has: the whole set in a new order, again and again. */
function choices(dataset: Dataset, mosaics: number, cells: number, seed: number): DatasetImage[][] {
  const random = new Random(seed);
  let open: DatasetImage[] = [];
  const take = () => {
    if (open.length === 0) open = [...dataset.images];
    return open.splice(Math.floor(random.next() * open.length), 1)[0];
  };
  return Array.from({ length: mosaics }, () => Array.from({ length: cells }, take));
}

/** The objects of a mosaic. A photograph is scaled to fit into its cell, and its objects with it. */
function annotationsOf(photographs: readonly DatasetImage[], { categoryIds }: Dataset, cell: number, across: number) {
  return photographs.flatMap((photograph, at) => {
    const geometry = letterboxGeometry(photograph.width, photograph.height, cell, cell);
    const [left, top] = [cell * (at % across), cell * Math.floor(at / across)];
    return photograph.boxes.map(({ box, classId, area, crowd }) => {
      const [x1, y1, x2, y2] = boxToInput(box, geometry, photograph);
      const bbox = [left + x1, top + y1, x2 - x1, y2 - y1] as const;
      const scaled = area * geometry.width * geometry.height / (photograph.width * photograph.height);
      return { category_id: categoryIds[classId], bbox, area: scaled, iscrowd: crowd ? 1 as const : 0 as const };
    });
  });
}

async function paint(photographs: readonly DatasetImage[], side: number, cell: number): Promise<RgbImage> {
  const across = Math.floor(side / cell), data = new Uint8Array(3 * side * side).fill(114);
  for (const [at, photograph] of photographs.entries()) {
    const scaled = letterboxImage(await photograph.load(), cell, cell);
    const [left, top] = [cell * (at % across), cell * Math.floor(at / across)];
    for (let row = 0; row < cell; row++) {
      data.set(scaled.data.subarray(3 * row * cell, 3 * (row + 1) * cell), 3 * ((top + row) * side + left));
    }
  }
  return { width: side, height: side, data };
}

const isThere = (file: string) => Deno.stat(file).then(() => true, () => false);

/** Makes the data set; gives its folder. */
export async function makeMosaics(
  folder: string,
  { data = "coco", count = 10, side = 4000, cell = 500, seed = 1 }: {
    readonly data?: string;
    readonly count?: number;
    readonly side?: number;
    readonly cell?: number;
    readonly seed?: number;
  } = {},
): Promise<string> {
  const dataset = await openDataset(data, {});
  const across = Math.floor(side / cell);
  const all = choices(dataset, count, across * across, seed);
  await Deno.mkdir(join(folder, "images"), { recursive: true });
  const images = all.map((_, id) => ({ id: id + 1, width: side, height: side, file_name: `mosaic-${id + 1}.jpg` }));
  let id = 0;
  const annotations = all.flatMap((photographs, mosaic) =>
    annotationsOf(photographs, dataset, cell, across).map((one): Annotation => {
      return { id: ++id, image_id: mosaic + 1, ...one };
    })
  );
  const categories = dataset.classes.map((name, at) => ({ id: dataset.categoryIds[at], name }));
  await writeWhole(
    join(folder, "instances.json"),
    new TextEncoder().encode(JSON.stringify({ images, annotations, categories })),
  );
  for (const [at, photographs] of all.entries()) {
    const file = join(folder, "images", images[at].file_name);
    if (await isThere(file)) continue;
    await writeWhole(file, await encodeJpeg(await paint(photographs, side, cell)));
    console.error(`${file}: ${photographs.length} photographs`);
  }
  return folder;
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      data: { type: "string", default: "coco" },
      count: { type: "string", default: "10" },
      side: { type: "string", default: "4000" },
      cell: { type: "string", default: "500" },
      seed: { type: "string", default: "1" },
    },
  });
  const { data, count, side, cell, seed } = values;
  await makeMosaics(positionals[0], {
    data,
    count: Number(count),
    side: Number(side),
    cell: Number(cell),
    seed: Number(seed),
  });
}
