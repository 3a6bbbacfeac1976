/** Downloads of data sets: what arrives is what `openDataset` reads, and every file is what it was said to be. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from "npm:@zip.js/zip.js@2.24.0";
import { boxesDigest, cocoText } from "../../src/data/download/coco_text.ts";
import { download } from "../../src/data/download/download.ts";
import { zipMember } from "../../src/data/download/zip_member.ts";
import { readSources, type Source, type SourceFile } from "../../src/data/download/sources.ts";
import { readFolder } from "../../src/data/forms.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { cocoValue, inFolder, put, putPictures, TINY, type TinySet, vocText } from "../support/data_folders.ts";
import { type FileServer, type ServedFile, withServer } from "../support/file_server.ts";
import { sharedDataTest } from "../support/shared_data.ts";

const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");
const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Cells as BCCD has them, two boxes of no extent included. */
const CELLS: TinySet = {
  classes: ["RBC", "WBC", "Platelets"],
  pictures: [
    { name: "BloodImage_00000.png", width: 40, height: 30, boxes: [[1, 0, 0, 9, 9], [2, 5, 5, 5, 9]] },
    { name: "BloodImage_00001.png", width: 40, height: 30, boxes: [[0, 3, 4, 40, 30], [0, 9, 4, 3, 30]] },
    { name: "BloodImage_00002.png", width: 40, height: 30, boxes: [[2, 1, 2, 3, 4]] },
  ],
};

async function pictures(set: TinySet): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  return await inFolder(async (folder) => {
    await putPictures(folder, set);
    return new Map(set.pictures.map(({ name }) => [name, Deno.readFileSync(join(folder, name))]));
  });
}

function known(files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): Record<string, SourceFile> {
  return Object.fromEntries([...files].map(([name, bytes]) => [name, { bytes: bytes.length, sha256: sha256(bytes) }]));
}

const ABOUT = { title: "t", home: "h", licence: "l" };

/** Serves a set in VOC's form, boxes as edges, and describes it as a source. */
async function cells(): Promise<{ files: Record<string, ServedFile>; source: (url: string) => Source }> {
  const images = await pictures(CELLS);
  const files: Record<string, ServedFile> = {};
  for (const [name, bytes] of images) files[`JPEGImages/${name}`] = { bytes };
  const unknown: Record<string, SourceFile> = {};
  for (const picture of CELLS.pictures) {
    const name = picture.name.replace(".png", ".xml");
    // labelImg writes edges: one less than what the standard has.
    const text = vocText(picture, CELLS.classes)
      .replaceAll(/<([xy]min)>(\d+)/g, (_, tag, value) => `<${tag}>${value - 1}`);
    files[`Annotations/${name}`] = { bytes: bytesOf(text) };
    unknown[name] = {};
  }
  files["ImageSets/train.txt"] = { bytes: bytesOf("BloodImage_00000\nBloodImage_00002\n") };
  files["ImageSets/val.txt"] = { bytes: bytesOf("BloodImage_00001\n") };
  const source = (url: string): Source => ({
    ...ABOUT,
    folder: "data/bccd",
    groups: [
      { from: [`${url}JPEGImages`], to: "images", checksums: "", files: known(images) },
      { from: [`${url}Annotations`], to: "Annotations", checksums: "unknown", files: unknown },
      { from: [`${url}ImageSets`], to: "ImageSets/Main", checksums: "", files: { "train.txt": {}, "val.txt": {} } },
    ],
    finish: "voc-to-coco",
    expected: { train: { images: 2, boxes: 2 }, val: { images: 1, boxes: 1 } },
  });
  return { files, source };
}

Deno.test("a VOC set is downloaded, gets COCO's form, and a second call fetches nothing", async () => {
  const { files, source } = await cells();
  await withServer(files, (server) =>
    inFolder(async (cache) => {
      const seen: number[] = [];
      const options = {
        cache,
        sources: { cells: source(server.url) },
        pause: 0,
        onProgress: (done: number) => seen.push(done),
      };
      const first = await download("cells", options);
      assertEquals(first, { name: "cells", folder: join(cache, "data/bccd"), files: 8, fetched: 8, warnings: [] });
      const total = [...(await pictures(CELLS)).values()].reduce((sum, { length }) => sum + length, 0);
      assertEquals(seen.at(-1), total);
      const train = await readFolder(first.folder, { split: "train" });
      assertEquals(train.classes, CELLS.classes);
      assertEquals(train.images.map(({ boxes }) => boxes.map(({ classId, box }) => [classId, ...box])), [
        [[1, 0, 0, 9, 9]],
        [[2, 1, 2, 3, 4]],
      ]);
      const count = server.requests.length;
      assertEquals((await download("cells", options)).fetched, 0);
      assertEquals(server.requests.length, count);
      // What was there before and what is asked for twice are the same.
      await Deno.remove(join(first.folder, "images", CELLS.pictures[1].name));
      assertEquals((await download("cells", options)).fetched, 1);
    }));
});

