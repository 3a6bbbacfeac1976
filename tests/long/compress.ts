/** `compress` with the verbs themselves, and killed three times at points of chance: the same command goes on, and what it makes is that of a run without a stop. */

import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Output } from "../../src/cli/output.ts";
import { checkOptions, readyVerb } from "../../src/cli/step_verbs.ts";
import { analyze } from "../../src/graph/mod.ts";
import { predictLatency } from "../../src/hardware/mod.ts";
import { loadModel } from "../../src/host/models.ts";
import { compress } from "../../src/recipes/compress/compress.ts";
import { Random } from "../../src/numbers/random.ts";
import { inCompression, SHORT_LADDER } from "../support/compress_case.ts";
import { put } from "../support/data_folders.ts";
import { gpuTest } from "../support/gpu.ts";
import { lockOptions } from "../../src/host/setup/locked.ts";

const CLI = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));

gpuTest(
  "killed three times, compress makes what it makes without a stop",
  () =>
    inCompression(async ({ folder, set, model, ladder }) => {
      /** Runs the verb, and kills it when it has said so many lines. */
      const run = async (name: string, lines = Infinity) => {
        const out = join(folder, name);
        const asked = ["--model", model, "--data", set, "--ladder", ladder, "--out", out, "--all", "--seed", "1"];
        const child = new Deno.Command(Deno.execPath(), {
          args: [
            "run",
            ...lockOptions(),
            "-A",
            CLI,
            "compress",
            ...asked,
            "--target",
            "gflops=0.7",
            "--target",
            "bytes=0.5",
            "--json",
          ],
          env: { NO_COLOR: "1", FEATHERDET_NO_INSTALL: "1", XDG_RUNTIME_DIR: "/tmp" },
          ...{ stdin: "null", stdout: "piped", stderr: "piped" },
        }).spawn();
        let said = "", isKilled = false;
        const stdout = new Response(child.stdout).text();
        for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream())) {
          said += chunk;
          if (isKilled || said.split("\n").length <= lines) continue;
          isKilled = true;
          child.kill("SIGKILL");
        }
        const { code } = await child.status;
        return { code, said, stdout: await stdout, isKilled };
      };
      const whole = await run("whole");
      assertEquals(whole.code, 0, whole.said);
      const count = whole.said.split("\n").length, seed = Date.now() % 1000, random = new Random(seed);
      let kills = 0;
      for (let i = 0; i < 3; i++) {
        // Behind the plan, which every call tells again; later each time, since what is done is not said again.
        const { isKilled, code, said } = await run("stopped", 6 + random.integer(Math.floor((count - 8) / 3)));
        if (isKilled) kills++;
        else assertEquals(code, 0, said);
      }
      assert(kills > 0, `nothing was killed with seed ${seed}`);
      const last = await run("stopped");
      assertEquals(last.code, 0, `seed ${seed}: ${last.said}`);
      const told = ({ stdout }: typeof whole) => {
        const { reason, chosen, models, tested } = JSON.parse(stdout);
        const brief = models.map((one: Record<string, unknown>) => [one.id, one.sha256, one.figures, one.unmet]);
        return { reason, chosen, models: brief, tested };
      };
      assertEquals(told(last), told(whole), `seed ${seed}`);
      assertEquals(told(whole).models.length, 4);
      assertEquals(told(whole).reason, "met");
      const page = await Deno.readTextFile(join(folder, "stopped", "report.md"));
      assert(page.includes("meets gflops=0.7, bytes=0.5") && page.includes("exports/"), page);
    }),
);

const SILENT = { json: true, line: () => {}, note: () => {}, object: () => {} } as unknown as Output;

gpuTest(
  "with the verbs themselves: a model in int8 meets its targets, latency here and on a device among them",
  () =>
    inCompression(async ({ folder, ...place }) => {
      const candidates = SHORT_LADDER.candidates.filter(({ id }) => id === "int8");
      await put(folder, "ladder.json", JSON.stringify({ candidates }));
      const made = await compress({
        ...{ model: place.model, data: place.set, ladder: place.ladder, out: place.out, checkOptions, limit: 2 },
        // What is measured here is bounded by what no load of the machine reaches.
        targets: ["bytes=0.9", "latency=1000", "latency=2@jetson-nano"],
        run: (verb, words) => readyVerb(verb, words)(SILENT),
      });
      assertEquals([made.reason, made.chosen, made.images], ["met", "int8", { judged: 2, tested: 2 }]);
      const [original, int8] = made.models;
      const graph = await loadModel(original.file, { batch: 1 });
      assertEquals(
        original.figures["latency@jetson-nano"],
        predictLatency(graph, { device: "jetson-nano" }).milliseconds,
      );
      // Counted by another path: the files, and the analysis of the graph.
      assertEquals(int8.figures.bytes, (await Deno.stat(int8.file)).size);
      assertEquals(original.figures.gflops, analyze(graph).flops / 1e9);
      assert(int8.figures.latency! > 0 && int8.shares.bytes < 0.9);
      assert((await loadModel(int8.file)).nodes.some(({ op }) => op === "QuantizeLinear"));
      assertEquals([...Deno.readDirSync(place.out)].filter(({ name }) => name.endsWith(".partial")), []);
    }),
);
