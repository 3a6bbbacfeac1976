/** `compress` killed three times at points of chance: the same command goes on, and what it makes is that of a run without a stop. */

import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Random } from "../../src/numbers/random.ts";
import { inCompression } from "../support/compress_case.ts";
import { gpuTest } from "../support/gpu.ts";

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
          args: ["run", "-A", CLI, "compress", ...asked, "--target", "gflops=0.7", "--target", "bytes=0.5", "--json"],
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
