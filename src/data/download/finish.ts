/**
 * Converts downloaded files so that `openDataset` can read them: annotations in COCO's form.
 *
 * @module
 */

import { join, parse } from "node:path";
import { FeatherdetError } from "../../graph/error.ts";
import { kindOf } from "../files.ts";
import { readFolder } from "../forms.ts";
import { parseJson } from "../json_fields.ts";
import { readVoc, vocSplits } from "../voc.ts";
import { writeWholeIn } from "../whole_file.ts";
import { boxesDigest, cocoText } from "./coco_text.ts";
import type { Source } from "./sources.ts";
import { zipMember } from "./zip_member.ts";

/** Classes of BCCD in the order that figures for it are given in; VOC's form has none. */
const BCCD_CLASSES = ["RBC", "WBC", "Platelets"];

/** Writes an `instances_SPLIT.json` for every split of a folder in VOC's form. */
async function vocToCoco(folder: string, name: string): Promise<void> {
  for (const split of vocSplits(folder)) {
    // Made with labelImg, which writes edges.
    const options = { firstPixel: 0, classes: BCCD_CLASSES } as const;
    const reading = await readVoc({ path: folder, split }, options);
    await writeWholeIn(join(folder, `instances_${split}.json`), cocoText({ name, split, ...reading }));
  }
}

/** The parts of COCO's files that are used here. */
interface CocoFile {
  readonly info: unknown;
  readonly licenses: unknown;
  readonly categories: unknown;
  readonly images: readonly { readonly id: number; readonly file_name: string }[];
  readonly annotations: readonly { readonly image_id: number; readonly segmentation?: unknown }[];
}

/** The part of a COCO file that concerns some pictures, without outlines, which make nine tenths of it. */
export function cocoSubset(text: string, names: ReadonlySet<string>, file: string): string {
  const all = parseJson(text, file) as CocoFile;
  const images = all.images.filter(({ file_name }) => names.has(file_name)).sort((a, b) => a.id - b.id);
  if (images.length !== names.size) {
    throw new FeatherdetError(`it lists ${images.length} of the ${names.size} images that are wanted`, { file });
  }
  const ids = new Set(images.map(({ id }) => id));
  const annotations = all.annotations.filter(({ image_id }) => ids.has(image_id))
    .map(({ segmentation: _, ...rest }) => rest);
  const { info, licenses, categories } = all;
  return JSON.stringify({ info, licenses, images, annotations, categories });
}

/** Makes the annotations of a source in its folder, unless they are there. */
export async function finishSource(
  source: Source,
  folder: string,
  onBytes: (count: number) => void,
): Promise<void> {
  if (source.finish === "voc-to-coco") return await vocToCoco(folder, parse(folder).name);
  const { annotations } = source;
  if (source.finish !== "coco-subset" || annotations === undefined) return;
  const file = join(folder, "instances.json");
  if (kindOf(file) === "file") return onBytes(annotations.bytes ?? 0);
  const names = new Set(source.groups.flatMap(({ files }) => Object.keys(files)));
  const text = await zipMember(annotations, onBytes);
  await writeWholeIn(file, cocoSubset(text, names, annotations.member));
}

/** In what the data differ from those that figures are published for, a sentence each. */
export async function compareWithExpected(source: Source, folder: string): Promise<string[]> {
  const differences: string[] = [];
  for (const [split, expected] of Object.entries(source.expected ?? {})) {
    const dataset = await readFolder(folder, split === "" ? {} : { split });
    const boxes = dataset.images.reduce((sum, image) => sum + image.boxes.length, 0);
    const where = split === "" ? folder : `${folder} (${split})`;
    const found = [dataset.images.length, boxes];
    if (found[0] !== expected.images || found[1] !== expected.boxes) {
      differences.push(
        `${where} has ${found[0]} images and ${
          found[1]
        } boxes, figures are given for ${expected.images} and ${expected.boxes}`,
      );
    } else if (expected.sha256 !== undefined && boxesDigest(dataset) !== expected.sha256) {
      differences.push(`${where} has other boxes than those that figures are given for`);
    }
  }
  return differences;
}
