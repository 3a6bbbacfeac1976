/**
 * What is tried under faults: public operations on a small detector whose boxes are known, on a session that doubles numbers, on a model in
 * training.
 *
 * @module
 */

import { quantize } from "../../../src/compress/quantize/mod.ts";
import type { Detection } from "../../../src/detect/detector.ts";
import { Detector } from "../../../src/detect/detector.ts";
import { createSessionRunner } from "../../../src/engine/session_runner.ts";
import { Session } from "../../../src/engine/session.ts";
import { TrainingSession } from "../../../src/engine/training_session.ts";
import { evaluate } from "../../../src/eval/evaluate.ts";
import type { Graph } from "../../../src/graph/mod.ts";
import type { RgbImage } from "../../../src/image/rgb_image.ts";
import { saveOnnx } from "../../../src/onnx/mod.ts";
import { ModelBuilder } from "../../../src/models/builder.ts";
import { buildTrainingGraph } from "../../../src/train/mod.ts";
import { colourDetector, colourScene, SIDE } from "../colour_detector.ts";
import type { Opened, Operation } from "./fault.ts";
import type { FaultyDevice } from "./gpu.ts";
import { graphOf, node, weight } from "../tiny_graph.ts";
import { SETTINGS } from "../update_settings.ts";

/** The model: one output of rows, class scores as they are. */
export function colours(): Graph {
  return colourDetector((tail, { centres, scores }) => tail.join(1, centres, scores));
}

/** Pictures whose objects differ; those of odd numbers are twice as large and mirrored, so that their texture is another one. */
export function picture(input: number): RgbImage {
  const scene = colourScene();
  if (input % 2 === 0) return scene;
  const side = 2 * SIDE, data = new Uint8Array(3 * side * side);
  for (let at = 0; at < data.length; at++) {
    const channel = at % 3, pixel = (at - channel) / 3, x = pixel % side, y = (pixel - x) / side;
    data[at] = scene.data[3 * ((y >> 1) * SIDE + SIDE - 1 - (x >> 1)) + channel];
  }
  return { width: side, height: side, data };
}

const told = (found: readonly Detection[]) => found.map(({ box, classId }) => [...box.map(Math.round), classId]);

export const doubling = () => graphOf({ x: [1, 3, 5, 7] }, ["y"], [node("Add", ["x", "x"], ["y"], {})]);

export const numbers = (input: number) => Float32Array.from({ length: 105 }, (_, at) => at + 1000 * (input + 1));

export function trainingProblem() {
  const b = new ModelBuilder({ seed: 5 });
  const y = b.conv("conv", b.input("x", [2, 3, 8, 8]), { out: 4, kernel: 3 });
  const squares = b.node("Mul", "squares", [y, y], {});
  const loss = b.node("ReduceMean", "loss", [squares], { axes: [0, 1, 2, 3], keepDims: false });
  return { ...buildTrainingGraph(b.graph("net", [loss])), losses: [{ name: "loss", value: loss }] };
}

const batch = (input: number) => ({
  x: Float32Array.from({ length: 384 }, (_, at) => Math.sin(at * (input + 1))),
});

const fixed = <Made>(
  made: Made,
  run: (made: Made, input: number) => Promise<unknown>,
  close: (made: Made) => void,
) => ({
  run: (input: number) => run(made, input),
  close: () => close(made),
});

/** A session in training that every run begins at the same state. */
async function trainer(
  device: GPUDevice,
  run: (session: TrainingSession, input: number) => Promise<unknown>,
): Promise<Opened> {
  const session = await TrainingSession.create(trainingProblem(), { device });
  const start = await session.state();
  return {
    run: async (input) => {
      session.restore(start);
      return await run(session, input);
    },
    close: () => session.destroy(),
  };
}

/** What all of them gave; the error of the first that failed, when all have ended. */
async function allOf<Result>(started: readonly Promise<Result>[]): Promise<Result[]> {
  await Promise.allSettled(started);
  return await Promise.all(started);
}

const rounded = (data: Float32Array) => Array.from(data, (value) => Number(value.toPrecision(5)));

