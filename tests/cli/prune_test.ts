/** The verb `prune` on the demo detector and a folder of pictures: files, JSON, refusals. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { predictLatency } from "../../src/hardware/predict.ts";
import type { Output } from "../../src/cli/output.ts";
import { readyVerb } from "../../src/cli/step_verbs.ts";
import { historyOf } from "../../src/compress/history.ts";
import { packWeights } from "../../src/compress/quantize/mod.ts";
import { analyze, FeatherdetError, type Graph } from "../../src/graph/mod.ts";
import { sentence } from "../../src/host/file_error.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { loadOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { commandLine, commandLines } from "../support/command_line.ts";
import { inFolder } from "../support/data_folders.ts";
import { demoDataset, writeDemoFolder } from "../support/demo_dataset.ts";
import { miniYolo11 } from "../support/mini_yolo11.ts";
import { assertSameConstants } from "../support/same_constants.ts";
import { lively } from "../support/lively.ts";

/** Says nothing. */
const SILENT = { json: true, line() {}, note() {}, object() {} } as unknown as Output;

/** Runs the verb with each of the options, in one process. */
const prune = (...options: string[][]) => commandLines(options.map((args) => ["prune", ...args]));

/** What a report says of a layer's time. */
type Layer = Readonly<Record<"before" | "after", { readonly milliseconds?: number }>>;

const model = lively(yolo11({ width: 0.125, size: 64, classes: demoDataset(1).classes, seed: 2 }), 3);

Deno.test("prune writes a smaller model and says what is left of it, as a table and as one JSON object", () =>
  inFolder(async (folder) => {
    const source = join(folder, "model.onnx"), out = join(folder, "pruned.onnx");
    await Deno.writeFile(source, saveOnnx(model));
    const asked = ["--model", source, "--out", out, "--gflops", "0.5", "--keep", "model.0.*"];
    const [told, { code, stdout, stderr }] = await prune(asked, [...asked, "--json"]);
    assertEquals(told.code, 0, told.stderr);
    assertStringIncludes(told.stdout, "of the operations");
    assert(/model\.0\.conv +3 -> 8 +3 -> 8/.test(told.stdout), told.stdout);
    assert(/^layer +channels +left +GFLOPs +left +share$/m.test(told.stdout), told.stdout);
    assertEquals(code, 0, stderr);
    const { before, after, groups, sparsity, criterion, map50 } = JSON.parse(stdout);
    const [whole, pruned] = [analyze(model), analyze(await loadOnnx(out))];
    assertEquals([before.parameters, after.parameters], [whole.parameters, pruned.parameters]);
    assert(after.gflops <= 0.5 * before.gflops && groups.removed > 0 && groups.removed < groups.all);
    assertEquals([sparsity, criterion, map50], [1 - pruned.parameters / whole.parameters, "l2", undefined]);
    const [{ name, options }] = historyOf(await loadOnnx(out));
    assertEquals([name, options.budget, options.keep], ["prune", { gflops: 0.5 }, ["model.0.*"]]);
  }));

Deno.test("prune takes out layers whole, says which, and needs pictures for it", () =>
  inFolder(async (folder) => {
    const source = join(folder, "model.onnx"), out = join(folder, "short.onnx"), data = join(folder, "data");
    const mini = lively(miniYolo11({ width: 0.25, size: 64, classes: demoDataset(1).classes, seed: 2 }), 3);
    await Deno.mkdir(data);
    await Promise.all([Deno.writeFile(source, saveOnnx(mini)), writeDemoFolder(data, 4)]);
    const asked = ["--model", source, "--out", out, "--layers", "0.9"];
    const pictures = ["--data", data, "--pictures", "2"];
    const [told, json, without] = await prune(
      [...asked, ...pictures],
      [...asked, ...pictures, "--json"],
      asked,
    );
    assertEquals(told.code, 0, told.stderr);
    assert(/model\.\d+\S* +\d+ -> \d+ +gone +\d\.\d{4} +0\.0000 +0\.0 %/.test(told.stdout), told.stdout);
    assert(/part 1 of 10, model\.3\.m\.0\.m\.0\.add, 2 layers: \d\.\d{4} without it/.test(told.stderr), told.stderr);
    assert(/ goes: 3\d layers are left, \d\.\d{4} without it/.test(told.stderr), told.stderr);
    const { shortened, groups, criterion } = JSON.parse(json.stdout);
    assert(shortened.after <= 0.9 * shortened.before && groups.removed > 0 && criterion === "taylor");
    assertEquals(without.code, 1);
    assertStringIncludes(without.stderr, "name a data set");
    const [{ name, options }] = historyOf(await loadOnnx(out));
    assertEquals([name, options.layers], ["shorten", 0.9]);
  }));

