/** `predict-latency`, `simulate` and `place` as other programs use them. */

import { assert, assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import type { ErrorRow } from "../../src/hardware/report_errors.ts";
import type { FramePrediction, LatencyPrediction, Simulation } from "../../src/hardware/mod.ts";
import type { Designs } from "../../src/hardware/systolic/search.ts";
import type { PhotonicRun } from "../../src/cli/photonic.ts";
import type { PlaceReport } from "../../src/recipes/place/place.ts";
import { assertRefusals, commandLine, jsonOf } from "../support/command_line.ts";

Deno.test("predict-latency gives milliseconds, band, energy and layers, and draws them", async () => {
  const folder = await Deno.makeTempDir(), plot = join(folder, "new", "nano.svg");
  const nano = ["--model", "demo", "--device", "jetson-nano"];
  const found = await jsonOf<LatencyPrediction>(["predict-latency", ...nano, "--size", "64", "--plot", plot]);
  const { milliseconds, error_band: [low, high], energy_mJ, layers } = found;
  assert(0 < low && low < milliseconds && milliseconds < high);
  assertAlmostEquals(energy_mJ!, 6.8 * milliseconds, 1e-9);
  assertAlmostEquals(layers.reduce((sum, layer) => sum + layer.milliseconds, 0), milliseconds, 1e-9);
  const svg = await Deno.readTextFile(plot);
  assert(svg.startsWith("<svg"));
  for (const said of ["jetson-nano fp16", "the network alone", "window"]) assertStringIncludes(svg, said);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("predict-latency takes several devices, and says how far it is off", async () => {
  const devices = ["--device", "rk3588", "rpi5-ncnn"];
  const { predictions } = await jsonOf<{ predictions: LatencyPrediction[] }>([
    ...["predict-latency", "--model", "demo", "--size", "64"],
    ...devices,
  ]);
  assertEquals(predictions.map(({ device, precision }) => [device, precision]), [
    ["rk3588", "int8"],
    ["rpi5-ncnn", "fp32"],
  ]);
  const { errors, adapters } = await jsonOf<{ errors: ErrorRow[]; adapters: { device: { rank: number } }[] }>([
    ...["predict-latency", "--errors"],
  ]);
  assert(adapters.length > 0 && adapters.every(({ device }) => device.rank > 0.9));
  assert(errors.some(({ device }) => device === "jetson-nano"));
  const { stdout } = await commandLine(["predict-latency", "--errors"]);
  assertMatch(stdout, /^ +jetson-nano +4 +\d+ % .*x 1\.\d\d +yolov5s fp16 \+\d+ %$/m);
});

Deno.test("predict-latency predicts for an adapter that was measured, without it, beside devices that are not here", async () => {
  const adapter = "llvmpipe-llvm-15-0-6-256-bits", folder = await Deno.makeTempDir(), plot = join(folder, "both.svg");
  const { predictions: [found, nano] } = await jsonOf<{ predictions: [FramePrediction, LatencyPrediction] }>([
    ...["predict-latency", "--model", "demo", "--size", "64", "--device", adapter, "jetson-nano", "--plot", plot],
  ]);
  assertAlmostEquals(found.dispatches.reduce((sum, one) => sum + one.milliseconds, 0), found.deviceTime, 1e-9);
  assert(found.deviceTime < found.milliseconds!);
  assertEquals([found.adapter, found.scalar, nano.device], ["llvmpipe (LLVM 15.0.6, 256 bits)", "f32", "jetson-nano"]);
  const svg = await Deno.readTextFile(plot);
  for (const said of [`${adapter} f32`, "Letterbox", "jetson-nano fp16"]) assertStringIncludes(svg, said);
  await Deno.remove(folder, { recursive: true });
  await assertRefusals([
    [
      ["predict-latency", "--model", "demo", "--size", "64", "--device", adapter, "--precision", "int8"],
      /the model is in floats/,
    ],
    [
      ["prune", "--model", "demo", "--out", join(folder, "a.onnx"), "--gflops", "0.5", "--device", "this"],
      /--device predicts milliseconds: give --latency, --times or --per latency/,
    ],
  ]);
});

Deno.test("simulate gives cycles, energy and area, and searches what no other design beats", async () => {
  const folder = await Deno.makeTempDir(), plot = join(folder, "designs.svg");
  const model = ["simulate", "--model", "demo", "--size", "64"];
  const one = await jsonOf<Simulation>([...model, "--array", "16x8", "--dataflow", "os", "--sram", "8,8,16"]);
  assertEquals(one.accelerator.sram, { input: 8192, weight: 8192, output: 16384 });
  assertEquals([one.accelerator.rows, one.accelerator.columns, one.accelerator.dataflow], [16, 8, "os"]);
  assertEquals(one.cycles, one.layers.reduce((sum, layer) => sum + layer.computeCycles + layer.stallCycles, 0));
  const { front } = await jsonOf<Designs>([...model, "--search", "--area", "0.5", "--plot", plot]);
  assert(front.length > 0 && front.every(({ area }) => area <= 0.5));
  assertStringIncludes(await Deno.readTextFile(plot), "frames a millijoule");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("simulate --photonic gives time and energy on an array of light, its noise, and what nobody published", async () => {
  const folder = await Deno.makeTempDir(), plot = join(folder, "light.svg");
  const model = ["simulate", "--model", "demo", "--size", "64", "--photonic", "albireo"];
  const found = await jsonOf<PhotonicRun>([...model, "--detected", "5", "--plot", plot]);
  const time = found.layers.reduce((sum, layer) => {
    return sum + layer.computeMicroseconds + layer.reloadMicroseconds + layer.stallMicroseconds;
  }, 0);
  assertAlmostEquals(time * 1e-3, found.milliseconds, 1e-9);
  // Light that was given is not nominal, and is a quarter of the profile's 20 uW.
  assertEquals(found.nominal.map(([figure]) => figure), ["amperePerWatt"]);
  const { noise: { electrons, shot } } = found;
  assertAlmostEquals(electrons, 24_966 / 4, 1);
  assertAlmostEquals(shot, 1 / Math.sqrt(electrons), 1e-9);
  assertStringIncludes(await Deno.readTextFile(plot), "Energy of a frame on Albireo");
  const { stdout } = await commandLine(model);
  assertMatch(stdout, /^ +detectedMicrowatts: a product at full light/m);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("place runs a model on the CPU engine and predicts it on an array beside it", async () => {
  const model = ["place", "--model", "demo", "--size", "64", "--engines", "cpu", "npu", "--frames", "2"];
  const { engines, placements, nodeNames } = await jsonOf<PlaceReport>(model);
  assertEquals(engines.map(({ name }) => name), ["cpu", "npu"]);
  const [onCpu] = placements;
  assertEquals(onCpu.stretches.map(({ engine, from, to }) => [engine, from, to]), [["cpu", 0, nodeNames.length]]);
  assert(onCpu.measuredLatency! > 0 && onCpu.measuredInterval! > 0 && onCpu.difference! < 1e-3);
  assertAlmostEquals(onCpu.latency, engines[0].milliseconds, 1e-9);
  // An array that is simulated is not run, and boxes are decoded on the CPU.
  const best = placements.find(({ goal }) => goal.includes("least latency"))!;
  assertEquals([best.stretches.at(-1)!.engine, best.measuredLatency], ["cpu", undefined]);
});

Deno.test("what cannot be predicted or built is refused in a sentence", async () => {
  await assertRefusals([
    [["predict-latency", "--model", "demo"], /^error: --model and --device say what is predicted/],
    [["predict-latency", "--model", "demo", "--device", "pi"], /^error: device "pi" is not known, those are /],
    [["simulate", "--model", "demo", "--array", "0x8"], /^error: accelerator: rows is 0/],
    [["simulate", "--model", "demo", "--detected", "1"], /^error: --detected is for --photonic/],
    [["simulate", "--model", "demo", "--photonic", "albireo", "--search"], /^error: --search is for systolic arrays/],
  ]);
});
