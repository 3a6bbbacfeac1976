/** The verb `eval`, its journal and its results file. */

import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { JournalFile, journalFile, writeResults } from "../../src/host/evaluation_file.ts";
import { openDataset } from "../../src/data/open.ts";
import { countConfusions, evaluateDetections } from "../../src/eval/coco.ts";
import { decodeImage } from "../../src/image/codec/decode.ts";
import type { EvaluationRun } from "../../src/eval/journal.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { assertRefusals, commandLines } from "../support/command_line.ts";
import { inFolder } from "../support/data_folders.ts";
import { writeDemoFolder } from "../support/demo_dataset.ts";
import { readSvg } from "../support/svg.ts";

/** Runs the verb with each of the options, in one process. */
const evaluations = (...options: string[][]) => commandLines(options.map((args) => ["eval", ...args]));

const RUN: EvaluationRun = {
  model: "m",
  digest: "0123",
  dataset: "d",
  split: null,
  inputSize: [320, 320],
  precision: "f32",
  adapter: "a",
  confidence: 0.001,
  iou: 0.7,
  maxDetections: 300,
  multiLabel: true,
};

const record = (imageId: number) => ({
  imageId,
  detections: [{ image_id: imageId, category_id: 1, bbox: [0.1, 2, 3, 4.567] as const, score: 0.123456789 }],
});

Deno.test("eval --json: figures, classes and speed of the demo detector, and its detections in COCO's form", async () => {
  await inFolder(async (folder) => {
    await writeDemoFolder(folder, 5);
    const out = join(folder, "found.json");
    const args = ["--model", "demo", "--data", folder, "--size", "192"];
    const [{ code, stdout, stderr }, text] = await evaluations([...args, "--out", out, "--json"], [
      ...args,
      "--limit",
      "2",
    ]);
    assertEquals(code, 0, stderr);
    assertEquals(stdout.trimEnd().split("\n").length, 1);
    const result = JSON.parse(stdout);
    assertEquals([result.images, result.split, result.inputSize, result.precision], [5, null, [192, 192], "f32"]);
    assert(result.map > 0.3 && result.map50 > 0.8 && result.map === result.figures.map, stdout);
    assertEquals(Object.keys(result.figures).length, 12);
    assertEquals(result.perClass.map((one: { name: string }) => one.name), [
      "green square",
      "red disc",
      "blue triangle",
    ]);
    assertEquals(result.speed.images, 5);
    assert(result.load > 0);
    assertEquals([result.detections, result.curves], [undefined, undefined]);
    const found = JSON.parse(await Deno.readTextFile(out));
    assert(found.length > 5);
    assertEquals(Object.keys(found[0]), ["image_id", "category_id", "bbox", "score"]);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [
      "found.json",
      "images",
      "instances.json",
    ]);

    assertEquals(text.code, 0, text.stderr);
    assertMatch(text.stdout, /^2 images\n0\.\d{4} {2}mAP50-95\n/);
    assertMatch(text.stdout, /\nred disc +\d+ /);
    assertMatch(text.stderr, /% of the time in the network/);
  });
});

Deno.test("eval --out FOLDER: figures as JSON and CSV, detections, pictures unless they are not wanted", async () => {
  await inFolder(async (folder) => {
    const data = join(folder, "data"), out = join(folder, "new", "shapes");
    await Deno.mkdir(data);
    await writeDemoFolder(data, 3);
    const args = ["--model", "demo", "--data", data, "--size", "192", "--json"];
    const plain = join(folder, "plain");
    const [{ code, stdout, stderr }, without] = await evaluations(
      [...args, "--out", out],
      [...args, "--limit", "1", "--out", plain, "--no-plots"],
    );
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, `written to ${out}`);
    const names = (place: string) => [...Deno.readDirSync(place)].map(({ name }) => name).sort();
    const figures = [
      "classes.csv",
      "confidence.csv",
      "confusion.csv",
      "detections.json",
      "metrics.json",
      "precision-recall.csv",
    ];
    const pictures = ["confidence.svg", "confusion.svg", "precision-recall.svg", "validation.jpg"];
    assertEquals(names(out), [...figures, ...pictures].sort());
    const read = async (name: string) => JSON.parse(await Deno.readTextFile(join(out, name)));
    const { confusion, ...metrics } = await read("metrics.json");
    assertEquals(metrics, JSON.parse(stdout));
    const dataset = await openDataset(data), found = await read("detections.json");
    assertEquals(confusion, countConfusions(dataset, found, { iou: 0.45, confidence: 0.25 }));
    assertEquals(evaluateDetections(dataset, found).map, metrics.map);
    for (const name of pictures.filter((one) => one.endsWith(".svg"))) {
      const root = readSvg(await Deno.readTextFile(join(out, name)));
      assertStringIncludes(root.getAttribute("aria-label")!, "demo on data");
    }
    // Three pictures, each twice, in squares of 400 pixels: four a row.
    const sheet = await decodeImage(await Deno.readFile(join(out, "validation.jpg")));
    assertEquals([sheet.width, sheet.height], [5 * 8 + 4 * 400, 3 * 8 + 2 * 22 + 380 + Math.round(190 * 400 / 226)]);

    assertEquals([without.code, names(plain)], [0, figures]);
  });
});

