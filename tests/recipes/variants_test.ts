/** Training variants from data set to file: losses by name in log, checkpoint and records; rounding, teachers. */

import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { openDataset } from "../../src/data/open.ts";
import { FeatherdetError, type Graph, type Node } from "../../src/graph/mod.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import { mergeGraphs } from "../../src/passes/mod.ts";
import { detectorProblem } from "../../src/recipes/detector_problem.ts";
import { quantizedTraining } from "../../src/recipes/quantized_training.ts";
import { train } from "../../src/recipes/train_detector.ts";
import type { TrainOptions } from "../../src/recipes/train_options.ts";
import { createMemoryStore } from "../../src/train/loop/store.ts";
import {
  batchNormL1,
  combineVariants,
  groupLasso,
  headMaps,
  type NamedLoss,
  PLAIN,
  trainableGraph,
  type TrainingVariant,
} from "../../src/train/mod.ts";
import { gpuTest } from "../support/gpu.ts";
import { groupNorms } from "../support/group_norms.ts";
import { miniYolo11 } from "../support/mini_yolo11.ts";
import { lastCheckpoint as last, stepsIn as steps } from "../support/stored_runs.ts";

const dataset = await openDataset("synthetic", { split: "train", limit: 6, size: 64 });

/** Six steps in two epochs. */
const OPTIONS: TrainOptions = { epochs: 2, batch: 2, workers: 0, seed: 3 };
const tiny = (seed = 3): Graph => miniYolo11({ width: 0.125, size: 64, classes: dataset.classes, seed });

gpuTest("ternary weights and drawn scales combine: losses by name, one run however often it stops", async () => {
  const weight = [[0, 0], [1, 0.01]] as const;
  const variants = () => [batchNormL1({ weight })];
  const options = (): TrainOptions => ({ ...OPTIONS, quantize: "ternary", variants: variants() });
  const store = createMemoryStore();
  const straight = await train(tiny(), dataset, { ...options(), store });
  const names = ["box", "classes", "distribution", "gammaL1"];
  for (const { losses } of straight.run.epochs) assertEquals(Object.keys(losses), names);
  const told = steps(store);
  assertEquals(told.map(({ losses }) => Object.keys(losses)), told.map(() => names));
  // Three steps an epoch; what is told is the sum of scales, about as many as there are at first, times the weight.
  told.forEach(({ lossWeights, losses, positives }, i) => {
    assertAlmostEquals(lossWeights.gammaL1, Math.min(1, i / 3) * 0.01, 1e-12);
    assert(i === 0 ? losses.gammaL1 === 0 : losses.gammaL1 > 100 * lossWeights.gammaL1 && positives >= 0);
  });
  const expected = await last(store);
  assertEquals(expected.settings.gammaL1, { weight: [[0, 0], [1, 0.01]] });
  assert((await loadOnnx(store.files.get("best.onnx")!)).nodes.some(({ op }) => op === "UnpackWeights"));
  const floats = await loadOnnx(expected.model!);
  assert(!floats.nodes.some(({ name }) => name.includes("gammaL1")), "the model knows nothing of its losses");

  const abort = new AbortController();
  const part = createMemoryStore();
  let count = 0;
  await train(tiny(), dataset, {
    ...{ ...options(), store: part, signal: abort.signal },
    onStep: () => ++count === 2 && abort.abort(),
  });
  const resume = await last(part);
  assertEquals(Object.keys(resume.run.tally.losses), names);
  const rest = await train(await loadOnnx(resume.model!), dataset, { ...options(), store: part, resume });
  assertEquals((await last(part)).state, expected.state);
  assertEquals(rest.run.epochs.map(({ losses }) => losses), straight.run.epochs.map(({ losses }) => losses));

  const other = { ...options(), variants: [batchNormL1({ weight: 0.5 })], resume };
  await assertRejects(() => train(tiny(), dataset, other), FeatherdetError, "is of a run with gammaL1");
});

gpuTest("scales are drawn to zero: under a heavy weight their sum falls, every one of them", async () => {
  const scalesOf = ({ nodes, constants }: Graph) =>
    nodes.flatMap(({ op, inputs }) => op === "BatchNormalization" ? [...constants.get(inputs[1])!.data] : []).map(
      Number,
    );
  const of = async (variants: TrainOptions["variants"]) => {
    const store = createMemoryStore();
    await train(tiny(), dataset, { ...OPTIONS, variants, store });
    return scalesOf(await loadOnnx((await last(store)).model!));
  };
  const [plain, slim] = [await of([]), await of([batchNormL1({ weight: 10 })])];
  assertEquals(slim.length, plain.length);
  slim.forEach((scale, i) => assert(scale < plain[i] && scale < 1, `scale ${i}: ${scale}, without ${plain[i]}`));
});

gpuTest("groups are drawn to zero: under a heavy weight the norm of nearly every one falls", async () => {
  const of = async (variants: TrainOptions["variants"]) => {
    const store = createMemoryStore();
    await train(tiny(), dataset, { ...OPTIONS, variants, store });
    return groupNorms(await loadOnnx((await last(store)).model!));
  };
  const [plain, drawn] = [await of([]), await of([groupLasso({ weight: 10 })])];
  assertEquals(drawn.length, plain.length);
  const smaller = drawn.filter((norm, i) => norm < plain[i]).length;
  assert(smaller > 0.98 * plain.length, `${smaller} of ${plain.length}`);
});

