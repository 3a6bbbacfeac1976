/**
 * What engines take for the nodes of a graph: measured on this adapter and on this CPU, simulated for an accelerator that is not here.
 *
 * @module
 */

import type { InputTensor, SessionOptions } from "../../engine/session.ts";
import { Session } from "../../engine/session.ts";
import { type Graph, sizeOf } from "../../graph/mod.ts";
import { inferTypes } from "../../graph/infer.ts";
import { fusedLayers } from "../../hardware/layers.ts";
import type { EngineCosts } from "../../hardware/placement/place.ts";
import type { Through } from "../../hardware/placement/steps.ts";
import type { Accelerator } from "../../hardware/systolic/accelerator.ts";
import { simulate } from "../../hardware/systolic/simulate.ts";
import { profileOnCpu } from "../../host/cpu_profile.ts";

/** Inputs of a run by name. */
export type Feeds = Readonly<Record<string, InputTensor>>;

const RUNS = 15;

/** The median time of runs one after the other. */
export async function medianRun(session: Pick<Session, "run">, feeds: Feeds, runs = RUNS): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < runs + 2; run++) {
    const started = performance.now();
    await session.run(feeds);
    if (run >= 2) times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}

/** Milliseconds from run to run with so many under way, the first and last ones left out. */
export async function meanInterval(
  session: Pick<Session, "run">,
  feeds: Feeds,
  inFlight: number,
  runs: number,
): Promise<number> {
  const ends: number[] = [];
  let begun = 0;
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (begun++ < runs + inFlight) {
      await session.run(feeds);
      ends.push(performance.now());
    }
  }));
  // The first ones fill the pipeline, the last ones empty it.
  const from = inFlight - 1, to = ends.length - inFlight;
  return (ends[to] - ends[from]) / (to - from);
}

/** What goes into a graph and comes out of it. */
function through(graph: Graph): Through {
  const types = inferTypes(graph);
  const names = [...graph.inputs.map(({ name }) => name), ...graph.outputs];
  return { values: names.length, bytes: names.reduce((sum, name) => sum + 4 * sizeOf(types.get(name)!.shape), 0) };
}

/** A graph that hands maps through. */
function relay(side: number, count: number): Graph {
  const shape = [1, 16, side, side], at = Array.from({ length: count }, (_, i) => i);
  return {
    name: "relay",
    inputs: at.map((i) => ({ name: `x${i}`, dtype: "f32", shape })),
    outputs: at.map((i) => `y${i}`),
    nodes: at.map((i) => ({ op: "Relu", name: `relay${i}`, inputs: [`x${i}`], outputs: [`y${i}`], attributes: {} })),
    constants: new Map(),
    metadata: {},
  };
}

/** The way through an engine. */
type Way = Pick<EngineCosts, "call" | "hidden" | "perValue" | "perByte">;

/** A map, a larger one, several: what a run costs besides its nodes. */
async function wayThrough(options: SessionOptions): Promise<Way> {
  const [one, large, several] = await runAll([relay(8, 1), relay(160, 1), relay(8, 8)], options);
  const perByte = Math.max(0, (large.ms - one.ms) / (large.bytes - one.bytes));
  const more = several.ms - one.ms - perByte * (several.bytes - one.bytes);
  const perValue = Math.max(0, more / (several.values - one.values));
  const call = Math.max(0, one.ms - perByte * one.bytes - perValue * one.values);
  return { perValue, perByte, call, hidden: Math.min(call, Math.max(0, one.ms - one.interval)) };
}

/** What is timed of a graph. */
interface TimedGraph extends Through {
  /** Of one run after the other. */
  readonly ms: number;
  /** From run to run with several under way. */
  readonly interval: number;
}

async function runAll(graphs: readonly Graph[], options: SessionOptions): Promise<TimedGraph[]> {
  const found = [];
  for (const graph of graphs) {
    const session = await Session.create(graph, options);
    const feeds = Object.fromEntries(
      graph.inputs.map(({ name, shape }) => [name, { shape, data: new Float32Array(sizeOf(shape)) }]),
    );
    const ms = await medianRun(session, feeds), interval = await meanInterval(session, feeds, 3, 2 * RUNS);
    found.push({ ...through(graph), ms, interval });
    session.destroy();
  }
  return found;
}

