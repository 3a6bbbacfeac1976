/** `distil`, and `train` and `prune` with a teacher: losses, history, what a resumed run keeps, pictures without labels, refusals. */

import { assert, assertAlmostEquals, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import { historyOf } from "../../src/compress/history.ts";
import { distilTerms, mapPairs } from "../../src/cli/distil_options.ts";
import { SCENE_CLASSES } from "../../src/data/scene/classes.ts";
import { classifier } from "../../src/models/classifier.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { loadOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { commandLine, commandLines } from "../support/command_line.ts";
import { inFolder, putCoco, putPictures, TINY } from "../support/data_folders.ts";
import { lively } from "../support/lively.ts";

/** As people see it: with what is said of the adapter and the teacher. */
const run = (args: readonly string[]) => commandLine(args);

const tiny = (width: number, classes: readonly string[] = SCENE_CLASSES.map(({ label }) => label)) =>
  lively(yolo11({ width, depth: 0.3, size: 64, classes, seed: 2 }), 3);

const SMALL = ["--limit", "4", "--size", "64", "--batch", "2", "--workers", "0", "--no-plots", "--json"];
const STUDENT = ["--width", "0.0625", "--depth", "0.3"];

Deno.test("losses are written with weights, or weights at epochs, and maps in pairs", () => {
  assertEquals(distilTerms("cwd,dfl:0.5, softmax-logits:2@0/0@30"), [
    { loss: "cwd" },
    { loss: "dfl", weight: 0.5 },
    { loss: "softmax-logits", weight: [[0, 2], [30, 0]] },
  ]);
  for (const wrong of ["", "mgd:1", "cwd:x", "cwd:-1", "cwd:1:2", "cwd:1@", "cwd:1@0/2"]) {
    assertThrows(() => distilTerms(wrong), Error, "Expected");
  }
  assertEquals(mapPairs("a=b, c/d=e.f"), [["a", "b"], ["c/d", "e.f"]]);
  for (const wrong of ["a", "a=", "a=b=c"]) assertThrows(() => mapPairs(wrong), Error, "Expected pairs");
});

Deno.test("distil trains a student beside its labels; history and checkpoint tell the teacher; another one is refused", () =>
  inFolder(async (folder) => {
    const [teacher, other, out] = ["teacher.onnx", "other.onnx", "run"].map((name) => join(folder, name));
    await Deno.writeFile(teacher, saveOnnx(tiny(0.125)));
    await Deno.writeFile(other, saveOnnx(tiny(0.25)));
    const asked = [
      "distil",
      "--student",
      "yolo11n",
      ...STUDENT,
      "--data",
      "synthetic",
      "--out",
      out,
      ...SMALL,
      "--val-every",
      "0",
    ];
    const resume = ["distil", "--resume", out, "--epochs", "2", "--workers", "0", "--json"];
    const [first, wrong, longer] = await commandLines([
      [...asked, "--teacher", teacher, "--epochs", "1", "--temperature", "3"],
      [...resume, "--teacher", other],
      resume,
    ]);
    assertEquals(first.code, 0, first.stderr);
    assertStringIncludes(first.stderr, "taught by teacher");
    assertEquals(wrong.code, 1);
    assertStringIncludes(wrong.stderr, "the checkpoint is of a run with distil");
    assertEquals(longer.code, 0, longer.stderr);
    const { log, model, history } = JSON.parse(longer.stdout);
    assertEquals(history.length, 2);
    const lines = (await Deno.readTextFile(log)).trimEnd().split("\n").map((line) => JSON.parse(line));
    const steps = lines.filter(({ event }) => event === "step");
    assertEquals(steps.length, 4);
    for (const { losses, lossWeights } of steps) {
      assertEquals(Object.keys(losses).slice(3), ["distil logits", "distil dfl", "distil cwd"]);
      assertAlmostEquals(lossWeights["distil cwd"], 5, 1e-12);
      assert(Object.values(losses).every((loss) => Number(loss) > 0));
    }
    const trained = await loadOnnx(await Deno.readFile(model));
    const [{ name, options }] = historyOf(trained);
    const { teacher: told, losses } = options.distil as { teacher: Record<string, unknown>; losses: unknown };
    assertEquals([name, told.name, told.size], ["train", "teacher", [64, 64]]);
    assert(/^[0-9a-f]{64}$/.test(String(told.hash)));
    assertEquals(losses, [
      { loss: "logits", weight: 0.5, temperature: 3 },
      { loss: "dfl", weight: 0.25, temperature: 3 },
      { loss: "cwd", weight: 5, temperature: 3 },
    ]);
    assert(!trained.nodes.some((node) => /teacher|distil/.test(node.name)));
  }));

Deno.test("a folder of pictures is enough for a teacher alone, whose classes the student gets", () =>
  inFolder(async (folder) => {
    const [teacher, pictures, out] = ["teacher.onnx", "pictures", "run"].map((name) => join(folder, name));
    const classes = ["red", "green", "blue"];
    await Deno.writeFile(teacher, saveOnnx(tiny(0.125, classes)));
    await putPictures(pictures, TINY);
    const asked = ["--model", "yolo11n", ...STUDENT, "--data", pictures, "--out", out, "--epochs", "1"];
    const alone = ["--teacher", teacher, "--no-labels", "--teacher-size", "96", "--teacher-views", "1"];
    const { code, stdout, stderr } = await run(["train", ...asked, ...alone, ...SMALL]);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, "the last epoch counts as the best");
    assert(/teacher: 2 batches of views take 0\.\d MB in .*teacher, 0 are there/.test(stderr), stderr);
    assert((await Array.fromAsync(Deno.readDir(join(out, "teacher")))).length === 3);
    const { history: [{ losses }], model } = JSON.parse(stdout);
    assertEquals(
      Object.keys(losses),
      ["distil logits", "distil box", "distil cwd"],
      "bins of another size are beside the point",
    );
    const { metadata } = await loadOnnx(await Deno.readFile(model));
    for (const name of classes) assertStringIncludes(metadata.names, name);
  }));

