/** The whole of a tiny YOLO11 in training, pictures to gradients of every parameter, against PyTorch. */

import { assert, assertEquals } from "@std/assert";
import { referenceTensor, runReference } from "../../../src/reference/run.ts";
import { buildGradientGraph, buildTrainingGraph, withDetectionLoss } from "../../../src/train/mod.ts";
import { trainingCase } from "../../fixtures/training_case.ts";
import { assertDigest, type Digest } from "../../support/digest.ts";

const TORCH: {
  readonly losses: readonly number[];
  readonly positives: number;
  readonly gradients: Readonly<Record<string, Digest>>;
} = JSON.parse(Deno.readTextFileSync(new URL("../../fixtures/training_gradients.json", import.meta.url)));

Deno.test("losses and gradients of a tiny YOLO11 are PyTorch's, parameter by parameter", () => {
  const { model, images, rows, boxes } = trainingCase();
  const loss = withDetectionLoss(model, { boxes: rows });
  const { graph, parameters, statistics } = buildTrainingGraph(loss.graph);
  const step = buildGradientGraph(graph, { seeds: loss.seeds, wrt: parameters.map(({ name }) => name) });
  const weights = [...parameters, ...statistics].map(({ name, initial: { shape, data } }) =>
    [name, referenceTensor(shape, data)] as const
  );
  const values = runReference(step.graph, {
    images: referenceTensor(model.inputs[0].shape, images),
    [loss.inputs.boxes]: referenceTensor([boxes.length / rows / 5, rows, 5], boxes),
    [loss.inputs.scale]: referenceTensor([1], [1]),
    ...Object.fromEntries(weights),
  });
  const found = values.get(loss.losses)!.data;
  [...TORCH.losses, TORCH.positives].forEach((expected, i) =>
    assert(Math.abs(found[i] - expected) <= 1e-9 * expected, `loss ${i} is ${found[i]}, PyTorch says ${expected}`)
  );
  assertEquals(parameters.map(({ name }) => name).sort(), Object.keys(TORCH.gradients).sort());
  for (const [name, digest] of Object.entries(TORCH.gradients)) {
    assertDigest(values.get(step.gradients.get(name)!)!.data, digest, 1e-9, name);
  }
});
