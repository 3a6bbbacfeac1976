/** Small mistakes on the command line, each answered with what helps. */

import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import { inputSize } from "../../src/cli/arguments.ts";
import { meantFor } from "../../src/cli/meant_option.ts";
import { openDataset } from "../../src/data/open.ts";
import { encodePng } from "../../src/image/codec/encode.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { findModel, loadModel } from "../../src/host/models.ts";
import { folderStore, openCheckpoint, refuseRunFolder } from "../../src/host/run_folder.ts";
import { checkTarget, makeFolderOf } from "../../src/host/whole_file.ts";
import { trainModel } from "../../src/recipes/starting_model.ts";
import { commandLine, commandLines } from "../support/command_line.ts";
import { assertRejects } from "../support/assert.ts";
import { inFolder, put, putPictures, putYolo, TINY } from "../support/data_folders.ts";
import { demoDataset } from "../support/demo_dataset.ts";
import { drawTo } from "../support/draw_to.ts";

const cli = (...args: string[]) => commandLine(args);

Deno.test("a size between two that there are names both", () => {
  assertThrows(() => inputSize("100"), Error, "Expected a multiple of 32 from 32 to 8192, such as 96 or 128.");
  assertThrows(() => inputSize("700"), Error, "such as 672 or 704");
  for (const text of ["0", "x", "-32", "99999", "12.5", ""]) {
    assertEquals(assertThrows(() => inputSize(text), Error).message, "Expected a multiple of 32 from 32 to 8192.");
  }
});

Deno.test("values without their option are told theirs", async () => {
  const train = ["--model", "--data", "--out"], detect = ["--model", "--image"];
  const cases: [string, string[], string | undefined][] = [
    ["a/best.onnx", train, "--model"],
    ["last.ckpt", detect, "--model"],
    ["sets/mine", train, "--data"],
    ["data.yaml", train, "--data"],
    ["street.JPG", detect, "--image"],
    ["photos/", detect, "--image"],
    ["yolo11n", detect, "--model"],
    ["sets/mine", ["--calibrate", "--model"], "--calibrate"],
    ["a.jpg", train, undefined],
  ];
  for (const [value, known, expected] of cases) assertEquals(meantFor(value, known), expected, value);
  const [extra, missing] = await commandLines([["train", "sets/mine"], ["detect", "demo", "a.jpg"]]);
  assertStringIncludes(extra.stderr, "got 1: sets/mine. (Did you mean --data sets/mine?)");
  assertStringIncludes(missing.stderr, "'--model <model>' not specified (Did you mean --model demo?)");
  assertEquals([extra.code, extra.stdout, missing.code], [1, "", 1]);
});

Deno.test("a folder for a model is refused, with the model in it where it is a run's", () =>
  inFolder(async (folder) => {
    await assertRejects(() => loadModel(folder), FeatherdetError, `${folder}: is a folder, not a model's file`);
    await assertRejects(
      () => openCheckpoint(folder),
      FeatherdetError,
      "is no folder of a training run: it has no last.ckpt",
    );
    const best = join(folder, "best.onnx");
    await Deno.writeTextFile(best, "");
    await assertRejects(() => loadModel(folder), FeatherdetError, `${folder}: is a folder: its model is ${best}`);
    // Nor is it a place for pictures of another evaluation.
    refuseRunFolder(folder);
    assertThrows(() => refuseRunFolder(best), FeatherdetError, "is a file, a folder is needed");
    await Deno.writeTextFile(join(folder, "last.ckpt"), "");
    assertThrows(() => refuseRunFolder(folder), FeatherdetError, `${folder}: holds a training run, whose pictures`);
  }));

Deno.test({
  name: "places that cannot be written are refused in plain words",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    inFolder(async (folder) => {
      await assertRejects(() => folderStore("/proc/run"), FeatherdetError, "/proc/run: the folder cannot be made");
      assertThrows(() => checkTarget("/proc/a/b.onnx"), FeatherdetError, "/proc/a/b.onnx: the folder cannot be made");
      assertThrows(() => checkTarget("/proc/b.onnx"), FeatherdetError, "/proc/b.onnx: cannot be written in this place");
      const file = join(folder, "file");
      await Deno.writeTextFile(file, "");
      const text = "the folder cannot be made, a file has that name";
      assertThrows(() => makeFolderOf(join(file, "a")), FeatherdetError, text);
      await assertRejects(() => folderStore(join(file, "run")), FeatherdetError, text);
    }),
});

