/**
 * Data sets in COCO's form: one JSON file with `images`, `annotations` and `categories`, and a folder of pictures.
 *
 * @module
 */

import { basename, join } from "node:path";
import { BoxCheck } from "./box_check.ts";
import type { GroundTruth, TrueBox } from "./dataset.ts";
import { FeatherdetError } from "../graph/error.ts";
import { mapPooled, namesIn, readText } from "./files.ts";
import type { Folder, Reading } from "./folder.ts";
import { FieldReader, type Fields, parseJson } from "./json_fields.ts";
import { firstPresent, PictureFile, pictureSize } from "./picture_file.ts";

/** Files of annotations in a folder by their splits; `""` is the split of `instances.json`, which is all there is. */
export function cocoFiles(path: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const place of [path, join(path, "annotations")]) {
    for (const name of namesIn(place, /^instances(_.+)?\.json$/)) {
      // The years in COCO's own names say nothing that matters here: instances_val2017.json is the split val.
      const split = name.replace(/^instances_?/, "").replace(/(20\d\d)?\.json$/, "");
      if (!found.has(split)) found.set(split, join(place, name));
    }
  }
  return found;
}

/** The objects of all annotations, by the id of their picture. */
function readBoxes(
  reader: FieldReader,
  root: Fields,
  images: ReadonlyMap<number, Fields>,
  classOf: ReadonlyMap<number, number>,
  check: BoxCheck,
): Map<number, GroundTruth[]> {
  const annotations = reader.byId(reader.objects(root, "annotations", "annotation"), "annotation");
  const boxes = new Map([...images.keys()].map((id) => [id, [] as GroundTruth[]]));
  for (const [id, fields] of annotations) {
    const what = `annotation ${id}`;
    const imageId = reader.integer(fields, "image_id", what);
    const image = images.get(imageId);
    if (image === undefined) throw reader.fault(`${what} belongs to image ${imageId}, which the file does not list`);
    const category = reader.integer(fields, "category_id", what);
    const classId = classOf.get(category);
    if (classId === undefined) throw reader.fault(`${what} is of the unknown class ${category}`);
    const raw = fields.bbox;
    if (!Array.isArray(raw) || raw.length !== 4 || !raw.every((value) => typeof value === "number")) {
      throw reader.fault(`${what} has no "bbox" of four numbers`);
    }
    const [x, y, width, height]: number[] = raw;
    const edges: TrueBox = [x, y, x + width, y + height];
    const size = { width: image.width as number, height: image.height as number };
    const box = check.check(edges, size, reader.file, `${what} of image ${imageId}`);
    if (box === undefined) continue;
    // Not every writer states areas; the box's own is what converters put there.
    const area = fields.area === undefined ? width * height : reader.number(fields, "area", what);
    boxes.get(imageId)!.push({ id, classId, box, area, crowd: fields.iscrowd === 1 || fields.iscrowd === true });
  }
  return boxes;
}

/** The picture of an entry, after its file has been looked at. */
async function readPicture(folder: Folder, file: string, fields: Fields, boxes: readonly GroundTruth[]) {
  const name = fields.file_name as string;
  const { width, height } = fields as { width: number; height: number };
  // COCO's own downloads have a folder of pictures for each split, named as its file of annotations is.
  const tag = /_([^_]+)\.json$/.exec(file)?.[1] ?? "";
  const picture = firstPresent(["images", join("images", tag), tag].map((place) => join(folder.path, place, name)));
  const size = await pictureSize(picture, basename(file));
  if (size.width !== width || size.height !== height) {
    throw new FeatherdetError(
      `the image is ${size.width}x${size.height}, but ${basename(file)} says ${width}x${height}`,
      { file: picture },
    );
  }
  return new PictureFile({ id: fields.id as number, name: basename(name), width, height, boxes, file: picture });
}

/** Reads the JSON file of a folder. Throws a `FeatherdetError` for whatever is wrong in it or about its pictures. */
export async function readCoco(folder: Folder, file: string): Promise<Reading> {
  const reader = new FieldReader(file);
  const root = reader.object(parseJson(await readText(file), file), "the file");
  const categories = reader.byId(reader.objects(root, "categories", "category"), "category");
  const images = reader.byId(reader.objects(root, "images", "image"), "image");
  for (const [id, fields] of images) {
    const what = `image ${id}`;
    reader.text(fields, "file_name", what);
    if (reader.integer(fields, "width", what) < 1 || reader.integer(fields, "height", what) < 1) {
      throw reader.fault(`${what} has the size ${fields.width}x${fields.height}`);
    }
  }
  const categoryIds = [...categories.keys()].sort((a, b) => a - b);
  const classes = categoryIds.map((id) => reader.text(categories.get(id)!, "name", `category ${id}`));
  const check = new BoxCheck();
  const boxes = readBoxes(reader, root, images, new Map(categoryIds.map((id, classId) => [id, classId])), check);
  const kept = [...images.values()].slice(0, folder.limit);
  const pictures = await mapPooled(
    kept,
    16,
    (fields) => readPicture(folder, file, fields, boxes.get(fields.id as number)!),
  );
  return { classes, categoryIds, images: pictures, warnings: check.warnings() };
}
