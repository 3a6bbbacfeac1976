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

/** Bytes that go in and come out of a graph. */
function bytesThrough(graph: Graph): number {
  const types = inferTypes(graph);
  return [...graph.inputs.map(({ name }) => name), ...graph.outputs]
    .reduce((sum, name) => sum + 4 * sizeOf(types.get(name)!.shape), 0);
}

/** A graph that hands a map through. */
function relay(side: number): Graph {
  const shape = [1, 16, side, side];
  return {
    name: "relay",
    inputs: [{ name: "x", dtype: "f32", shape }],
    outputs: ["y"],
    nodes: [{ op: "Relu", name: "relay", inputs: ["x"], outputs: ["y"], attributes: {} }],
    constants: new Map(),
    metadata: {},
  };
}

/** Sides of the maps whose way through an engine is timed. */
const SIDES = [8, 160] as const;

/** What a run costs besides its nodes: a part that is the same for all, and one by bytes. */
async function wayThrough(options: SessionOptions): Promise<Pick<EngineCosts, "call" | "perByte">> {
  const [small, large] = await Promise.all(SIDES.map(async (side) => {
    const graph = relay(side), session = await Session.create(graph, options);
    const [{ shape }] = graph.inputs;
    return { session, bytes: bytesThrough(graph), feeds: { x: { shape, data: new Float32Array(sizeOf(shape)) } } };
  }));
  const few = await medianRun(small.session, small.feeds), many = await medianRun(large.session, large.feeds);
  small.session.destroy();
  large.session.destroy();
  const perByte = Math.max(0, (many - few) / (large.bytes - small.bytes));
  return { perByte, call: Math.max(0, few - perByte * small.bytes) };
}

/** Costs of a session's engine from the shares of its nodes: together with the way through they make the time of the whole graph. */
function costsFrom(
  name: string,
  graph: Graph,
  whole: number,
  way: Pick<EngineCosts, "call" | "perByte">,
  shares: ReadonlyMap<string, number>,
): EngineCosts {
  const sum = [...shares.values()].reduce((total, one) => total + one, 0);
  const factor = Math.max(0, whole - way.call - way.perByte * bytesThrough(graph)) / sum;
  return { name, ...way, busy: 1, nodes: new Map([...shares].map(([node, ms]) => [node, ms * factor])) };
}

/** Measures the engine of shaders, node by node with the device's timestamps. */
export async function deviceCosts(
  name: string,
  graph: Graph,
  feeds: Feeds,
  options: SessionOptions,
): Promise<EngineCosts> {
  const session = await Session.create(graph, options);
  try {
    const whole = await medianRun(session, feeds);
    const shares = new Map<string, number>();
    for (const { name: node, milliseconds } of await session.profile(7)) {
      shares.set(node, (shares.get(node) ?? 0) + milliseconds);
    }
    const known = new Set(graph.nodes.map((node) => node.name));
    return costsFrom(
      name,
      graph,
      whole,
      await wayThrough(options),
      new Map([...shares].filter(([node]) => known.has(node))),
    );
  } finally {
    session.destroy();
  }
}

/** Measures the CPU engine, node by node with onnxruntime's profile. */
export async function cpuCosts(
  name: string,
  graph: Graph,
  feeds: Feeds,
  options: SessionOptions,
): Promise<EngineCosts> {
  const session = await Session.create(graph, options);
  try {
    const whole = await medianRun(session, feeds);
    const shares = await profileOnCpu(graph, feeds, { threads: options.cpu?.threads });
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
  return { name, nodes, call: 0, perByte: 1 / 4 / (accelerator.bandwidth * 1e6), busy: 1 };
}

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
    const started = performance.now(), before = done;
    const together = await medianRun(sessions[slow], feeds, RUNS);
    const each = (performance.now() - started) / Math.max(1, done - before);
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
