/** Parts of the command line: counting tests, listing images, naming drawn copies, option values, models by name. */

import { assert, assertAlmostEquals, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inputSize, integerIn, numberIn } from "../../src/cli/arguments.ts";
import { listSources } from "../../src/host/sources/open.ts";
import { countTests, durations, failures, summarize } from "../../src/cli/junit.ts";
import { denoProgram } from "../../src/host/run_deno.ts";
import { findModel, loadModel, modelNames } from "../../src/host/models.ts";
import { lockOptions } from "../../src/host/setup/locked.ts";
import { readTuning, tuningFile, writeTuning } from "../../src/host/tuning_store.ts";
import { TUNING_FORMAT } from "../../src/plan/tuning.ts";
import { fileError, sentence } from "../../src/host/file_error.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { saveOnnx } from "../../src/onnx/mod.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { inFolder } from "../support/data_folders.ts";
import { onnxFile, onnxNode, value } from "../support/onnx_models.ts";
import { drawTo } from "../support/draw_to.ts";

const filesOf = (words: readonly string[]) => listSources(words).sources.map(({ file }) => file);

Deno.test("countTests agrees with what Deno itself reports, steps and ignored tests included", async () => {
  await inFolder(async (folder) => {
    const source = `
      Deno.test("good & <plain>", () => {});
      Deno.test("has > in its name", () => {
        let sum = 0;
        for (let i = 0; i < 1e7; i++) sum += i % 7;
        if (Number.isNaN(sum)) throw new Error("no number");
      });
      Deno.test({ name: "skipped", ignore: true, fn() {} });
      Deno.test("bad", () => { throw new Error("</testcase><testcase name=\\"x\\">"); });
      Deno.test("steps", async (t) => {
        await t.step("one", async (t) => { await t.step("inner", () => {}); });
        await t.step("two", () => { throw new Error("in a step"); });
      });`;
    await Deno.writeTextFile(join(folder, "a_test.ts"), source);
    await Deno.writeTextFile(join(folder, "b_test.ts"), `Deno.test("steps", () => {});`);
    const report = join(folder, "report.xml");
    const args = ["test", "--no-check", `--junit-path=${report}`, folder];
    const { stdout } = await new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" }, stderr: "null" })
      .output();
    const text = await Deno.readTextFile(report);
    const counts = countTests(text);
    assertEquals(counts, { passed: 3, failed: 2, skipped: 1 });
    const own = new TextDecoder().decode(stdout).match(/(\d+) passed[^|]*\| (\d+) failed[^|]*\| (\d+) ignored/);
    assertEquals(own?.slice(1).map(Number), [counts.passed, counts.failed, counts.skipped]);
    const [bad, steps, ...others] = failures(text);
    assertMatch(bad, /^FAILED .*a_test\.ts: bad\n {4}.*<\/testcase><testcase name="x">/);
    assertMatch(steps, /^FAILED .*a_test\.ts: steps\n {4}/);
    assertEquals(others, []);
    const times = durations(text);
    assertEquals(times.length, counts.passed + counts.failed + counts.skipped);
    // Deno prints whole milliseconds without the rest, and the report has them rounded: a whole one may lie between.
    const [, milliseconds] = new TextDecoder().decode(stdout).match(/^has > in its name \.\.\. ok \((\d+)ms\)/m) ?? [];
    const { seconds } = times.find(({ name }) => name === "has > in its name")!;
    assert(seconds > 0.005);
    assertAlmostEquals(1000 * seconds, Number(milliseconds), 1.001);
  });
});

Deno.test("summarize says what the last line of a test run has to say", () => {
  assertEquals(summarize({ passed: 12, failed: 0, skipped: 0 }), "12 passed, 0 failed");
  assertEquals(summarize({ passed: 1, failed: 2, skipped: 3 }), "1 passed, 2 failed, 3 skipped");
});

Deno.test("listSources takes files as they are and folders by name, and says what is wrong", async () => {
  await inFolder((folder) => {
    for (const name of ["b.JPG", "a.png", "c.webp", "notes.txt"]) Deno.writeTextFileSync(join(folder, name), "");
    Deno.mkdirSync(join(folder, "empty"));
    const notes = join(folder, "notes.txt");
    assertEquals(filesOf([notes, folder]), [
      notes,
      ...["a.png", "b.JPG", "c.webp"].map((name) => join(folder, name)),
    ]);
    assertThrows(() => filesOf([join(folder, "d.png")]), FeatherdetError, "d.png: no such file");
    assertThrows(() => filesOf([join(folder, "empty")]), FeatherdetError, "the folder holds no image");
  });
});

