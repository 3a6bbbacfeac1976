/** `train --sparse-gamma` and `--group-lasso` on the command line: losses, history, what a resumed run keeps, what is refused. */

import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { historyOf } from "../../src/compress/history.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import { commandLines } from "../support/command_line.ts";
import { inFolder } from "../support/data_folders.ts";

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
    const refusals: [string[], string][] = [
      [["--sparse-epochs", "3"], "--sparse-epochs is for --group-lasso, nothing else grows"],
      [["--group-lasso", "-1"], "option '--group-lasso <weight>' argument '-1' is invalid"],
      [["--sparse-gamma", "x"], "option '--sparse-gamma <weight>' argument 'x' is invalid"],
    ];
    const [first, longer, other, ...refused] = await commandLines([
      [...QUICK, ...asked],
      ["train", "--resume", out, "--epochs", "3", "--workers", "0", "--json"],
      ["train", "--resume", out, "--epochs", "4", "--group-lasso", "0.5", "--json"],
      ...refusals.map(([options]) => [...QUICK, ...options, "--out", join(folder, "other")]),
    ]);
    assertEquals(first.code, 0, first.stderr);
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
    refused.forEach(({ code, stderr }, i) => {
      assertEquals(code, 1, stderr);
      assertStringIncludes(stderr, refusals[i][1]);
    });
    assertEquals(other.code, 1);
    assertStringIncludes(other.stderr, "is of a run with groupLasso");
  });
});
