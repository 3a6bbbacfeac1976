/** `train --sparse-gamma` and `--group-lasso` on the command line: losses, history, what a resumed run keeps, what is refused. */

import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { historyOf } from "../../src/compress/history.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import { inFolder } from "../support/data_folders.ts";
import { permissionsOf } from "../support/task_permissions.ts";

const CLI = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));

async function run(args: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", ...permissionsOf(args[0]), CLI, ...args],
    env: { NO_COLOR: "1", FEATHERDET_NO_INSTALL: "1", XDG_RUNTIME_DIR: "/tmp" },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

const QUICK = [
  ...["train", "--data", "synthetic", "--limit", "4", "--val-limit", "2", "--size", "64", "--batch", "2"],
  ...[
    "--workers",
    "0",
    "--val-every",
    "0",
    "--no-plots",
    "--json",
    "--model",
    "yolo11n",
    "--width",
    "0.0625",
    "--depth",
    "0.3",
  ],
];

Deno.test("sparse training: both losses are told, the history keeps their weights, a longer run goes on growing alike", async () => {
  await inFolder(async (folder) => {
    const out = join(folder, "run");
    const asked = ["--sparse-gamma", "1e-4", "--group-lasso", "0.01", "--epochs", "2", "--out", out];
    const first = await run([...QUICK, ...asked]);
    assertEquals(first.code, 0, first.stderr);
    const longer = await run(["train", "--resume", out, "--epochs", "3", "--workers", "0", "--json"]);
    assertEquals(longer.code, 0, longer.stderr);
    const { log, model } = JSON.parse(longer.stdout);
    const lines = (await Deno.readTextFile(log)).trimEnd().split("\n").map((line) => JSON.parse(line));
    const steps = lines.filter(({ event }) => event === "step");
    assertEquals(steps.length, 6);
    steps.forEach(({ lossWeights, losses }, i) => {
      // Two steps an epoch; it grows for the two epochs that were asked for first, and stays.
      assertAlmostEquals(lossWeights.groupLasso, 0.01 * Math.min(1, i / 4), 1e-12);
      assertAlmostEquals(lossWeights.gammaL1, 1e-4, 1e-12);
      assert(losses.gammaL1 > 0 && (i === 0 || losses.groupLasso > 0));
    });
    const [{ name, options }] = historyOf(await loadOnnx(await Deno.readFile(model)));
    assertEquals(name, "train");
    assertEquals([options.groupLasso, options.gammaL1], [{ weight: [[0, 0], [2, 0.01]] }, { weight: 1e-4 }]);
    const refusals: [string[], string][] = [
      [["--sparse-epochs", "3"], "--sparse-epochs is for --group-lasso, nothing else grows"],
      [["--group-lasso", "-1"], "option '--group-lasso <weight>' argument '-1' is invalid"],
      [["--sparse-gamma", "x"], "option '--sparse-gamma <weight>' argument 'x' is invalid"],
    ];
    for (const [options, says] of refusals) {
      const { code, stderr } = await run([...QUICK, ...options, "--out", join(folder, "other")]);
      assertEquals(code, 1, stderr);
      assertStringIncludes(stderr, says);
    }
    const { code, stderr } = await run(["train", "--resume", out, "--epochs", "4", "--group-lasso", "0.5", "--json"]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "is of a run with groupLasso");
  });
});
