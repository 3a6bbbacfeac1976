/** Options of `quantize` that do not go together, models that pictures do not fit, and files that cannot be written. */

import { assertEquals, assertThrows } from "@std/assert";
import { join } from "node:path";
import { type DecidingOptions, refuseUnused } from "../../src/cli/quantize_options.ts";
import { refuseSource } from "../../src/host/models.ts";
import { pictureInput } from "../../src/recipes/compress_model.ts";
import { checkTarget } from "../../src/host/whole_file.ts";
import { checkTimestamps } from "../../src/eval/frame_times.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { inFolder } from "../support/data_folders.ts";
import { graphOf } from "../support/tiny_graph.ts";

const INT8: DecidingOptions = { weights: "channel", observer: "mse" };
const MIXED: DecidingOptions = { ...INT8, mixed: true };
const TERNARY: DecidingOptions = { ...INT8, weights: "ternary" };

Deno.test("options that others leave no use are refused by name, others are not", () => {
  const check = (deciding: DecidingOptions, ...given: string[]) => () =>
    refuseUnused(deciding, (option) => given.includes(option));
  check(INT8, "calibrate", "split", "limit", "scheme", "sensitivity", "latency")();
  check(MIXED, "calibrate", "budgetMap", "measure", "measureSplit", "measureLimit", "sensitivity", "scheme")();
  check(TERNARY, "float", "size", "latency")();
  check({ ...INT8, observer: "percentile" }, "percentile", "observer")();
  const refused = (run: () => void, sentence: string) => assertThrows(run, FeatherdetError, sentence);
  refused(check(INT8, "percentile"), "--percentile is for --observer percentile");
  refused(check(INT8, "measureLimit"), "--measure-limit is for --mixed");
  refused(check(INT8, "device"), "--device is for --mixed");
  refused(check(INT8, "budgetMs", "measureSplit"), "--budget-ms, --measure-split are for --mixed");
  const learned = { ...INT8, rounding: "reconstructed" };
  check(learned, "calibrate", "limit", "scheme", "roundingSteps", "equalise")();
  check({ ...learned, weights: "4bit" }, "calibrate", "split", "limit", "roundingSteps", "float")();
  refused(check(INT8, "roundingSteps"), "--rounding-steps is for --rounding reconstructed");
  refused(check(learned, "clipWeights"), "--clip-weights is for nearest rounding");
  refused(check({ ...learned, mixed: true }), "--rounding reconstructed is for one precision");
  for (const weights of ["ternary", "binary", "tensor"]) {
    refused(check({ ...learned, weights }), "--rounding reconstructed is for weights of 8 and 4 bits with a scale");
  }
  refused(check({ ...learned, weights: "4bit" }, "observer"), "--observer is for int8: 4bit weights need neither");
  refused(check({ ...INT8, weights: "4bit" }, "limit"), "--limit is for int8: 4bit weights need neither pictures");
  for (
    const [option, name] of [
      ["calibrate", "--calibrate"],
      ["observer", "--observer"],
      ["equalise", "--equalise"],
      ["biasCorrection", "--no-bias-correction"],
      ["sensitivity", "--sensitivity"],
    ]
  ) {
    refused(check(TERNARY, option), `${name} is for int8: ternary weights need neither pictures nor ranges`);
  }
});

Deno.test("a model that is calibrated with pictures has one input of three channels", () => {
  const form = { name: "x", height: 32, width: 64, levels: false, bytes: false, channels: "rgb" };
  assertEquals(pictureInput(graphOf({ x: [1, 3, 32, 64] }, ["x"], [])), { ...form, channelsLast: false });
  assertEquals(pictureInput(graphOf({ x: [1, 32, 64, 3] }, ["x"], [])), { ...form, channelsLast: true });
  for (const shape of [[1, 1, 32, 32], [1, 16], [2, 3, 32, 32], [1, 3, 32]]) {
    const sentence = `this one has "x" [${shape}]`;
    assertThrows(() => pictureInput(graphOf({ x: shape }, ["x"], [])), FeatherdetError, sentence);
  }
  const two = graphOf({ x: [1, 3, 32, 32], y: [1] }, ["x"], []);
  assertThrows(() => pictureInput(two), FeatherdetError, 'this one has "x" [1,3,32,32], "y" [1]');
});

Deno.test("the model is not overwritten by what is made of it, under whatever name", () =>
  inFolder(async (folder) => {
    const [model, link, other] = ["m.onnx", "link.onnx", "other.onnx"].map((name) => join(folder, name));
    await Deno.writeTextFile(model, "m");
    await Deno.symlink(model, link);
    refuseSource(model, other);
    refuseSource("demo", model);
    await Deno.writeTextFile(other, "m");
    refuseSource(model, other);
    for (const [from, to] of [[model, model], [model, link], [link, model]]) {
      assertThrows(() => refuseSource(from, to), FeatherdetError, `${to}: is the model itself`);
    }
  }));

Deno.test("what cannot be written is refused before the work, and nothing is left of the attempt", () =>
  inFolder(async (folder) => {
    const names = () => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    const file = join(folder, "out.onnx");
    checkTarget(file);
    assertEquals(names(), []);
    await Deno.writeTextFile(file, "old");
    checkTarget(file);
    assertEquals([names(), await Deno.readTextFile(file)], [["out.onnx"], "old"]);
    const refused = (path: string, sentence: string) =>
      assertThrows(() => checkTarget(path), FeatherdetError, sentence);
    refused("", "the file to write has no name");
    refused(folder, "is a folder, not a file");
    refused(join(file, "x.onnx"), "the folder cannot be made, a file has that name");
    refused(join(file, "deep", "x.onnx"), "the folder cannot be made, a file has that name");
    refused(join(folder, "x".repeat(300)), "File name too long");
    if (Deno.build.os === "linux") {
      refused("/dev/null", "is no file that could be replaced");
      // Nobody, not even root, makes files there.
      refused("/proc/x.onnx", "/proc/x.onnx: ");
    }
    assertEquals(names(), ["out.onnx"]);
    checkTarget(join(folder, "new", "deep", "x.onnx"));
    assertEquals([...Deno.readDirSync(join(folder, "new"))].map(({ name }) => name), ["deep"]);
  }));

Deno.test("an adapter that cannot time dispatches is named", () => {
  const adapter = { name: "plain" } as Parameters<typeof checkTimestamps>[0]["adapter"];
  checkTimestamps({ timestamps: true, adapter });
  assertThrows(
    () => checkTimestamps({ timestamps: false, adapter }),
    FeatherdetError,
    '"plain" has no timestamp queries',
  );
});
