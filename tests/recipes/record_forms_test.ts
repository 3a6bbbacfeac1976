/** Records that are read back: those that are here are taken, others are refused in a sentence that names the field. */

import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { FeatherdetError } from "../../src/graph/error.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { readMark, writeMark } from "../../src/recipes/reproduce/state.ts";
import { trainInRounds } from "../../src/recipes/prune/rounds.ts";
import { readResults } from "../../src/report/table/mod.ts";
import { createMemoryStore } from "../../src/train/loop/store.ts";
import { inFolder, put } from "../support/data_folders.ts";
import { demoDataset } from "../support/demo_dataset.ts";

Deno.test("the tables that are kept are results; of others the field that is wrong is named", async () => {
  for (const name of ["bccd", "coco", "synthetic"]) assertEquals((await readResults(name)).data, name);
  const good = await readResults("synthetic");
  const text = JSON.stringify(good), [{ figures: { map } }] = good.rows;
  assertEquals(map !== undefined && "value" in map, true);
  const cases: [string, string][] = [
    [text.replace('"schema":1', '"schema":2'), "schema: expected 1"],
    [text.replace('"images":300', '"images":-1'), "images: expected a whole number from 0"],
    [text.replace('"iou":0.7', '"iou":1e999'), "settings.iou: expected a finite number"],
    [text.replace('"role":"original"', '"role":"first"'), "rows.0.role: expected a part in the tables"],
    [text.replace(/"map":\{"value":[^}]*\}/, '"map":{}'), "rows.0.figures.map: expected a value or why it is missing"],
    [text.replace(/"map":\{"value":/, '"map":{"value":"'), "no results can be read here"],
    [text.replace('"detectMedian":{"value":', '"detectMedian":{"valu":'), "rows.0.timing: expected figures"],
    [text.replace('"family":[', '"family":[{}'), "family.0.model: is missing"],
    ["[]", "these are no results of variants"],
  ];
  await inFolder(async (folder) => {
    for (const [wrong, says] of cases) {
      await put(folder, "table.json", wrong);
      const place = pathToFileURL(join(folder, "table.json"));
      await assertRejects(() => readResults(place), FeatherdetError, says);
    }
  });
});

Deno.test("what a run has made is taken in its own form alone", () =>
  inFolder(async (folder) => {
    assertEquals(await readMark(folder), undefined);
    await writeMark(folder, { sha256: "00", seconds: 1.5 });
    assertEquals(await readMark(folder), { sha256: "00", seconds: 1.5 });
    for (
      const [text, says] of [['{"sha256":3}', "sha256: "], ['{"sha256":"0","seconds":1e999}', "seconds: "], ["3", ""]]
    ) {
      await put(folder, "made.json", text);
      await assertRejects(
        () => readMark(folder),
        FeatherdetError,
        `made.json: does not say what a run has made (${says}`,
      );
    }
  }));

Deno.test("rounds go on from a record of rounds alone", async () => {
  const b = new ModelBuilder({ seed: 2 });
  const first = b.convBlock("first", b.input("images", [1, 3, 32, 32]), { out: 4, kernel: 3, stride: 2 });
  const model = b.graph("small", [b.conv("last", first, { out: 4 })]);
  const score = { map: 0.1, map50: 0.2 };
  const good = {
    ...{ settings: { model: "another" }, before: { parameters: 5, bytes: 20, gflops: 0.1 }, scoreBefore: score },
    rounds: [{ round: 1, afterCut: score, cut: { parameters: 4 }, score, epochs: 2, seconds: 3.5 }],
  };
  const text = JSON.stringify(good);
  const cases: [string, string][] = [
    // Of the right form, and of another run.
    [text, '"rounds.json" is of a run with other settings'],
    [text.slice(0, -5), '"rounds.json" is damaged: delete it to start over'],
    [text.replace('"parameters":5', '"parameters":-5'), "(before.parameters: expected a whole number from 0)"],
    [
      text.replace('"scoreBefore":{"map":0.1', '"scoreBefore":{"map":1e999'),
      "(scoreBefore.map: expected a finite number)",
    ],
    [text.replace('"epochs":2', '"epochs":0.5'), "(rounds.0.epochs: expected a whole number from 0)"],
    [text.replace('"parameters":4', '"parameters":1e999'), "(rounds.0: holds a number that is not finite)"],
    [text.replace('"rounds":[', '"rounds":[7,'), "(rounds.0: expected an object)"],
    ["null", "(expected an object)"],
  ];
  const cuts = { count: 1, cut: () => Promise.reject(new Error("no cut is made")) };
  for (const [content, says] of cases) {
    const store = createMemoryStore();
    await store.write("rounds.json", content);
    const options = { validation: demoDataset(1), storeOf: () => Promise.resolve(store) };
    await assertRejects(() => trainInRounds(model, demoDataset(1), cuts, options), FeatherdetError, says);
  }
});
