/**
 * The benchmark: Featherdet at each size and precision, peers beside it on the same file and input.
 *
 * @module
 */

import { ORT_VERSION } from "../../engine/cpu/runtime.ts";
import { decodeImage } from "../../image/codec/decode.ts";
import { letterboxTensor } from "../../detect/host_letterbox.ts";
import type { RgbImage } from "../../image/rgb_image.ts";
import { interleave, summarize, timed } from "../../eval/latency.ts";
import { middleHalf } from "../../eval/time_ratio.ts";
import { type Device, openSharedDevice } from "../../gpu/device.ts";
import type { StorageForm } from "../../kernels/kernel.ts";
import type { Precision, Tensor } from "../../engine/session.ts";
import { loadOurs } from "./ours.ts";
import { loadOnCpu } from "./ours_cpu.ts";
import { loadPeer, type PeerEngine } from "./peers.ts";
import { type BenchRecord, type BenchResult, recordHeader } from "./record.ts";
import { measureStart, type StartRequest } from "./start.ts";
import { benchPicture, defaultModel, modelFile } from "./subject.ts";

/** What to measure. */
export interface BenchOptions {
  /** A file, URL or name; YOLO11n where it is there, else the demo detector. */
  readonly model?: string;
  /** Sides of the square input; 320 and 640. */
  readonly sizes?: readonly number[];
  /** f32, and f16 where the adapter has it. */
  readonly precisions?: readonly Precision[];
  readonly storage?: StorageForm["storage"];
  /** Measures onnxruntime-web, too. */
  readonly peers?: boolean;
  /** Measures the CPU engine, too. */
  readonly cpu?: boolean;
  /** Times every dispatch. */
  readonly profile?: boolean;
  /** Also starts with an empty shader cache of the driver. */
  readonly cold?: boolean;
  /** Leaves starts in a process of their own out. */
  readonly noStart?: boolean;
  /** Samples of each time; default 20. Slow peers get fewer. */
  readonly runs?: number;
  /** Told in a line what is being done. */
  readonly say?: (line: string) => void;
}

const PEERS: readonly PeerEngine[] = ["onnxruntime-web/webgpu", "onnxruntime-web/wasm", "onnxruntime-node/webgpu"];
/** Samples of a peer that computes WebGPU shaders on the CPU: seconds each. */
const ROUNDS_ON_SOFTWARE = 3;

/** A result that still has to be completed with the times that are measured in turn with others. */
interface Entrant {
  readonly label: string;
  readonly run: () => Promise<unknown>;
  finish(times: readonly number[]): Promise<BenchResult>;
}

interface Task {
  readonly options: BenchOptions;
  readonly device: Device;
  readonly model: string;
  readonly path: string;
  readonly size: number;
  readonly image: RgbImage;
  readonly input: Tensor;
  readonly runs: number;
  /** Takes down a peer that cannot run here. */
  readonly leaveOut: (engine: PeerEngine, reason: string) => void;
}

async function peerEntrant({ model, path, size, input }: Task, engine: PeerEngine): Promise<Entrant> {
  const bytes = await Deno.readFile(path);
  const create = await timed(() => loadPeer(bytes, engine));
  const session = create.value;
  const first = await timed(() => session.run(input));
  return {
    label: engine,
    run: () => session.run(input),
    async finish(times) {
      await session.release();
      return {
        engine,
        model,
        size,
        precision: "f32",
        adapter: session.adapter,
        load: { create: create.milliseconds },
        firstRun: first.milliseconds,
        start: {},
        run: summarize(times),
        middle: middleHalf(times),
      };
    },
  };
}

async function entrants(task: Task): Promise<Entrant[]> {
  const { options, device, leaveOut, ...rest } = task;
  const known: readonly Precision[] = device.device.features.has("shader-f16") ? ["f32", "f16"] : ["f32"];
  const list: Entrant[] = [];
  for (const precision of options.precisions ?? known) {
    options.say?.(`loading at ${task.size}, ${precision}`);
    const ours = await loadOurs({
      ...rest,
      precision,
      storage: options.storage,
      profile: options.profile ?? false,
    });
    list.push({ label: precision, ...ours });
  }
  if (options.cpu) {
    options.say?.(`loading into the CPU engine at ${task.size}`);
    list.push({ label: "the CPU engine", ...await loadOnCpu(rest) });
  }
  for (const engine of options.peers ? PEERS : []) {
    options.say?.(`loading ${engine} at ${task.size}`);
    try {
      list.push(await peerEntrant(task, engine));
    } catch (error) {
      // onnxruntime's native code puts a place in its source and a condition before what is wrong.
      leaveOut(engine, (error as Error).message.split("\n")[0].replace(/^.* was false\. /, ""));
    }
  }
  return list;
}

