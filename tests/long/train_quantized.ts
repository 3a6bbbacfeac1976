/** `train --quantize` on the command line: what it says, what it leaves, and what it refuses. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { historyOf } from "../../src/compress/history.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import { assertRefusals, commandLine } from "../support/command_line.ts";
import { inFolder } from "../support/data_folders.ts";

/** A run that takes seconds. */
const QUICK = [
  ...["train", "--data", "synthetic", "--limit", "2", "--val-limit", "2", "--size", "64", "--batch", "2"],
  ...["--workers", "0", "--epochs", "1", "--no-plots", "--json"],
];
const NAMED = ["--model", "yolo11n", "--width", "0.0625", "--depth", "0.3"];

Deno.test("train --quantize says what is trained, leaves the rounded model, and takes no nonsense", async () => {
  await inFolder(async (folder) => {
    const out = join(folder, "run"), other = join(folder, "other");
    const { code, stdout, stderr } = await commandLine([...QUICK, ...NAMED, "--quantize", "ternary", "--out", out]);
    assertEquals(code, 0, stderr);
    const { quantize, model, last } = JSON.parse(stdout);
    assertEquals([quantize, model], ["ternary", join(out, "best.onnx")]);
    assertStringIncludes(stderr, "yolo11n of width 0.0625, depth 0.3 on synthetic, ternary weights: 2 pictures");
    const best = await loadOnnx(await Deno.readFile(model));
    assertEquals(best.nodes.some(({ op }) => op === "UnpackWeights"), true);
    assertEquals(historyOf(best).map(({ name, options }) => [name, options.quantize ?? options.weights]), [
      ["train", "ternary"],
      ["convertQat", "ternary"],
    ]);
    const float = await commandLine(["inspect", "--model", last, "--json"]);
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
    await assertRefusals(cases.map(([args, sentence]) => [[...QUICK, ...args, "--out", other], sentence]));
  });
});
