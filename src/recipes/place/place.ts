/**
 * Places a model on the engines of this machine, and runs the placements to see whether they take what was predicted.
 *
 * @module
 */

import { PlacedSession } from "../../engine/placed_session.ts";
import { Session, type SessionOptions, type Tensor } from "../../engine/session.ts";
import { openSharedDevice } from "../../gpu/device.ts";
import { FeatherdetError, type Graph, sizeOf } from "../../graph/mod.ts";
import { type EngineCosts, type Placement, Placer } from "../../hardware/placement/place.ts";
import { CutPlaces, preparedForPlacement } from "../../hardware/placement/steps.ts";
import { DEFAULT_ACCELERATOR } from "../../hardware/systolic/accelerator.ts";
import { Random } from "../../numbers/random.ts";
import { acceleratorCosts, busyFactors, type Feeds, meanInterval, measuredCosts, medianRun } from "./costs.ts";

/** Engines of a placement; the NPU is simulated and cannot be run. */
export const PLACE_ENGINES = ["webgpu", "cpu", "npu"] as const;

/** One of them. */
export type PlaceEngine = typeof PLACE_ENGINES[number];

/** How a model is placed. */
export interface PlaceOptions {
  /** Engines that may take part. */
  readonly engines: readonly PlaceEngine[];
  /** Frames that each placement is timed on; 0 to predict alone. */
  readonly frames: number;
  /** Cuts in two that are also timed, spread over the model, in both orders of the first two engines; 0 by default. */
  readonly spread?: number;
  /** Threads of the CPU engine. */
  readonly threads?: number;
  /** Told in a line what is being done. */
  readonly say?: (line: string) => void;
}

/** A placement with what was measured of it. */
export interface PlacedResult extends Placement {
  /** What it is the best of. */
  readonly goal: string;
  /** Milliseconds of one frame alone, measured. */
  readonly measuredLatency?: number;
  /** Milliseconds from frame to frame, several under way, measured. */
  readonly measuredInterval?: number;
  /** How far results are from those of one engine, over the greatest of these: the worst, of a quantized model the mean. */
  readonly difference?: number;
}

/** What `placeModel` gives. */
export interface PlaceReport {
  /** What is known of each engine: a whole frame on it alone, and what a run and a megabyte cost. */
  readonly engines: readonly {
    readonly name: string;
    readonly place: string;
    readonly milliseconds: number;
    readonly call: number;
    readonly hidden: number;
    readonly msPerValue: number;
    readonly msPerMegabyte: number;
    /** How much longer it takes while the other computes. */
    readonly busy: number;
  }[];
  /** Places where the model may be cut. */
  readonly places: number;
  /** Names of the nodes in the order in which stretches count them. */
  readonly nodeNames: readonly string[];
  /** Placements: of each engine alone, the best, and the best that are cut. */
  readonly placements: readonly PlacedResult[];
}

/** Numbers in 0..1 for every input. */
function noise(graph: Graph): Feeds {
  const random = new Random(1);
  return Object.fromEntries(graph.inputs.map(({ name, shape, dtype }) => {
    const data = Float32Array.from(
      { length: sizeOf(shape) },
      () => dtype === "u8" ? Math.floor(256 * random.next()) : random.next(),
    );
    return [name, { shape, data }];
  }));
}

/** Most that results may differ from those of one engine, over the greatest number of an output: at the worst element, in the mean. */
const MOST_DIFFERENCE = 1e-3, MOST_MEAN_DIFFERENCE = 1e-2;

/** How far results are off; of an output the worst element, or of a quantized graph, whose roundings may fall to either side, the mean. */
function differenceOf(
  found: Readonly<Record<string, Tensor>>,
  expected: Readonly<Record<string, Tensor>>,
  isQuantized: boolean,
): number {
  return Math.max(
    ...Object.entries(expected).map(([name, { data }]) => {
      let worst = 0, sum = 0, scale = 0;
      data.forEach((value, i) => {
        const difference = Math.abs(value - found[name].data[i]);
        worst = Math.max(worst, difference);
        sum += difference;
        scale = Math.max(scale, Math.abs(value));
      });
      return (isQuantized ? sum / data.length : worst) / (scale || 1);
    }),
  );
}

/** How often frames are streamed: the least interval counts, since everything else on the machine makes it longer. */
const STREAMS = 3;

/** Frames of a stream over those that latency is timed on: results come in bursts, which long streams even out. */
const LONGER = 4;

const text = ({ stretches }: Placement) =>
  stretches.map(({ engine, from, to }) => `${engine} ${from}-${to}`).join(", ");

/** Keeps placements once, with all that they are the best of. */
function distinct(found: readonly (readonly [goal: string, placement: Placement | undefined])[]): PlacedResult[] {
  const byText = new Map<string, PlacedResult>();
  for (const [goal, placement] of found) {
    if (placement === undefined) continue;
    const known = byText.get(text(placement));
    byText.set(text(placement), { ...placement, goal: known ? `${known.goal}; ${goal}` : goal });
  }
  return [...byText.values()];
}

