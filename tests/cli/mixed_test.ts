/** `deno task quantize --mixed`: it measures, chooses within the budget, writes a file that runs, and refuses what does not go together. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Detector } from "../../src/detect/detector.ts";
import { COCO_SETTINGS, evaluate } from "../../src/eval/evaluate.ts";
import { historyOf } from "../../src/compress/history.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import { inFolder } from "../support/data_folders.ts";
import { demoDataset, writeDemoFolder } from "../support/demo_dataset.ts";

const CLI = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));

async function mixedVerb(args: readonly string[]) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", CLI, "quantize", "--model", "demo", "--size", "64", ...args],
    env: { NO_COLOR: "1", FEATHERDET_NO_INSTALL: "1" },
    stdin: "null",
  });
  const { code, stdout, stderr } = await child.output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

interface Point {
  title: string;
  storage: "f32" | "f16";
  int8Layers: number;
  device: number;
  map: number;
  isOnFrontier: boolean;
}

Deno.test("quantize --mixed: the fastest network within a budget of mAP, with the frontier, in a file that says so", () =>
  inFolder(async (folder) => {
    const set = join(folder, "set"), out = join(folder, "mixed.onnx");
    await Deno.mkdir(set);
    await writeDemoFolder(set, 3);
    const { code, stdout, stderr } = await mixedVerb([
      ...["--calibrate", set, "--out", out, "--mixed", "--budget-map", "0.9", "--sensitivity", "1", "--json"],
    ]);
    assertEquals(code, 0, stderr);
    const { report, storage, adapter, layers, quantization, file } = JSON.parse(stdout);
    const points: Point[] = report.points;
    // Any mAP will do: the fastest of all that were measured.
    assertEquals(report.chosen.device, Math.min(...points.map(({ device }) => device)));
    for (const title of ["f32", "f16", "preset yolo11", "preset yolo11, rest f16", "int8"]) {
      assert(points.some((one) => one.title === title), title);
    }
    assert(points.some(({ title }) => /^\d+ layers int8, rest f(32|16)$/.test(title)));
    assertEquals([report.chosen.storage, report.chosen.int8Layers], [storage, layers]);
    assertEquals([quantization.budget, quantization.adapter, quantization.measured], [
      { map: 0.9 },
      adapter,
      "set, 3 pictures",
    ]);
    assertEquals(quantization.int8.length, layers);
    assertEquals(file.bytes, (await Deno.stat(out)).size);
    const graph = await loadOnnx(out);
    const [{ name, options, dataset }] = historyOf(graph);
    assertEquals([name, dataset], ["mixed", { name: "set", pictures: 3 }]);
    for (const option of ["budget", "storage", "adapter", "measured", "observer", "int8"]) {
      assertEquals(options[option], quantization[option], option);
    }
    // What was said of the chosen one is what the file gives.
    const detector = await Detector.load(graph, { ...COCO_SETTINGS, precision: storage });
    const { map } = await evaluate(detector, demoDataset(3));
    detector.destroy();
    assertEquals(map, report.chosen.map);
    assertStringIncludes(stderr, "measuring sensitivity of every layer");
  }));

Deno.test("quantize --mixed refuses what does not go together, before it computes", () =>
  inFolder(async (folder) => {
    const out = join(folder, "mixed.onnx");
    const refused = async (args: readonly string[], sentence: RegExp) => {
      const { code, stderr } = await mixedVerb(["--calibrate", "synthetic", "--out", out, ...args]);
      assertEquals(code, 1);
      assertMatch(stderr, sentence);
    };
    await refused(["--mixed"], /--mixed needs one budget/);
    await refused(["--mixed", "--budget-map", "0.1", "--budget-ms", "5"], /--mixed needs one budget/);
    await refused(["--budget-ms", "5"], /--budget-ms is for --mixed/);
    await refused(["--mixed", "--budget-ms", "5", "--float", "none"], /leave --float and --equalise out/);
    await refused(["--mixed", "--budget-ms", "5", "--weights", "binary"], /not binary weights/);
    await refused(["--mixed", "--budget-map", "1.5"], /Expected a number from 0 to 1/);
    assertEquals([...Deno.readDirSync(folder)].length, 0);
  }));
