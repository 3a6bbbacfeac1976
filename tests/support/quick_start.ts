/**
 * The walk of docs/quick-start.md: its commands as they stand, and pictures with labels for it.
 *
 * @module
 */

import { join } from "node:path";
import { SYNTHETIC_CLASSES, syntheticPicture } from "../../src/data/synthetic.ts";
import { encodeJpeg } from "../../src/image/codec/encode.ts";

/** The page. */
export const PAGE: URL = new URL("../../docs/quick-start.md", import.meta.url);

/** The blocks of commands of a page, in order: what stands between fences of `sh`. */
export function commandBlocks(markdown: string): string[] {
  return [...markdown.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block]) => block.trimEnd());
}

/** Writes pictures of three classes and labels in YOLO's form into the folders that the page makes. */
export async function writePictures(folder: string, counts: Readonly<Record<string, number>>): Promise<void> {
  let seed = 0;
  for (const [part, count] of Object.entries(counts)) {
    for (let i = 0; i < count; i++) {
      const [width, height] = [200 + 20 * (i % 3), 160 + 10 * (i % 4)];
      const { image, objects } = syntheticPicture({ seed: ++seed, width, height, objects: 6, sizes: [24, 64] });
      const lines = objects.map(({ classId, box: [x1, y1, x2, y2] }) => {
        const parts = [(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height];
        return `${classId} ${parts.map((part) => part.toFixed(6)).join(" ")}\n`;
      });
      await Deno.writeFile(join(folder, "images", part, `${i}.jpg`), await encodeJpeg(image));
      await Deno.writeTextFile(join(folder, "labels", part, `${i}.txt`), lines.join(""));
    }
  }
}

/** What the classes are called. */
export const CLASSES: readonly string[] = SYNTHETIC_CLASSES.map(({ label }) => label);
