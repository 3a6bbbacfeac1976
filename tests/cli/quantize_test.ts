/** `deno task quantize`: the file it writes, the object it prints, and what it refuses. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { encodePng } from "../../src/image/codec/encode.ts";
import { letterboxTensor } from "../../src/detect/host_letterbox.ts";
import { takeCalibrationSamples } from "../../src/eval/calibration.ts";
import { hashOfGraph } from "../../src/compress/graph_hash.ts";
import { historyOf } from "../../src/compress/history.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { loadOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { assertRefusals, commandLine, commandLines, interrupted } from "../support/command_line.ts";
import { inFolder } from "../support/data_folders.ts";
import { demoDataset, writeDemoFolder } from "../support/demo_dataset.ts";

const quantizeVerb = (args: readonly string[]) => commandLine(["quantize", ...args]);

const DEMO = ["--model", "demo", "--size", "64"];

/** A model of three layers, which is compiled in no time; with `overflow` the last one leaves what f32 can hold. */
function smallModel(overflow = false): Uint8Array {
  const b = new ModelBuilder({ seed: 2 });
  const first = b.convBlock("first", b.input("images", [1, 3, 64, 64]), { out: 8, kernel: 3, stride: 2 });
  const second = b.convBlock("second", first, { out: 8, kernel: 3, act: "relu" });
  const graph = b.graph("small", [b.conv("third", second, { out: 4 })]);
  if (overflow) {
    (graph.constants.get("second.bn.weight")!.data as Float32Array).fill(1e3);
    (graph.constants.get("third.weight")!.data as Float32Array).fill(3e38);
  }
  return saveOnnx(graph);
}

/** Writes pictures into a folder as a data set, each filled with one grey. */
async function writeGreys(folder: string, greys: readonly number[], { width = 40, height = 30 } = {}): Promise<void> {
  await Deno.mkdir(join(folder, "images"), { recursive: true });
  const images = greys.map((_, id) => ({ id, width, height, file_name: `${id}.png` }));
  for (const [id, grey] of greys.entries()) {
    const image = { width, height, data: new Uint8Array(3 * width * height).fill(grey) };
    await Deno.writeFile(join(folder, "images", `${id}.png`), await encodePng(image));
  }
  const file = { images, categories: [{ id: 1, name: "thing" }], annotations: [] };
  await Deno.writeTextFile(join(folder, "instances.json"), JSON.stringify(file));
}

Deno.test("quantize --json: bytes, layers and report; the file holds int8 and says how it was made", () =>
  inFolder(async (folder) => {
    const set = join(folder, "set");
    await Deno.mkdir(set);
    await writeDemoFolder(set, 3);
    const out = join(folder, "int8.onnx");
    const scheme = ["--observer", "min-max", "--scheme", "symmetric", "--float", "none"];
    const model = join(folder, "small.onnx");
    await Deno.writeFile(model, smallModel());
    const args = ["--model", model, "--calibrate", set, "--out", out, "--sensitivity", "1", ...scheme, "--json"];
    const { code, stdout, stderr } = await quantizeVerb(args);
    assertEquals(code, 0, stderr);
    assertEquals(stdout.trimEnd().split("\n").length, 1);
    const { bytes, layers, report, file, quantization, sensitivity, latency } = JSON.parse(stdout);
    assertEquals([bytes, layers], [report.bytes.after, report.int8Layers]);
    assertEquals([layers, report.floatLayers, report.samples, report.observer], [3, 0, 3, "min-max"]);
    assert(report.stored.every(({ zeroPoint }: { zeroPoint: number }) => zeroPoint === 0));
    assertEquals(sensitivity.map(({ name }: { name: string }) => name).sort(), ["first.conv", "second.conv", "third"]);
    // It is no detector.
    assertEquals(latency, undefined);
    assertMatch(stderr, /latency was not measured: .*outputs are maps that nobody has decoded/);
    assertStringIncludes(stderr, "warning: calibrated on 3 samples only");
    assertEquals(file, { name: out, bytes: (await Deno.stat(out)).size });
    const graph = await loadOnnx(out);
    const [entry, ...more] = historyOf(graph);
    const parent = await loadOnnx(model);
    assertEquals([entry.name, entry.dataset, entry.parent, more], [
      "quantize",
      { name: "set", pictures: 3 },
      { name: "small", hash: hashOfGraph(parent) },
      [],
    ]);
    for (const option of ["observer", "activations", "weights", "joins", "float", "biasCorrection", "clipWeights"]) {
      assertEquals(entry.options[option], quantization[option], option);
    }
    assertEquals(quantization.calibration, "set, 3 pictures at 64x64");
    assert(graph.nodes.some(({ op }) => op === "QuantizeLinear"));
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), ["int8.onnx", "set", "small.onnx"]);
  }));