Deno.test("drawTargets names one file, or files in a folder that it makes", async () => {
  await inFolder((folder) => {
    const one = join(folder, "out.png");
    assertEquals(drawTo(["in/x.jpg"], one), [one]);
    Deno.writeTextFileSync(one, "a file, and no folder");
    assertEquals(drawTo(["in/x.webp"], folder), [join(folder, "x.png")]);
    const many = join(folder, "new", "deep");
    assertEquals(
      drawTo(["a/x.jpg", "b/x.jpg", "b/y.PNG", "c/x.webp"], many).map((path) => path.slice(many.length + 1)),
      ["x.jpg", "x-2.jpg", "y.PNG", "x.png"],
    );
    assert(Deno.statSync(many).isDirectory);
    assertEquals(drawTo(["x.jpg"], join(folder, "slash/")), [join(folder, "slash", "x.jpg")]);
    assertThrows(() => drawTo(["x.jpg"], join(folder, "out.gif")), FeatherdetError, "must end in .png");
    assertEquals(drawTo(["x.jpg"], join(folder, "no", "out.png")), [join(folder, "no", "out.png")]);
    assert(Deno.statSync(join(folder, "no")).isDirectory);
    assertThrows(() => drawTo(["x.jpg"], join(one, "a", "out.png")), FeatherdetError, join(one, "a", "out.png"));
    assertThrows(() => drawTo(["x.jpg", "y.jpg"], one), FeatherdetError, "2 images are drawn to a folder");
  });
});

Deno.test("option values are checked", () => {
  assertEquals([numberIn(0, 1)("0.25"), integerIn(1, 9)("9"), inputSize("320")], [0.25, 9, 320]);
  for (const text of ["", " ", "x", "1.5", "-0.1", "NaN"]) assertThrows(() => numberIn(0, 1)(text));
  for (const text of ["", "0", "2.5", "10", "1e9"]) assertThrows(() => integerIn(1, 9)(text));
  for (const text of ["", "0", "100", "-32", "640px", "9999999"]) assertThrows(() => inputSize(text));
});

Deno.test("findModel knows files, URLs and names, and lists the names for any other", async () => {
  await inFolder((folder) => {
    const file = join(folder, "m.onnx");
    Deno.writeTextFileSync(file, "");
    assertEquals(findModel(file), { source: file });
    assertEquals(findModel("https://example.org/m.onnx"), { source: "https://example.org/m.onnx" });
    assert(modelNames().includes("demo"));
    assert("build" in findModel("demo"));
    assertThrows(() => findModel(join(folder, "n.onnx")), FeatherdetError, "n.onnx: no such model file");
    const error = assertThrows(() => findModel("yolo99"), FeatherdetError, 'unknown model "yolo99": it is no file');
    assert(error.message.includes("(demo"), error.message);
    assertThrows(() => findModel("toString"), FeatherdetError, "unknown model");
  });
});

Deno.test("loadModel changes a file's size and batch on request", async () => {
  await inFolder(async (folder) => {
    const file = join(folder, "m.onnx");
    await Deno.writeFile(file, saveOnnx(demoDetector({ size: 96 })));
    assertEquals((await loadModel(file)).inputs[0].shape, [1, 3, 96, 96]);
    assertEquals((await loadModel("demo", { size: 128 })).inputs[0].shape, [1, 3, 128, 128]);
    const changed = await loadModel(file, { size: 64, batch: 2 });
    assertEquals(changed.inputs[0].shape, [2, 3, 64, 64]);
    await Deno.writeTextFile(file, "no model");
    await assertRejects(() => loadModel(file), FeatherdetError, "m.onnx");
  });
});