Deno.test("prune measures layers for a budget of latency, and says what it predicts", () =>
  inFolder(async (folder) => {
    const source = join(folder, "model.onnx"), out = join(folder, "pruned.onnx");
    await Deno.writeFile(source, saveOnnx(model));
    const asked = ["--model", source, "--out", out];
    const other = join(folder, "other.onnx");
    const [{ code, stdout, stderr }, told] = await prune(
      [...asked, "--latency", "0.95", "--json"],
      ["--model", source, "--out", other, "--gflops", "0.7", "--times"],
    );
    assertEquals(code, 0, stderr);
    const { before, after, layers } = JSON.parse(stdout);
    const times = ["before", "after"].map((state) =>
      layers.reduce((sum: number, layer: Layer) => sum + (layer[state as "before"].milliseconds ?? 0), 0)
    );
    assert(times[0] > times[1] && times[0] < before.latency, `${times}, ${before.latency}`);
    assert(before.latency > 0 && after.latency <= 0.95 * before.latency && after.gflops < before.gflops);
    assertEquals(historyOf(await loadOnnx(out))[0].options.budget, { latency: 0.95 });
    assertEquals(told.code, 0, told.stderr);
    assert(/^layer +channels +left +GFLOPs +left +share +ms +left$/m.test(told.stdout), told.stdout);
    assert(/^model\.0\.conv .* \d+\.\d{3} +\d+\.\d{3}$/m.test(told.stdout), told.stdout);
    assertStringIncludes(told.stdout, "ms (");
  }));

Deno.test("prune --device cuts to a share of the milliseconds that are predicted of a device that is not here", () =>
  inFolder(async (folder) => {
    const source = join(folder, "model.onnx"), out = join(folder, "pruned.onnx"), device = "jetson-nano";
    await Deno.writeFile(source, saveOnnx(model));
    const asked = ["--model", source, "--out", out, "--latency", "0.95", "--device", device, "--json"];
    const [{ code, stdout, stderr }] = await prune(asked);
    assertEquals(code, 0, stderr);
    const { before, after } = JSON.parse(stdout), made = await loadOnnx(out);
    const [whole, left] = [model, made].map((graph) => predictLatency(graph, { device }).milliseconds);
    // Pruning counts a bias for the one layer that has none. What it counts on and what the whole network then takes: moves between layers shrink, too.
    assert(Math.abs(before.latency / whole - 1) < 1e-4, `${before.latency}, predicted are ${whole}`);
    assert(left < 0.951 * whole && after.latency <= 0.95 * before.latency, `${left} of ${whole}`);
  }));

Deno.test("prune --sparsity sets weights to zero and says where, as a table and as one JSON object", () =>
  inFolder(async (folder) => {
    const source = join(folder, "model.onnx"), out = join(folder, "sparse.onnx");
    await Deno.writeFile(source, saveOnnx(model));
    const asked = [
      "--model",
      source,
      "--out",
      out,
      "--sparsity",
      "0.7",
      "--pattern",
      "block4x4",
      "--keep",
      "model.2.*",
    ];
    const dense = join(folder, "dense.onnx");
    const [told, { code, stdout, stderr }, whole] = await prune(
      asked,
      [...asked, "--json"],
      [...asked, "--out", dense, "--dense"],
    );
    assertEquals(told.code, 0, told.stderr);
    assert(/ weights \(\d+\.\d %\) in \d+ layers are zero$/m.test(told.stdout), told.stdout);
    assert(!/^model\.(0|2)\./m.test(told.stdout), told.stdout);
    assertEquals(code, 0, stderr);
    const { pattern, sparsity, zeros, elements, layers, before, after, map50 } = JSON.parse(stdout);
    const graph = await loadOnnx(out);
    // The first distance of DFL is zero by definition.
    assertEquals([zeros + 1, pattern, map50], [analyze(graph, { zeros: true }).zeros, "block4x4", undefined]);
    assert(sparsity === zeros / elements && Math.abs(sparsity - 0.7) < 0.01 && layers.length > 30);
    assertEquals(before, after);
    assertEquals(whole.code, 0, whole.stderr);
    const written = (text: string) => Number(/written to .*, (\d+) bytes/.exec(text)![1]);
    assertEquals((await Deno.stat(dense)).size, written(whole.stdout));
    assert(written(told.stdout) < 0.65 * written(whole.stdout), `${told.stdout} ${whole.stdout}`);
    assertSameConstants((await loadOnnx(dense)).constants, graph.constants);
    const [{ name, options }] = historyOf(graph);
    assertEquals([name, options.pattern, options.sparsity], ["prune", "block4x4", sparsity]);
  }));