Deno.test("quantize says what it did, and measures int8 beside f32 and f16", () =>
  inFolder(async (folder) => {
    const out = join(folder, "int8.onnx");
    const set = join(folder, "set"), evaluation = ["eval", "--data", set, "--precision", "int8", "--json"];
    await Deno.mkdir(set);
    await writeDemoFolder(set, 2);
    const [{ code, stdout, stderr }, int8Run, floatRun] = await commandLines([
      ["quantize", ...DEMO, "--calibrate", "synthetic", "--limit", "2", "--out", out],
      [...evaluation, "--model", out],
      [...evaluation, ...DEMO],
    ]);
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /^int8 +\d+ layers, \d+ stay in float$/m);
    assertMatch(stdout, /^float +\S+: last layer before decoding$/m);
    const [, int8, f32, f16, ratio] = stdout.match(
      /^latency +int8 ([\d.]+) ms, f32 ([\d.]+) ms, f16 ([\d.]+) ms a frame: int8 takes ([\d.]+) times/m,
    )!.map(Number);
    // Milliseconds are printed to a tenth, the ratio to a hundredth: no more than that may be between them.
    const best = Math.min(f32, f16);
    assert(Math.abs(int8 - ratio * best) <= 0.051 * (1 + ratio) + 0.0051 * best, stdout);
    // The warning comes exactly when the line above it says so.
    assertEquals(/warning: int8 is slower on this adapter/.test(stderr), ratio > 1, `${stdout}${stderr}`);

    assertEquals(int8Run.code, 0, int8Run.stderr);
    const { precision, images } = JSON.parse(int8Run.stdout);
    assertEquals([precision, images], ["int8", 2]);
    assertEquals([floatRun.code, floatRun.stdout], [1, ""]);
    assertMatch(floatRun.stderr, /^error: .*the model is in floats: make it int8 first/m);
  }));

Deno.test("quantize refuses what cannot be, before it computes", () =>
  inFolder(async (folder) => {
    const out = join(folder, "int8.onnx");
    const demo = ["quantize", ...DEMO], rows = join(folder, "rows.onnx"), file = join(folder, "file");
    const synthetic = ["--calibrate", "synthetic", "--limit", "1"];
    const b = new ModelBuilder({ seed: 1 });
    const product = b.node("MatMul", "product", [b.input("rows", [1, 16]), b.weight("w", [16, 4], "uniformFanIn")], {});
    await Deno.writeFile(rows, saveOnnx(b.graph("products", [product])));
    await Deno.writeTextFile(file, "");
    await assertRefusals([
      [
        [...demo, ...synthetic, "--out", join(file, "such.onnx")],
        /such\.onnx: the folder cannot be made, a file has that name/,
      ],
      [[...demo, "--calibrate", "nowhere", "--out", out], /unknown data set "nowhere"/],
      [[...demo, ...synthetic, "--out", out, "--float", "stem"], /"stem" is none of them/],
      [[...demo, ...synthetic, "--out", out, "--observer", "best"], /argument 'best' is invalid/],
      [[...demo, "--out", out, "--weights", "binary", "--observer", "mse"], /--observer is for int8: binary/],
      [[...demo, ...synthetic, "--out", folder], /is a folder, not a file/],
      [
        ["quantize", "--model", rows, ...synthetic, "--out", out],
        /one input \[1,3,height,width\] or .* "rows" \[1,16\]/,
      ],
      [["quantize", "--model", rows, ...synthetic, "--out", rows], /rows\.onnx: is the model itself/],
    ]);
    await Deno.remove(file);
    await Deno.remove(rows);
    assertEquals([...Deno.readDirSync(folder)].length, 0);
  }));

