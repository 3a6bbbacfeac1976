/** Gradients that passes ask for: against PyTorch's, and what cannot be. */

import { assertEquals, assertRejects } from "@std/assert";
import { passStep, runPasses } from "../../src/compress/pass.ts";
import { prunePass } from "../../src/compress/prune/mod.ts";
import type { CalibrationSample } from "../../src/compress/statistics.ts";
import { FeatherdetError } from "../../src/graph/mod.ts";
import { withBatch } from "../../src/passes/mod.ts";
import { createGradientRunner } from "../../src/recipes/gradient_runner.ts";
import torch from "../fixtures/training_gradients.json" with { type: "json" };
import { trainingCase } from "../fixtures/training_case.ts";
import { assertDigest, type Digest } from "../support/digest.ts";
import { gpuTest } from "../support/gpu.ts";

const { model: both, images, rows, boxes } = trainingCase();
const model = withBatch(both, 1);
const half = <T extends Float32Array>(data: T, i: number) => data.slice(i * data.length / 2, (i + 1) * data.length / 2);
const samples = [0, 1].map((i): CalibrationSample => ({
  name: `picture ${i}`,
  inputs: { images: { shape: [1, 3, 64, 64], data: half(images, i) } },
  labels: { boxes: { shape: [1, rows, 5], data: half(boxes, i) } },
}));
const steps = [passStep(prunePass, { budget: { gflops: 0.8 }, multiple: 1 })] as const;

gpuTest("gradients of pictures that are run together are PyTorch's of the batch", async (device) => {
  const runner = createGradientRunner({ device });
  const { statistics } = await runPasses(model, steps, { source: { samples, runner, together: 2 } });
  const gradients: Readonly<Record<string, Digest>> = torch.gradients;
  const found = statistics.all("gradient");
  assertEquals([...found.keys()].filter((name) => !(name in gradients)), []);
  for (const [name, [gradient, ...more]] of found) {
    assertEquals(more, []);
    assertDigest(Float64Array.from(gradient), gradients[name], 2e-3, name);
  }
  runner.destroy();
});

gpuTest("labels that are no boxes, or of other numbers of rows, are refused", async (device) => {
  const runner = createGradientRunner({ device });
  const prune = (labels: readonly CalibrationSample["labels"][]) =>
    runPasses(model, steps, {
      source: { samples: labels.map((labels, i) => ({ ...samples[i], labels })), runner },
    });
  await assertRejects(() => prune([{ truth: samples[0].labels!.boxes }]), FeatherdetError, 'labels are "boxes"');
  const fewer = { boxes: { shape: [1, 2, 5], data: new Float32Array(10).fill(-1) } };
  await assertRejects(() => prune([samples[0].labels, fewer]), FeatherdetError, "have 4 rows for boxes, those of");
  runner.destroy();
});
