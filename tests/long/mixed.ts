/** `deno task quantize --mixed`: it measures, chooses within the budget and writes a file that runs. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { historyOf } from "../../src/compress/history.ts";
import { Detector } from "../../src/detect/detector.ts";
import { COCO_SETTINGS, evaluate } from "../../src/eval/evaluate.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import { commandLine } from "../support/command_line.ts";
import { inFolder } from "../support/data_folders.ts";
import { demoDataset, writeDemoFolder } from "../support/demo_dataset.ts";

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
    const { code, stdout, lines } = await commandLine([
      ...["quantize", "--model", "demo", "--size", "64"],
      ...["--calibrate", set, "--out", out, "--mixed", "--budget-map", "0.9", "--sensitivity", "1", "--json"],
    ]);
    assertEquals(code, 0, lines.join("\n"));
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
    assertStringIncludes(lines.join("\n"), "measuring sensitivity of every layer");
  }));
