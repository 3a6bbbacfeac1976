/** `train` on the command line: what it says, what it leaves, what it refuses, and how it is interrupted. */

import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import { loadModel } from "../../src/host/models.ts";
import { folderStore, openCheckpoint, refuseRun } from "../../src/host/run_folder.ts";
import { epochText } from "../../src/cli/train_progress.ts";
import { trainModel } from "../../src/recipes/starting_model.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import type { EpochRecord } from "../../src/train/loop/record.ts";
import { assertRefusals, command, commandLines } from "../support/command_line.ts";
import { inFolder, putYolo, TINY } from "../support/data_folders.ts";
import { demoDataset } from "../support/demo_dataset.ts";
import { readSvg } from "../support/svg.ts";
import { UNFINISHED } from "../../src/data/whole_file.ts";
import { replaceMethod } from "../support/faults/fault.ts";

/** A run that takes seconds. */
const QUICK = [
  ...["--model", "yolo11n", "--width", "0.0625", "--depth", "0.3", "--data", "synthetic", "--limit", "8"],
  ...["--val-limit", "3", "--size", "64", "--batch", "2", "--workers", "0"],
];

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

/** Files of a run without validation, and those that a best epoch adds. */
const FIRST = [
  ...["batch-1.jpg", "batch-2.jpg", "batch-3.jpg", "curves.svg", "labels.svg", "last.ckpt", "log.jsonl", "results.csv"],
];
const BEST = [
  ...["best.ckpt", "best.onnx", "confidence.svg", "confusion.svg", "precision-recall.svg", "validation.jpg"],
];

