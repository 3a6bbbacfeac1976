/** Models whose heads are not YOLO11's on the command line: detect, eval, quantize, and train where the head's loss is known. */

import { join } from "node:path";
import { saveOnnx } from "../../src/onnx/mod.ts";
import { commandLine, commandLines, jsonOf } from "../support/command_line.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../support/assert.ts";
import {
  colourDetector,
  type ColourInput,
  COLOURS,
  type HeadParts,
  SIDE,
  type Tail,
} from "../support/colour_detector.ts";
import { writeScenes } from "../support/colour_scenes.ts";
import { inFolder } from "../support/data_folders.ts";
import { smallDetector } from "../support/anchor_detector.ts";
import { foldBatchNormalization } from "../../src/passes/mod.ts";

const objectness = (tail: Tail, { centres, greatest, scores }: HeadParts) =>
  tail.swap(tail.join(1, centres, greatest, scores));

async function writeModel(
  file: string,
  write: Parameters<typeof colourDetector>[0],
  metadata?: Record<string, string>,
  input?: ColourInput,
): Promise<string> {
  await Deno.writeFile(file, saveOnnx(colourDetector(write, metadata, input)));
  return file;
}

Deno.test("a head with objectness is detected with, evaluated, quantized and evaluated again", () =>
  inFolder(async (folder) => {
    const data = await writeScenes(join(folder, "set"), 3);
    // Levels in 0..255, which nothing in the file shows.
    const model = await writeModel(join(folder, "m.onnx"), objectness, { names: COLOURS }, {
      shape: [1, SIDE, SIDE, 3],
      prepare: (tail, input) => {
        const first = tail.one("Transpose", "first", [input], { perm: [0, 3, 1, 2] });
        const some = tail.both("Mul", first, tail.fixed([1], () => 0.2));
        return tail.both("Mul", some, tail.fixed([1], () => 1 / 51));
      },
    });
    const range = ["--input-range", "0..255"];
    const image = join(data, "images", "0.png");
    const { images } = await jsonOf(["detect", "--model", model, "--image", image, ...range]);
    const found = images[0].detections.toSorted((a: { classId: number }, b: { classId: number }) =>
      a.classId - b.classId
    );
    assertEquals(found.map(({ label }: { label: string }) => label), ["red", "blue"]);
    const evaluated = await jsonOf(["eval", "--model", model, "--data", data, ...range]);
    assertEquals([evaluated.map, evaluated.images], [1, 3]);

    const out = join(folder, "int8.onnx");
    await jsonOf(["quantize", "--model", model, "--calibrate", data, "--out", out, "--float", "none", ...range]);
    const again = await jsonOf(["eval", "--model", out, "--data", data, "--precision", "int8", ...range]);
    assertEquals(again.map, 1);
  }));

Deno.test("what is doubtful is a warning, what cannot be is one sentence with the file's name", () =>
  inFolder(async (folder) => {
    const data = await writeScenes(join(folder, "set"), 1);
    const image = join(data, "images", "0.png");
    const usual = (tail: Tail, { centres, scores }: HeadParts) => tail.join(1, centres, scores);
    const many = await writeModel(join(folder, "many.onnx"), usual, { names: "a\nb\nc\nd" });
    const nameless = await writeModel(join(folder, "nameless.onnx"), objectness, {});
    const logits = await writeModel(
      join(folder, "l.onnx"),
      (tail, { centres, logits }) => tail.join(1, centres, logits),
    );
    const [said, open, outside] = await commandLines([
      ["detect", "--model", many, "--image", image],
      ["detect", "--model", nameless, "--image", image],
      ["detect", "--model", logits, "--image", image, "--head", "scores"],
    ]);
    assertEquals(said.code, 0);
    const isWarning = (line: string) => line.includes("warning: the model's head has 3 classes and 4 names are given");
    assertEquals(said.lines.filter(isWarning).length, 1);
    assertEquals([open.code, open.stdout], [1, ""]);
    assertMatch(open.stderr, /error: [^\n]*nameless\.onnx: output [^\n]*--head objectness/);
    assertEquals([outside.code, outside.stdout], [1, ""]);
    assertMatch(outside.stderr, /error: [^\n]*l\.onnx: output [^\n]*scores outside 0\.\.1/);
  }));

Deno.test("train refuses a head whose boxes are neither distances nor anchors", () =>
  inFolder(async (folder) => {
    const data = await writeScenes(join(folder, "set"), 2);
    const model = await writeModel(join(folder, "m.onnx"), objectness);
    const out = join(folder, "run");
    const train = await commandLine([
      "train",
      "--model",
      model,
      "--data",
      data,
      "--out",
      out,
      "--epochs",
      "1",
      "--size",
      "64",
      "--no-plots",
    ]);
    assertEquals(train.code, 1);
    assertStringIncludes(
      train.stderr,
      "cannot be trained: its output is not made of boxes and classes as a YOLO11's or a YOLOv5's is",
    );
    assert(!train.stdout.includes("epoch"));
  }));

Deno.test("a head with anchors of an export is trained for other classes; what comes out detects and is quantized", () =>
  inFolder(async (folder) => {
    const data = await writeScenes(join(folder, "set"), 2), out = join(folder, "run");
    const model = join(folder, "m.onnx");
    const exported = smallDetector({ classes: ["cat", "dog"], spelling: "release 6" });
    await Deno.writeFile(model, saveOnnx(foldBatchNormalization(exported)));
    const options = ["--data", data, "--size", "64", "--batch", "2", "--workers", "0", "--no-plots"];
    const run = ["train", "--model", model, ...options, "--out", out, "--no-augment"];
    const trained = await jsonOf([...run, "--epochs", "2"]);
    assertEquals(Object.keys(trained.history[0].losses), ["box", "objectness", "classes"]);
    assertMatch(
      await Deno.readTextFile(join(out, "results.csv")),
      /^epoch,loss_box,loss_objectness,loss_classes,map50,/,
    );
    // The run goes on, with the tail that was written anew.
    const further = await jsonOf(["train", "--resume", out, "--epochs", "3", "--no-plots"]);
    assertEquals([further.epochs, further.model], [3, join(out, "best.onnx")]);
    const int8 = join(folder, "int8.onnx");
    await jsonOf(["quantize", "--model", further.model, "--calibrate", data, "--out", int8]);
    const image = join(data, "images", "0.png");
    const { images } = await jsonOf(["detect", "--model", int8, "--image", image, "--precision", "int8"]);
    assertEquals(images.length, 1);
  }));
