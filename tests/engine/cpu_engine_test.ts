/** The CPU engine behind sessions and detectors: every operator, quantized models, its worker, its ends and its refusals. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Detector } from "../../src/detect/detector.ts";
import { chooseEngine } from "../../src/engine/choose_engine.ts";
import { importRuntime } from "../../src/engine/cpu/runtime.ts";
import { Session } from "../../src/engine/session.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { importOnnx } from "../../src/onnx/mod.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { assertClose } from "../support/compare.ts";
import { ON_CPU } from "../support/cpu_runtime.ts";
import { colours, picture } from "../support/faults/gpu_operations.ts";
import { operatorCases } from "../support/operator_cases.ts";
import { inSteps, quantizedModels } from "../support/quantized_models.ts";
import { randomTensor } from "../support/random.ts";
import { graphOf, node, PLAIN, weight } from "../support/tiny_graph.ts";

const FORM = { storage: "buffer", scalar: "f32", pageShift: 0 } as const;

/** Two convolutions on odd shapes, a batch of three. */
const SHAPE = [3, 1, 13, 127];
const GRAPH = graphOf(
  { x: SHAPE },
  ["z", "y"],
  [
    node("Conv", ["x", "w"], ["y"], { ...PLAIN, pads: [1, 1, 1, 1], groups: 1 }),
    node("Silu", ["y"], ["s"], {}),
    node("Conv", ["s", "v"], ["z"], { ...PLAIN, strides: [2, 3], groups: 5 }),
  ],
  { w: weight([5, 1, 3, 3]), v: weight([10, 1, 2, 2], 2) },
);
const numbers = (seed: number) => randomTensor(SHAPE, seed);

function checkRun(found: Awaited<ReturnType<Session["run"]>>, seed: number): void {
  assertEquals(Object.keys(found), ["z", "y"]);
  for (const [name, { shape, data }] of runReference(GRAPH, { x: referenceTensor(SHAPE, numbers(seed)) })) {
    assertEquals(found[name].shape, shape);
    assertClose(found[name].data, data, FORM, name);
  }
}

Deno.test("operators agree with onnxruntime's recorded results through a session on the CPU", async () => {
  for (const { name, model, inputs, outputs } of operatorCases()) {
    const session = await Session.create(importOnnx(model), ON_CPU);
    const result = await session.run(Object.fromEntries(inputs.map((input) => [input.name, input])));
    for (const output of outputs) {
      assertEquals([...result[output.name].shape], [...output.shape], name);
      output.data.forEach((expected, i) => {
        const found = result[output.name].data[i];
        const near = Math.abs(found - expected) <= 2e-5 * (1 + Math.abs(expected));
        assert(near, `${name}: element ${i} is ${found}, not ${expected}`);
      });
    }
    session.destroy();
  }
});

Deno.test("quantized models give onnxruntime's recorded results: a step of the last one apart at most", async () => {
  for (const model of quantizedModels()) {
    const graph = importOnnx(model.file, { file: model.name });
    const session = await Session.create(graph, ON_CPU);
    const found = (await session.run({ x: model.input }))[model.output.name];
    session.destroy();
    assertEquals([...found.shape], [...model.output.shape]);
    const { most, mean } = inSteps(graph, model, found.data);
    assert(most <= 1.01 && mean < 0.05, `${model.name}: at most ${most} steps off, ${mean} in the mean`);
  }
});