Deno.test("bad calibration: what cannot be used is refused in a sentence, what is doubtful used with one", () =>
  inFolder(async (folder) => {
    const [small, large, out, none, zero, flat, bad, light] = [
      ...["small.onnx", "large.onnx", "int8.onnx", "none", "zero", "flat", "bad", "light"],
    ].map((name) => join(folder, name));
    await Deno.writeFile(small, smallModel());
    await Deno.writeFile(large, smallModel(true));
    await writeGreys(none, []);
    // All black, and of the network's own size: nothing is letterboxed.
    await writeGreys(zero, Array(16).fill(0), { width: 64, height: 64 });
    // Pictures of any size are letterboxed; grey as the border is, they are flat.
    await writeGreys(flat, [114], { width: 301, height: 5 });
    await writeGreys(bad, [114]);
    await Deno.writeFile(join(bad, "images/0.png"), new Uint8Array([1, 2, 3]));
    await writeGreys(light, [200]);
    const of = (model: string, ...options: string[]) => ["quantize", "--model", model, "--out", out, ...options];
    const ended = await commandLines([
      of(small),
      ...[none, zero, flat, bad].map((set) => of(small, "--no-latency", "--calibrate", set)),
      of(large, "--no-latency", "--calibrate", light),
    ]);
    const said = ended.map(({ code, lines }) => ({
      code,
      said: lines.filter((line) => /^(error|warning)/.test(line)),
    }));
    const [unasked, empty, black, grey, broken, overflow] = said;
    assertEquals(unasked, { code: 1, said: ["error: int8 needs pictures that show the ranges: --calibrate"] });
    assertEquals(empty, { code: 1, said: [`error: ${none}: the data set is empty, it has no image`] });
    assertEquals([black.code, black.said[0]], [
      0,
      'warning: 16 of 16 calibration samples are all zero: "0.png", "1.png", "2.png" and 13 more',
    ]);
    assertEquals(grey, {
      code: 0,
      said: [
        "warning: calibrated on one sample only: ranges will not fit other pictures well, 100 or more are usual",
        'warning: 1 of 1 calibration samples hold one value everywhere: "0.png"',
      ],
    });
    assertEquals([broken.code, overflow.code], [1, 1]);
    assertMatch(broken.said[0], /0\.png: not an image/);
    assertMatch(overflow.said[0], /calibration sample "0\.png": the model makes "third" with -?(Infinity|NaN) in/);
  }));

Deno.test("calibration samples are a data set's pictures as the detector sees them, as often as they are read", async () => {
  const dataset = demoDataset(3);
  const samples = takeCalibrationSamples(dataset, { size: [96, 128], limit: 2, input: "x" });
  for (let round = 0; round < 2; round++) {
    let at = 0;
    for await (const { name, inputs } of samples) {
      const image = dataset.images[at++];
      assertEquals(name, image.name);
      const { shape, data } = letterboxTensor(await image.load(), 128, 96);
      assertEquals([inputs.x.shape, [...shape]], [[1, 3, 96, 128], [1, 3, 96, 128]]);
      assert(inputs.x.data.every((value, i) => value === data[i]));
    }
    assertEquals(at, 2);
  }
});

Deno.test({
  name: "Ctrl-C ends calibration with nothing written, and status 130",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      await writeGreys(join(folder, "set"), Array.from({ length: 60 }, (_, i) => 20 + i));
      const model = join(folder, "small.onnx"), out = join(folder, "out.onnx");
      await Deno.writeFile(model, smallModel());
      const args = ["--model", model, "--calibrate", join(folder, "set"), "--out", out, "--observer", "min-max"];
      const { code, said, stdout } = await interrupted(["quantize", ...args, "--json"], /^reading /m);
      const isThere = await Deno.stat(out).then(() => true, () => false);
      assertEquals([code, isThere, JSON.parse(stdout)], [130, false, { reason: "interrupted", file: null }], said);
      assertStringIncludes(said, "stopping after this picture or layer, once more to stop at once");
      assertStringIncludes(said, "interrupted: nothing is written");
    }),
});
