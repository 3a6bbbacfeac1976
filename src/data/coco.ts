/**
 * Data sets in COCO's form: one JSON file with `images`, `annotations` and `categories`, and folders of pictures.
 *
 * @module
 */

import { basename, dirname, join, relative } from "node:path";
import { BoxCheck } from "./box_check.ts";
import { type CocoClasses, readClasses } from "./coco_classes.ts";
import { tagOf } from "./coco_files.ts";
import type { GroundTruth, TrueBox } from "./dataset.ts";
import { FeatherdetError } from "../graph/error.ts";
import { mapPooled, readText } from "./files.ts";
import type { Folder, Reading } from "./folder.ts";
import { FieldReader, type Fields, parseJson } from "./json_fields.ts";
import { PictureFile, type PictureSize, pictureSize } from "./picture_file.ts";
import { PictureIndex, relativePath } from "./picture_index.ts";
import { type RemarkKind, Remarks } from "./remarks.ts";

const STRAY: RemarkKind = [
  "annotation of an image that the file does not list left out",
  "annotations of images that the file does not list left out",
];

/** Annotations with ids; those of files without any are their places. */
function withIds(annotations: readonly Fields[]): readonly Fields[] {
  if (annotations.some(({ id }) => id !== undefined && id !== null)) return annotations;
  return annotations.map((fields, index) => ({ ...fields, id: index + 1 }));
}

/** Throws `FeatherdetError` if boxes are given in parts of the pictures, by which they would be less than a pixel. */
function refuseParts(reader: FieldReader, annotations: ReadonlyMap<number, Fields>): void {
  const numbers = [...annotations.values()].flatMap(({ bbox }) => Array.isArray(bbox) ? bbox : []);
  if (numbers.length > 0 && numbers.every((value) => Math.abs(value) <= 1)) {
    throw reader.fault("its boxes lie between 0 and 1, expected pixels");
  }
}

/** Annotations by the id of their picture. */
function annotationsByImage(
  reader: FieldReader,
  annotations: ReadonlyMap<number, Fields>,
  images: ReadonlyMap<number, Fields>,
  remarks: Remarks,
): Map<number, [id: number, fields: Fields][]> {
  const found = new Map([...images.keys()].map((id) => [id, [] as [number, Fields][]]));
  for (const [id, fields] of annotations) {
    const imageId = reader.integer(fields, "image_id", `annotation ${id}`);
    const list = found.get(imageId);
    if (list) list.push([id, fields]);
    else {remarks.count(
        STRAY,
        reader.fault(`annotation ${id} belongs to image ${imageId}, which the file does not list`),
      );}
  }
  return found;
}

/** The objects of one picture. */
function readBoxes(
  reader: FieldReader,
  annotations: readonly (readonly [number, Fields])[],
  size: PictureSize,
  { classOf }: CocoClasses,
  check: BoxCheck,
): GroundTruth[] {
  const found = annotations.flatMap(([id, fields]): GroundTruth[] => {
    const what = `annotation ${id}`;
    const category = reader.integer(fields, "category_id", what);
    const classId = classOf.get(category);
    if (classId === undefined) throw reader.fault(`${what} is of the unknown class ${category}`);
    const raw = fields.bbox;
    if (!Array.isArray(raw) || raw.length !== 4 || !raw.every((value) => typeof value === "number")) {
      check.unreadable(reader.fault(`${what} has no "bbox" of four numbers`));
      return [];
    }
    const [x, y, width, height]: number[] = raw;
    const edges: TrueBox = [x, y, x + width, y + height];
    const box = check.check(edges, size, reader.file, `${what} of image ${fields.image_id}`);
    if (box === undefined) return [];
    // Not every writer states areas; the box's own is what converters put there.
    const stated = fields.area === undefined ? undefined : reader.number(fields, "area", what);
    if (stated !== undefined && stated < 0) check.negativeArea(reader.fault(`${what} has an area of ${stated}`));
    const area = stated === undefined || stated < 0 ? width * height : stated;
    return [{ id, classId, box, area, crowd: fields.iscrowd === 1 || fields.iscrowd === true }];
  });
  return check.withoutRepeats(found, () => reader.fault(`image ${annotations[0][1].image_id} has an object twice`));
}

/** Folders in which the pictures of a file may lie, from the root on, the likeliest first. */
function pictureFolders(root: string, file: string, split: string): string[] {
  // COCO's own downloads have a folder of pictures for each split, named as its file of annotations is; CVAT's has `default`.
  const tags = [...new Set([tagOf(file), split, "default"])].filter((tag) => tag !== "");
  const own = relative(root, dirname(file));
  // Splits may have pictures of the same names, so that their own folders come first.
  const folders = [...tags.map((tag) => join("images", tag)), ...tags, "images", "", "data", own, join(own, "images")];
  return [...new Set(folders.map((one) => one.replaceAll("\\", "/")))];
}