/** All operations on a device. */
export const GPU_OPERATIONS: readonly Operation<FaultyDevice>[] = [
  {
    name: "`Detector.load`",
    open: ({ device }) =>
      Promise.resolve({
        async run(input) {
          const detector = await Detector.load(colours(), { device });
          try {
            return told(await detector.detect(picture(input)));
          } finally {
            detector.destroy();
          }
        },
        close() {},
      }),
  },
  {
    name: "`detect`",
    open: async ({ device }) =>
      fixed(
        await Detector.load(colours(), { device }),
        async (detector, input) => told(await detector.detect(picture(input))),
        (detector) => detector.destroy(),
      ),
  },
  {
    name: "`stream`",
    open: async ({ device }) =>
      fixed(await Detector.load(colours(), { device }), async (detector, input) => {
        const found: unknown[] = [];
        const pictures = [0, 1, 0, 1].map((at) => picture(input * at));
        for await (const one of detector.stream(pictures)) found.push(told(one));
        return found;
      }, (detector) => detector.destroy()),
  },
  {
    name: "`evaluate`",
    open: async ({ device }) =>
      fixed(await Detector.load(colours(), { device }), async (detector, input) => {
        const image = picture(input);
        const box = input % 2 === 0 ? [32, 16, 48, 32] as const : [32, 32, 64, 64] as const;
        const boxes = [{ id: 1, classId: 0, box, area: 256, crowd: false }];
        const dataset = {
          ...{ name: "one", classes: ["red", "green", "blue"], categoryIds: [1, 2, 3], warnings: [] },
          images: [1, 2].map((id) => ({
            ...{ id, name: String(id), width: image.width, height: image.height, boxes },
            load: () => Promise.resolve(image),
            bytes: () => Promise.reject(new Error("a picture without a file")),
          })),
        };
        const { map, detections } = await evaluate(detector, dataset);
        return [map, detections.map(({ bbox }) => bbox.map(Math.round))];
      }, (detector) => detector.destroy()),
  },
  {
    name: "`Session.create`",
    open: ({ device }) =>
      Promise.resolve({
        async run(input) {
          const session = await Session.create(doubling(), { device });
          try {
            return rounded((await session.run({ x: { shape: [1, 3, 5, 7], data: numbers(input) } })).y.data);
          } finally {
            session.destroy();
          }
        },
        close() {},
      }),
  },
  {
    name: "`Session.run`",
    open: async ({ device }) =>
      fixed(
        await Session.create(doubling(), { device }),
        async (session, input) => {
          // As many at once as no run before, so that one more buffer is needed.
          const runs = Array.from({ length: input + 1 }, (_, at) =>
            session.run({ x: { shape: [1, 3, 5, 7], data: numbers(input + at) } }));
          return (await allOf(runs)).map(({ y }) =>
            rounded(y.data)
          );
        },
        (session) => session.destroy(),
      ),
  },
  {
    name: "`quantize`",
    open: ({ device }) => {
      const runner = createSessionRunner({ device });
      const graph = graphOf(
        { x: [1, 3, 5, 7] },
        ["y"],
        [node("Conv", ["x", "w"], ["y"], { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 })],
        { w: weight([4, 3, 1, 1]) },
      );
      return Promise.resolve({
        async run(input) {
          const samples = [0, 1].map((at) => ({
            name: String(at),
            inputs: { x: { shape: [1, 3, 5, 7], data: numbers(input + at) } },
          }));
          const made = await quantize(graph, samples, { runner, float: "none" });
          return [...saveOnnx(made.graph)].join();
        },
        close: () => runner.destroy(),
      });
    },
  },
  {
    name: "`TrainingSession.create`",
    open: ({ device }) =>
      Promise.resolve({
        async run(input) {
          const session = await TrainingSession.create(trainingProblem(), { device });
          try {
            return (await session.step(batch(input), SETTINGS)).losses.loss.toPrecision(5);
          } finally {
            session.destroy();
          }
        },
        close() {},
      }),
  },
  {
    name: "`step`, two on their way",
    open: ({ device }) =>
      trainer(device, async (session, input) => {
        await allOf([session.step(batch(input), SETTINGS), session.step(batch(input + 1), SETTINGS)]);
        const weights = await session.trained();
        return [...weights].map(([name, data]) => [name, rounded(data)]);
      }),
  },
  {
    name: "`state`, `gradients`, `takeAverage`",
    open: ({ device }) =>
      trainer(device, async (session, input) => {
        await session.step(batch(input), SETTINGS);
        const gradients = await session.gradients();
        await session.takeAverage();
        const { arrays } = await session.state();
        return [...gradients, ...arrays].map(([name, data]) => [name, rounded(data)]);
      }),
  },
];
