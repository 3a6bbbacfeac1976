/** Models whose heads are not YOLO11's on the command line: detect, eval, quantize; train and prune refuse them. */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodePng } from "../../src/image/codec/encode.ts";
import { saveOnnx } from "../../src/onnx/mod.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../support/assert.ts";
import {
  colourDetector,
  type ColourInput,
  COLOURS,
  colourScene,
  type HeadParts,
  SCENE_OBJECTS,
  SIDE,
  type Tail,
} from "../support/colour_detector.ts";
import { inFolder } from "../support/data_folders.ts";
import { permissionsOf } from "../support/task_permissions.ts";

const CLI = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));

async function cli(args: readonly string[]) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", ...permissionsOf(args[0]), CLI, ...args],
    env: { NO_COLOR: "1", FEATHERDET_NO_INSTALL: "1" },
    stdin: "null",
  });
  const { code, stdout, stderr } = await child.output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

async function json(args: readonly string[]) {
  const { code, stdout, stderr } = await cli([...args, "--json"]);
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout);
}

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

/** The scene as a data set in COCO's form, once for each part of so many. */
async function writeScenes(folder: string, count: number): Promise<string> {
  await Deno.mkdir(join(folder, "images"), { recursive: true });
  const images = Array.from({ length: count }, (_, id) => ({ id, width: SIDE, height: SIDE, file_name: `${id}.png` }));
  for (const { file_name } of images) {
    await Deno.writeFile(join(folder, "images", file_name), await encodePng(colourScene()));
  }
  const annotations = images.flatMap(({ id: image_id }) =>
    SCENE_OBJECTS.map(({ box: [x1, y1, x2, y2], classId }, at) => {
      const bbox = [x1, y1, x2 - x1, y2 - y1];
      return { id: image_id * 2 + at + 1, image_id, category_id: classId, bbox, area: bbox[2] * bbox[3], iscrowd: 0 };
    })
  );
  const categories = ["red", "green", "blue"].map((name, id) => ({ id, name }));
  await Deno.writeTextFile(join(folder, "instances.json"), JSON.stringify({ images, categories, annotations }));
  return folder;
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
    const { images } = await json(["detect", "--model", model, "--image", image, ...range]);
    const found = images[0].detections.toSorted((a: { classId: number }, b: { classId: number }) =>
      a.classId - b.classId
    );
    assertEquals(found.map(({ label }: { label: string }) => label), ["red", "blue"]);
    const evaluated = await json(["eval", "--model", model, "--data", data, ...range]);
    assertEquals([evaluated.map, evaluated.images], [1, 3]);

    const out = join(folder, "int8.onnx");
    await json(["quantize", "--model", model, "--calibrate", data, "--out", out, "--float", "none", ...range]);
    const again = await json(["eval", "--model", out, "--data", data, "--precision", "int8", ...range]);
    assertEquals(again.map, 1);
  }));

Deno.test("what is doubtful is a warning, what cannot be is one sentence with the file's name", () =>
  inFolder(async (folder) => {
    const data = await writeScenes(join(folder, "set"), 1);
    const image = join(data, "images", "0.png");
    const usual = (tail: Tail, { centres, scores }: HeadParts) => tail.join(1, centres, scores);
    const many = await writeModel(join(folder, "many.onnx"), usual, { names: "a\nb\nc\nd" });
    const said = await cli(["detect", "--model", many, "--image", image]);
    assertEquals(said.code, 0);
    assertEquals(said.stderr.match(/warning: the model's head has 3 classes and 4 names are given/g)?.length, 1);
    const nameless = await writeModel(join(folder, "nameless.onnx"), objectness, {});
    const open = await cli(["detect", "--model", nameless, "--image", image]);
    assertEquals([open.code, open.stdout], [1, ""]);
    assertMatch(open.stderr, /error: [^\n]*nameless\.onnx: output [^\n]*--head objectness/);
    const logits = await writeModel(
      join(folder, "l.onnx"),
      (tail, { centres, logits }) => tail.join(1, centres, logits),
    );
    const outside = await cli(["detect", "--model", logits, "--image", image, "--head", "scores"]);
    assertEquals([outside.code, outside.stdout], [1, ""]);
    assertMatch(outside.stderr, /error: [^\n]*l\.onnx: output [^\n]*scores outside 0\.\.1/);
  }));

Deno.test("train and prune refuse a head that is not YOLO11's", () =>
  inFolder(async (folder) => {
    const data = await writeScenes(join(folder, "set"), 2);
    const model = await writeModel(join(folder, "m.onnx"), objectness);
    const out = join(folder, "run");
    const train = await cli(["train", "--model", model, "--data", data, "--out", out, "--epochs", "1", "--size", "64"]);
    assertEquals(train.code, 1);
    assertStringIncludes(
      train.stderr,
      "cannot be trained: its output is not made of boxes and classes as a YOLO11's is",
    );
    assert(!train.stdout.includes("epoch"));
  }));