/** The file and the size of the picture of an entry, after its file has been looked at. */
async function findPicture(
  index: PictureIndex,
  places: readonly string[],
  file: string,
  fields: Fields,
  remarks: Remarks,
) {
  const name = nameOf(fields)!;
  const picture = index.byName(name, places);
  if (picture === undefined) {
    throw index.missing(name, join(index.root, "images", relativePath(name)), basename(file));
  }
  const size = await pictureSize(picture, remarks);
  const stated = fields as Partial<PictureSize>;
  // Some tools leave out sizes that they do not know, or write 0.
  const [width, height] = [stated.width || size.width, stated.height || size.height];
  if (size.width !== width || size.height !== height) {
    throw new FeatherdetError(
      `the image is ${size.width}x${size.height}, but ${basename(file)} says ${width}x${height}`,
      { file: picture },
    );
  }
  return { picture, size };
}

/** What a picture is called: by its file, or by the end of its address. */
function nameOf({ file_name, coco_url }: Fields): string | undefined {
  return (file_name ?? (typeof coco_url === "string" ? coco_url.split("/").at(-1) : undefined)) as string | undefined;
}

/** Checks what the entries of pictures say, and that no picture has two. */
function checkImages(reader: FieldReader, images: ReadonlyMap<number, Fields>): void {
  const seen = new Map<string, number>();
  for (const [id, fields] of images) {
    checkImage(reader, id, fields);
    const name = nameOf(fields)!, other = seen.get(name);
    if (other !== undefined) throw reader.fault(`images ${other} and ${id} are both "${name}"`);
    seen.set(name, id);
  }
}

function checkImage(reader: FieldReader, id: number, fields: Fields): void {
  const what = `image ${id}`;
  if (nameOf(fields) === undefined || fields.file_name !== undefined) reader.text(fields, "file_name", what);
  for (const key of ["width", "height"]) {
    if (fields[key] !== undefined && fields[key] !== null && reader.integer(fields, key, what) < 0) {
      throw reader.fault(`${what} has the size ${fields.width}x${fields.height}`);
    }
  }
}

/** Says how many pictures below the folder of a file without splits are not listed in it. */
function remarkOnUnlisted(index: PictureIndex, listed: readonly string[], file: string, remarks: Remarks): void {
  const used = new Set(listed);
  const others = index.paths().filter((path) => !used.has(join(index.root, path)));
  if (others.length === 0) return;
  const images = others.length === 1 ? "1 image is" : `${others.length} images are`;
  remarks.say(`${images} not listed in ${basename(file)} and left out, the first: ${join(index.root, others[0])}`);
}

/** Reads the JSON file of a folder. Throws a `FeatherdetError` for whatever is wrong in it or about its pictures. */
export async function readCoco(folder: Folder, file: string): Promise<Reading> {
  const { path, split = "", limit, remarks = new Remarks() } = folder;
  const reader = new FieldReader(file);
  const root = reader.object(parseJson(await readText(file), file), "the file");
  const categories = reader.byId(reader.objects(root, "categories", "category"), "category");
  const images = reader.byId(reader.objects(root, "images", "image"), "image");
  const annotations = reader.byId(withIds(reader.objects(root, "annotations", "annotation")), "annotation");
  checkImages(reader, images);
  refuseParts(reader, annotations);
  const found = readClasses(reader, categories, [...annotations.values()], remarks);
  const byImage = annotationsByImage(reader, annotations, images, remarks);
  const kept = [...images].slice(0, limit);
  const index = new PictureIndex(path), places = pictureFolders(path, file, split);
  const files = await mapPooled(kept, 16, ([, fields]) => findPicture(index, places, file, fields, remarks));
  if (limit === undefined && split === "") remarkOnUnlisted(index, files.map(({ picture }) => picture), file, remarks);
  const check = new BoxCheck(remarks);
  const pictures = kept.map(([id], at) => {
    const { picture, size } = files[at];
    const boxes = readBoxes(reader, byImage.get(id)!, size, found, check);
    return new PictureFile({ id, name: basename(picture), ...size, boxes, file: picture }, remarks);
  });
  check.finish(file);
  const { classes, categoryIds } = found;
  return { classes, categoryIds, images: pictures, warnings: remarks.warnings() };
}
