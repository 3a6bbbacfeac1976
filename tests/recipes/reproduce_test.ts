/** `reproduce` on a detector of few channels and a handful of pictures: the plan, being stopped, what is stale, the tables behind it. */

import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { historyEntry, historyOf, withHistory } from "../../src/compress/history.ts";
import { checkOptions, readyVerb } from "../../src/cli/step_verbs.ts";
import type { Output } from "../../src/cli/output.ts";
import { sha256Of } from "../../src/data/download/checksum.ts";
import { analyze, FeatherdetError } from "../../src/graph/mod.ts";
import { readSeedRecord, SEEDS_FILE } from "../../src/host/seed_record.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { loadOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { type PlannedFile, planReproduction, type Wanted } from "../../src/recipes/reproduce/plan.ts";
import { reproduce, type Reproduction } from "../../src/recipes/reproduce/reproduce.ts";
import { openWorkshop } from "../../src/recipes/reproduce/workshop.ts";
import { stateOf } from "../../src/recipes/reproduce/state.ts";
import { makeResultTables, type ResultTableOptions } from "../../src/recipes/result_tables.ts";
import { recipeHash } from "../../src/report/table/recipe.ts";
import { inFolder, put, putYolo, TINY } from "../support/data_folders.ts";
import { gpuTest } from "../support/gpu.ts";

const CLI = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));

const SIZE = 64;

/** Another detector, of fewer channels. */
const NARROWER = { width: 0.0625, depth: 0.3, size: SIZE, classes: TINY.classes };

/** Enough pictures for one batch of those that are looked at before and after a cut. */
const EIGHT = {
  ...TINY,
  pictures: [0, 1].flatMap((copy) => TINY.pictures.map((one) => ({ ...one, name: `${copy}${one.name}` }))),
};

/** A YOLO folder with parts to train on and to validate on. */
async function putSet(folder: string): Promise<void> {
  await putYolo(folder, EIGHT);
  for (const kind of ["images", "labels"]) {
    await Deno.mkdir(join(folder, kind, "train"));
    for (const { name } of Deno.readDirSync(join(folder, kind, "val"))) {
      await Deno.copyFile(join(folder, kind, "val", name), join(folder, kind, "train", name));
    }
  }
}

/** Children stand before their parents. */
function variants(set: string, { epochs = 2, gflops = 0.8 } = {}) {
  const of = { data: set, size: SIZE, precision: "f32" };
  const file = (id: string) => ({ id, title: `T ${id}`, model: { file: `models/${id}.onnx` } });
  const seeds = (id: string) => ({
    out: `data/models/${id}.onnx`,
    seeds: [0, 1],
    seedOut: `.cache/models/${id}-{seed}.onnx`,
  });
  return [
    {
      ...{ ...of, ...file("cut-int8"), precision: "int8", role: "pruning+quantization" },
      made: {
        steps: [{
          verb: "quantize",
          options: { model: { variant: "cut" }, calibrate: set, limit: 2, latency: false },
          seconds: 5,
        }],
        ...seeds("cut-int8"),
      },
    },
    {
      ...{ ...of, ...file("cut"), role: "pruning" },
      made: {
        steps: [{
          verb: "prune",
          options: {
            ...{
              model: { variant: "base" },
              data: set,
              gflops,
              rounds: 1,
              epochs: 0,
              lastEpochs: 2,
              valEvery: 2,
              batch: 2,
            },
            criterion: "l2",
          },
          seconds: { record: "data/times.json", run: "seed-{seed}" },
        }],
        ...seeds("cut"),
      },
    },
    {
      ...{ ...of, ...file("base"), role: "original" },
      made: {
        steps: [{
          verb: "train",
          options: { model: "yolo11n", width: 0.0625, depth: 0.3, data: set, size: SIZE, epochs, batch: 2, workers: 0 },
        }],
        out: "data/models/base.onnx",
      },
    },
    {
      ...of,
      ...file("base"),
      id: "base-32",
      title: "T base at 32",
      role: "control",
      size: 32,
      made: { variant: "base" },
    },
    { ...of, ...file("later"), role: "distillation", made: "to come" },
  ];
}

