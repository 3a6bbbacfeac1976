/** A folder that somebody has chosen in a page is read as the same folder of this machine. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "node:path";
import { chosenFiles } from "../../page/federated/chosen_files.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { fileSystem, useFileSystem } from "../../src/data/file_system.ts";
import { walk } from "../../src/data/files.ts";
import { readFolder } from "../../src/data/forms.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { readFromTab, readToTab } from "../../src/recipes/federated/tab_wire.ts";
import { inFolder, putCoco, putYolo, TINY } from "../support/data_folders.ts";

/** The files of a folder as a browser hands them over. */
async function handedOver(folder: string): Promise<File[]> {
  return await Promise.all(
    walk(folder).map(async (path) => {
      const file = new File([await Deno.readFile(join(folder, path))], path.split("/").at(-1)!);
      return Object.defineProperty(file, "webkitRelativePath", { value: `chosen/${path}` });
    }),
  );
}

/** What a reader finds, without the places of files. */
async function told({ classes, categoryIds, images }: Dataset) {
  const pictures = images.map(async (image) => {
    const { id, name, width, height, boxes } = image;
    return { id, name, width, height, boxes, pixels: await image.load() };
  });
  return { classes, categoryIds, images: await Promise.all(pictures) };
}

for (const [form, put] of Object.entries({ yolo: putYolo, coco: putCoco })) {
  Deno.test(`a chosen folder in the form of ${form} is the same data set as on this machine`, () =>
    inFolder(async (folder) => {
      await put(folder, TINY);
      const expected = await told(await readFolder(folder));
      const { system, root } = await chosenFiles(await handedOver(folder)), machine = fileSystem();
      assertEquals(root, "/chosen");
      useFileSystem(system);
      try {
        assertEquals(await told(await readFolder(root)), expected);
        await assertRejects(() => readFolder(`${root}/absent`), FeatherdetError, "no such folder");
      } finally {
        useFileSystem(machine);
      }
    }));
}

Deno.test("messages between tab and server have their forms; anything else is refused in a sentence", () => {
  const told = { job: "a", phase: "keys" as const, input: { run: "r", round: 0, client: 1 } };
  assertEquals(readToTab(JSON.stringify(told)), told);
  assertEquals(readToTab('{"job":"a","stop":true}'), { job: "a", stop: true });
  const said = { job: "a", fault: "no pictures", final: true };
  assertEquals(readFromTab(JSON.stringify(said)), said);
  for (const text of ['{"job":"a","phase":"eat","input":{}}', '{"job":1,"stop":true}', "[]", "{", undefined]) {
    assertThrows(() => readToTab(text), FeatherdetError, "the server has sent");
  }
  for (const text of ['{"job":"a"}', '{"job":"a","answer":3}', '{"job":"a","fault":"x"}', "x"]) {
    assertThrows(() => readFromTab(text), FeatherdetError, "the tab has sent");
  }
});