Deno.test("prune trains after its cut with a teacher, which goes on with the same one alone", () =>
  inFolder(async (folder) => {
    const [source, teacher, data, rounds, out] = ["model.onnx", "teacher.onnx", "data", "run", "pruned.onnx"]
      .map((name) => join(folder, name));
    await Deno.writeFile(source, saveOnnx(tiny(0.125, TINY.classes)));
    await Deno.writeFile(teacher, saveOnnx(tiny(0.0625, TINY.classes)));
    for (const split of ["train", "val"]) await putCoco(data, TINY, `instances_${split}.json`);
    const cut = ["prune", "--model", source, "--out", out, "--gflops", "0.7", "--criterion", "l2", "--data", data];
    const training = ["--epochs", "1", "--run", rounds, "--batch", "2", "--json"];
    const [taught, other, untrained, cold] = await commandLines([
      [...cut, ...training, "--teacher", teacher, "--distil", "pkd:0.5"],
      [...cut, ...training, "--teacher", source, "--distil", "pkd:0.5"],
      [...cut, "--teacher", teacher],
      [...cut, ...training, "--distil", "cwd:1"],
    ]);
    assertEquals(taught.code, 0, taught.stderr);
    const history = historyOf(await loadOnnx(out));
    assertEquals(history.map(({ name }) => name).slice(-2), ["prune", "train"]);
    const { options } = history.at(-1)!;
    const { losses, teacher: { size } } = options.distil as { losses: unknown; teacher: { size: unknown } };
    assertEquals([losses, size], [[{ loss: "pkd", weight: 0.5 }], [64, 64]]);
    assertStringIncludes(other.stderr, '"rounds.json" is of a run with other settings');
    assertStringIncludes(untrained.stderr, "--teacher is for training: give --epochs");
    assertStringIncludes(cold.stderr, "--distil is for training with a teacher: name one with --teacher");
  }));

Deno.test("who cannot teach, and what goes with no teacher, is refused in a sentence", () =>
  inFolder(async (folder) => {
    const [teacher, sorter, out] = ["teacher.onnx", "sorter.onnx", "run"].map((name) => join(folder, name));
    await Deno.writeFile(teacher, saveOnnx(tiny(0.125, ["red", "green"])));
    await Deno.writeFile(sorter, saveOnnx(classifier({ backbone: "shufflenetv2-0.5x", size: 64, classes: 10 })));
    const train = [
      "train",
      "--model",
      "yolo11n",
      ...STUDENT,
      "--data",
      "synthetic",
      "--out",
      out,
      ...SMALL,
      "--val-every",
      "0",
    ];
    const refusals: [string[], string][] = [
      [["--teacher", teacher], "teaches 2 classes"],
      [["--teacher", sorter], "has no head of a YOLO11 to learn from or to teach"],
      [["--teacher", "yolo11m"], "yolo11m would be built with random weights, which teach nothing"],
      [["--distil", "cwd:1"], "--distil is for training with a teacher"],
      [["--no-labels"], "--no-labels is for training with a teacher"],
      [["--teacher-views", "2"], "--teacher-views is for training with a teacher"],
      [["--teacher-assigns"], "--teacher-assigns is for training with a teacher"],
      [["--teacher", teacher, "--teacher-assigns", "--no-labels"], "--no-labels leaves them out"],
      [["--teacher", teacher, "--distil", "none"], "a teacher needs a loss to teach by"],
      [
        ["--teacher", teacher, "--teacher-cache", out],
        "--teacher-cache is for a teacher that looks at fixed views: say how many with --teacher-views",
      ],
      [["--teacher", teacher, "--distil", "mgd:1"], "option '--distil <losses>' argument 'mgd:1' is invalid"],
      [
        ["--teacher", teacher, "--distil", "box", "--temperature", "2"],
        "--temperature is for logits, and box has none",
      ],
    ];
    const missing = ["distil", "--student", "yolo11n", "--data", "synthetic", "--out", out];
    const ended = await commandLines([...refusals.map(([options]) => [...train, ...options]), missing]);
    ended.forEach(({ code, stderr }, i) => {
      assertEquals(code, 1, stderr);
      assertStringIncludes(stderr, refusals[i]?.[1] ?? "--teacher is needed, or --resume");
    });
  }));
