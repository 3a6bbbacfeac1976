/** `deno task export`: the files that it writes, and what it says of them. */

import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { decodeImage } from "../../src/image/codec/decode.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import { TARGETS } from "../../src/recipes/export/targets.ts";
import { commandLine } from "../support/command_line.ts";
import { inFolder } from "../support/data_folders.ts";

const DEMO = ["export", "--model", "demo", "--size", "64", "--calibrate", "synthetic", "--limit", "2"];

Deno.test("export writes int8 for OpenVINO, and says what was checked of it", () =>
  inFolder(async (folder) => {
    const out = join(folder, "demo.onnx");
    const { code, stdout, lines } = await commandLine([...DEMO, "--target", "openvino", "--out", out, "--json"]);
    assertEquals(code, 0, lines.join("\n"));
    const { target, form, files, commands, checked } = JSON.parse(stdout);
    assertEquals([target, form, files, commands], ["openvino", "quantized", [out], []]);
    assertEquals(checked.state, "boxes");
    const { nodes, constants, metadata } = await loadOnnx(out);
    const zeros = nodes.filter(({ op }) => op === "QuantizeLinear").map(({ inputs }) =>
      constants.get(inputs[2])!.dtype
    );
    assertEquals([...new Set(zeros)], ["u8"]);
    assert(metadata.history.includes("openvino"), metadata.history);
  }));

Deno.test("export for ncnn writes floats, the names beside them, pictures for its quantizer, and the commands", () =>
  inFolder(async (folder) => {
    const out = join(folder, "demo.onnx");
    const { code, stdout, lines } = await commandLine([...DEMO, "--target", "ncnn", "--out", out]);
    assertEquals(code, 0, lines.join("\n"));
    assert(stdout.includes(`pnnx ${join(folder, "demo")}.onnx`), stdout);
    assert(stdout.includes("checked      float, f16 and int8"), stdout);
    const beside = JSON.parse(await Deno.readTextFile(join(folder, "demo_metadata.json")));
    assertEquals([beside.stride, beside.task, beside.imgsz, beside.names.length], ["32", "detect", "[64, 64]", 3]);
    const list = (await Deno.readTextFile(join(folder, "demo_calibration", "list.txt"))).trim().split("\n");
    assertEquals(list.length, 2);
    const { width, height } = await decodeImage(await Deno.readFile(list[1]));
    assertEquals([width, height], [64, 64]);
    assert((await loadOnnx(out)).nodes.every(({ op }) => !op.endsWith("Linear")));
  }));

Deno.test("a form that failed the check by boxes is said to have failed, and warned of", () =>
  inFolder(async (folder) => {
    const out = join(folder, "demo.onnx"), { checked } = TARGETS.mnn;
    const { code, stdout, lines } = await commandLine(["export", "--model", "demo", "--target", "mnn", "--out", out]);
    assertEquals(code, 0, lines.join("\n"));
    assert(stdout.includes(`FAILED       ${checked.fails}`), stdout);
    assert(lines.some((line) => line.includes("MNN failed the check by boxes: ")), lines.join("\n"));
  }));
