/**
 * Data sets in YOLO's form: a text file a picture with one row an object; class names in `data.yaml`, `classes.txt` or `obj.names`.
 *
 * @module
 */

import { basename, dirname, parse } from "node:path";
import { BoxCheck } from "./box_check.ts";
import type { GroundTruth } from "./dataset.ts";
import { FeatherdetError } from "../graph/error.ts";
import { kindOf, mapPooled } from "./files.ts";
import { categoryIdsFor, type Folder, pictureIds, type Reading } from "./folder.ts";
import { PictureFile, type PictureSize, pictureSize } from "./picture_file.ts";
import { type RemarkKind, Remarks } from "./remarks.ts";
import type { YoloItem } from "./yolo_layout.ts";
import { readRows, type YoloRow } from "./yolo_rows.ts";
import type { YoloYaml } from "./yolo_yaml.ts";

/** What a reader is to read. */
export interface YoloSource {
  readonly items: readonly YoloItem[];
  readonly classes: readonly string[];
  readonly keypoints?: YoloYaml["keypoints"];
}

const LISTED_TWICE: RemarkKind = ["image that is listed twice read once", "images that are listed twice read once"];

/** The pictures without repetitions. Throws a `FeatherdetError` if two of them would share a label file. */
function distinct(items: readonly YoloItem[], remarks: Remarks): YoloItem[] {
  const byPicture = new Map<string, YoloItem>(), byLabel = new Map<string, string>();
  for (const item of items) {
    const { picture, label, listedIn } = item;
    if (byPicture.has(picture)) {
      remarks.count(LISTED_TWICE, new FeatherdetError(`${listedIn} names it twice`, { file: picture }));
      continue;
    }
    const other = byLabel.get(label);
    if (other !== undefined) {
      throw new FeatherdetError(`${basename(other)} and ${basename(picture)} would share one label file`, {
        file: dirname(picture),
      });
    }
    byPicture.set(picture, item);
    byLabel.set(label, picture);
  }
  return [...byPicture.values()];
}

/** Says what most people would want to know of the labels that were read; where there are none at all, where they were looked for. */
function remarkOnLabels(
  found: readonly { readonly label: string; readonly rows?: readonly YoloRow[] }[],
  remarks: Remarks,
): void {
  const rows = found.map((one) => one.rows), without = rows.filter((one) => one === undefined).length;
  const images = (count: number, has: string, have: string) =>
    count === 1 ? `1 image ${has}` : `${count} images ${have}`;
  if (without > 0) {
    remarks.say(
      `${images(without, "has no label file and counts", "have no label file and count")} as showing nothing` +
        (without === found.length ? `: there is no ${found[0].label}` : ""),
    );
  }
  const outlines = rows.flatMap((one) => one ?? []).filter(({ isOutline }) => isOutline).length;
  if (outlines > 0) {
    const read = outlines === 1
      ? "1 outline is read as the box around it"
      : `${outlines} outlines are read as the boxes around them`;
    remarks.say(`${read}; if they are boxes with keypoints, data.yaml has to say so by kpt_shape`);
  }
}

/** Reads the labels and pictures of one place. Throws a `FeatherdetError` for what nothing can be made of. */
export async function readYolo(
  { path, limit, remarks = new Remarks() }: Folder,
  { items, classes, keypoints }: YoloSource,
): Promise<Reading> {
  const kept = distinct(items, remarks).slice(0, limit);
  const ids = pictureIds(kept.map(({ picture }) => parse(picture).name));
  const check = new BoxCheck(remarks);
  let nextId = 1;
  const boxesOf = (rows: readonly YoloRow[], { width, height }: PictureSize, file: string): GroundTruth[] => {
    const found = rows.flatMap(({ line, classId, box: [x1, y1, x2, y2] }) => {
      const edges = [x1 * width, y1 * height, x2 * width, y2 * height] as const;
      const box = check.check(edges, { width, height }, file, `line ${line}`);
      return box === undefined ? [] : [{ classId, box }];
    });
    const objects = check.withoutRepeats(found, () => new FeatherdetError("a row is there twice", { file }));
    return objects.map(({ classId, box }) => {
      return { id: nextId++, classId, box, area: (box[2] - box[0]) * (box[3] - box[1]), crowd: false };
    });
  };
  const found = await mapPooled(kept, 16, async ({ picture, label, listedIn }) => {
    const size = await pictureSize(picture, remarks, listedIn);
    if (kindOf(label) !== "file") return { picture, label, size };
    const broken: FeatherdetError[] = [];
    const rows = await readRows(label, { classes: classes.length, keypoints }, (fault) => broken.push(fault));
    return { picture, label, size, rows, broken };
  });
  // Remarks come in the order of the pictures, not of their reading.
  for (const fault of found.flatMap(({ broken = [] }) => broken)) check.unreadable(fault);
  remarkOnLabels(found, remarks);
  const images = found.map(({ picture, label, size, rows = [] }, index) =>
    new PictureFile(
      { id: ids[index], name: basename(picture), ...size, boxes: boxesOf(rows, size, label), file: picture },
      remarks,
    )
  );
  check.finish(path);
  return { classes, categoryIds: categoryIdsFor(classes), images, warnings: remarks.warnings() };
}
