/** Training with a teacher on the device: against the reference, combined with rounding and masks, stopped and resumed, without labels. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DISTIL_LOSS_NAMES } from "../../src/compress/distill/mod.ts";
import { createSessionRunner } from "../../src/engine/session_runner.ts";
import { TrainingSession } from "../../src/engine/training_session.ts";
import { quantize } from "../../src/compress/quantize/mod.ts";
import { openDataset } from "../../src/data/open.ts";
import { withoutLabels } from "../../src/data/pictures.ts";
import { FeatherdetError, type Graph } from "../../src/graph/mod.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import { foldBatchNormalization } from "../../src/passes/mod.ts";
import { sparsifyAndTrain } from "../../src/recipes/prune/mask_finetune.ts";
import { detectorProblem } from "../../src/recipes/detector_problem.ts";
import { quantizedTraining } from "../../src/recipes/quantized_training.ts";
import { train } from "../../src/recipes/train_detector.ts";
import type { TrainOptions } from "../../src/recipes/train_options.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { readCheckpoint } from "../../src/train/loop/checkpoint.ts";
import { createMemoryStore, type MemoryStore } from "../../src/train/loop/store.ts";
import { distilled, type DistilledOptions, trainableGraph } from "../../src/train/mod.ts";
import { gpuTest } from "../support/gpu.ts";
import { lively } from "../support/lively.ts";
import { noisyPicture } from "../support/noise.ts";
import { miniYolo11 } from "../support/mini_yolo11.ts";

const dataset = await openDataset("synthetic", { split: "train", limit: 6, size: 64 });
const validation = await openDataset("synthetic", { split: "val", limit: 2, size: 64 });

/** Six steps in two epochs. */
const OPTIONS: TrainOptions = { epochs: 2, batch: 2, workers: 0, seed: 3 };
const tiny = (seed = 3, width = 0.125): Graph => miniYolo11({ width, size: 64, classes: dataset.classes, seed });

const ALL: DistilledOptions = { losses: DISTIL_LOSS_NAMES.map((loss) => ({ loss })) };
const SOME: DistilledOptions = { losses: [{ loss: "dfl", weight: 0.25 }, { loss: "cwd", weight: [[0, 2], [2, 0]] }] };
const NAMES = ["box", "classes", "distribution", "distil dfl", "distil cwd"];

const last = ({ files }: MemoryStore) => readCheckpoint(files.get("last.ckpt")!, "last.ckpt");

/** The teacher in int8, its ranges those of two pictures of noise. */
async function rounded(model: Graph): Promise<Graph> {
  const runner = createSessionRunner();
  const data = noisyPicture([1, 3, 64, 64]);
  const samples = [{ name: "noise", inputs: { images: { shape: [1, 3, 64, 64], data } } }];
  try {
    return (await quantize(model, samples, { runner })).graph;
  } finally {
    runner.destroy();
  }
}

gpuTest(
  "losses on the device are the reference's, of float teachers and of int8; an equal one makes none",
  async () => {
    const student = foldBatchNormalization(lively(tiny()));
    const teachers = [student, lively(tiny(5, 0.25)), await rounded(lively(tiny(5)))];
    const shape = [1, 3, 64, 64], images = noisyPicture(shape);
    for (const [which, teacher] of teachers.entries()) {
      const { problem } = detectorProblem(student, { boxes: 1, labels: false, variant: distilled(teacher, ALL) });
      const values = problem.losses!.map(({ value }) => value);
      const constants = Object.fromEntries(
        problem.parameters.map(({ name, initial }) => [name, referenceTensor(initial.shape, initial.data)]),
      );
      const scales = problem.losses!.flatMap(({ gradientScale }) => gradientScale ?? []);
      const expected = runReference({ ...problem.graph, outputs: values }, {
        ...{ images: referenceTensor(shape, images), ...constants },
        ...Object.fromEntries(scales.map((name) => [name, referenceTensor([1], [1])])),
      });
      const session = await TrainingSession.create(problem);
      try {
        const { losses } = await session.step({ images });
        for (const { name, value } of problem.losses!) {
          const wanted = expected.get(value)!.data[0];
          // A byte may be rounded to either side.
          const near = Math.abs(losses[name] - wanted) <= (which === 2 ? 0.02 : 1e-4) * Math.abs(wanted) + 2e-5;
          assert(near, `${name} is ${losses[name]}, the reference says ${wanted}`);
          assert(which === 0 || wanted > 1e-3, `${name} is ${wanted}`);
        }
        if (which > 0) continue;
        for (const [name, gradient] of await session.gradients()) {
          // With another teacher, gradients are up to 0.2.
          const greatest = Math.max(...gradient.map(Math.abs));
          assert(greatest < 2e-4, `the gradient of ${name} is up to ${greatest}, from rounding alone`);
        }
      } finally {
        session.destroy();
      }
    }
  },
);

