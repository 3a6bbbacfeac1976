/** `reproduce`: the plan, what is stale, what cannot be. */

import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { dirname, join } from "node:path";
import { hashOfGraph } from "../../src/compress/graph_hash.ts";
import { historyEntry, historyOf, withHistory, withLastEntry } from "../../src/compress/history.ts";
import { checkOptions } from "../../src/cli/step_verbs.ts";
import { sha256Of } from "../../src/data/download/checksum.ts";
import { FeatherdetError } from "../../src/graph/mod.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { loadOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { planReproduction, type Wanted } from "../../src/recipes/reproduce/plan.ts";
import { reproduce } from "../../src/recipes/reproduce/reproduce.ts";
import { openWorkshop } from "../../src/recipes/reproduce/workshop.ts";
import { stateOf } from "../../src/recipes/reproduce/state.ts";
import { historyTells } from "../../src/recipes/reproduce/told.ts";
import type { Variant } from "../../src/report/table/mod.ts";
import { recipeHash } from "../../src/report/table/recipe.ts";
import { commandLines } from "../support/command_line.ts";
import { put, TINY } from "../support/data_folders.ts";
import { brief, inWorkshop, making, pretend, SIZE, variants } from "../support/workshop.ts";

const plan = async (manifest: string, wanted: Wanted) =>
  await planReproduction(await openWorkshop({ manifest, checkOptions }), wanted);

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
    // A plan needs no adapter.
    const cli = (...more: string[][]) =>
      commandLines(
        more.map((args) => ["reproduce", "--data", set, "--manifest", manifest, ...args]),
        { VK_ICD_FILENAMES: "/nonexistent" },
      );
    const [{ code, stdout, stderr }, object] = await cli(
      ["--dry-run", "--only", "cut-int8", "--out", join(folder, "x")],
      ["--dry-run", "--json"],
    );
    assertEquals(code, 0, stderr);
    assertEquals(stdout.split("\n").filter((line) => /^\d\./.test(line)), [
      "1. base: it is not there; nobody has timed it",
      "2. cut, seed 0: it is not there; about 2 min, recorded in data/times.json",
      "3. cut-int8, seed 0: it is not there; about 5 s, an estimate",
      "4. cut, seed 1: it is not there; about 2 min, as seed 0, recorded in data/times.json",
      "5. cut-int8, seed 1: it is not there; about 5 s, an estimate",
    ]);
    assertStringIncludes(stdout, "5 to make, in all about 4 min and 1 untimed; then the tables in ");
    const { made, table, reason } = JSON.parse(object.stdout);
    assertEquals([made.length, table, reason], [7, null, "dry run"]);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), ["data", "set"]);
    const refused = async (change: (list: ReturnType<typeof variants>) => unknown, says: RegExp) => {
      const list = structuredClone(variants(set));
      change(list);
      await Deno.writeTextFile(manifest, JSON.stringify({ variants: list }));
      const [ended] = await cli(["--dry-run", "--json"]);
      assertEquals([ended.code, ended.stdout], [1, ""], ended.stderr);
      assertMatch(ended.stderr, says);
    };
    type Options = { [name: string]: unknown };
    const options = (list: ReturnType<typeof variants>, i: number) =>
      (list[i].made as { steps: { options: Options }[] }).steps[0].options;
    await refused((list) => options(list, 2).model = { variant: "cut-int8" }, /error: .*"cut-int8" is made from "cut"/);
    await refused((list) => options(list, 1).round = 1, /"cut": made.steps\[0\].options: unknown option '--round'/);
  }));