Deno.test("the worker computes: runs in order, inputs free at once, other shapes, one thread", async () => {
  const session = await Session.create(GRAPH, { engine: "cpu", cpu: { threads: 1 } });
  assertEquals([session.engine, session.bytes, session.warnings.length], ["cpu", 0, 0]);
  assert(/^CPU \(onnxruntime-node .*one thread\)$/.test(session.adapter.name), session.adapter.name);
  const data = numbers(1);
  const first = session.run({ x: { shape: SHAPE, data } });
  data.fill(9);
  const second = session.run({ x: { shape: SHAPE, data: numbers(2) } });
  checkRun(await first, 1);
  checkRun(await second, 2);
  assertEquals(data[0], 9);
  await assertRejects(
    () => session.run({ x: { shape: SHAPE, data: new Float32Array(3) } }),
    FeatherdetError,
    "[3,1,13",
  );
  await assertRejects(() => session.run({}), FeatherdetError, 'input "x" [3,1,13,127] is missing');
  const late = session.run({ x: { shape: SHAPE, data: numbers(1) } });
  session.destroy();
  session.destroy();
  await assertRejects(() => late, FeatherdetError, "tiny: the session was destroyed");
  await assertRejects(
    () => session.run({ x: { shape: SHAPE, data } }),
    FeatherdetError,
    "tiny: the session was destroyed",
  );
  for (const what of ["device", "plan"] as const) {
    await assertRejects(async () => await session[what], FeatherdetError, `the CPU engine has not a ${what}`);
  }
});

Deno.test("bytes enter as bytes", async () => {
  const graph = {
    ...graphOf({}, ["y"], [node("Cast", ["x"], ["y"], { to: "f32" })]),
    inputs: [{ name: "x", dtype: "u8", shape: [1, 13] } as const],
  };
  const session = await Session.create(graph, ON_CPU);
  const bytes = Uint8Array.from({ length: 13 }, (_, i) => 20 * i);
  assertEquals([...(await session.run({ x: { shape: [1, 13], data: bytes } })).y.data], [...bytes]);
  session.destroy();
});

Deno.test("a detector on the CPU ends with the signal's reason and goes on", async () => {
  const detector = await Detector.load(colours(), ON_CPU);
  const before = await detector.detect(picture(0));
  const during = new AbortController();
  const running = detector.detect(picture(0), { signal: during.signal });
  during.abort(new Error("meanwhile"));
  await assertRejects(() => running, Error, "meanwhile");
  assertEquals(await detector.detect([picture(0), picture(0)]), [before, before]);
  detector.destroy();
  await assertRejects(() => detector.detect(picture(0)), FeatherdetError, "the detector was destroyed");
});

Deno.test("what the CPU engine does not take is refused in one sentence", async () => {
  const refused = (options: object, sentence: string) =>
    assertRejects(() => Session.create(GRAPH, { ...ON_CPU, ...options }), FeatherdetError, sentence);
  await refused({ precision: "f16" }, "the CPU engine computes in f32");
  await refused({ precision: "int8" }, "the model is in floats");
  await refused({ storage: "buffer" }, 'the CPU engine takes no option "storage"');
  await refused({ engine: "gpu" }, 'engine "gpu" is not available; there are webgpu, cpu and auto');
  await refused({ cpu: { threads: 0.5 } }, "cpu.threads is 0.5");
  const broken = { ...ON_CPU.cpu!.runtime!, InferenceSession: { create: () => Promise.reject(new Error("no\nway")) } };
  await refused({ cpu: { runtime: broken } }, "tiny: onnxruntime refuses the model: no");
  // Nothing names the browser's package here.
  await assertRejects(() => importRuntime(false), FeatherdetError, "the CPU engine needs the package onnxruntime-web");
});

Deno.test("auto takes the CPU only where no adapter is hardware, and what is of a device is asked for of none", async () => {
  const software = (await navigator.gpu?.requestAdapter())?.info;
  const isHardware = software !== undefined &&
    !/llvmpipe|swiftshader/i.test(`${software.device}${software.description}`);
  assertEquals(await chooseEngine({}), "webgpu");
  assertEquals(await chooseEngine({ engine: "auto", ...ON_CPU.cpu }), isHardware ? "webgpu" : "cpu");
  assertEquals(await chooseEngine({ engine: "auto", precision: "f16" }), "webgpu");
  assertEquals(await chooseEngine({ engine: "auto", storage: "texture" }), "webgpu");
});