/** A folder with a set, a manifest and a record of times; its cache is in it too. */
async function inWorkshop(
  run: (place: { folder: string; set: string; manifest: string }) => Promise<void>,
  more: Parameters<typeof variants>[1] = {},
): Promise<void> {
  await inFolder(async (folder) => {
    const set = join(folder, "set"), manifest = join(folder, "data", "variants.json");
    await putSet(set);
    await put(folder, "data/variants.json", JSON.stringify({ variants: variants(set, more) }));
    await put(folder, "data/times.json", JSON.stringify({ runs: [{ label: "seed-0", end: { seconds: 120 } }] }));
    await Deno.mkdir(join(folder, "data", "models"));
    const before = Deno.env.get("FEATHERDET_CACHE");
    Deno.env.set("FEATHERDET_CACHE", join(folder, "cache"));
    try {
      await run({ folder, set, manifest });
    } finally {
      if (before === undefined) Deno.env.delete("FEATHERDET_CACHE");
      else Deno.env.set("FEATHERDET_CACHE", before);
    }
  });
}

const SILENT = { json: true, line: () => {}, note: () => {}, object: () => {} } as unknown as Output;

const plan = async (manifest: string, wanted: Wanted) =>
  await planReproduction(await openWorkshop({ manifest, checkOptions }), wanted);

const brief = (files: readonly Pick<PlannedFile, "variant" | "seed">[]) =>
  files.map((one) => `${one.variant} ${one.seed}`);

const making = (files: readonly PlannedFile[]) => brief(files.filter(({ action }) => action === "make"));

Deno.test("the plan: parents first, each seed from the parent of its seed, with times and who says so", () =>
  inWorkshop(async ({ manifest, set }) => {
    const all = await plan(manifest, { data: set });
    assertEquals(brief(all), ["base 0", "cut 0", "cut-int8 0", "cut 1", "cut-int8 1", "base-32 0", "later 0"]);
    assertEquals(all.map(({ action }) => action), [...Array(5).fill("make"), "keep", "none"]);
    assertEquals(all.map(({ time }) => time), [
      undefined,
      { seconds: 120, source: "recorded in data/times.json" },
      { seconds: 5, source: "an estimate" },
      { seconds: 120, source: "as seed 0, recorded in data/times.json" },
      { seconds: 5, source: "an estimate" },
      undefined,
      undefined,
    ]);
    assertStringIncludes(all[3].command, "--seed 1 --run runs/cut-seed-1 --out .cache/models/cut-1.onnx");
    const some = async (wanted: Omit<Wanted, "data">) => making(await plan(manifest, { data: set, ...wanted }));
    assertEquals(await some({ only: ["cut"], seeds: [1] }), ["base 0", "cut 1"]);
    assertEquals(await some({ only: ["base-32"] }), ["base 0"]);
    assertEquals(await some({ seeds: [1] }), ["base 0", "cut 1", "cut-int8 1"]);
    await assertRejects(() => some({ only: ["cat"] }), FeatherdetError, 'is called "cat", there are: cut-int8, cut,');
    await assertRejects(() => some({ seeds: [0, 7] }), FeatherdetError, "none of the variants is made with seed 7");
    await put(manifest, "../times.json", "{}");
    await assertRejects(() => some({}), FeatherdetError, 'times.json: has no run "seed-0" with its seconds');
  }));

Deno.test("the plan refuses what is made from a file that is not there and that nobody can make", () =>
  inWorkshop(async ({ manifest, set }) => {
    const [int8, cut, base] = variants(set);
    await Deno.writeTextFile(manifest, JSON.stringify({ variants: [int8, cut, { ...base, made: "by hand" }] }));
    await assertRejects(
      () => plan(manifest, { data: set }),
      FeatherdetError,
      'variants.json: "cut" needs "base", which is not there and has no recipe: by hand',
    );
  }));

Deno.test("--dry-run says what would be made and makes nothing; a circle and unknown options are refused", () =>
  inWorkshop(async ({ folder, manifest, set }) => {
    const cli = async (...args: string[]) => {
      const command = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", CLI, "reproduce", "--data", set, "--manifest", manifest, ...args],
        env: { NO_COLOR: "1", VK_ICD_FILENAMES: "/nonexistent" },
      });
      const { code, stdout, stderr } = await command.output();
      const text = new TextDecoder();
      return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
    };
    const { code, stdout, stderr } = await cli("--dry-run", "--only", "cut-int8", "--out", join(folder, "x"));
    assertEquals(code, 0, stderr);
    assertEquals(stdout.split("\n").filter((line) => /^\d\./.test(line)), [
      "1. base: it is not there; nobody has timed it",
      "2. cut, seed 0: it is not there; about 2 min, recorded in data/times.json",
      "3. cut-int8, seed 0: it is not there; about 5 s, an estimate",
      "4. cut, seed 1: it is not there; about 2 min, as seed 0, recorded in data/times.json",
      "5. cut-int8, seed 1: it is not there; about 5 s, an estimate",
    ]);
    assertStringIncludes(stdout, "5 to make, in all about 4 min and 1 untimed; then the tables in ");
    const { made, table, reason } = JSON.parse((await cli("--dry-run", "--json")).stdout);
    assertEquals([made.length, table, reason], [7, null, "dry run"]);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), ["data", "set"]);
    const refused = async (change: (list: ReturnType<typeof variants>) => unknown, says: RegExp) => {
      const list = structuredClone(variants(set));
      change(list);
      await Deno.writeTextFile(manifest, JSON.stringify({ variants: list }));
      const ended = await cli("--dry-run", "--json");
      assertEquals([ended.code, ended.stdout], [1, ""], ended.stderr);
      assertMatch(ended.stderr, says);
    };
    type Options = { [name: string]: unknown };
    const options = (list: ReturnType<typeof variants>, i: number) =>
      (list[i].made as { steps: { options: Options }[] }).steps[0].options;
    await refused((list) => options(list, 2).model = { variant: "cut-int8" }, /error: .*"cut-int8" is made from "cut"/);
    await refused((list) => options(list, 1).round = 1, /"cut": made.steps\[0\].options: unknown option '--round'/);
  }));

