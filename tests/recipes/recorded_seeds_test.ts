/** Seeds in result tables: measured, recorded, or of another recipe. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { historyEntry, withHistory } from "../../src/compress/history.ts";
import { checkOptions } from "../../src/cli/step_verbs.ts";
import { sha256Of } from "../../src/data/download/checksum.ts";
import { analyze, FeatherdetError } from "../../src/graph/mod.ts";
import { readSeedRecord, SEEDS_FILE } from "../../src/host/seed_record.ts";
import { refuseWholeTables } from "../../src/host/table_files.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { saveOnnx } from "../../src/onnx/mod.ts";
import { jobHandler } from "../../src/recipes/jobs/mod.ts";
import { makeResultTables } from "../../src/recipes/result_tables.ts";
import { put, TINY } from "../support/data_folders.ts";
import { gpuTest } from "../support/gpu.ts";
import { instantQueue } from "../support/instant_queue.ts";
import { inWorkshop, pretend, SIZE, variants } from "../support/workshop.ts";

/** Another detector, of fewer channels. */
const NARROWER = { width: 0.0625, depth: 0.3, size: SIZE, classes: TINY.classes };

gpuTest(
  "seeds whose files are gone count as recorded, as long as the same recipe made them",
  () =>
    inWorkshop(async ({ folder, set, manifest }) => {
      const detector = (seed: number) => yolo11({ width: 0.125, depth: 0.3, size: SIZE, classes: TINY.classes, seed });
      const base = detector(9), second = join(folder, "cache", "models", "cut-1.onnx");
      const made = (seed: number) => {
        const entry = historyEntry("prune", { criterion: "l2", budget: { gflops: 0.8 } }, base, { seed });
        return saveOnnx(withHistory(seed === 0 ? detector(0) : yolo11({ ...NARROWER, seed }), entry));
      };
      await Deno.mkdir(join(folder, "cache", "models"), { recursive: true });
      await Deno.writeFile(join(folder, "data", "models", "base.onnx"), saveOnnx(base));
      await Deno.writeFile(join(folder, "data", "models", "cut.onnx"), made(0));
      await Deno.writeFile(second, made(1));
      const out = join(folder, "tables");
      const measure = async (more: Parameters<typeof variants>[1] = {}, limit?: number) => {
        await Deno.writeTextFile(manifest, JSON.stringify({ variants: variants(set, more) }));
        const options = { manifest, checkOptions, latencyRuns: 0, only: ["cut"], folder: out, limit };
        const { rows, files } = await makeResultTables(set, options);
        const row = rows.find(({ id }) => id === "cut")!;
        return { row, files, sources: row.seeds!.map(({ source }) => source) };
      };
      const record = async () =>
        (await readSeedRecord(join(out, SEEDS_FILE)))?.seeds.map(({ variant, seed }) => [variant, seed]);

      const quick = await measure({}, 1);
      assertEquals([quick.sources, await record()], [["measured", "measured"], undefined]);
      const both = await measure();
      assertEquals(both.sources, ["measured", "measured"]);
      const counts = [detector(0), yolo11(NARROWER)].map((graph) => analyze(graph).parameters);
      assertEquals(both.row.figures.parameters, {
        value: (counts[0] + counts[1]) / 2,
        range: [counts[1], counts[0]],
      });
      assertEquals(both.row.sha256, sha256Of(await Deno.readFile(join(folder, "data", "models", "cut.onnx"))));
      assertEquals(both.files.at(-1), join(out, SEEDS_FILE));
      assertEquals(await record(), [["cut", 0], ["cut", 1]]);

      await Deno.remove(second);
      const recorded = await measure();
      assertEquals(recorded.sources, ["measured", "recorded"]);
      assertEquals(recorded.row.figures, both.row.figures);
      assertStringIncludes(await Deno.readTextFile(join(out, "table.md")), "(2 seeds, 1 of them recorded)");
      assertEquals((await measure({}, 1)).sources, ["measured", "missing"], "of other pictures");
      const kept = await readSeedRecord(join(out, SEEDS_FILE));
      const other = await measure({ gflops: 0.7 });
      assertEquals([other.sources, other.row.stale], [
        ["measured", "missing"],
        "seed 0: its history says --gflops 0.8, the recipe 0.7",
      ]);
      assertEquals(await readSeedRecord(join(out, SEEDS_FILE)), kept, "what is stale is not recorded");
    }),
);