Deno.test("stale files are told and kept; with --stale they are made again, and what was made from them too", () =>
  inWorkshop(async ({ set, manifest }) => {
    const run = async (more: Partial<Wanted> = {}) => {
      const told: string[] = [];
      const { made } = await reproduce({
        ...{ data: set, manifest, checkOptions, run: pretend, only: ["cut-int8", "cut", "base"], seeds: [0], ...more },
        onMake: ({ variant }) => told.push(variant),
      });
      const kinds = made.map(({ variant, state, action }) => [variant, `${action} ${state.kind}`]);
      return { told, kinds: Object.fromEntries(kinds) };
    };
    assertEquals((await run()).told, ["base", "cut", "cut-int8"]);
    const kept = { base: "keep current", cut: "keep current", "cut-int8": "keep current" };
    assertEquals(await run(), { told: [], kinds: kept });
    await Deno.writeTextFile(manifest, JSON.stringify({ variants: variants(set, { epochs: 5 }) }));
    assertEquals(await run(), { told: [], kinds: { ...kept, base: "keep stale" } });
    const before = await plan(manifest, { data: set, seeds: [0], stale: true });
    assertEquals(before.slice(0, 3).map(({ variant, action, state }) => [variant, action, state.why]), [
      ["base", "make", "its history says --epochs 2, the recipe 5"],
      ["cut", "keep", "its history agrees with the recipe; looked at again behind base"],
      ["cut-int8", "keep", "its history agrees with the recipe; looked at again behind cut"],
    ]);
    assertEquals(await run({ stale: true }), {
      told: ["base", "cut", "cut-int8"],
      kinds: { base: "made stale", cut: "made stale", "cut-int8": "made stale" },
    });
    assertEquals(await run({ stale: true }), { told: [], kinds: kept });

    // Another file of the same recipe: what was made here was made from the one before.
    await Deno.mkdir(join(set, "run"));
    await pretend("train", ["--epochs", "7", "--seed", "0", "--out", join(set, "run")]);
    const other = await loadOnnx(join(set, "run", "best.onnx"));
    const entry = { ...historyOf(other)[0], options: { epochs: 5 } };
    const base = join(dirname(manifest), "models", "base.onnx");
    await Deno.writeFile(base, saveOnnx(withLastEntry(other, entry)));
    assertEquals((await run()).kinds, { ...kept, cut: "keep stale" });
    assertEquals(await run({ stale: true }), {
      told: ["cut", "cut-int8"],
      kinds: { base: "keep current", cut: "made stale", "cut-int8": "made stale" },
    });
  }));

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
          seeds: [{ variant: "base", seed: 0, recipe, size: SIZE, precision: "f32", sha256, figures: {} }],
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

Deno.test("a model that another teacher taught is stale", () =>
  inWorkshop(async ({ folder }) => {
    const [teacher, other] = [1, 2].map((seed) => yolo11({ width: 0.0625, size: 64, classes: 2, seed }));
    const paths = [teacher, other].map((_, i) => join(folder, `teacher-${i}.onnx`));
    await Promise.all([teacher, other].map((graph, i) => Deno.writeFile(paths[i], saveOnnx(graph))));
    const student = yolo11({ width: 0.0625, size: 64, classes: 2 });
    const hash = hashOfGraph(await loadOnnx(paths[0])), told = { name: "big", hash, size: [64, 64] };
    const entry = historyEntry("train", { epochs: 3, distil: { teacher: told, losses: [] } }, student, { seed: 0 });
    const recipe = {
      steps: [{ verb: "train" as const, options: { model: "yolo11n", epochs: 3, teacher: { variant: "big" } } }],
      seeds: [0],
    };
    const variant = { recipe } as unknown as Variant;
    const taughtBy = (file: string) => historyTells(withHistory(student, entry), variant, 0, new Map([["big", file]]));
    assertEquals(await taughtBy(paths[0]), "agrees");
    assertEquals(await taughtBy(paths[1]), { stale: "it was taught by another big" });
    const [step] = recipe.steps, assigned = { ...step, options: { ...step.options, teacherAssigns: true } };
    const asked = { recipe: { ...recipe, steps: [assigned] } } as unknown as Variant;
    assertEquals(await historyTells(withHistory(student, entry), asked, 0, new Map([["big", paths[0]]])), {
      stale: "its history says --teacher-assigns false, the recipe true",
    });
  }));
