/**
 * What is trained in the comparison of training speed: a small classifier, three times convolution of stride 2, batch normalisation
 * and ReLU, then a mean over the picture and a linear layer, with cross-entropy. One batch of pictures that can be told apart.
 *
 * @module
 */

import { Random } from "../src/numbers/random.ts";
import type { Graph } from "../src/graph/mod.ts";
import { ModelBuilder } from "../src/models/builder.ts";
import { buildTrainingGraph, type NamedLoss, type TrainingGraph } from "../src/train/mod.ts";

/** Size of the problem. */
export interface TrainNetOptions {
  /** Side of the square pictures; a multiple of 8. */
  readonly size: number;
  /** Pictures of a batch. */
  readonly batch: number;
  /** Output channels of the convolutions. */
  readonly channels: readonly number[];
  readonly classes: number;
  readonly seed: number;
}

/** Added to variances. */
export const EPSILON = 1e-3;

/** Share of a batch in the running statistics. */
export const STATISTICS_MOMENTUM = 0.03;

/** How both sides move the parameters: SGD with Nesterov's momentum. */
export const STEP_LENGTH = 0.05, MOMENTUM = 0.9;

/** A net with its loss, ready for `TrainingSession`. Inputs `images` `[N,3,H,W]` and `labels` `[N,classes]`, one of each row 1. */
export interface TrainNet extends TrainingGraph {
  readonly options: TrainNetOptions;
  readonly model: Graph;
  readonly losses: readonly [NamedLoss];
}

/** The net; block `i` has `blocks.i.conv.weight`, `blocks.i.bn.*`, the linear layer `classes.weight`, `classes.bias`. */
export function trainNet(options: TrainNetOptions): TrainNet {
  const { size, batch, channels, classes, seed } = options;
  const b = new ModelBuilder({ seed, epsilon: EPSILON });
  let x = b.input("images", [batch, 3, size, size]);
  channels.forEach((out, i) => x = b.convBlock(`blocks.${i}`, x, { out, kernel: 3, stride: 2, act: "relu" }));
  const logits = b.linear("classes", b.flatten("flat", b.globalPool("pool", x)), { out: classes });
  const labels = b.input("labels", [batch, classes]);
  // Cross-entropy: the logarithm of the sum of exp of all logits, less the logit of the label. Logits stay small here.
  const overClasses = { axes: [1], keepDims: false };
  const sums = b.node("ReduceSum", "sums", [b.node("Exp", "exponentials", [logits], {})], overClasses);
  const chosen = b.node("ReduceSum", "chosen", [b.mul("products", logits, labels)], overClasses);
  const losses = b.node("Sub", "losses", [b.node("Log", "logarithms", [sums], {}), chosen], {});
  const loss = b.node("ReduceMean", "loss", [losses], { axes: [0], keepDims: false });
  const model = b.graph("small convnet", [loss]);
  return {
    ...buildTrainingGraph(model, { momentum: STATISTICS_MOMENTUM }),
    options,
    model,
    losses: [{ name: "loss", value: loss }],
  };
}

/** A batch: row-major `[N,3,H,W]` in 0..1, and one row a picture of labels. */
export interface TrainNetBatch {
  readonly images: Float32Array;
  readonly labels: Float32Array;
}

/** Noise whose mean differs by class and channel. */
export function trainNetBatch({ size, batch, classes, seed }: TrainNetOptions): TrainNetBatch {
  const random = new Random(seed + 1);
  const colours = Array.from({ length: classes }, () => [0, 1, 2].map(() => random.uniform(0, 0.5)));
  const plane = size * size;
  const images = new Float32Array(batch * 3 * plane), labels = new Float32Array(batch * classes);
  for (let n = 0; n < batch; n++) {
    labels[n * classes + n % classes] = 1;
    for (let i = 0; i < 3 * plane; i++) {
      images[n * 3 * plane + i] = colours[n % classes][Math.floor(i / plane)] + 0.5 * random.next();
    }
  }
  return { images, labels };
}