Deno.test("a run that is interrupted leaves a checkpoint and status 130; resumed, it is done as if nothing had been", async () => {
  await inFolder(async (folder) => {
    const out = join(folder, "new", "run");
    const child = command(["train", ...QUICK, "--epochs", "400", "--val-every", "0", "--out", out, "--json"]).spawn();
    let said = "";
    const told = (async () => {
      const decoder = new TextDecoder();
      for await (const chunk of child.stderr) {
        const before = said;
        said += decoder.decode(chunk, { stream: true });
        if (!before.includes("epoch 2/400") && said.includes("epoch 2/400")) child.kill("SIGINT");
      }
    })();
    const [stdout, { code }] = await Promise.all([new Response(child.stdout).json(), child.status, told]);
    assertEquals([code, stdout.reason], [130, "interrupted"], said);
    assertStringIncludes(said, `--resume ${out} goes on`);
    assertEquals(names(out), FIRST);
    const { checkpoint } = await openCheckpoint(out);
    const { epoch, step } = checkpoint.run.position;
    assert(epoch >= 2 && epoch < 400);
    assertEquals([stdout.checkpoint, stdout.last, stdout.model], [
      join(out, "last.ckpt"),
      join(out, "last.ckpt"),
      null,
    ]);
    // Epochs are what may be changed, and where the files go; the rest comes from the checkpoint, the log is taken along.
    const moved = join(folder, "moved");
    const epochs = String(epoch + 2);
    const plain = join(folder, "plain"), figures = ["best.ckpt", "best.onnx", "curves.svg", "last.ckpt", "log.jsonl"];
    const others: [string[], string][] = [
      [["--model", "yolo11s"], "with --model yolo11n"],
      [["--size", "96"], "with --size 64"],
      [["--width", "0.125"], "with --width 0.0625"],
      [["--pretrained"], "without --pretrained"],
    ];
    const [rest, done, none, again, ...refused] = await commandLines([
      ["--resume", out, "--out", moved, "--epochs", epochs, "--val-every", "1", "--json"],
      ["--resume", moved, "--size", "64", "--json"],
      [...QUICK, "--epochs", "1", "--no-plots", "--out", plain, "--json"],
      [...QUICK, "--out", out],
      ...others.map(([args]) => ["--resume", moved, ...args, "--json"]),
    ].map((args) => ["train", ...args]));
    assertEquals(rest.code, 0, rest.stderr);
    assertEquals(rest.stdout.trimEnd().split("\n").length, 1);
    const result = JSON.parse(rest.stdout);
    assertEquals([result.reason, result.epochs, result.history.length], ["finished", epoch + 2, epoch + 2]);
    assert(result.map50 >= 0 && result.map >= 0 && result.seconds > 0, rest.stdout);
    assertStringIncludes(rest.stderr, `going on in epoch ${epoch + 1} after ${step} steps`);
    assertEquals(names(moved), [...FIRST, ...BEST].sort());
    const lines = (await Deno.readTextFile(result.results)).trimEnd().split("\n");
    assertMatch(lines[0], /^epoch,loss_box,loss_classes,loss_distribution,map50,map,rate_weight,/);
    assertEquals(
      lines.slice(1).map((line) => Number.parseInt(line)),
      Array.from({ length: epoch + 2 }, (_, i) => i + 1),
    );
    assertEquals([result.checkpoint, result.model], [join(moved, "best.ckpt"), join(moved, "best.onnx")]);
    const steps = (await Deno.readTextFile(join(moved, "log.jsonl"))).trimEnd().split("\n").map((line) =>
      JSON.parse(line)
    )
      .filter(({ event }) => event === "step").map((line) => 4 * line.epoch + line.step);
    assertEquals(steps, Array.from({ length: 4 * (epoch + 2) }, (_, i) => i));
    const svg = await Deno.readTextFile(join(moved, "curves.svg"));
    assertStringIncludes(readSvg(svg).getAttribute("aria-label")!, "yolo11n of width 0.0625, depth 0.3 on synthetic");
    const model = await loadOnnx(await Deno.readFile(join(moved, "best.onnx")));
    assertEquals(model.inputs[0].shape, [1, 3, 64, 64]);
    assertStringIncludes(model.metadata.names, "striped disc");
    const kept = await loadModel(join(moved, "last.ckpt"), { size: 96 });
    assertEquals([kept.inputs[0].shape, kept.metadata.names], [[1, 3, 96, 96], model.metadata.names]);
    assertStringIncludes(done.stderr, `last.ckpt: all ${epoch + 2} epochs are done`);
    assertEquals([done.code, JSON.parse(done.stdout).epochs], [0, epoch + 2]);
    refused.forEach(({ code, stdout, stderr }, i) => {
      assertStringIncludes(stderr, `last.ckpt: is of a run ${others[i][1]}, which cannot be changed`);
      assertEquals([code, stdout], [1, ""]);
    });
    assertEquals([none.code, names(plain)], [0, [...figures, "results.csv"]], none.stderr);
    assertMatch(again.stderr, /error: .*run: holds a training run already: --resume .*run goes on with it/);
    assertEquals([again.code, again.stdout], [1, ""]);
  });
});

Deno.test("wrong arguments end in one sentence, before anything is written", async () => {
  await inFolder(async (folder) => {
    const empty = join(folder, "empty"), file = join(folder, "file"), out = join(folder, "out");
    await putYolo(empty, { ...TINY, pictures: TINY.pictures.map((one) => ({ ...one, boxes: [] })) });
    await Deno.writeTextFile(file, "text");
    const usual = ["--model", "yolo11n", "--data", "synthetic", "--limit", "2", "--out", out];
    const without = (name: string) => usual.filter((_, i) => usual[i] !== name && usual[i - 1] !== name);
    const cases: [string[], RegExp][] = [
      [without("--model"), /^error: --model is needed, or --resume$/],
      [[...without("--data"), "--data", join(folder, "no")], /^error: .*no: no such folder$/],
      [[...without("--data"), "--data", empty, "--split", "val"], /^error: .*empty: the split "val" is empty/],
      [[...without("--model"), "--model", "yolo99"], /^error: unknown model "yolo99": /],
      [[...without("--out"), "--out", file], /^error: .*file: is a file, a folder is needed for the run$/],
      [["--resume", join(folder, "no")], /^error: .*no: no such file$/],
      [["--resume", file], /^error: .*file: is no file of arrays/],
    ];
    await assertRefusals(cases.map(([args, sentence]) => [["train", ...args, "--json"], sentence]));
    assertEquals(names(folder), ["empty", "file"], "nothing was written");
  });
});