/** What is in all files of a kind in a folder, by their names. */
async function hashesIn(folder: string): Promise<Record<string, string>> {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, sha256Of(await Deno.readFile(join(folder, name)))]),
    ),
  );
}

gpuTest(
  "stopped and killed in the middle, the same command goes on, and the files are those of a run without a stop",
  () =>
    inWorkshop(async ({ folder, set, manifest }) => {
      const stopped = join(folder, "stopped"), whole = join(folder, "whole");
      /** Runs the verb and sends it a signal when it says something. */
      const until = async (says: RegExp, signal: Deno.Signal) => {
        const child = new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", CLI, "reproduce", "--data", set, "--manifest", manifest, "--out", stopped, "--json"],
          env: { NO_COLOR: "1", FEATHERDET_NO_INSTALL: "1", XDG_RUNTIME_DIR: "/tmp" },
          ...{ stdin: "null", stdout: "piped", stderr: "piped" },
        }).spawn();
        let said = "", isSent = false;
        for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream())) {
          said += chunk;
          if (isSent || !says.test(said)) continue;
          isSent = true;
          child.kill(signal);
        }
        const [stdout, { code }] = await Promise.all([new Response(child.stdout).text(), child.status]);
        return { code, stdout, said };
      };
      const first = await until(/making base[^]*epoch 1\/2/, "SIGINT");
      assertEquals(first.code, 130, first.said);
      assertStringIncludes(first.said, "interrupted: the same command goes on");
      const { reason, made, table } = JSON.parse(first.stdout);
      assertEquals([reason, made, table], ["interrupted", [], null]);
      // Nothing of the cut was validated before: its best epoch comes after the stop.
      const second = await until(/going on in epoch \d[^]*making cut, seed 0[^]*epoch 1\//, "SIGINT");
      assertEquals([second.code, JSON.parse(second.stdout).made.length], [130, 1], second.said);
      const third = await until(/making cut, seed 0[^]*making cut, seed 1[^]*before training/, "SIGKILL");
      assertEquals(third.code, 137, third.said);
      assertEquals(Object.keys(await hashesIn(join(stopped, "models"))), ["base.onnx", "cut-int8.onnx", "cut.onnx"]);

      const finish = async (out: string, table?: ResultTableOptions): Promise<Reproduction> => {
        return await reproduce({
          ...{ data: set, manifest, checkOptions, out },
          run: (verb, words) => readyVerb(verb, words)(SILENT),
          table,
        });
      };
      const rest = await finish(stopped, { limit: 2, latencyRuns: 0 }), again = await finish(whole);
      assertEquals(rest.reason, "finished");
      const makes = ({ made }: Reproduction) => brief(made.filter(({ action }) => action === "made"));
      assertEquals(makes(rest), ["cut 1", "cut-int8 1"]);
      assertEquals(makes(again), ["base 0", "cut 0", "cut-int8 0", "cut 1", "cut-int8 1"]);
      assertEquals(rest.made.find(({ variant }) => variant === "base-32")?.action, "keep");
      const hashes = await hashesIn(join(stopped, "models"));
      assertEquals(Object.keys(hashes), ["base.onnx", "cut-1.onnx", "cut-int8-1.onnx", "cut-int8.onnx", "cut.onnx"]);
      assertEquals(hashes, await hashesIn(join(whole, "models")));
      assertEquals(new Set(Object.values(hashes)).size, 5, "seeds make other files");
      for (const { variant, sha256 } of again.made.filter(({ seed, action }) => seed === 0 && action === "made")) {
        assertEquals(sha256, hashes[`${variant}.onnx`]);
      }
      const rows = rest.table!.rows.map(({ id, missing }) => [id, missing]);
      assertEquals(rows.slice(0, 4).map(([, missing]) => missing), Array(4).fill(undefined));
      assertEquals(rest.table!.files[0].startsWith(stopped), true);

      // What is there now is current, as the runs tell; without them the histories do.
      const kinds = async (out: string, more: Parameters<typeof variants>[1] = {}) => {
        await Deno.writeTextFile(manifest, JSON.stringify({ variants: variants(set, more) }));
        const shop = await openWorkshop({ manifest, checkOptions, out });
        const states = [];
        for (const [i, seed] of [[2, 0], [1, 0], [1, 1], [0, 1]]) {
          states.push(await stateOf(shop, shop.variants[i], seed));
        }
        return states.map(({ kind, why }) => `${kind}: ${why}`);
      };
      assertEquals(await kinds(whole), Array(4).fill("current: it was made here by this recipe"));
      await Deno.remove(join(whole, "runs"), { recursive: true });
      assertEquals(await kinds(whole), Array(4).fill("current: its history agrees with the recipe"));
      assertEquals(await kinds(whole, { epochs: 3 }), [
        "stale: its history says --epochs 2, the recipe 3",
        ...Array(3).fill("current: its history agrees with the recipe"),
      ]);
      assertEquals(
        (await kinds(whole, { gflops: 0.7 })).slice(1, 3),
        Array(2).fill(
          "stale: its history says --gflops 0.8, the recipe 0.7",
        ),
      );
      // Seeds that are exchanged, and a parent that is another.
      await Deno.copyFile(join(whole, "models", "cut.onnx"), join(whole, "models", "cut-1.onnx"));
      assertEquals((await kinds(whole)).slice(2), [
        "stale: its history says --seed 0, the recipe 1",
        "stale: it was made from another cut",
      ]);
      const stale = await planReproduction(await openWorkshop({ manifest, checkOptions, out: whole }), {
        ...{ data: set, stale: true },
      });
      assertEquals(making(stale), ["cut 1", "cut-int8 1"]);
    }),
);

