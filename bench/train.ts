/**
 * Measures training steps beside TensorFlow.js's WebGPU backend, which trains the same small convnet from the same weights on the same
 * adapter, in turn: `deno run -A bench/train.ts [--size 128] [--batch 8] [--rounds 5] [--json] [--save] [--no-peer]`.
 *
 * A step uploads a batch, runs forward, backward and update, and brings the loss back. Before anything is timed, both make the same
 * steps: losses and parameters have to agree, or nothing is measured. Those steps also compile what there is to compile.
 *
 * @module
 */

import { adapterText, openSharedDevice } from "../src/gpu/device.ts";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { interleave, type Latency, summarize } from "../src/eval/latency.ts";
import { FeatherdetError } from "../src/graph/error.ts";
import { TrainingSession } from "../src/engine/training_session.ts";
import { writeWhole } from "../src/host/whole_file.ts";
import { type BenchRecord, recordHeader, recordName } from "../src/recipes/bench/record.ts";
import {
  MOMENTUM,
  STEP_LENGTH,
  type TrainNet,
  trainNet,
  type TrainNetBatch,
  trainNetBatch,
  type TrainNetOptions,
} from "./train_net.ts";
import { loadTrainPeer, TFJS_VERSION, type TrainPeer } from "./train_peer.ts";

/** Steps that are compared before anything is timed. */
const COMPARED = 5;

/** Largest relative difference of losses, and of parameters to the longest way that one has gone, that rounding explains. */
const LOSS_TOLERANCE = 1e-3, PARAMETER_TOLERANCE = 2e-2;

/** What was measured of one engine. */
export interface TrainResult {
  readonly engine: "featherdet" | "tensorflow.js/webgpu";
  readonly adapter: string;
  /** Losses before each of the compared steps. */
  readonly losses: readonly number[];
  /** Milliseconds of a step, end to end. */
  readonly step: Latency;
  /** Pictures a second, by the median. */
  readonly imagesPerSecond: number;
  /** Of a peer: its median over ours. */
  readonly ratio?: number;
}

/** A whole measurement. */
export interface TrainRecord extends Omit<BenchRecord, "results" | "picture"> {
  readonly net: TrainNetOptions;
  readonly parameters: number;
  /** Largest differences between the engines after the compared steps: of losses, relative; of parameters, to the longest way gone. */
  readonly agreement?: { readonly losses: number; readonly parameters: number };
  readonly results: readonly TrainResult[];
}

/** One side of the comparison. */
export interface TrainEntrant {
  readonly engine: TrainResult["engine"];
  readonly adapter: string;
  step(batch: TrainNetBatch): Promise<number>;
  trained(): Promise<ReadonlyMap<string, Float32Array>>;
  release(): void;
}

/** The net in training here. */
export async function loadTrainOurs(net: TrainNet): Promise<TrainEntrant> {
  const device = await openSharedDevice();
  const session = await TrainingSession.create(net);
  const settings = {
    learningRates: { weight: STEP_LENGTH, bias: STEP_LENGTH, norm: STEP_LENGTH },
    momentum: MOMENTUM,
    weightDecay: 0,
    averageDecay: 0.999,
    clipNorm: Infinity,
  };
  return {
    engine: "featherdet",
    adapter: device.adapter.name,
    step: async ({ images, labels }) => (await session.step({ images, labels }, settings)).losses.loss,
    trained: () => session.trained("current"),
    release: () => session.destroy(),
  };
}

/** Largest difference of two sets of parameters, relative to the longest way that an element has gone from its start. */
export function parameterDifference(
  net: TrainNet,
  a: ReadonlyMap<string, Float32Array>,
  b: ReadonlyMap<string, ArrayLike<number>>,
): number {
  let difference = 0, way = 0;
  for (const { name, initial } of net.parameters) {
    const [left, right] = [a.get(name)!, b.get(name)!];
    for (let i = 0; i < left.length; i++) {
      difference = Math.max(difference, Math.abs(left[i] - right[i]));
      way = Math.max(way, Math.abs(left[i] - initial.data[i]));
    }
  }
  return difference / way;
}

async function agreementOf(net: TrainNet, [ours, peer]: readonly TrainEntrant[], losses: readonly number[][]) {
  const lossDifference = Math.max(...losses[0].map((loss, i) => Math.abs(losses[1][i] - loss) / loss));
  const parameters = parameterDifference(net, await ours.trained(), await peer.trained());
  if (!(lossDifference <= LOSS_TOLERANCE && parameters <= PARAMETER_TOLERANCE)) {
    throw new FeatherdetError(
      `the engines do not train alike: losses ${losses[0].map((loss) => loss.toFixed(5))} here, ${
        losses[1].map((loss) => loss.toFixed(5))
      } at the peer, parameters differ by ${(100 * parameters).toFixed(2)} % of the way gone`,
    );
  }
  return { losses: lossDifference, parameters };
}