Deno.test({
  name: "a full disk ends in one sentence; what was written before stays, and nothing half-written",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await inFolder(async (folder) => {
      const store = await folderStore(folder);
      await store.write("last.ckpt", "before");
      const text = /last\.ckpt: .*No space left on device/;
      // What is begun beside the file lies on the device that is always full.
      const restore = replaceMethod(
        Deno,
        "open",
        (open) => (path, options) =>
          String(path).endsWith(UNFINISHED) ? open("/dev/full", { write: true }) : open(path, options),
      );
      const error = await assertRejects(() => store.write("last.ckpt", new Uint8Array(1000)), FeatherdetError)
        .finally(restore);
      assertMatch(error.message, text);
      assertEquals(names(folder), ["last.ckpt"]);
      assertEquals(await Deno.readTextFile(join(folder, "last.ckpt")), "before");
      await Deno.symlink("/dev/full", join(folder, "log.jsonl"));
      await assertRejects(
        () => store.append("log.jsonl", "{}\n"),
        FeatherdetError,
        "log.jsonl: No space left on device",
      );
      assertEquals(await store.read("none"), undefined);
    });
  },
});

Deno.test("a folder with the best of a run that could write no last checkpoint is no place for a new one", async () => {
  await inFolder(async (folder) => {
    refuseRun(folder);
    const best = join(folder, "best.ckpt");
    await Deno.writeTextFile(best, "");
    const text = `holds a training run already: --resume ${best} goes on with it`;
    assertThrows(() => refuseRun(folder), FeatherdetError, text);
    await Deno.writeTextFile(join(folder, "last.ckpt"), "");
    assertThrows(() => refuseRun(folder), FeatherdetError, `--resume ${folder} goes on`);
  });
});

Deno.test("models: named ones are built for the data's classes, others are refused by name", async () => {
  const dataset = demoDataset(1);
  const said: string[] = [];
  const make = (options: { model: string; width?: number; pretrained?: boolean }) =>
    trainModel({ size: 64, seed: 0, ...options }, dataset, (line) => said.push(line));
  const graph = await make({ model: "yolo11lite-shufflenetv2-0.5x" });
  assertStringIncludes(graph.metadata.names, dataset.classes[0]);
  const { featherdet } = (await make({ model: "yolo11s", width: 0.125 })).metadata;
  assertEquals([JSON.parse(featherdet).width, JSON.parse(featherdet).classes], [0.125, 3]);
  await assertRejects(() => make({ model: "demo" }), FeatherdetError, '"demo" is no detector that can be trained');
  await assertRejects(
    () => make({ model: "demo", width: 0.5 }),
    FeatherdetError,
    "--width, --depth and --psa are for models",
  );
  await assertRejects(
    () => make({ model: "shufflenetv2-0.5x" }),
    FeatherdetError,
    "is no detector that can be trained",
  );
  await assertRejects(
    () => make({ model: "yolo11x", pretrained: true }),
    FeatherdetError,
    "there is no file yolo11x.onnx to take trained weights from",
  );
  assertEquals(said, ["yolo11lite-shufflenetv2-0.5x", "yolo11s"].map((name) => `${name} begins with random weights`));
});

Deno.test("an epoch is a line", () => {
  const record: EpochRecord = {
    epoch: 2,
    losses: { box: 1.23456, classes: 2, distribution: 0.5 },
    learningRates: { weight: 0.00142857, bias: 0, norm: 0 },
    imagesPerSecond: 3.14159,
    seconds: 1,
    skipped: 2,
    score: { map: 0.25, map50: 0.5 },
  };
  assertEquals(
    epochText(record, 40),
    "epoch 3/40  box 1.235  classes 2.000  distribution 0.500  rate 0.00143  3.14 images/s  2 steps without finite numbers  " +
      "mAP50 0.500  mAP50-95 0.250",
  );
  assertStringIncludes(
    epochText({ ...record, losses: { "boxes 0": 0.25, gammaL1: 0.0000123, none: 0 } }, 40),
    "epoch 3/40  boxes 0 0.250  gammaL1 1.2e-5  none 0.000  rate",
  );
});