Deno.test("loadModel fills in what a file leaves open, and says what it has to be told", async () => {
  await inFolder(async (folder) => {
    const file = join(folder, "open.onnx");
    const write = (...extents: (number | string)[]) =>
      Deno.writeFile(file, onnxFile({ nodes: [onnxNode("Relu")], inputs: [value("x", extents)] }));
    const shapeAt = async (options = {}) => (await loadModel(file, options)).inputs[0].shape;
    await write("batch", 3, "height", "width");
    assertEquals(await shapeAt({ size: 64, batch: 1 }), [1, 3, 64, 64]);
    await assertRejects(
      () => loadModel(file, { batch: 1 }),
      FeatherdetError,
      'open.onnx: input "x" [batch,3,height,width] has no size of its own: say one with --size',
    );
    assertEquals(await shapeAt({ size: 64 }), [1, 3, 64, 64]);
    assertEquals(await shapeAt({ size: 64, batch: 2, whereOpen: true }), [2, 3, 64, 64]);
    await write("batch", 3, 32, 96);
    assertEquals(await shapeAt({ batch: 2 }), [2, 3, 32, 96]);
    assertEquals(await shapeAt({ size: 64, whereOpen: true }), [1, 3, 32, 96]);
    // No maps: there is nothing to change, and nothing that fits a size.
    await write(1, 16);
    assertEquals(await shapeAt({ batch: 1 }), [1, 16]);
    await assertRejects(() => loadModel(file, { size: 64 }), FeatherdetError, "does not fit [1,16]");
  });
});

Deno.test("errors become one sentence that names the file", () => {
  assertEquals(sentence(new Error("first\n   second\n")), "first second");
  assertEquals(sentence("plain"), "plain");
  assertEquals(fileError(new Deno.errors.NotFound("os error 2"), "a.jpg").message, "a.jpg: no such file");
  assertEquals(fileError(new Deno.errors.IsADirectory(), "a").message, "a: is a folder, not a file");
  assertEquals(fileError(new FeatherdetError("broken"), "a.jpg").message, "a.jpg: broken");
});

Deno.test("tuning records are kept per adapter and form, and grow", async () => {
  await inFolder(async (folder) => {
    const place = pathToFileURL(join(folder, "tuning/"));
    const key = { adapter: "Some GPU (rev. 2)", storage: "buffer", scalar: "f16" };
    const choice = { kernel: "direct", variant: "x=5 y=2 outBlocks=2", revision: "12ab", milliseconds: 1.5 };
    const format = TUNING_FORMAT;
    assertEquals(readTuning(key, place), undefined);
    writeTuning({ format, ...key, choices: { a: choice, b: choice } }, place);
    const file = writeTuning({ format, ...key, choices: { b: { ...choice, kernel: "general" } } }, place);
    assertEquals(file, tuningFile(key, place));
    assertEquals(readTuning(key, place), {
      format,
      ...key,
      choices: { a: choice, b: { ...choice, kernel: "general" } },
    });
    assertEquals(readTuning({ ...key, scalar: "f32" }, place), undefined);
    // Another adapter whose name makes the same file name.
    assertEquals(readTuning({ ...key, adapter: "Some GPU rev 2" }, place), undefined);
    const record = readTuning(key, place)!;
    // What earlier versions kept, records of later ones, and what is no record; nothing is taken over from them.
    const tile = { x: 5, y: 2, outBlocks: 2, milliseconds: 1.5 };
    const others = [
      { ...key, tiles: { a: tile } },
      { ...record, format: 3 },
      { ...record, choices: { a: tile } },
      null,
    ];
    for (const text of [...others.map((other) => JSON.stringify(other)), "{"]) {
      await Deno.writeTextFile(file, text);
      assertEquals(readTuning(key, place), undefined, text);
      writeTuning({ format, ...key, choices: { c: choice } }, place);
      assertEquals(Object.keys(readTuning(key, place)!.choices), ["c"]);
    }
  });
});

Deno.test("processes that end at the same time print one after the other", async () => {
  const lines = "console.log('x'.repeat(3e5)); console.error('y'.repeat(3e5))";
  const text = `import { runDenoHeld } from ${
    JSON.stringify(new URL("../../src/cli/run_tests.ts", import.meta.url).href)
  };
    const codes = await Promise.all([1, 2, 3, 4].map(() => runDenoHeld(["eval", ${JSON.stringify(lines)}])));
    console.log(codes.join());`;
  const args = ["eval", ...lockOptions(), text];
  const { stdout, stderr } = await new Deno.Command(denoProgram(), { args, env: { NO_COLOR: "1" } }).output();
  const [said, shown] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals(said.trim(), "0,0,0,0", shown.slice(-500));
  // What a process printed stands together, errors before the rest.
  assertEquals(shown.match(/y{300000}\nx{300000}\n/g)?.length, 4);
});