gpuTest(
  "a teacher assigns anchors: an equal one as the student does, another one otherwise, as the reference says",
  async () => {
    const student = foldBatchNormalization(lively(tiny())), boxes = 3;
    const images = noisyPicture([1, 3, 64, 64]);
    const rows = Float32Array.of(0, 8, 8, 40, 48, 2, 20, 4, 60, 30, -1, 0, 0, 0, 0);
    const stepOf = async (teacher?: Graph) => {
      const variant = teacher && distilled(teacher, { losses: [], assigns: true });
      // As many claims as there are anchors, so that those of the coarse level have boxes too.
      const { problem, label } = detectorProblem(student, { boxes, topK: 80, ...(variant && { variant }) });
      const session = await TrainingSession.create(problem);
      try {
        const feeds = { images, [label!.inputs.boxes]: rows };
        const { losses } = await session.step(feeds);
        const expected = runReference({ ...problem.graph, outputs: [label!.losses] }, {
          images: referenceTensor([1, 3, 64, 64], images),
          [label!.inputs.boxes]: referenceTensor([1, boxes, 5], rows),
          [label!.inputs.scale]: referenceTensor([1], [1]),
          ...Object.fromEntries(
            problem.parameters.map(({ name, initial }) => [name, referenceTensor(initial.shape, initial.data)]),
          ),
        }).get(label!.losses)!.data;
        ["box", "classes", "distribution"].forEach((name, i) => {
          assert(
            Math.abs(losses[name] - expected[i]) < 1e-4 * expected[i],
            `${name}: ${losses[name]}, not ${expected[i]}`,
          );
        });
        return { losses, gradients: await session.gradients() };
      } finally {
        session.destroy();
      }
    };
    const alone = await stepOf(), equal = await stepOf(student), other = await stepOf(lively(tiny(5, 0.25)));
    // The teacher may be computed by other kernels than the student.
    const near = (found: number, wanted: number, scale: number, what: string) =>
      assert(Math.abs(found - wanted) <= 1e-4 * scale, `${what}: ${found}, not ${wanted}`);
    for (const [name, loss] of Object.entries(alone.losses)) near(equal.losses[name], loss, loss, name);
    for (const [name, gradient] of alone.gradients) {
      const greatest = Math.max(...gradient.map(Math.abs)), same = equal.gradients.get(name)!;
      gradient.forEach((value, i) => near(same[i], value, greatest, name));
    }
    assert(
      Math.abs(other.losses.box - alone.losses.box) > 0.01 * alone.losses.box,
      "another teacher, another box loss",
    );
  },
);

gpuTest(
  "losses of the teacher fall where it alone teaches, without labels and without boxes, stored in f16",
  async () => {
    const bare = withoutLabels(dataset, dataset.classes), store = createMemoryStore();
    assertEquals(bare.images.map(({ boxes }) => boxes.length), bare.images.map(() => 0));
    const { run, model } = await train(tiny(), bare, {
      ...{ ...OPTIONS, epochs: 8, augment: false, learningRate: 0.01, labels: false, precision: "f16", store },
      variants: [distilled(lively(tiny(7, 0.25)), ALL)],
    });
    const [first, end] = [run.epochs[0], run.epochs[7]].map(({ losses }) => losses);
    assertEquals(Object.keys(first), DISTIL_LOSS_NAMES.map((loss) => `distil ${loss}`));
    for (const name of Object.keys(first)) {
      assert(end[name] < 0.95 * first[name], `${name}: ${first[name]} to ${end[name]}`);
    }
    assertEquals([...model.constants.keys()].sort(), [...tiny().constants.keys()].sort());
    await assertRejects(() => train(tiny(), bare, OPTIONS), FeatherdetError, "there is nothing to learn");
  },
);