Deno.test("files without a published checksum are pinned by the first download", async () => {
  const { files, source } = await cells();
  const xml = "Annotations/BloodImage_00000.xml";
  await withServer(files, (server) =>
    inFolder(async (cache) => {
      const options = { cache, sources: { cells: source(server.url) }, pause: 0 };
      await download("cells", options);
      const before = files[xml].bytes;
      const local = join(cache, "data/bccd", xml);
      // The copy here is damaged: it is fetched again, and has to be what it was.
      await Deno.writeTextFile(local, "damaged");
      await download("cells", options);
      assertEquals(await Deno.readFile(local), before);
      await Deno.remove(local);
      files[xml] = { bytes: bytesOf("<annotation/>") };
      const { message } = await assertRejects(() => download("cells", options), FeatherdetError);
      assertEquals(
        message.includes(`${server.url}${xml}: its SHA-256 is`) && message.includes(sha256(before)),
        true,
        message,
      );
    }));
});

Deno.test("a set that differs from the one that figures are given for says so", async () => {
  const { files, source } = await cells();
  await withServer(files, (server) =>
    inFolder(async (cache) => {
      const plain = source(server.url);
      const get = (expected: Source["expected"]) =>
        download("cells", { cache, sources: { cells: { ...plain, expected } } });
      const other = await get({ train: { images: 2, boxes: 3 } });
      assertEquals(other.warnings.length, 1);
      assertMatch(other.warnings[0], /\(train\) has 2 images and 2 boxes, figures are given for 2 and 3$/);
      const digest = boxesDigest(await readFolder(join(cache, "data/bccd")));
      assertEquals((await get({ val: { images: 1, boxes: 1, sha256: digest } })).warnings, []);
      const moved = await get({ val: { images: 1, boxes: 1, sha256: "0" } });
      assertMatch(moved.warnings[0], /\(val\) has other boxes/);
    }));
});

/** Serves a part of a COCO-like set: pictures, and the annotations of more of them in a ZIP archive. */
async function part(
  change: (files: Record<string, ServedFile>) => void,
  run: (source: Source, cache: string, server: FileServer) => Promise<void>,
) {
  const value = cocoValue(TINY);
  for (const one of value.annotations) one.segmentation = [[1, 2, 3, 4, 5, 6]];
  value.licenses = [{ id: 1, name: "free" }];
  const text = JSON.stringify(value);
  const writer = new ZipWriter(new Uint8ArrayWriter());
  const add = (name: string, bytes: Uint8Array) => writer.add(name, new Uint8ArrayReader(bytes));
  await add("annotations/captions_val2017.json", new Uint8Array(200_000).map((_, i) => (i * i) % 251));
  await add("annotations/instances_val2017.json", bytesOf(text));
  const archive = await writer.close() as Uint8Array<ArrayBuffer>;
  const images = await pictures({ ...TINY, pictures: TINY.pictures.slice(1, 3) });
  const files: Record<string, ServedFile> = { "all.zip": { bytes: archive } };
  for (const [name, bytes] of images) files[`val2017/${name}`] = { bytes };
  change(files);
  await withServer(files, (server) =>
    inFolder((cache) => {
      const source: Source = {
        ...ABOUT,
        folder: "data/coco/val",
        groups: [{
          from: [`${server.url}none`, `${server.url}val2017`],
          to: "images",
          checksums: "",
          files: known(images),
        }],
        finish: "coco-subset",
        annotations: {
          from: [`${server.url}all.zip`],
          member: "annotations/instances_val2017.json",
          checksums: "",
          sha256: sha256(text),
          bytes: text.length,
        },
        expected: { "": { images: 2, boxes: 3 } },
      };
      return run(source, cache, server);
    }));
}

Deno.test("a part of COCO gets the annotations of its pictures, of the archive only what is needed, from a second address", () =>
  part(() => {}, async (source, cache, server) => {
    let done = 0;
    let total = 0;
    const options = {
      cache,
      sources: { part: source },
      pause: 0,
      onProgress: (...now: [number, number]) => [done, total] = now,
    };
    const { folder, warnings } = await download("part", options);
    assertEquals([warnings, done], [[], total]);
    const ranges = server.requests.filter((one) => one.startsWith("GET all.zip")).map((one) => one.split(" ")[2]);
    assert(ranges.length > 0 && ranges.every((range) => range !== undefined), String(server.requests));
    const { images, classes } = await readFolder(folder);
    assertEquals([images.map(({ id }) => id), classes], [[7, 12], TINY.classes]);
    const written = JSON.parse(await Deno.readTextFile(join(folder, "instances.json")));
    assertEquals(Object.hasOwn(written.annotations[0], "segmentation"), false);
    assertEquals(written.licenses, [{ id: 1, name: "free" }]);
    const count = server.requests.length;
    assertEquals((await download("part", options)).fetched, 0);
    assertEquals(server.requests.length, count);
  }));

