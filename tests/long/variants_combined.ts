/** Group lasso, drawn scales and ternary weights in one training: losses by name, and one run however often it stops. */

import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { openDataset } from "../../src/data/open.ts";
import { FeatherdetError, type Graph } from "../../src/graph/mod.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import { train } from "../../src/recipes/train_detector.ts";
import type { TrainOptions } from "../../src/recipes/train_options.ts";
import { createMemoryStore } from "../../src/train/loop/store.ts";
import { batchNormL1, groupLasso } from "../../src/train/mod.ts";
import { gpuTest } from "../support/gpu.ts";
import { lastCheckpoint as last, stepsIn as steps } from "../support/stored_runs.ts";

const dataset = await openDataset("synthetic", { split: "train", limit: 6, size: 64 });

/** Six steps in two epochs, on the smallest YOLO11 there is. */
const OPTIONS: TrainOptions = { epochs: 2, batch: 2, workers: 0, seed: 3 };
const tiny = (seed = 3): Graph => yolo11({ width: 0.0625, depth: 0.3, size: 64, classes: dataset.classes, seed });

gpuTest(
  "group lasso with drawn scales and ternary weights: one run however often it stops, refused with another weight",
  async () => {
    const weight = [[0, 0], [2, 0.02]] as const;
    const options = (): TrainOptions => ({
      ...OPTIONS,
      quantize: "ternary",
      variants: [batchNormL1({ weight: 1e-4 }), groupLasso({ weight })],
    });
    const store = createMemoryStore();
    const straight = await train(tiny(), dataset, { ...options(), store });
    const told = steps(store);
    told.forEach(({ lossWeights, losses }, i) => {
      assertAlmostEquals(lossWeights.groupLasso, i / 3 * 0.01, 1e-12);
      assert(i === 0 ? losses.groupLasso === 0 : losses.groupLasso > 0);
    });
    const expected = await last(store);
    assertEquals(expected.settings.groupLasso, { weight: [[0, 0], [2, 0.02]] });
    assert(!(await loadOnnx(expected.model!)).nodes.some(({ name }) => name.includes("groupLasso")));
    const abort = new AbortController(), part = createMemoryStore();
    let count = 0;
    await train(tiny(), dataset, {
      ...{ ...options(), store: part, signal: abort.signal },
      onStep: () => ++count === 4 && abort.abort(),
    });
    const resume = await last(part);
    const rest = await train(await loadOnnx(resume.model!), dataset, { ...options(), store: part, resume });
    assertEquals((await last(part)).state, expected.state);
    assertEquals(rest.run.epochs.map(({ losses }) => losses), straight.run.epochs.map(({ losses }) => losses));
    const other = { ...options(), variants: [batchNormL1({ weight: 1e-4 }), groupLasso({ weight: 1 })], resume };
    await assertRejects(() => train(tiny(), dataset, other), FeatherdetError, "is of a run with groupLasso");
  },
);
