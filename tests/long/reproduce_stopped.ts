/** `reproduce` stopped and killed: the same command goes on, and its files are those of a run without a stop. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { checkOptions, readyVerb } from "../../src/cli/step_verbs.ts";
import type { Output } from "../../src/cli/output.ts";
import { sha256Of } from "../../src/data/download/checksum.ts";
import { planReproduction } from "../../src/recipes/reproduce/plan.ts";
import { reproduce, type Reproduction } from "../../src/recipes/reproduce/reproduce.ts";
import { openWorkshop } from "../../src/recipes/reproduce/workshop.ts";
import { stateOf } from "../../src/recipes/reproduce/state.ts";
import type { ResultTableOptions } from "../../src/recipes/result_tables.ts";
import { command } from "../support/command_line.ts";
import { gpuTest } from "../support/gpu.ts";
import { brief, inWorkshop, making, variants } from "../support/workshop.ts";

const SILENT = { json: true, line: () => {}, note: () => {}, object: () => {} } as unknown as Output;

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
        const args = ["reproduce", "--data", set, "--manifest", manifest, "--out", stopped, "--json"];
        const child = command(args).spawn();
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
      const second = await until(/going on in epoch \d[^]*making cut, seed 0[^]*epoch 1 /, "SIGINT");
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