Deno.test("eval goes on with a journal, refuses one of another run, and says what else is wrong", async () => {
  await inFolder(async (folder) => {
    await writeDemoFolder(folder, 4);
    const out = join(folder, "found.json");
    const args = ["--model", "demo", "--data", folder, "--size", "192", "--out", out];
    // The third picture is damaged: the run stops there and keeps what it has.
    const { images } = JSON.parse(await Deno.readTextFile(join(folder, "instances.json")));
    const third = join(folder, "images", images[3].file_name);
    const intact = await Deno.readFile(third);
    await Deno.writeFile(third, intact.subarray(0, 300));
    const [stopped, refused] = await evaluations(args, [...args, "--confidence", "0.2"]);
    assertEquals([stopped.code, stopped.stdout], [1, ""], stopped.stderr);
    assertMatch(stopped.stderr, /^error: .*\.png: /m);
    const lines = (await Deno.readTextFile(journalFile(out))).trimEnd().split("\n");
    assert(lines.length >= 2 && lines.length <= 4, `${lines.length} lines`);
    assertEquals(refused.code, 1);
    assertMatch(
      refused.stderr,
      /error: .*found\.json\.partial: holds the results of another run \(confidence 0\.001 instead of 0\.2\), delete it/,
    );

    await Deno.writeFile(third, intact);
    const other = join(folder, "other.json");
    const [resumed, whole] = await evaluations([...args, "--json"], [...args, "--out", other, "--json"]);
    assertEquals(resumed.code, 0, resumed.stderr);
    const kept = lines.length - 1;
    assertStringIncludes(resumed.stderr, `${kept} ${kept === 1 ? "picture was" : "pictures were"} evaluated before`);
    const after = await Deno.readTextFile(out);
    const { speed, load, ...rest } = JSON.parse(resumed.stdout);
    assertEquals([speed.images, load > 0], [4 - kept, true]);
    assertEquals(await Deno.readTextFile(other), after);
    const { speed: _, load: __, ...again } = JSON.parse(whole.stdout);
    assertEquals(again, rest);
  });
});

Deno.test("eval names what it cannot take", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "file"), "");
    const demo = ["eval", "--model", "demo", "--data"], out = join(folder, "file", "x.json");
    await assertRefusals([
      [[...demo, "nothing"], /^error: .*nothing/],
      [[...demo, "synthetic", "--limit", "1"], /^error: the model has 3 classes and lacks 10/],
      [[...demo, "synthetic", "--limit", "0"], /--limit.*whole number/],
      [[...demo, "synthetic", "--out", out], /x\.json: the folder cannot be made/],
    ]);
  });
});

Deno.test("a journal gives back what was kept, and drops a line that was cut short", async () => {
  await inFolder(async (folder) => {
    const file = join(folder, "a.partial");
    const first = new JournalFile(file);
    assertEquals(await first.open(RUN), []);
    await first.append(record(7));
    await first.append(record(3));
    first.close();
    const whole = await Deno.readFile(file);
    const second = new JournalFile(file);
    assertEquals(await second.open(RUN), [record(7), record(3)]);
    second.close();
    assertEquals(await Deno.readFile(file), whole);
    const lineEnds = [...whole.keys()].filter((i) => whole[i] === 10);
    for (
      const [length, records] of [
        [0, 0],
        [lineEnds[0], 0],
        [lineEnds[0] + 1, 0],
        [lineEnds[0] + 2, 0],
        [lineEnds[1], 0],
        [lineEnds[1] + 1, 1],
        [lineEnds[2], 1],
        [lineEnds[2] + 1, 2],
      ]
    ) {
      await Deno.writeFile(file, whole.subarray(0, length));
      const journal = new JournalFile(file);
      assertEquals(await journal.open(RUN), [record(7), record(3)].slice(0, records), `${length} bytes`);
      await journal.append(record(9));
      journal.close();
      const again = new JournalFile(file);
      assertEquals((await again.open(RUN)).at(-1), record(9), `${length} bytes`);
      await again.remove();
    }
  });
});

Deno.test("a journal of another run, and a file that is none, are left as they are", async () => {
  await inFolder(async (folder) => {
    const file = join(folder, "a.partial");
    const journal = new JournalFile(file);
    await journal.open(RUN);
    await journal.append(record(1));
    journal.close();
    const bytes = await Deno.readFile(file);
    const refuse = (run: EvaluationRun, sentence: string) =>
      assertRejects(() => new JournalFile(file).open(run), FeatherdetError, sentence);
    await refuse({ ...RUN, digest: "4" }, "another run (other weights)");
    await refuse(
      { ...RUN, precision: "f16", split: "val" },
      "(split none instead of val, precision f32 instead of f16)",
    );
    assertEquals(await Deno.readFile(file), bytes);
    for (const text of ["[\n1\n]\n", "{}\n", "text\n"]) {
      await Deno.writeTextFile(file, text);
      await refuse(RUN, "a.partial: is not the journal of an evaluation");
      assertEquals(await Deno.readTextFile(file), text);
    }
    await assertRejects(() => new JournalFile(folder).open(RUN), FeatherdetError, folder);
  });
});

Deno.test("results are written whole", async () => {
  await inFolder(async (folder) => {
    const file = join(folder, "found.json");
    const { detections } = record(1);
    await writeResults(file, detections);
    assertEquals(JSON.parse(await Deno.readTextFile(file)), detections);
    await writeResults(file, []);
    assertEquals(JSON.parse(await Deno.readTextFile(file)), []);
    await assertRejects(() => writeResults(join(folder, "no", "x.json"), []), FeatherdetError, "x.json");
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["found.json"]);
  });
});