Deno.test("a member of an archive that was damaged on its way is refused by the archive's own checksum", async () => {
  const writer = new ZipWriter(new Uint8ArrayWriter());
  const text = "one,two,three\n".repeat(20);
  // Stored as it is, so that only the checksum tells.
  await writer.add("a.csv", new Uint8ArrayReader(bytesOf(text)), { level: 0 });
  const whole = await writer.close() as Uint8Array<ArrayBuffer>, damaged = whole.slice();
  const at = new TextDecoder("latin1").decode(whole).indexOf("two");
  damaged[at] ^= 1;
  await withServer({ "whole.zip": { bytes: whole }, "damaged.zip": { bytes: damaged } }, async ({ url }) => {
    const member = (...names: string[]) =>
      zipMember({ from: names.map((name) => url + name), member: "a.csv", checksums: "" });
    const { message } = await assertRejects(() => member("damaged.zip"), FeatherdetError);
    assertMatch(message, /damaged\.zip: cannot be read in parts: /);
    assertEquals(await member("damaged.zip", "whole.zip"), text);
  });
});

Deno.test("an archive that is missing, holds something else or cannot be read in parts is said with its address", async () => {
  const says = async (
    change: (files: Record<string, ServedFile>) => void,
    wrong: Partial<Source["annotations"]>,
    text: RegExp,
  ) =>
    await part(change, async (source, cache) => {
      const sources = { part: { ...source, annotations: { ...source.annotations!, ...wrong } } };
      const { message } = await assertRejects(() => download("part", { cache, sources, pause: 0 }), FeatherdetError);
      assertMatch(message, text);
      assertEquals(message.includes("\n"), false);
    });
  await says(() => {}, { member: "x.json" }, /all\.zip: it does not contain x\.json$/);
  await says(
    () => {},
    { sha256: "0" },
    /all\.zip: the SHA-256 of annotations\/instances_val2017\.json in it is [0-9a-f]+, expected 0$/,
  );
  await says((files) => delete files["all.zip"], {}, /all\.zip: cannot be read in parts: /);
  await says(
    (files) => files["all.zip"] = { ...files["all.zip"], ranges: false },
    {},
    /all\.zip: cannot be read in parts: /,
  );
});

Deno.test("sources.json: every address is whole, every file has a checksum or a reason for none", async () => {
  const sources = await readSources();
  assertEquals(Object.keys(sources), ["bccd", "coco-val", "yolo11n"]);
  for (const { groups, annotations, home } of Object.values(sources)) {
    assertMatch(home, /^https:/);
    for (
      const { from, checksums, files } of [
        ...groups,
        ...(annotations ? [{ ...annotations, files: { a: annotations } }] : []),
      ]
    ) {
      for (const url of from) new URL(url);
      assert(checksums.length > 0 && from.length > 0);
      for (const { sha256: sum, bytes } of Object.values<SourceFile>(files)) {
        if (sum === undefined) assertMatch(checksums, /^unknown/);
        else assert(/^[0-9a-f]{64}$/.test(sum) && bytes! > 0);
      }
    }
  }
});

sharedDataTest("sources.json has the sizes and checksums of untouched copies, and the boxes that go with them", [
  "bccd",
  "coco/val",
], async (bccd, coco) => {
  const sources = await readSources();
  for (const [name, url] of [["bccd", bccd], ["coco-val", coco]] as const) {
    const { files } = sources[name].groups[0];
    const folder = join(fileURLToPath(url), "images");
    assertEquals(Object.keys(files).sort(), [...Deno.readDirSync(folder)].map((one) => one.name).sort());
    for (const [file, known] of Object.entries(files)) {
      const bytes = await Deno.readFile(join(folder, file));
      assertEquals({ bytes: bytes.length, sha256: sha256(bytes) }, known);
    }
  }
  for (const [split, expected] of Object.entries(sources.bccd.expected!)) {
    assertEquals(boxesDigest(await readFolder(fileURLToPath(bccd), { split })), expected.sha256);
  }
});

Deno.test("a data set written in COCO's form is read back as it was", () =>
  inFolder(async (folder) => {
    await putPictures(join(folder, "images"), TINY);
    const value = cocoValue(TINY);
    value.annotations[1].iscrowd = 1;
    await put(folder, "instances.json", JSON.stringify(value));
    const before = await readFolder(folder);
    await put(folder, "instances.json", cocoText(before));
    const after = await readFolder(folder);
    const plain = (
      { images, ...rest }: typeof before,
    ) => [rest, images.map(({ id, name, boxes }) => [id, name, boxes])];
    assertEquals(plain(after), plain(before));
    assertEquals(boxesDigest(after), boxesDigest(before));
  }));