Deno.test("one picture is drawn to a folder where the name has no ending", () =>
  inFolder((folder) => {
    const target = join(folder, "drawn");
    assertEquals(drawTo(["a/street.jpg"], target), [join(target, "street.jpg")]);
    assertEquals(drawTo(["a/street.jpg"], join(folder, "b.png")), [join(folder, "b.png")]);
    assertThrows(() => drawTo(["a/street.jpg"], join(folder, "b.gif")), FeatherdetError, "must end in .png");
    return Promise.resolve();
  }));

Deno.test("data without names of classes, and a file that is not there, say what is missing", () =>
  inFolder(async (folder) => {
    await putPictures(join(folder, "plain/images"), TINY);
    await put(folder, "plain/labels/000000000003.txt", "1 0.5 0.5 1 1\n");
    const open = (name: string) => openDataset(join(folder, name));
    await assertRejects(() => open("plain"), FeatherdetError, "a file classes.txt with a name a line is enough");
    await putYolo(join(folder, "yolo"), TINY);
    await put(folder, "yolo/data.yaml", "train: images/val\nval: images/val\n");
    await assertRejects(() => open("yolo"), FeatherdetError, 'it has no "names" of classes, such as names: [cat, dog]');
    for (const name of ["yolo/data.yml", "a.json"]) {
      await assertRejects(() => open(name), FeatherdetError, "no such file");
    }
    await assertRejects(() => open("none/here"), FeatherdetError, "no such folder");
    await Deno.mkdir(join(folder, "empty"));
    await assertRejects(() => open("empty"), FeatherdetError, "docs/data.md shows every layout");
  }));

Deno.test("trained weights that are there are taken, and that is said; they are left where another model is asked for", async () => {
  const dataset = demoDataset(1);
  const begun = async (options: { readonly width?: number; readonly pretrained?: boolean }) => {
    const said: string[] = [];
    const model = await trainModel(
      { model: "yolo11n", size: 64, seed: 0, ...options },
      dataset,
      (line) => said.push(line),
    );
    return { first: model.constants.get("model.0.conv.weight")?.data, said };
  };
  const random = await begun({ pretrained: false }), found = findModel("yolo11n");
  assertEquals(random.said, ["yolo11n begins with random weights"]);
  assertEquals((await begun({ width: 0.0625 })).said, random.said, "of another width there are none");
  const usual = await begun({});
  if (!("source" in found)) return assertEquals(usual, random);
  assertEquals(
    usual.said[0],
    `yolo11n begins with the trained weights of ${found.source}: --no-pretrained begins with random ones`,
  );
  assertEquals(usual.first, (await begun({ pretrained: true })).first);
  assert(String(usual.first) !== String(random.first));
});

Deno.test("where nothing is found, that is said with what may help", () =>
  inFolder(async (folder) => {
    const image = join(folder, "plain.png");
    await Deno.writeFile(
      image,
      await encodePng({ width: 64, height: 33, data: new Uint8Array(64 * 33 * 3).fill(120) }),
    );
    const { code, stdout, stderr } = await cli("detect", "--model", "demo", "--size", "64", "--image", image);
    assertEquals([code, stdout], [0, `${image}: 0 objects\n`], stderr);
    assertStringIncludes(stderr, "nothing was found with a score of at least 0.25: --confidence lowers it");
  }));

Deno.test("data looks at a folder, draws it, and says what its options are for", () =>
  inFolder(async (folder) => {
    const set = join(folder, "set"), look = join(folder, "look");
    await putYolo(set, TINY);
    const [drawn, useless] = await commandLines([["data", set, "--out", look], ["data", "--out", look]]);
    assertEquals(drawn.code, 0, drawn.stderr);
    assertMatch(
      drawn.stdout,
      /^val: 4 pictures, 6 objects, 1 without objects\n {2}cat & dog +3 on 3 pictures\n {2}bird +3 on 2 pictures\n$/,
    );
    assertEquals([...Deno.readDirSync(look)].map(({ name }) => name).sort(), ["labels-val.svg", "pictures-val.jpg"]);
    assertStringIncludes(useless.stderr, "--out is for a data set of your own: name its folder");
  }));