/** Measures starts in processes of their own; those with an empty cache leave it filled for those after them. */
async function withStarts(result: BenchResult, task: Task, picture: string): Promise<BenchResult> {
  const { engine, size } = result;
  const precision = result.precision as Precision;
  const request: StartRequest = { engine, model: task.path, picture, size, precision };
  task.options.say?.(`starting ${engine} ${precision} at ${size} in a process of its own`);
  if (!task.options.cold) return { ...result, start: { warm: await measureStart(request) } };
  const cache = await Deno.makeTempDir({ prefix: "featherdet-shaders-" });
  try {
    const cold = await measureStart(request, cache);
    return { ...result, start: { cold, warm: await measureStart(request, cache) } };
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
}

/** Adds to each peer's result how it compares with ours of the same precision, or else with our first. */
function withRatios(results: readonly BenchResult[]): BenchResult[] {
  const ours = results.filter(({ engine }) => engine === "featherdet");
  return results.map((result) => {
    const base = ours.find(({ precision }) => precision === result.precision) ?? ours[0];
    if (result.engine === "featherdet" || !base) return result;
    const start = (state: "cold" | "warm") => {
      const [peer, own] = [result.start[state], base.start[state]];
      return peer && own ? peer.toBoxes / own.toBoxes : undefined;
    };
    const run = result.run.median / base.run.median;
    return {
      ...result,
      ratios: { precision: base.precision, run, coldStart: start("cold"), warmStart: start("warm") },
    };
  });
}

async function benchSize(task: Task, picture: string): Promise<BenchResult[]> {
  const { options, device, runs } = task;
  const contestants = await entrants(task);
  const slow = options.peers && device.adapter.software;
  const rounds = slow ? Math.min(ROUNDS_ON_SOFTWARE, runs) : runs;
  options.say?.(`measuring ${contestants.map(({ label }) => label).join(", ")} at ${task.size} in turn`);
  const isSlow = (label: string) => slow && label.endsWith("webgpu");
  const times = await interleave(
    contestants.map(({ label, run }) => ({ work: run, each: isSlow(label) ? 1 : Math.ceil(runs / rounds) })),
    rounds,
  );
  const results: BenchResult[] = [];
  for (const [i, { label, finish }] of contestants.entries()) {
    options.say?.(`measuring ${label} at ${task.size}`);
    const result = await finish(times[i]);
    results.push(options.noStart ? result : await withStarts(result, task, picture));
  }
  return withRatios(results);
}

/**
 * Runs the benchmark. Throws FeatherdetError if the model or an adapter is missing, and if a precision that was asked for is
 * not to be had.
 */
export async function runBench(options: BenchOptions = {}): Promise<BenchRecord> {
  const [load] = Deno.loadavg();
  const device = await openSharedDevice();
  const model = options.model ?? defaultModel();
  const picture = await benchPicture(model);
  const image = await decodeImage(picture.bytes, picture.name);
  const pictureFile = await Deno.makeTempFile({ prefix: "featherdet-", suffix: ".jpg" });
  await Deno.writeFile(pictureFile, picture.bytes);
  const results: BenchResult[] = [], leftOut: { engine: PeerEngine; size: number; reason: string }[] = [];
  try {
    for (const size of options.sizes ?? [320, 640]) {
      const { name, path, temporary } = await modelFile(model, size);
      try {
        const input = letterboxTensor(image, size, size);
        const leaveOut = (engine: PeerEngine, reason: string) => {
          leftOut.push({ engine, size, reason });
          options.say?.(`${engine} is left out at ${size}: ${reason}`);
        };
        const runs = options.runs ?? 20,
          task = { options, device, model: name, path, size, image, input, runs, leaveOut };
        results.push(...await benchSize(task, pictureFile));
      } finally {
        if (temporary) await Deno.remove(path);
      }
    }
  } finally {
    await Deno.remove(pictureFile);
  }
  const peers: Record<string, string> = {
    ...(options.cpu || options.peers) && { "onnxruntime-node": ORT_VERSION },
    ...options.peers && { "onnxruntime-web": ORT_VERSION },
  };
  return {
    ...await recordHeader(device.adapter, picture.name, peers, load),
    results,
    ...(leftOut.length > 0 && { leftOut }),
  };
}
