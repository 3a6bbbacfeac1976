/** What fails around data: two processes at once, a process that dies, writing that fails, workers that hang, sets that lie. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { download } from "../../src/data/download/download.ts";
import { FileLock } from "../../src/data/file_lock.ts";
import { openDataset } from "../../src/data/open.ts";
import { SideWorker } from "../../src/image/side_worker.ts";
import { writeWhole, writeWholeSync } from "../../src/data/whole_file.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { inFolder, put } from "../support/data_folders.ts";
import { replaceMethod } from "../support/faults/fault.ts";
import { withServer } from "../support/file_server.ts";
import { PICTURE, write } from "../support/odd_sets.ts";

const namesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("a lock is held by one, and free again when that is done with it", () =>
  inFolder(async (folder) => {
    const file = join(folder, "a.lock");
    const first = FileLock.take(file);
    assert(first instanceof FileLock);
    assertEquals(FileLock.take(file), Deno.pid);
    let waited = 0, got = false;
    const { promise: waits, resolve } = Promise.withResolvers<void>();
    const second = FileLock.wait(file, () => {
      waited++;
      resolve();
    }).then((lock) => {
      got = true;
      return lock;
    });
    await waits;
    assertEquals([waited, got], [1, false]);
    first[Symbol.dispose]();
    using held = await second;
    assertEquals([held.file, FileLock.take(file)], [file, Deno.pid]);
    held[Symbol.dispose]();
    assertEquals(namesIn(folder), []);
  }));

Deno.test("a lock on a file that is gone, and there again as another, is no lock", () =>
  inFolder(async (folder) => {
    const file = join(folder, "a.lock");
    const old = Deno.openSync(file, { read: true, write: true, create: true });
    old.lockSync(true);
    const told: string[] = [], turns = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const waiting = FileLock.wait(file, () => turns[told.push("waits") - 1].resolve()).then((lock) => {
      told.push("has it");
      turns[1].resolve();
      return lock;
    });
    await turns[0].promise;
    Deno.removeSync(file);
    using other = FileLock.take(file) as FileLock;
    assert(other instanceof FileLock);
    // Whoever waited gets the lock on the file that is gone, and has to wait for the one that is there.
    old.close();
    await turns[1].promise;
    assertEquals(told, ["waits", "waits"]);
    other[Symbol.dispose]();
    using held = await waiting;
    assertEquals([held.file, FileLock.take(file)], [file, Deno.pid]);
  }));

Deno.test("a lock ends with the process that holds it, however that ends", () =>
  inFolder(async (folder) => {
    const file = join(folder, "a.lock");
    const code = `import { FileLock } from ${JSON.stringify(import.meta.resolve("../../src/data/file_lock.ts"))};
      FileLock.take(${JSON.stringify(file)}); console.log("held"); setInterval(() => {}, 1000);`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-lock", "--ext=ts", code],
      ...{ stdin: "null", stdout: "piped", stderr: "null" },
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    assertEquals(FileLock.take(file), child.pid);
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    using lock = FileLock.take(file) as FileLock;
    assert(lock instanceof FileLock, "the lock outlived its process");
  }));

Deno.test("a file is written whole by each of two at once, and nothing is left where it cannot be", () =>
  inFolder(async (folder) => {
    const file = join(folder, "a.json"), texts = ["a", "b", "c"].map((letter) => letter.repeat(300_000));
    await Promise.all(texts.map((text) => writeWhole(file, text)));
    assert(texts.includes(await Deno.readTextFile(file)));
    assertEquals(namesIn(folder), ["a.json"]);
    // What cannot be renamed: a folder that is not empty has the name.
    await put(folder, "taken/x", "");
    for (
      const attempt of [() => writeWhole(join(folder, "taken"), "x"), () => writeWholeSync(join(folder, "taken"), "x")]
    ) {
      const { message } = await assertRejects(async () => await attempt(), FeatherdetError);
      assertMatch(message, /taken: .+/);
      assertEquals(namesIn(folder), ["a.json", "taken"]);
    }
  }));

Deno.test("a write that takes a part of the bytes is gone on with", () =>
  inFolder(async (folder) => {
    const file = join(folder, "a.bin"), bytes = Uint8Array.from({ length: 10_001 }, (_, i) => i % 251);
    const { write } = Deno.FsFile.prototype;
    const back = replaceMethod(Deno.FsFile.prototype, "write", () =>
      function (this: Deno.FsFile, given: Uint8Array) {
        return write.call(this, given.subarray(0, 1000));
      });
    await writeWhole(file, bytes).finally(back);
    assertEquals(await Deno.readFile(file), bytes);
  }));

Deno.test("two that download the same at once get one download", () =>
  withServer({ "a.bin": { bytes: Uint8Array.of(1, 2, 3) } }, (server) =>
    inFolder(async (cache) => {
      const sha256 = createHash("sha256").update(Uint8Array.of(1, 2, 3)).digest("hex");
      const source = (file: object) => ({
        ...{ title: "a", home: "", licence: "", folder: "a" },
        groups: [{ from: [server.url], to: "", checksums: "", files: { "a.bin": file } }],
      });
      let waited = 0;
      const one = () => download("a", { cache, sources: { a: source({ sha256 }) }, onWait: () => waited++ });
      const both = await Promise.all([one(), one()]);
      assertEquals(both.map(({ fetched }) => fetched).sort(), [0, 1]);
      assertEquals([server.requests.length, waited], [1, 1]);
      // Without a known checksum the first is pinned, and pins of others stay.
      await put(cache, "pins.json", JSON.stringify({ other: sha256 }));
      await Deno.remove(join(cache, "a/a.bin"));
      await download("a", { cache, sources: { a: source({}) } });
      assertEquals(JSON.parse(await Deno.readTextFile(join(cache, "pins.json"))), {
        [`${server.url}a.bin`]: sha256,
        other: sha256,
      });
      await put(cache, "pins.json", JSON.stringify({ other: "no checksum" }));
      await assertRejects(() => download("a", { cache, sources: { a: source({}) } }), FeatherdetError, "broken list");
      assertEquals(namesIn(cache), ["a", "pins.json"]);
    })));

Deno.test("a worker that hangs is ended, and another one answers what waits", async () => {
  let started = 0;
  const code = `globalThis.onmessage = ({ data: { id, order } }) => {
    while (order === "hang");
    postMessage({ id, answer: order });
  };`;
  const worker = new SideWorker<string, string>(() => {
    started++;
    return new Worker(`data:text/javascript,${encodeURIComponent(code)}`, { type: "module" });
  });
  const [before, late, after] = [
    worker.ask("a", { patience: 600_000 }),
    worker.ask("hang", { patience: 50 }),
    worker.ask("b", { patience: 600_000 }),
  ];
  assertEquals(worker.pending, 3);
  assertEquals(await before, "a");
  const { message } = await assertRejects(() => late, FeatherdetError);
  assertEquals(message, "takes longer than 0.05 s and was given up");
  assertEquals([await after, started, worker.pending], ["b", 2, 0]);
  const cut = worker.ask("hang");
  worker.close();
  assertEquals([await cut, await worker.ask("c")], [undefined, undefined]);
});

Deno.test("file names of annotations do not lead out of the set's folder", () =>
  inFolder(async (folder) => {
    const coco = (file_name: string) =>
      JSON.stringify({
        images: [{ id: 1, file_name, width: 32, height: 24 }],
        annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [1, 1, 9, 9] }],
        categories: [{ id: 1, name: "cat" }],
      });
    const voc = (name: string) =>
      `<annotation><filename>${name}</filename><size><width>32</width><height>24</height></size><object><name>cat</name>` +
      "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>";
    await write(folder, {
      "secret.png": PICTURE,
      "coco/images/other.png": PICTURE,
      "voc/JPEGImages/other.png": PICTURE,
    });
    for (const name of ["../secret.png", "../../secret.png", join(folder, "secret.png"), "%2e%2e/secret.png"]) {
      await put(folder, "coco/instances.json", coco(name));
      await assertRejects(() => openDataset(join(folder, "coco")), FeatherdetError, "the image is missing");
      await put(folder, "voc/Annotations/secret.xml", voc(name));
      await put(folder, "voc/ImageSets/Main/val.txt", "secret\n");
      await assertRejects(() => openDataset(join(folder, "voc")), FeatherdetError, "the image is missing");
    }
  }));

Deno.test("outlines of 200,000 points and 20,000 classes are read", () =>
  inFolder(async (folder) => {
    const names = Array.from({ length: 20_000 }, (_, i) => `  ${i}: class ${i}\n`).join("");
    await write(folder, { "images/val/a.png": PICTURE, "data.yaml": `names:\n${names}` });
    const points = Array.from({ length: 200_000 }, (_, i) => i % 2 === 0 ? "0.25 0.5" : "0.75 0.25").join(" ");
    await put(folder, "labels/val/a.txt", `19999 ${points}\n`);
    const { classes, images: [{ boxes: [{ classId, box }] }] } = await openDataset(folder);
    assertEquals([classes.length, classId, [...box]], [20_000, 19_999, [8, 6, 24, 12]]);
    await put(folder, "data.yaml", "names:\n  0: a\n  0: b\n");
    await assertRejects(() => openDataset(folder), FeatherdetError, "Map keys must be unique");
  }));
