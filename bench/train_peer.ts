/**
 * The peer of training: TensorFlow.js with its WebGPU backend, inside this process. It is downloaded and imported only when it is
 * asked for. It trains the net of `train_net.ts` from the same weights, written as its functional API has it.
 *
 * @module
 */

import { adapterOf } from "../src/gpu/device.ts";
import { FeatherdetError, sizeOf } from "../src/graph/mod.ts";
import { EPSILON, MOMENTUM, STATISTICS_MOMENTUM, STEP_LENGTH, type TrainNet, type TrainNetBatch } from "./train_net.ts";

/** Version of the peer. */
export const TFJS_VERSION = "4.22.0";

/** The part of TensorFlow.js that is used here; its own types would be downloaded by whoever checks this repository. */
interface Tensor {
  data(): Promise<Float32Array>;
  dispose(): void;
  transpose(perm: readonly number[]): Tensor;
  mul(factor: number): Tensor;
  add(other: Tensor): Tensor;
}

interface Variable extends Tensor {
  assign(value: Tensor): void;
}

interface TensorFlow {
  setBackend(name: string): Promise<boolean>;
  backend(): { readonly device: GPUDevice };
  tensor(data: Float32Array, shape: readonly number[]): Tensor;
  variable(initial: Tensor, trainable: boolean, name: string): Variable;
  tidy<T>(run: () => T): T;
  conv2d(x: Tensor, filter: Tensor, strides: number, pad: number): Tensor;
  moments(x: Tensor, axes: readonly number[]): { readonly mean: Tensor; readonly variance: Tensor };
  batchNorm(x: Tensor, mean: Tensor, variance: Tensor, offset: Tensor, scale: Tensor, epsilon: number): Tensor;
  relu(x: Tensor): Tensor;
  mean(x: Tensor, axes: readonly number[]): Tensor;
  matMul(a: Tensor, b: Tensor): Tensor;
  readonly losses: { softmaxCrossEntropy(labels: Tensor, logits: Tensor): Tensor };
  readonly train: {
    momentum(rate: number, momentum: number, nesterov: boolean): {
      minimize(loss: () => Tensor, returnCost: true): Tensor;
      dispose(): void;
    };
  };
}

/** The net in training at the peer. */
export interface TrainPeer {
  /** Name of the adapter of the device that the peer itself holds. */
  readonly adapter: string;
  /** Uploads the batch, makes a step, gives the loss before it. */
  step(batch: TrainNetBatch): Promise<number>;
  /** Parameters and statistics by the names and in the order of elements of the net. */
  trained(): Promise<Map<string, Float32Array>>;
  release(): void;
}

/** Imports TensorFlow.js and starts its WebGPU backend. */
export async function importTensorFlow(): Promise<TensorFlow> {
  // Specifiers that are computed are not resolved before they are needed.
  const [core, backend] = ["tfjs", "tfjs-backend-webgpu"].map((name) => `npm:@tensorflow/${name}@${TFJS_VERSION}`);
  const tf: TensorFlow = await import(core);
  await import(backend);
  if (!await tf.setBackend("webgpu")) throw new FeatherdetError("TensorFlow.js does not start its WebGPU backend here");
  return tf;
}

/** Axes of a weight in the peer's order, and back. */
const ORDERS: Readonly<Record<number, { readonly there: readonly number[]; readonly back: readonly number[] }>> = {
  1: { there: [0], back: [0] },
  2: { there: [1, 0], back: [1, 0] },
  4: { there: [2, 3, 1, 0], back: [3, 2, 0, 1] },
};

/** Pictures in the peer's order, channels last. */
function channelsLast(images: Float32Array, batch: number, plane: number): Float32Array {
  const moved = new Float32Array(images.length);
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < 3; c++) {
      for (let i = 0; i < plane; i++) moved[(n * plane + i) * 3 + c] = images[(n * 3 + c) * plane + i];
    }
  }
  return moved;
}

/** Puts the net on the peer's device, with the weights that it has. */
export async function loadTrainPeer(net: TrainNet): Promise<TrainPeer> {
  const tf = await importTensorFlow();
  const { batch, size, classes, channels } = net.options;
  const variables = new Map<string, Variable>();
  const shapes = new Map<string, readonly number[]>();
  const trained = new Set(net.parameters.map(({ name }) => name));
  for (const { name, initial } of [...net.parameters, ...net.statistics]) {
    const { shape, data } = initial;
    const there = tf.tidy(() => tf.tensor(Float32Array.from(data), shape).transpose(ORDERS[shape.length].there));
    variables.set(name, tf.variable(there, trained.has(name), name));
    shapes.set(name, shape);
    there.dispose();
  }
  const of = (name: string) => variables.get(name)!;
  const follow = (name: string, value: Tensor) =>
    of(name).assign(of(name).mul(1 - STATISTICS_MOMENTUM).add(value.mul(STATISTICS_MOMENTUM)));
  const lossOf = (images: Tensor, labels: Tensor) => {
    let x = images;
    channels.forEach((_, i) => {
      const block = `blocks.${i}`;
      x = tf.conv2d(x, of(`${block}.conv.weight`), 2, 1);
      const { mean, variance } = tf.moments(x, [0, 1, 2]);
      follow(`${block}.bn.running_mean`, mean);
      follow(`${block}.bn.running_var`, variance);
      x = tf.batchNorm(x, mean, variance, of(`${block}.bn.bias`), of(`${block}.bn.weight`), EPSILON);
      x = tf.relu(x);
    });
    const logits = tf.matMul(tf.mean(x, [1, 2]), of("classes.weight")).add(of("classes.bias"));
    return tf.losses.softmaxCrossEntropy(labels, logits);
  };
  const optimizer = tf.train.momentum(STEP_LENGTH, MOMENTUM, true);
  const moved = new WeakMap<Float32Array, Float32Array>();
  return {
    adapter: adapterOf(tf.backend().device).name,
    async step({ images, labels }) {
      // The order of pictures is part of neither side's step.
      const last = moved.get(images) ?? channelsLast(images, batch, size * size);
      moved.set(images, last);
      const x = tf.tensor(last, [batch, size, size, 3]), y = tf.tensor(labels, [batch, classes]);
      const cost = optimizer.minimize(() => lossOf(x, y), true);
      const [loss] = await cost.data();
      for (const tensor of [x, y, cost]) tensor.dispose();
      return loss;
    },
    async trained() {
      const found = new Map<string, Float32Array>();
      for (const [name, variable] of variables) {
        const back = tf.tidy(() => variable.transpose(ORDERS[shapes.get(name)!.length].back));
        const data = Float32Array.from(await back.data());
        if (data.length !== sizeOf(shapes.get(name)!)) throw new FeatherdetError(`TensorFlow.js changed "${name}"`);
        found.set(name, data);
        back.dispose();
      }
      return found;
    },
    release() {
      optimizer.dispose();
      for (const variable of variables.values()) variable.dispose();
    },
  };
}