/** The model with scores beyond what floats hold. */
function overflowing(graph: Graph): Graph {
  const constants = new Map(graph.constants), name = "model.23.cv3.0.2.weight", { shape, data } = constants.get(name)!;
  constants.set(name, { dtype: "f32", shape, data: Float32Array.from(data, () => 3e38) });
  return { ...graph, constants };
}

Deno.test("prune refuses in a sentence what cannot be", () =>
  inFolder(async (folder) => {
    const source = join(folder, "model.onnx"), out = join(folder, "pruned.onnx");
    const [ternary, huge, data] = ["ternary.onnx", "huge.onnx", "data"].map((name) => join(folder, name));
    await Deno.writeFile(source, saveOnnx(model));
    await Deno.writeFile(ternary, saveOnnx(packWeights(model, { bits: 2 }).graph));
    await Deno.writeFile(huge, saveOnnx(overflowing(model)));
    await Deno.mkdir(data);
    await writeDemoFolder(data, 2);
    const before = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    const cases: [string[], string][] = [
      [[], "--gflops, --parameters, --bytes, --latency or --layers"],
      [["--gflops", "0.001"], "cannot be met"],
      [["--gflops", "0.5", "--criterion", "taylor"], "needs pictures"],
      [["--gflops", "0.5", "--keep", "layer.*"], 'no node is called "layer.*"'],
      [["--gflops", "0.5", "--rounds", "2"], "--rounds is for training"],
      [["--gflops", "0.5", "--method", "netadapt"], 'method "netadapt" scores candidates on pictures'],
      [["--gflops", "0.5", "--method", "knapsack", "--per", "latency"], "--per is for widths by the criterion"],
      [["--gflops", "0.5", "--proxy", "map"], "give --method"],
      [["--gflops", "0.5", "--refit"], "weights are fitted to what layers make on pictures: name a data set"],
      [["--sparsity", "0.5", "--no-refit"], "--refit is for channels that are removed"],
      [["--gflops", "0.5", "--device", "rk3588"], "--device predicts milliseconds: give --latency, --times"],
      [["--sparsity", "0.5", "--device", "rk3588"], "--device is for channels that are removed"],
      [["--sparsity", "0.5", "--latency", "0.5"], "--latency is for channels that are removed"],
      [["--gflops", "0.5", "--epochs", "1"], "--run names the folder"],
      [["--sparsity", "0.5", "--gflops", "0.5"], "--gflops is for channels that are removed"],
      [["--pattern", "2:4", "--criterion", "l1"], "--criterion is for channels that are removed"],
      [["--pattern", "2:4", "--sparsity", "0.7"], "has a sparsity of 0.5"],
      [["--pattern", "block4x4"], "sparsity is undefined"],
      [["--gflops", "0.5", "--dense"], "--dense is for weights that become zero"],
      [["--sparsity", "0.5", "--times"], "--times is for channels that are removed"],
      [["--gflops", "0.5", "--keep", "*"], "nothing is left to prune"],
      [["--gflops", "0.5", "--model", ternary], "the model is quantized already"],
      [["--sparsity", "0.5", "--model", ternary], "the model is quantized already"],
      [["--gflops", "0.5", "--model", huge, "--data", data], "the gradient is not finite"],
    ];
    for (const [args, text] of cases) {
      const words = ["--model", source, "--out", out, ...args];
      const error = await assertRejects(() => readyVerb("prune", words)(SILENT), FeatherdetError, text);
      assertEquals(sentence(error).split("\n").length, 1, args.join(" "));
    }
    const { code, stderr } = await commandLine(["prune", "--model", source, "--out", source, "--gflops", "0.5"]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "model");
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), before);
  }));
