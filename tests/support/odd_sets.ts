/**
 * Data sets with something odd about them: their files, and the tests of how they are read.
 *
 * @module
 */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "node:path";
import { openDataset, type OpenOptions } from "../../src/data/open.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { encodePng } from "../../src/image/codec/encode.ts";
import { inFolder, put } from "./data_folders.ts";

/** A picture of 32x24. */
export const PICTURE = await encodePng({ width: 32, height: 24, data: new Uint8Array(32 * 24 * 3).fill(90) });
/** A picture of another size and format. */
export const BMP = Deno.readFileSync(new URL("../fixtures/odd_images/colour.bmp", import.meta.url));

/** Files of a folder by their paths: text, bytes, or links. */
export type Files = Readonly<Record<string, string | Uint8Array | { readonly link: string }>>;

/** What is seen of a data set: pictures with class and edges of their objects, and what was said. */
interface Seen {
  readonly images: Readonly<Record<string, readonly string[]>>;
  readonly warnings: readonly string[];
}

/** Writes files into a folder. */
export async function write(folder: string, files: Files): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    if (typeof content === "string") await put(folder, path, content);
    else {
      await Deno.mkdir(join(folder, path, ".."), { recursive: true });
      if (content instanceof Uint8Array) await Deno.writeFile(join(folder, path), content);
      else await Deno.symlink(content.link, join(folder, path));
    }
  }
}

async function see(folder: string, options: OpenOptions): Promise<Seen> {
  const { images, classes, warnings } = await openDataset(folder, options);
  const objects = images.map(({ name, boxes }) =>
    [
      name,
      boxes.map(({ classId, box }) => `${classes[classId]} ${box.map((edge) => Math.round(edge * 100) / 100)}`),
    ] as const
  );
  return {
    images: Object.fromEntries(objects),
    warnings: warnings.filter((one) => !one.startsWith("pixels of boxes are counted from 1"))
      .map((one) => one.replaceAll(`${folder}/`, "")),
  };
}

/** How a set is read; what is said, in order; the sentence that `strict` refuses it with. */
export interface Oddity extends OpenOptions {
  readonly files: Files;
  readonly images?: Seen["images"];
  readonly says?: readonly (string | RegExp)[];
  /** With `strict` it is refused by this. */
  readonly strictly?: RegExp;
  /** It is refused by this in any case. */
  readonly refused?: RegExp;
}

/** The objects of most pictures. */
export const PERSON_BOX: readonly string[] = ["person 12,9,20,15"], DOG_BOX: readonly string[] = ["dog 12,9,20,15"];

/** What the pictures `a.png` and `b.png` show in most sets: a person, a dog. */
export const BOTH = { "a.png": PERSON_BOX, "b.png": DOG_BOX };

/** Text in an encoding of one or two bytes a character, by what stands for `?`. */
export function encoded(text: string, ...bytes: number[]): Uint8Array {
  const [before, after] = text.split("?x?");
  return new Uint8Array([...new TextEncoder().encode(before), ...bytes, ...new TextEncoder().encode(after)]);
}

/** Tests that each of the sets is read as it should be, with `strict` and without. */
export function testOddSets(form: string, sets: Readonly<Record<string, Oddity>>): void {
  for (const [name, { files, images, says = [], strictly, refused, ...options }] of Object.entries(sets)) {
    Deno.test(`${form}: ${name}`, () =>
      inFolder(async (folder) => {
        await write(folder, files);
        if (refused !== undefined) {
          for (const strict of [false, true]) {
            const { message } = await assertRejects(() => openDataset(folder, { ...options, strict }), FeatherdetError);
            assertMatch(message, refused.source.includes("cannot be used") && strict ? /line 1 has 16/ : refused);
          }
          return;
        }
        const seen = await see(folder, options);
        assertEquals(seen.images, images);
        assertEquals(seen.warnings.length, says.length, seen.warnings.join("\n"));
        says.forEach((said, i) =>
          typeof said === "string" ? assertEquals(seen.warnings[i], said) : assertMatch(seen.warnings[i], said)
        );
        if (strictly === undefined) {
          assertEquals(await see(folder, { ...options, strict: true }), seen);
        } else {
          const { message } = await assertRejects(
            () => openDataset(folder, { ...options, strict: true }),
            FeatherdetError,
          );
          assertMatch(message, strictly);
        }
      }));
  }
}

/** The text of a `data.yaml`. */
export const names = (classes: readonly string[] = ["person", "dog"], more = ""): string =>
  `names: ${JSON.stringify(classes)}\n${more}`;
/** Rows of a person and a dog in the middle. */
export const ROW = "0 0.5 0.5 0.25 0.25\n", DOG = "1 0.5 0.5 0.25 0.25\n";
/** A set in YOLO's form of the pictures `a` and `b`, both in `val`, with other files. */
export const yolo = (files: Files): Files => ({
  "data.yaml": names(),
  "images/val/a.png": PICTURE,
  "images/val/b.png": PICTURE,
  "labels/val/a.txt": ROW,
  "labels/val/b.txt": DOG,
  ...files,
});
