/** Jobs of a queue: variants made by workers, verbs, what is refused. */

import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { sha256OfFile } from "../../src/data/download/checksum.ts";
import { FeatherdetError } from "../../src/graph/mod.ts";
import { jobHandler } from "../../src/recipes/jobs/mod.ts";
import { makeByQueue } from "../../src/recipes/jobs/make.ts";
import { reproduce } from "../../src/recipes/reproduce/reproduce.ts";
import type { RunVerb } from "../../src/recipes/reproduce/make.ts";
import { brief, inWorkshop, pretend } from "../support/workshop.ts";
import { instantQueue } from "../support/instant_queue.ts";
import { inFolder } from "../support/data_folders.ts";

const only = ["cut-int8", "cut", "base"];

Deno.test("a queue makes the files that are made here, children behind their parents; a second time nothing is to do", () =>
  inWorkshop(async ({ folder, set, manifest }) => {
    const queue = instantQueue(
      folder,
      (own) => jobHandler(own, { run: pretend, say: () => {} }, join(folder, "worker")),
    );
    const run = (out: string, more: object = {}) =>
      reproduce({ ...{ data: set, manifest, only, seeds: [0], out: join(folder, out), run: pretend }, ...more });
    const elsewhere = { elsewhere: makeByQueue.bind(undefined, queue) };
    const far = await run("far", elsewhere), here = await run("here");
    assertEquals(far.reason, "finished");
    assertEquals(brief(far.made), brief(here.made));
    for (const [i, { file, sha256, action }] of far.made.entries()) {
      assertEquals([action, sha256], ["made", here.made[i].sha256]);
      assertEquals(await sha256OfFile(file!), sha256);
    }
    assertEquals(queue.jobs.map(({ title }) => title), [
      ...["base, seed 0", "cut, seed 0", "cut-int8, seed 0"],
    ]);
    assertEquals(queue.jobs.map(({ kind }) => kind), Array(3).fill("make"));
    // What was fetched is known as made by its recipe, as what was made here is.
    const again = await run("far", elsewhere);
    assertEquals(again.made.map(({ action, state }) => `${action} ${state.kind}`), Array(3).fill("keep current"));
    assertEquals(queue.jobs.length, 3);
  }));

Deno.test("a job that fails ends it with its sentence, and what does not need it is made", () =>
  inWorkshop(async ({ folder, set, manifest }) => {
    const failing: RunVerb = (verb, words) => {
      if (verb === "prune" && words[words.indexOf("--seed") + 1] === "1") throw new FeatherdetError("there is no room");
      return pretend(verb, words);
    };
    const queue = instantQueue(
      folder,
      (own) => jobHandler(own, { run: failing, say: () => {} }, join(folder, "worker")),
    );
    const all = { data: set, manifest, only, out: join(folder, "out"), run: pretend };
    const elsewhere = makeByQueue.bind(undefined, queue);
    await assertRejects(() => reproduce({ ...all, elsewhere }), FeatherdetError, "there is no room");
    // Which of two that are made at the same time is submitted first is chance.
    assertEquals(queue.jobs.map(({ title }) => title!).sort(), [
      ...["base, seed 0", "cut, seed 0", "cut, seed 1", "cut-int8, seed 0"],
    ]);
  }));

Deno.test("a verb with its models from the store; inputs of another form and unknown kinds are refused", () =>
  inFolder(async (folder) => {
    const told: string[][] = [];
    const run: RunVerb = async (_, words) => {
      told.push([...words]);
      await Deno.writeTextFile(join(words[3], "model.onnx"), await Deno.readTextFile(words[1]) + "!");
      await Deno.writeTextFile(join(words[3], "last.safetensors"), "large");
      return { reason: "finished" };
    };
    const queue = instantQueue(folder, (own) => jobHandler(own, { run, say: () => {} }, join(folder, "worker")));
    const hash = await queue.files.put(new TextEncoder().encode("a model"));
    const words = ["--model", "{m.onnx}", "--out", "{out}"];
    const id = await queue.submit({ kind: "verb", input: { verb: "prune", words, files: { "m.onnx": hash } } });
    const { files, told: reason } = await queue.result(id) as { files: Record<string, string>; told: object };
    assertEquals(reason, { reason: "finished" });
    assertEquals(Object.keys(files), ["model.onnx"]);
    assertEquals(new TextDecoder().decode(await queue.files.get(files["model.onnx"])), "a model!");
    assertEquals(told[0][1], join(folder, "worker", id, "in", "m.onnx"));
    const refused = async (kind: string, input: object, says: string) => {
      const job = await queue.submit({ kind, input });
      await assertRejects(() => queue.result(job), FeatherdetError, says);
    };
    await refused("verb", { verb: "rm", words: [] }, "verb: expected a verb of recipes");
    await refused("verb", { verb: "prune", words: ["{x}"] }, 'words name "x", which is no file of it');
    await refused("verb", { verb: "prune", words: [], files: { "../x": hash } }, "expected the name of a file");
    await refused("evaluate", { model: "1", data: "bccd" }, "model: expected a SHA-256");
    await refused("measure", { model: hash, runs: -1 }, "runs: expected a whole number from 0");
    await refused("make", { variants: [], variant: "a", seed: 0, parents: {} }, "expected at least one variant");
    await refused("cook", {}, 'no worker of this version does "cook", there are: make, verb');
  }));
