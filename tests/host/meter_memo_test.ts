/** The memo of meters: what is kept, by what, and what two processes and damaged files do to it. */

import { assert, assertEquals } from "@std/assert";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import {
  createMemoryMemo,
  type LayerShape,
  memoisedLayers,
  memoisedScores,
  remember,
} from "../../src/compress/meter.ts";
import { createDiskMemo, memoFile } from "../../src/host/meter_memo.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";

async function inFolder(run: (folder: URL) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(pathToFileURL(`${folder}/`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const LAYER: LayerShape = {
  ...{ kernel: [3, 3], strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1, map: [1, 13, 127] },
  ...{ behind: [], inputs: 1, outputs: 8 },
};

Deno.test("numbers are found again by another memo on the same folder, and by their own kind and key alone", async () => {
  await inFolder(async (folder) => {
    const first = createDiskMemo(folder);
    await first.write("layer", "a", 1.5);
    await first.write("score", "a", 0.25);
    const second = createDiskMemo(folder);
    assertEquals([await second.read("layer", "a"), await second.read("score", "a")], [1.5, 0.25]);
    assertEquals(await second.read("layer", "b"), undefined);
  });
});

Deno.test("a file that is damaged, cut off, of another format or key is measured anew and replaced", async () => {
  const whole = { format: 1, kind: "layer", key: "a", value: 2 };
  const damaged = ["", '{"format":1', "null", "[]", "2"].concat(
    [{ format: 0 }, { key: "b" }, { kind: "score" }, { value: "2" }, { value: null }].map((change) =>
      JSON.stringify({ ...whole, ...change })
    ),
  );
  for (const content of damaged) {
    await inFolder(async (folder) => {
      const file = memoFile("layer", "a", folder);
      await Deno.mkdir(dirname(file));
      await Deno.writeTextFile(file, content);
      assertEquals(await remember(createDiskMemo(folder), "layer", "a", () => Promise.resolve(3)), 3, content);
      assertEquals(await createDiskMemo(folder).read("layer", "a"), 3, content);
    });
  }
});

Deno.test("two processes that write the same and other numbers at once leave whole files only", async () => {
  await inFolder(async (folder) => {
    const memo = new URL("../../src/host/meter_memo.ts", import.meta.url).href;
    const script = (offset: number) => `
      const { createDiskMemo } = await import(${JSON.stringify(memo)});
      const memo = createDiskMemo(new URL(${JSON.stringify(folder.href)}));
      for (let i = 0; i < 60; i++) {
        await memo.write("layer", "same", i + ${offset});
        await memo.write("layer", "own " + (i + ${offset}), i);
      }`;
    const statuses = await Promise.all(
      [0, 1000].map((offset) =>
        new Deno.Command(Deno.execPath(), { args: ["eval", "--no-check", script(offset)], stderr: "inherit" }).output()
      ),
    );
    assert(statuses.every(({ success }) => success));
    const both = createDiskMemo(folder);
    for (const offset of [0, 1000]) {
      for (let i = 0; i < 60; i++) assertEquals(await both.read("layer", `own ${i + offset}`), i);
    }
    assert([59, 1059].includes((await both.read("layer", "same"))!));
    const names = [...Deno.readDirSync(new URL("layer/", folder))].map(({ name }) => name);
    assertEquals([names.length, names.filter((name) => !name.endsWith(".json"))], [121, []]);
  });
});

Deno.test("where nothing can be written, numbers are measured and kept in memory", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(new URL("file", folder), "");
    const memo = createDiskMemo(new URL("file/", folder));
    await memo.write("layer", "a", 1);
    assertEquals(await memo.read("layer", "a"), 1);
  });
});

Deno.test("layers are measured once for a place, a shape and a revision, and those that are missing in one go", async () => {
  const memo = createMemoryMemo(), asked: number[][] = [];
  const meter = (place: string, revision: string) =>
    memoisedLayers({
      place,
      revision: () => revision,
      dispatches: () => Promise.resolve([]),
      milliseconds(layers) {
        asked.push(layers.map(({ outputs }) => outputs));
        return Promise.resolve(layers.map(({ outputs }) => outputs / 10));
      },
    }, memo);
  const layers = [4, 8, 12].map((outputs) => ({ ...LAYER, outputs }));
  assertEquals(await meter("here", "1").milliseconds(layers.slice(0, 2)), [0.4, 0.8]);
  assertEquals(await meter("here", "1").milliseconds(layers), [0.4, 0.8, 1.2]);
  assertEquals(await meter("here", "1").milliseconds(layers), [0.4, 0.8, 1.2]);
  assertEquals(asked, [[4, 8], [12]]);
  await meter("here", "2").milliseconds(layers);
  await meter("there", "1").milliseconds(layers);
  await meter("here", "1").milliseconds([{ ...layers[0], map: [1, 13, 126] }]);
  assertEquals(asked.slice(2).map(({ length }) => length), [3, 3, 1]);
});

Deno.test("scores are measured once for a basis, a form of storage and a content", async () => {
  const memo = createMemoryMemo();
  let asked = 0;
  const meter = (basis: string, place = "here") =>
    memoisedScores({ basis, score: () => Promise.resolve(++asked) }, memo, place);
  const graph = demoDetector({ size: 64 });
  assertEquals(await meter("a").score({ graph }), 1);
  assertEquals(await meter("a").score({ graph: { ...graph, name: "other" }, storage: "f32" }), 1);
  assertEquals(await meter("a").score({ graph, storage: "f16" }), 2);
  assertEquals(await meter("b").score({ graph }), 3);
  assertEquals(await meter("b").score({ graph: demoDetector({ size: 96 }) }), 4);
  assertEquals(await meter("b", "there").score({ graph }), 5);
});