/** Measures; throws FeatherdetError where the two sides do not train alike. */
export async function benchTraining(
  options: TrainNetOptions,
  { rounds, peer = true, say, onCompared }: {
    readonly rounds: number;
    readonly peer?: boolean;
    /** Told the parameters here after the compared steps. */
    readonly onCompared?: (trained: ReadonlyMap<string, Float32Array>) => void;
    readonly say?: (line: string) => void;
  },
): Promise<TrainRecord> {
  const [load] = Deno.loadavg();
  const net = trainNet(options);
  const batch = trainNetBatch(options);
  const { adapter } = await openSharedDevice();
  const entrants: TrainEntrant[] = [await loadTrainOurs(net)];
  if (peer) {
    const loaded: TrainPeer = await loadTrainPeer(net);
    entrants.push({ engine: "tensorflow.js/webgpu", ...loaded });
  }
  try {
    say?.(`comparing ${COMPARED} steps`);
    const losses: number[][] = [];
    for (const { step } of entrants) {
      const seen: number[] = [];
      for (let i = 0; i < COMPARED; i++) seen.push(await step(batch));
      losses.push(seen);
    }
    onCompared?.(await entrants[0].trained());
    const agreement = peer ? await agreementOf(net, entrants, losses) : undefined;
    say?.("measuring in turn");
    const times = await interleave(entrants.map(({ step }) => ({ work: () => step(batch) })), rounds);
    const steps = times.map(summarize);
    const { picture: _, ...header } = await recordHeader(
      adapter,
      "",
      peer ? { "@tensorflow/tfjs": TFJS_VERSION } : {},
      load,
    );
    return {
      ...header,
      net: options,
      parameters: net.parameters.reduce((sum, { initial }) => sum + initial.data.length, 0),
      agreement,
      results: entrants.map(({ engine, adapter }, i) => ({
        engine,
        adapter,
        losses: losses[i],
        step: steps[i],
        imagesPerSecond: 1000 * options.batch / steps[i].median,
        ratio: i > 0 ? steps[i].median / steps[0].median : undefined,
      })),
    };
  } finally {
    for (const { release } of entrants) release();
  }
}

/** The record as a table of text. */
export function trainTable({ adapter, net, parameters, results, agreement, machine }: TrainRecord): string {
  const lines = [
    `adapter: ${adapterText(adapter)}, load ${machine.load.toFixed(1)}`,
    `net: ${net.size} px, batch ${net.batch}, channels ${net.channels.join(" ")}, ${parameters} parameters`,
    `${"engine".padEnd(24)}${"median ms".padStart(10)}${"p90 ms".padStart(10)}${"images/s".padStart(10)}${
      "ratio".padStart(8)
    }`,
    ...results.map(({ engine, step, imagesPerSecond, ratio }) =>
      engine.padEnd(24) + step.median.toFixed(1).padStart(10) + step.p90.toFixed(1).padStart(10) +
      imagesPerSecond.toFixed(1).padStart(10) + (ratio?.toFixed(2) ?? "").padStart(8)
    ),
    ...results.map(({ engine, losses }) => `losses ${engine}: ${losses.map((loss) => loss.toFixed(5)).join(" ")}`),
  ];
  if (agreement) {
    lines.push(
      `largest differences: losses ${agreement.losses.toExponential(1)}, parameters ${
        agreement.parameters.toExponential(1)
      } of the way gone`,
    );
  }
  return lines.join("\n");
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      size: { type: "string", default: "128" },
      batch: { type: "string", default: "8" },
      rounds: { type: "string", default: "5" },
      json: { type: "boolean", default: false },
      save: { type: "boolean", default: false },
      "no-peer": { type: "boolean", default: false },
    },
  });
  const options = {
    size: Number(values.size),
    batch: Number(values.batch),
    channels: [16, 32, 64],
    classes: 10,
    seed: 0,
  };
  const record = await benchTraining(options, {
    rounds: Number(values.rounds),
    peer: !values["no-peer"],
    say: (line) => console.error(line),
  });
  console.log(values.json ? JSON.stringify(record, null, 1) : trainTable(record));
  if (values.save) {
    const file = new URL(`results/train-${recordName(record)}`, import.meta.url);
    await writeWhole(fileURLToPath(file), `${JSON.stringify(record, null, 1)}\n`);
    console.error(`kept in ${fileURLToPath(file)}`);
  }
  // TensorFlow.js gives its device back to nobody, which would keep the process.
  Deno.exit(0);
}