/**
 * Measures what the engines take, searches placements for latency and for throughput, and times them. On the CPU engine and a software
 * adapter all of that shares the cores: give each of them threads of its own.
 *
 * Throws FeatherdetError if an engine cannot be had or refuses the model, and if the model's results depend on where it is cut.
 */
export async function placeModel(given: Graph, options: PlaceOptions): Promise<PlaceReport> {
  const { engines: names, frames, spread = 0, threads, say } = options;
  const graph = preparedForPlacement(given), feeds = noise(graph);
  const sessionOptions: Readonly<Record<PlaceEngine, SessionOptions | undefined>> = {
    webgpu: {},
    cpu: { engine: "cpu", cpu: { threads } },
    npu: undefined,
  };
  const costs: EngineCosts[] = [], where: string[] = [];
  for (const name of names) {
    say?.(`asking ${name} what each node takes`);
    if (name === "webgpu") where.push((await openSharedDevice()).adapter.name);
    else {where.push(
        name === "cpu" ? `onnxruntime${threads ? `, ${threads} thread${threads > 1 ? "s" : ""}` : ""}` : "simulated",
      );}
    if (name === "npu") costs.push(acceleratorCosts(name, graph, DEFAULT_ACCELERATOR));
    else costs.push(await measuredCosts(name, graph, feeds, sessionOptions[name]!));
  }
  const real = names.filter((name) => sessionOptions[name] !== undefined);
  if (real.length === 2) {
    say?.("asking how much the engines disturb each other");
    const [a, b] = real.map((name) => names.indexOf(name));
    const busy = await busyFactors(graph, feeds, [sessionOptions[real[0]]!, sessionOptions[real[1]]!]);
    costs[a] = { ...costs[a], busy: busy[0] };
    costs[b] = { ...costs[b], busy: busy[1] };
  }
  const places = new CutPlaces(graph), placer = new Placer(places, costs), last = graph.nodes.length;
  const isCut = ({ stretches }: Placement) => stretches.length > 1;
  const alone = names.map((_, engine) => placer.placement([placer.stretch(engine, 0, last)]));
  const several = names.length > 1;
  const placements = distinct([
    ...alone.map((one, i) => [`all on ${names[i]}`, one] as const),
    ["least latency", placer.forLatency()],
    ["most frames a second", placer.forThroughput()],
    ["least latency of those that are cut", placer.bestCut()],
    ["most frames a second of those that are cut", several ? placer.forThroughput(isCut) : undefined],
    ...several ? spreadCuts(places, placer, spread).map((one) => ["a cut for comparison", one] as const) : [],
  ]);
  const results: PlacedResult[] = [];
  let expected: Record<string, Tensor> | undefined;
  const isQuantized = graph.nodes.some(({ op }) => op === "QuantizeLinear");
  for (const placement of placements) {
    const engines = placement.stretches.map(({ engine }) => sessionOptions[engine as PlaceEngine]);
    if (frames === 0 || engines.includes(undefined)) {
      results.push(placement);
      continue;
    }
    say?.(`running ${text(placement)}`);
    expected ??= await runOnce(graph, feeds, sessionOptions[real[0]]!);
    const session = await PlacedSession.create(graph, placement.cuts, engines as SessionOptions[]);
    try {
      const difference = differenceOf(await session.run(feeds), expected, isQuantized);
      if (!(difference < (isQuantized ? MOST_MEAN_DIFFERENCE : MOST_DIFFERENCE))) {
        throw new FeatherdetError(
          `${text(placement)} gives other results than one engine: ${difference} of the greatest`,
        );
      }
      const measuredLatency = await medianRun(session, feeds, frames);
      let measuredInterval = Infinity;
      for (let stream = 0; stream < STREAMS; stream++) {
        const one = await meanInterval(session, feeds, session.parts.length + 1, LONGER * frames);
        measuredInterval = Math.min(measuredInterval, one);
      }
      results.push({ ...placement, difference, measuredLatency, measuredInterval });
    } finally {
      session.destroy();
    }
  }
  return {
    engines: costs.map(({ name, call, hidden, perValue, perByte, busy }, i) => ({
      name,
      place: where[i],
      milliseconds: alone[i].latency,
      call,
      hidden,
      msPerValue: perValue,
      msPerMegabyte: perByte * 1e6,
      busy,
    })),
    places: places.places.length - 2,
    nodeNames: graph.nodes.map(({ name }) => name),
    placements: results,
  };
}

/** Cuts in two, spread over the places of a model, every other one with the engines in the other order. */
function spreadCuts({ places, graph }: CutPlaces, placer: Placer, count: number): Placement[] {
  return Array.from({ length: count }, (_, i) => {
    const at = places[Math.round((i + 1) * (places.length - 1) / (count + 1))];
    return placer.placement([placer.stretch(i % 2, 0, at), placer.stretch(1 - i % 2, at, graph.nodes.length)]);
  });
}

async function runOnce(graph: Graph, feeds: Feeds, options: SessionOptions): Promise<Record<string, Tensor>> {
  const session = await Session.create(graph, options);
  try {
    return await session.run(feeds);
  } finally {
    session.destroy();
  }
}