gpuTest("a run that stops and goes on is one run, and refuses another teacher", async () => {
  const teacher = tiny(7, 0.25);
  const options = (): TrainOptions => ({ ...OPTIONS, quantize: "ternary", variants: [distilled(teacher, SOME)] });
  const store = createMemoryStore();
  const straight = await train(tiny(), dataset, { ...options(), store });
  for (const { losses } of straight.run.epochs) assertEquals(Object.keys(losses), NAMES);
  const expected = await last(store);
  const part = createMemoryStore(), abort = new AbortController();
  let count = 0;
  await train(tiny(), dataset, {
    ...{ ...options(), store: part, signal: abort.signal },
    onStep: () => ++count === 4 && abort.abort(),
  });
  const resume = await last(part);
  const kept = resume.settings.distil as { readonly teacher: { readonly name: string; readonly hash: string } };
  assert(kept.teacher.name === "mini" && kept.teacher.hash.length === 64);
  const rest = await train(await loadOnnx(resume.model!), dataset, { ...options(), store: part, resume });
  assertEquals((await last(part)).state, expected.state);
  assertEquals(rest.run.epochs.map(({ losses }) => losses), straight.run.epochs.map(({ losses }) => losses));
  const other = { ...options(), variants: [distilled(tiny(8, 0.25), SOME)], resume };
  await assertRejects(() => train(tiny(), dataset, other), FeatherdetError, "is of a run with distil");
  const alone = { ...OPTIONS, quantize: "ternary" as const, resume };
  await assertRejects(() => train(tiny(), dataset, alone), FeatherdetError, "asked for is none");
});

gpuTest("a student in int8 learns from a teacher in int8, and only its own numbers are rounded", async () => {
  const store = createMemoryStore(), teacher = await rounded(lively(tiny(5)));
  const { run } = await train(lively(tiny()), dataset, {
    ...{ ...OPTIONS, epochs: 1, quantize: "int8", calibrationPictures: 2, store },
    variants: [distilled(teacher, SOME)],
  });
  assertEquals(Object.keys(run.epochs[0].losses), NAMES);
  const best = await loadOnnx(store.files.get("best.onnx")!);
  assert(best.nodes.some(({ op }) => op === "QuantizeLinear"));
  assert(!best.nodes.some(({ name }) => name.startsWith("teacher/") || name.startsWith("distil/")));
});

gpuTest("zeros stay zero while a teacher teaches behind masks, in rounds", async () => {
  const options = {
    ...{ validation, rounds: 1, lastEpochs: 1, trainBatch: 2, sparsity: 0.5, workers: 0, pictures: 6 },
    variants: [distilled(tiny(7, 0.25), SOME)],
  };
  const { rounds: [round], model, report } = await sparsifyAndTrain(lively(tiny()), dataset, options);
  assertEquals(round.epochs, 1);
  const zeros = [...model.constants.values()].reduce(
    (sum, { shape, data }) => shape.length < 4 ? sum : sum + Array.from(data).filter((one) => Number(one) === 0).length,
    0,
  );
  assert(zeros >= report!.zeros && report!.zeros > 1000, `${zeros} of ${report!.zeros}`);
});

Deno.test("a teacher that assigns anchors without labels, or others than its own, is refused", () => {
  const refuse = (act: () => unknown, says: string) => assertThrows(act, FeatherdetError, says);
  const assigning = (teacher: Graph) => distilled(teacher, { losses: [{ loss: "logits" }], assigns: true });
  refuse(
    () => detectorProblem(tiny(), { boxes: 1, labels: false, variant: assigning(tiny(7)) }),
    "a teacher assigns anchors to the boxes of labels, and these are left out",
  );
  refuse(
    () =>
      detectorProblem(tiny(), {
        boxes: 1,
        variant: assigning(miniYolo11({ width: 0.125, size: 96, classes: dataset.classes, seed: 1 })),
      }),
    "the teacher can only assign anchors that are its own: the student's maps are of 8x8, 4x4, the teacher's of 12x12, 6x6",
  );
});

gpuTest("a student with rounded weights is refused", async () => {
  const rounding = await quantizedTraining(tiny(), dataset, { quantize: "ternary" });
  const variant = distilled(tiny(7), SOME);
  assertThrows(
    () => variant.trainable(trainableGraph(rounding.exported(tiny()))),
    FeatherdetError,
    "holds rounded weights, and a student learns as floats: take the float model and train it with quantize",
  );
});
