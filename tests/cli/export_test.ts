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
    assert(stdout.includes("shape=[64,64,3]") && !/WIDTH|MODEL/.test(stdout), stdout);
    const beside = JSON.parse(await Deno.readTextFile(join(folder, "demo_metadata.json")));
    assertEquals([beside.stride, beside.task, beside.imgsz, beside.names.length], ["32", "detect", "[64, 64]", 3]);
    const list = (await Deno.readTextFile(join(folder, "demo_calibration", "list.txt"))).trim().split("\n");
    assertEquals(list.length, 2);
    const { width, height } = await decodeImage(await Deno.readFile(list[1]));
    assertEquals([width, height], [64, 64]);
    assert((await loadOnnx(out)).nodes.every(({ op }) => !op.endsWith("Linear")));
  }));

Deno.test("export for MNN writes the configuration of its quantizer: pictures, size, and the tail that stays in float", () =>
  inFolder(async (folder) => {
    const out = join(folder, "demo.onnx"), pictures = join(folder, "demo_calibration", "pictures");
    const { code, stdout, lines } = await commandLine([...DEMO, "--target", "mnn", "--out", out, "--json"]);
    assertEquals(code, 0, lines.join("\n"));
    const told = JSON.parse(await Deno.readTextFile(join(folder, "demo_calibration", "mnnquant.json")));
    assertEquals([told.path, told.width, told.height, told.used_image_num], [`${pictures}/`, 64, 64, 2]);
    assertEquals([told.feature_quantize_method, told.format, told.mean], ["ADMM", "RGB", [0, 0, 0]]);
    assertEquals([...Deno.readDirSync(pictures)].map(({ name }) => name).sort(), ["0000.png", "0001.png"]);
    const { nodes, outputs } = await loadOnnx(out);
    const kept = nodes.filter((node) => told.skip_quant_op_names.includes(node.outputs[0]));
    assert(kept.some((node) => node.outputs[0] === outputs[0]), "the output is not kept in float");
    // Of the convolutions only the one that weighs bins.
    assertEquals(kept.filter(({ op }) => op === "Conv").length, 1, kept.map(({ op }) => op).join());
    const { commands } = JSON.parse(stdout);
    assert(commands.at(-1).includes(`'${join(folder, "demo")}_calibration/mnnquant.json'`), commands.at(-1));
  }));

Deno.test("export for LiteRT writes pictures and the program that quantizes with them, and says what failed", () =>
  inFolder(async (folder) => {
    const out = join(folder, "demo.onnx"), { checked } = TARGETS.tflite;
    const { code, stdout, lines } = await commandLine([...DEMO, "--target", "tflite", "--out", out]);
    assertEquals(code, 0, lines.join("\n"));
    const beside = join(folder, "demo_calibration");
    assertEquals([...Deno.readDirSync(beside)].map(({ name }) => name).sort(), ["nhwc.npy", "quantize_litert.py"]);
    assertEquals((await Deno.stat(join(beside, "nhwc.npy"))).size, 128 + 4 * 2 * 64 * 64 * 3);
    assert(
      stdout.includes(`python ${beside}/quantize_litert.py ${join(folder, "demo_tflite", "demo_float32.tflite")}`),
    );
    assert(stdout.includes(`FAILED       ${checked.fails}`), stdout);
    assert(lines.some((line) => line.includes("onnx2tf failed the check by boxes: ")), lines.join("\n"));
  }));