/** The projector that `taught` trains. */
const PROJECTOR = "projector.weight";

/**
 * Logits and boxes as the teacher has them, by their mean square distance, boxes of the finest level through a projector that is
 * trained along: what a distilling variant does.
 */
function taught(teacher: Graph, weight: NamedLoss["weight"]): TrainingVariant {
  return {
    ...PLAIN,
    name: "taught",
    settings: { taught: teacher.name },
    trainable(student) {
      const [batch] = student.graph.inputs[0].shape;
      const sized = miniYolo11({ width: 0.125, size: 64, classes: dataset.classes, batch });
      const merged = mergeGraphs(student.graph, { ...sized, constants: teacher.constants }, {
        ...{ prefix: "teacher/", frozen: true },
      });
      const data = Float32Array.from({ length: 64 * 64 }, (_, i) => i % 65 === 0 ? 1 : 0);
      const constants = new Map([...merged.graph.constants, [
        PROJECTOR,
        { dtype: "f32" as const, shape: [64, 64, 1, 1], data },
      ]]);
      return { ...student, graph: { ...merged.graph, constants }, frozen: new Set(merged.frozen) };
    },
    losses({ graph }) {
      const maps = headMaps(graph).levels.flatMap(({ boxes, classes }) => [["boxes", boxes], ["logits", classes]]);
      const nodes: Node[] = [];
      const losses = maps.map(([what, map], i): NamedLoss => {
        const value = (name: string) => `loss/${what}/${i}/${name}`;
        const add = <K extends Node["op"]>(op: K, inputs: string[], attributes: Node<K>["attributes"]) => {
          const name = value(op);
          nodes.push({ op, name, inputs, outputs: [name], attributes } as unknown as Node);
          return name;
        };
        const once = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 } as const;
        const seen = i === 0 ? add("Conv", [map, PROJECTOR], once) : map;
        const difference = add("Sub", [seen, `teacher/${map}`], {});
        const square = add("Mul", [difference, difference], {});
        const mean = add("ReduceMean", [square], { axes: [0, 1, 2, 3], keepDims: false });
        return { name: `${what} ${Math.floor(i / 2)}`, value: mean, weight };
      });
      return { graph: { ...graph, nodes: [...graph.nodes, ...nodes] }, losses };
    },
  };
}

Deno.test("of a student beside its teacher the student is trained, and what joins them", () => {
  const options = { boxes: 1, labels: false };
  const { problem } = detectorProblem(tiny(), { ...options, variant: taught(tiny(7), 1) });
  const alone = detectorProblem(tiny(), { boxes: 1 });
  const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name).sort();
  assertEquals(names(problem.parameters), [...names(alone.problem.parameters), PROJECTOR].sort());
  assertEquals(names(problem.statistics), names(alone.problem.statistics));
  assertThrows(() => detectorProblem(tiny(), options), FeatherdetError, "without labels there is no loss to train by");
});

gpuTest("a student learns from a frozen teacher alone, without labels, and its files hold nothing of it", async () => {
  const [teacher, store] = [tiny(7), createMemoryStore()];
  const { run, model } = await train(tiny(), dataset, {
    ...{ ...OPTIONS, epochs: 12, augment: false, learningRate: 0.01, labels: false, store },
    variants: [taught(teacher, 1)],
  });
  const names = ["boxes 0", "logits 0", "boxes 1", "logits 1"];
  for (const { losses } of run.epochs) assertEquals(Object.keys(losses), names);
  const total = (epoch: number) => Object.values(run.epochs[epoch].losses).reduce((sum, loss) => sum + loss, 0);
  assert(total(11) < 0.5 * total(0), `${total(0)} to ${total(11)}`);
  const [step] = steps(store);
  assert(!("positives" in step) && step.lossWeights["boxes 0"] === 1);
  assertEquals([...model.constants.keys()].sort(), [...tiny().constants.keys()].sort());
  const { settings } = await last(store);
  assertEquals([settings.taught, settings.labels], [teacher.name, false]);
});

gpuTest("with labels the teacher's losses stand behind the detector's, and it is not rounded", async () => {
  const variants = [taught(tiny(7), [[0, 0], [2, 0.1]])];
  const { run } = await train(tiny(), dataset, { ...OPTIONS, epochs: 1, quantize: "binary", variants });
  const names = Object.keys(run.epochs[0].losses);
  assertEquals(names.slice(0, 5), ["box", "classes", "distribution", "boxes 0", "logits 0"]);
  const again = await train(tiny(), dataset, { ...OPTIONS, epochs: 1, quantize: "binary", variants, recompute: true });
  assertEquals(again.run.epochs[0].losses, run.epochs[0].losses, "maps that are computed again are the same");
  const rounding = await quantizedTraining(tiny(), dataset, { quantize: "binary" });
  const wrong = combineVariants([...variants, rounding]);
  assertThrows(
    () => wrong.trainable(trainableGraph(tiny())),
    FeatherdetError,
    "it comes before what adds frozen parts",
  );
});