gpuTest(
  "workers of a queue measure mAP, all variants and seeds at the same time, as it is measured here",
  () =>
    inWorkshop(async ({ folder, set, manifest }) => {
      // The demo detector's own pictures show what it finds, so that its mAP is not 0.
      const of = { data: "synthetic", split: "val", precision: "f32", made: "by hand" };
      const file = (id: string) => ({ id, title: `T ${id}`, model: { file: `models/${id}.onnx` }, role: "original" });
      const known = [{ ...of, ...file("synthetic"), size: 64 }];
      await Deno.copyFile(
        fileURLToPath(new URL("../../data/models/synthetic.onnx", import.meta.url)),
        join(folder, "data", "models", "synthetic.onnx"),
      );
      await Deno.writeTextFile(manifest, JSON.stringify({ variants: known }));
      const figures = async (more: object) => {
        const { rows } = await makeResultTables("synthetic", { manifest, latencyRuns: 0, limit: 3, ...more });
        return rows.map(({ figures: { map, map50 } }) => [map, map50]);
      };
      const queue = instantQueue(folder, (own) =>
        jobHandler(own, { run: pretend, say: () => {} }, join(folder, "worker")));
      const here = await figures({}), far = await figures({ queue });
      assertEquals(far, here);
      assert((here[0][1] as { value: number }).value > 0.1, JSON.stringify(here));
      assertEquals(queue.jobs.map(({ kind, title }) => [kind, title]), [["evaluate", "mAP of T synthetic"]]);
      await figures({ queue });
      assertEquals(queue.jobs.length, 1, "what is known is not measured again");

      // Jobs of all seeds lie in the queue before the first is waited for.
      for (const seed of [0, 1]) {
        const place = seed === 0
          ? join(folder, "data", "models", "cut.onnx")
          : join(folder, "cache", "models", "cut-1.onnx");
        await Deno.mkdir(dirname(place), { recursive: true });
        await Deno.writeFile(place, saveOnnx(yolo11({ ...NARROWER, seed })));
      }
      await Deno.writeTextFile(manifest, JSON.stringify({ variants: variants(set) }));
      let waiting = 0;
      const counts = { map50: [0.5, 0.3], map: [0.25, 0.15] }, both = Promise.withResolvers<void>();
      const two = instantQueue(join(folder, "two"), () => async () => {
        const at = waiting++;
        if (at === 1) {
          both.resolve();
        }
        await both.promise;
        return { map: counts.map[at], map50: counts.map50[at], adapter: { name: "another" } };
      });
      const said: string[] = [];
      const options = { manifest, checkOptions, latencyRuns: 0, only: ["cut"], limit: 1, queue: two };
      const { rows } = await makeResultTables(set, {
        ...options,
        say: (line) =>
          said.push(line),
      });
      const row = rows.find(({ id }) => id === "cut")!;
      assertEquals(row.figures.map50, { value: 0.4, range: [0.3, 0.5] });
      assertEquals(said.filter((line) => line.includes("another adapter, another")).length, 2);
    }),
);

gpuTest(
  "tables of a part go to the cache, and replace no tables of all variants and pictures",
  () =>
    inWorkshop(async ({ folder, set, manifest }) => {
      const base = yolo11({ width: 0.125, depth: 0.3, size: SIZE, classes: TINY.classes });
      await Deno.writeFile(join(folder, "data", "models", "base.onnx"), saveOnnx(base));
      await Deno.writeTextFile(manifest, JSON.stringify({ variants: variants(set) }));
      const options = { manifest, checkOptions, latencyRuns: 0, only: ["base"] };
      const { files } = await makeResultTables(set, { ...options, limit: 1 });
      const place = join(folder, "cache", "tables", "variants");
      assertEquals(files.map((file) => dirname(file)), files.map(() => place));
      // Such a folder may be written again; one of all may not, however little of it is left out.
      await refuseWholeTables(place);
      const whole = join(folder, "whole"), page = join(folder, "page.md");
      const results = JSON.parse(await Deno.readTextFile(join(place, "table.json")));
      const all = {
        ...results,
        limit: null,
        rows: results.rows.map((row: object) => ({ ...row, missing: "no file" })),
      };
      await put(whole, "table.json", JSON.stringify(all));
      const text = "whole: holds tables of all variants and pictures, take another folder for those of a part";
      for (const part of [{ limit: 1 }, { only: ["base"] }]) {
        const made = makeResultTables(set, { ...options, only: undefined, ...part, folder: whole });
        await assertRejects(() => made, FeatherdetError, text);
      }
      assertEquals([...Deno.readDirSync(whole)].map(({ name }) => name), ["table.json"]);
      const into = makeResultTables(set, { ...options, into: page });
      await assertRejects(() => into, FeatherdetError, "page.md: a page gets tables of all variants and pictures");
    }),
);
