/**
 * A compression of a tiny detector on a handful of pictures: its files, a short ladder, and verbs that compute nothing.
 *
 * @module
 */

import { join } from "node:path";
import { historyEntry, withHistory } from "../../src/compress/history.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { loadOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { put, TINY } from "./data_folders.ts";
import { inWorkshop, SIZE } from "./workshop.ts";

/** A ladder of a cut, the cut in int8, and int8 alone. */
export const SHORT_LADDER = {
  candidates: [
    {
      ...{ id: "cut", title: "cut", weights: "float", cut: true },
      steps: [{
        verb: "prune",
        options: {
          ...{ model: { variant: "original" }, data: "{data}", gflops: "{gflops}", bytes: "{bytes}", criterion: "l2" },
          ...{ rounds: 1, epochs: 0, lastEpochs: "{epochs:2}", valEvery: 2, batch: 2, metric: "{metric}" },
        },
      }],
    },
    {
      ...{ id: "cut-int8", title: "cut, int8", weights: "int8", cut: true },
      steps: [{ verb: "quantize", options: { model: { variant: "cut" }, calibrate: "{data}", latency: false } }],
    },
    {
      ...{ id: "int8", title: "int8", weights: "int8" },
      steps: [{ verb: "quantize", options: { model: { variant: "original" }, calibrate: "{data}", latency: false } }],
    },
  ],
};

/** A folder with a set of three parts, a tiny model and the short ladder. */
export async function inCompression(
  run: (place: { folder: string; set: string; model: string; ladder: string; out: string }) => Promise<void>,
): Promise<void> {
  await inWorkshop(async ({ folder, set }) => {
    for (const kind of ["images", "labels"]) {
      await Deno.mkdir(join(set, kind, "test"));
      for (const { name } of Deno.readDirSync(join(set, kind, "val"))) {
        await Deno.copyFile(join(set, kind, "val", name), join(set, kind, "test", name));
      }
    }
    const model = join(folder, "model.onnx"), ladder = join(folder, "ladder.json");
    await Deno.writeFile(model, saveOnnx(yolo11({ width: 0.0625, depth: 0.3, size: SIZE, classes: TINY.classes })));
    await put(folder, "ladder.json", JSON.stringify(SHORT_LADDER));
    await run({ folder, set, model, ladder, out: join(folder, "out") });
  });
}

/** A verb that copies its model and writes itself into the history. */
export async function pretendVerb(verb: string, words: readonly string[]): Promise<{ reason?: string }> {
  const after = (name: string) => words[words.indexOf(name) + 1];
  const parent = await loadOnnx(after("--model"));
  await Deno.writeFile(after("--out"), saveOnnx(withHistory(parent, historyEntry(verb, {}, parent))));
  return {};
}