/** Costs of a session's engine from the shares of its nodes: together with the way through they make the time of the whole graph. */
function costsFrom(
  name: string,
  graph: Graph,
  whole: number,
  way: Way,
  shares: ReadonlyMap<string, number>,
): EngineCosts {
  const sum = [...shares.values()].reduce((total, one) => total + one, 0);
  const { values, bytes } = through(graph);
  const inside = Math.max(0, whole - way.call - way.perValue * values - way.perByte * bytes);
  // What no timestamp sees, a device spends on each dispatch; where the sum is too large, all of them are.
  const each = Math.max(0, inside - sum) / shares.size, factor = Math.min(1, inside / sum);
  return { name, ...way, busy: 1, nodes: new Map([...shares].map(([node, ms]) => [node, ms * factor + each])) };
}

/** Milliseconds of the graph's nodes by the device's timestamps. */
async function sharesOnDevice(session: Session, graph: Graph): Promise<Map<string, number>> {
  const known = new Set(graph.nodes.map(({ name }) => name)), shares = new Map<string, number>();
  for (const { name, milliseconds } of await session.profile(7)) {
    if (known.has(name)) shares.set(name, (shares.get(name) ?? 0) + milliseconds);
  }
  return shares;
}

/** Measures an engine, node by node: with the device's timestamps, or with onnxruntime's profile on the CPU. */
export async function measuredCosts(
  name: string,
  graph: Graph,
  feeds: Feeds,
  options: SessionOptions,
): Promise<EngineCosts> {
  const session = await Session.create(graph, options);
  try {
    const whole = await medianRun(session, feeds);
    const shares = session.engine === "cpu"
      ? await profileOnCpu(graph, feeds, { threads: options.cpu?.threads })
      : await sharesOnDevice(session, graph);
    return costsFrom(name, graph, whole, await wayThrough(options), shares);
  } finally {
    session.destroy();
  }
}

/** Milliseconds of a node that an engine cannot run: finite, so that differences of sums stay numbers. */
const NEVER = 1e9;

/** Simulates an accelerator: int8 elements go over its DRAM, and a run begins in no time. Nodes that it leaves to a CPU take for ever. */
export function acceleratorCosts(name: string, graph: Graph, accelerator: Accelerator): EngineCosts {
  const { layers } = simulate(graph, accelerator);
  const nodes = new Map(
    layers.map(({ name: node, computeCycles, stallCycles }) =>
      [node, (computeCycles + stallCycles) / accelerator.clock / 1000] as const
    ),
  );
  for (const { name: first, nodes: all } of fusedLayers(graph)) {
    if (!nodes.has(first)) { for (const node of all) nodes.set(node, NEVER); }
  }
  return { name, nodes, call: 0, hidden: 0, perValue: 0, perByte: 1 / 4 / (accelerator.bandwidth * 1e6), busy: 1 };
}

/** Trials of which the best counts: everything else on the machine makes them longer. */
const TRIALS = 3;

/** Runs under way on the engine that is not waited for: enough that it never runs dry while a run of the other holds the thread up. */
const DEEP = 12;

/**
 * How much longer each of two engines takes for the whole graph while the other one computes, too. One runs frame after frame, the other one
 * has always several to do, as in a pipeline.
 */
export async function busyFactors(
  graph: Graph,
  feeds: Feeds,
  options: readonly [SessionOptions, SessionOptions],
): Promise<[number, number]> {
  const sessions = await Promise.all(options.map((one) => Session.create(graph, one)));
  try {
    const alone = [await medianRun(sessions[0], feeds), await medianRun(sessions[1], feeds)];
    // The slower one is run frame after frame.
    const [slow, quick] = alone[0] > alone[1] ? [0, 1] : [1, 0];
    let isOver = false, done = 0;
    const others = Array.from({ length: DEEP }, async () => {
      while (!isOver) {
        await sessions[quick].run(feeds);
        done++;
      }
    });
    await medianRun(sessions[slow], feeds, 1);
    let together = Infinity, each = Infinity;
    for (let trial = 0; trial < TRIALS; trial++) {
      const started = performance.now(), before = done;
      together = Math.min(together, await medianRun(sessions[slow], feeds, Math.ceil(RUNS / TRIALS)));
      each = Math.min(each, (performance.now() - started) / Math.max(1, done - before));
    }
    isOver = true;
    await Promise.all(others);
    const factors: [number, number] = [1, 1];
    factors[slow] = Math.max(1, together / alone[slow]);
    factors[quick] = Math.max(1, each / alone[quick]);
    return factors;
  } finally {
    for (const session of sessions) session.destroy();
  }
}