Deno.test("files whose histories tell nothing: the record beside the tables tells, by hash of file and recipe", () =>
  inWorkshop(async ({ folder, manifest }) => {
    const model = yolo11({ width: 0.0625, size: SIZE, classes: TINY.classes, seed: 1 });
    const bytes = saveOnnx(model);
    await Deno.writeFile(join(folder, "data", "models", "base.onnx"), bytes);
    const state = async () => {
      const shop = await openWorkshop({ manifest, checkOptions, out: folder, tables: folder });
      return { ...await stateOf(shop, shop.variants[2], 0), hash: recipeHash(shop.variants, "base", 0) };
    };
    const { kind, why, hash } = await state();
    assertEquals([kind, why], ["untold", "its history does not tell how it was made"]);
    const record = (recipe: string, sha256 = sha256Of(bytes)) =>
      put(
        folder,
        "seeds.json",
        JSON.stringify({
          ...{ schema: 1, data: "set", split: "val", images: 4, storage: "buffer" },
          seeds: [{ variant: "base", seed: 0, recipe, sha256, figures: {} }],
        }),
      );
    await record(hash);
    assertEquals((await state()).why, "this recipe made it, as seeds.json records");
    await record(recipeHash((await openWorkshop({ manifest })).variants, "cut", 0));
    assertEquals((await state()).kind, "stale");
    await record(hash, "0".repeat(64));
    assertEquals((await state()).kind, "untold");
    await put(folder, "seeds.json", "[]");
    await assertRejects(state, FeatherdetError, "seeds.json: this is no record of measured files");
    await Deno.remove(join(folder, "seeds.json"));

    // An entry of another parent is of another recipe, whatever its options are.
    const other = withHistory(model, historyEntry("prune", {}, yolo11({ width: 0.0625, size: SIZE }), { seed: 0 }));
    assert(historyOf(await loadOnnx(saveOnnx(other))).length === 1);
    await Deno.writeFile(join(folder, "data", "models", "cut.onnx"), saveOnnx(other));
    const shop = await openWorkshop({ manifest, checkOptions });
    assertEquals((await stateOf(shop, shop.variants[1], 0)).why, "it was made from another base");
  }));

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
      const other = await measure({ gflops: 0.7 });
      assertEquals([other.sources, other.row.stale], [
        ["measured", "missing"],
        "seed 0: its history says --gflops 0.8, the recipe 0.7",
      ]);
      assertEquals(await record(), [["cut", 0], ["cut", 1]], "what is stale is not recorded");
    }),
);
