/**
 * Featherdet at one size and precision: loaded, ready to be measured in turn with others, and measured on its own.
 *
 * @module
 */

import { readTuning } from "../../host/tuning_store.ts";
import { Detector } from "../../detect/detector.ts";
import type { RgbImage } from "../../image/rgb_image.ts";
import { summarize, timed } from "../../eval/latency.ts";
import { middleHalf } from "../../eval/time_ratio.ts";
import { measureLatency } from "../../eval/measure_latency.ts";
import { analyze } from "../../graph/analyze.ts";
import type { Graph } from "../../graph/graph.ts";
import { openSharedDevice } from "../../gpu/device.ts";
import { loadOnnx } from "../../onnx/mod.ts";
import type { StorageForm } from "../../kernels/kernel.ts";
import { buildPlan } from "../../plan/plan.ts";
import { type Precision, Session, type SessionOptions, type Tensor } from "../../engine/session.ts";
import { planningFor, storageForm } from "../../engine/setup.ts";
import type { BenchResult, ProfileRow } from "./record.ts";

/** What is measured. */
export interface OursRequest {
  readonly model: string;
  /** The model's file, of square inputs of `size` pixels. */
  readonly path: string;
  readonly size: number;
  readonly precision: Precision;
  readonly storage?: StorageForm["storage"];
  readonly image: RgbImage;
  readonly input: Tensor;
  /** Samples of each time. */
  readonly runs: number;
  readonly profile: boolean;
}

/** A loaded model. */
export interface Ours {
  /** Tensor in, tensors out. */
  readonly run: () => Promise<unknown>;
  /** The whole result, given the times of `run` that were measured from outside; frees the model. */
  finish(runTimes: readonly number[]): Promise<BenchResult>;
}

/** Profile rows from the medians of each dispatch, in the order of execution. */
export function profileRows(
  steps: readonly Omit<ProfileRow, "gflopsPerSecond" | "share">[],
): ProfileRow[] {
  const total = steps.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  return steps.map((step) => ({
    ...step,
    gflopsPerSecond: step.milliseconds > 0 ? 2 * step.macs / step.milliseconds / 1e6 : 0,
    share: total > 0 ? step.milliseconds / total : 0,
  }));
}

async function detectorResult({ image, runs, profile }: OursRequest, graph: Graph, options: SessionOptions) {
  const detector = await Detector.load(graph, options);
  try {
    const { detect, gpu, stream, memory } = await measureLatency(detector, image, { runs });
    const { timestamps } = detector.device;
    const rows = profile && timestamps ? profileRows(await detector.profile()) : undefined;
    return { times: { detect, stream, gpu, profile: rows }, dispatches: detector.dispatches, memory };
  } finally {
    detector.destroy();
  }
}

/** Loads the model and runs it once. */
export async function loadOurs(request: OursRequest): Promise<Ours> {
  const { model, path, size, precision, input, storage } = request;
  const read = await timed(() => loadOnnx(path));
  const graph = read.value;
  const device = await openSharedDevice();
  const form = storageForm(device, { precision, storage });
  const tuning = readTuning({ ...form, adapter: device.adapter.name });
  const plan = await timed(() =>
    buildPlan(graph, { ...planningFor(device, form, tuning, precision), hostUsesCells: true })
  );
  const options: SessionOptions = { precision, storage, tuning };
  const create = await timed(() => Session.create(graph, options));
  const session = create.value;
  const feeds = { [graph.inputs[0].name]: input };
  const first = await timed(() => session.run(feeds));
  return {
    run: () => session.run(feeds),
    async finish(runTimes) {
      session.destroy();
      const { times, dispatches, memory } = await detectorResult(request, graph, options);
      const { parameters, flops } = analyze(graph);
      return {
        engine: "featherdet",
        model,
        size,
        precision,
        storage: form.storage,
        tuned: tuning !== undefined,
        adapter: device.adapter.name,
        load: { read: read.milliseconds, plan: plan.milliseconds, create: create.milliseconds },
        firstRun: first.milliseconds,
        start: {},
        run: summarize(runTimes),
        middle: middleHalf(runTimes),
        ...times,
        dispatches: { run: plan.value.dispatches.length, detect: dispatches },
        memory: { weights: memory.weights, run: plan.value.memory, detect: memory.activations, total: memory.device },
        parameters,
        gflops: flops / 1e9,
      };
    },
  };
}
