/**
 * Measures models in both engines in turn: the WebGPU engine on this machine's adapter, the CPU engine with one thread and with as many as
 * onnxruntime chooses, and as WebAssembly. Writes `bench/results/cpu_engine.json`.
 *
 *   deno run -A bench/cpu_engine.ts
 *
 * @module
 */

import { importRuntime } from "../src/engine/cpu/runtime.ts";
import { Session, type SessionOptions } from "../src/engine/session.ts";
import { interleave, summarize } from "../src/eval/latency.ts";
import { openSharedDevice } from "../src/gpu/device.ts";
import { loadModel } from "../src/host/models.ts";
import { recordHeader } from "../src/recipes/bench/record.ts";

/** Models and input sizes; those that are absent are left out and named. */
const CASES: readonly (readonly [model: string, size: number])[] = [
  ["yolo11n", 320],
  ["yolo11n", 640],
  ["yolo11n-int8", 320],
  ["yolo11n-int8", 640],
  ["demo", 320],
  ["bccd-pruned", 320],
  ["bccd-pruned-int8", 320],
  ["bccd-ternary", 320],
];
const ROUNDS = 15;

const specifier: string = "npm:onnxruntime-web@1.30.0";
const wasm = await import(specifier);
wasm.env.logLevel = "error";
await importRuntime();
const WAYS: readonly (readonly [name: string, options: SessionOptions])[] = [
  ["webgpu", {}],
  ["cpu", { engine: "cpu" }],
  ["cpu, one thread", { engine: "cpu", cpu: { threads: 1 } }],
  ["WebAssembly", { engine: "cpu", cpu: { runtime: wasm } }],
];

const device = await openSharedDevice();
const [load] = Deno.loadavg();
const rows: object[] = [];
for (const [model, size] of CASES) {
  const file = Deno.args.find((arg) => arg.startsWith(`${model}=`))?.slice(model.length + 1) ?? model;
  const graph = await loadModel(file, { size, untrained: true }).catch((error) => {
    console.error(`${model} is left out: ${error.message}`);
  });
  if (graph === undefined) continue;
  const [input] = graph.inputs;
  const data = Float32Array.from({ length: 3 * size * size }, (_, i) => (i * 7919 % 256) / 255);
  const sessions = await Promise.all(WAYS.map(([, options]) => Session.create(graph, options)));
  const feeds = { [input.name]: { shape: [1, 3, size, size], data } };
  const times = await interleave(sessions.map((session) => ({ work: () => session.run(feeds) })), ROUNDS, 2);
  for (const session of sessions) session.destroy();
  const ms = Object.fromEntries(
    WAYS.map(([name], i) => [name, { ...summarize(times[i]), least: Math.min(...times[i]) }]),
  );
  rows.push({ model, size, ms });
  console.log(model, size, ...WAYS.map(([name], i) => `${name} ${Math.min(...times[i]).toFixed(1)}`));
}
const record = {
  ...await recordHeader(device.adapter, "noise", { "onnxruntime-node": "1.30.0", "onnxruntime-web": "1.30.0" }, load),
  command: "deno run -A bench/cpu_engine.ts",
  unit: "milliseconds of Session.run, tensor in, tensors out, in turn",
  rows,
};
await Deno.writeTextFile(new URL("results/cpu_engine.json", import.meta.url), `${JSON.stringify(record, null, 1)}\n`);
