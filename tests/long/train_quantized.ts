/** `train --quantize` on the command line: what it says, what it leaves, and what it refuses. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
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

/** A run that takes seconds. */
const QUICK = [
  ...["train", "--data", "synthetic", "--limit", "2", "--val-limit", "2", "--size", "64", "--batch", "2"],
  ...["--workers", "0", "--epochs", "1", "--no-plots", "--json"],
];
const NAMED = ["--model", "yolo11n", "--width", "0.0625", "--depth", "0.3"];

Deno.test("train --quantize says what is trained, leaves the rounded model, and takes no nonsense", async () => {
  await inFolder(async (folder) => {
    const out = join(folder, "run"), other = join(folder, "other");
    const { code, stdout, stderr } = await run([...QUICK, ...NAMED, "--quantize", "ternary", "--out", out]);
    assertEquals(code, 0, stderr);
    const { quantize, model, last } = JSON.parse(stdout);
    assertEquals([quantize, model], ["ternary", join(out, "best.onnx")]);
    assertStringIncludes(stderr, "yolo11n on synthetic, ternary weights: 2 pictures");
    const best = await loadOnnx(await Deno.readFile(model));
    assertEquals(best.nodes.some(({ op }) => op === "UnpackWeights"), true);
    assertEquals(historyOf(best).map(({ name, options }) => [name, options.quantize ?? options.weights]), [
      ["train", "ternary"],
      ["convertQat", "ternary"],
    ]);
    const float = await run(["inspect", "--model", last, "--json"]);
    assertEquals(float.code, 0, float.stderr);
    assertStringIncludes(
      float.stderr,
      "holds the floats of a run with --quantize ternary: the rounded model is its best.onnx",
    );

    const cases: [string[], RegExp][] = [
      [
        ["--model", model, "--quantize", "binary"],
        /^error: .*best\.onnx: holds rounded weights, and training moves floats/,
      ],
      [
        [...NAMED, "--quantize", "int8"],
        /^error: --quantize int8 measures ranges before training, and yolo11n begins with/,
      ],
      [[...NAMED, "--learn-scales"], /^error: --learn-scales is for --quantize int8/],
      [[...NAMED, "--calibration", "8"], /^error: --calibration is for --quantize int8/],
      [[...NAMED, "--quantize", "int4"], /^error: option '--quantize <form>' argument 'int4' is invalid/],
    ];
    const ended = await Promise.all(cases.map(([args]) => run([...QUICK, ...args, "--out", other])));
    ended.forEach(({ code, stdout, stderr }, i) => {
      assertEquals([code, stdout], [1, ""], stderr);
      const lines = stderr.trimEnd().split("\n").filter((line) => !/^adapter: |XDG_RUNTIME_DIR/.test(line));
      assertEquals(lines.length, 1, stderr);
      assertMatch(lines[0], cases[i][1]);
    });
  });
});
