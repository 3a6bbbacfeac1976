/**
 * What the end of a graph computes, found by trying: numbers are put in the place of what the last layers make, and the nodes behind them
 * are evaluated. So it does not matter how an exporter spells a head.
 *
 * @module
 */

import { FeatherdetError, type Graph, GraphIndex, type Node, sizeOf, traitOf } from "../../graph/mod.ts";
import { Random } from "../../numbers/random.ts";
import { changeShapes } from "../../passes/mod.ts";
import { evaluateNode, type ReferenceTensor, referenceTensor } from "../../reference/run.ts";

/** Outputs of a graph, by name, for one filling of what its last layers make. */
export type TailRun = ReadonlyMap<string, ReferenceTensor>;

/** Outputs of a graph for several fillings, each computed when it is first asked for. */
export interface TailStudy {
  /** Numbers of both signs, different everywhere. */
  readonly mixed: TailRun;
  /** Positive numbers, different everywhere. */
  readonly positive: TailRun;
  /** One small positive number everywhere. */
  readonly constant: TailRun;
  /** That number. */
  readonly value: number;
}

/** Every cut holds this in the run of one number. */
const VALUE = 0.25;

/** Most nodes of a tail: more is a network. */
const MOST_NODES = 400;

/** Most elements that all nodes of a tail make: more would take seconds. */
const MOST_ELEMENTS = 12e6;

/** Side of the input that a tail is studied at, where the graph can be brought to it. */
const STUDY_SIDE = 128;

/** The same for every tail. */
const SEED = 14;

interface Tail {
  /** What it makes. */
  readonly outputs: readonly string[];
  /** In order. */
  readonly nodes: readonly Node[];
  /** What layers make, or what enters the graph. */
  readonly cuts: readonly string[];
}

/** Whether a layer is part of a tail: the one that takes the mean of a Softmax has weights, but nothing is learned by it. */
function isMeanOfSoftmax(index: GraphIndex, node: Node): boolean {
  let from = index.producerOf(node.inputs[0]);
  while (from && traitOf(from, "moves") === "place") from = index.producerOf(from.inputs[0]);
  return from?.op === "Softmax";
}

function tailOf(index: GraphIndex, outputs: readonly string[]): Tail | undefined {
  const wanted = new Set<Node>();
  const cuts = new Set<string>();
  const open = [...outputs];
  while (open.length > 0) {
    const value = open.pop()!;
    const node = index.producerOf(value);
    if (node === undefined) {
      if (!index.isConstant(value)) cuts.add(value);
      continue;
    }
    if (wanted.has(node)) continue;
    if (traitOf(node, "layer") !== "no" && !isMeanOfSoftmax(index, node)) {
      cuts.add(value);
      continue;
    }
    wanted.add(node);
    if (wanted.size > MOST_NODES) return undefined;
    open.push(...node.inputs);
  }
  return { outputs, nodes: index.graph.nodes.filter((node) => wanted.has(node)), cuts: [...cuts] };
}

/** The graph at a small input, where its structure allows that. */
function small(graph: Graph): Graph {
  const [input] = graph.inputs;
  if (graph.inputs.length !== 1 || input.shape.length !== 4) return graph;
  const [batch, channels, height, width] = input.shape;
  if (Math.max(height, width) <= STUDY_SIDE) return graph;
  try {
    return changeShapes(graph, { [input.name]: [batch, channels, STUDY_SIDE, STUDY_SIDE] });
  } catch (error) {
    if (error instanceof FeatherdetError) return graph;
    throw error;
  }
}

function runTail(index: GraphIndex, { outputs, nodes, cuts }: Tail, fill: () => number): TailRun {
  const values = new Map<string, ReferenceTensor>();
  for (const cut of cuts) {
    const shape = index.shapeOf(cut);
    const data = new Float64Array(sizeOf(shape));
    for (let at = 0; at < data.length; at++) data[at] = fill();
    values.set(cut, { shape, data });
  }
  const valueOf = (name: string): ReferenceTensor => {
    const known = values.get(name);
    if (known) return known;
    const constant = index.constantOf(name)!;
    return referenceTensor(constant.shape, constant.data, constant.dtype);
  };
  for (const node of nodes) {
    evaluateNode(node, node.inputs.map(valueOf)).forEach((tensor, i) => values.set(node.outputs[i], tensor));
  }
  return new Map(outputs.map((output) => [output, valueOf(output)]));
}

/**
 * Studies the tail that makes some outputs of a graph, at a smaller input if that is possible: axes keep their meaning, extents may differ.
 * Undefined if the tail is too large or cannot be evaluated.
 */
export function studyTail(graph: Graph, outputs: readonly string[]): TailStudy | undefined {
  const index = GraphIndex.of(small(graph));
  const tail = tailOf(index, outputs);
  if (tail === undefined) return undefined;
  const elements = tail.nodes.reduce(
    (sum, { outputs }) => sum + outputs.reduce((own, value) => own + sizeOf(index.shapeOf(value)), 0),
    0,
  );
  if (elements > MOST_ELEMENTS) return undefined;
  const random = new Random(SEED);
  const once = (fill: () => number) => {
    let run: TailRun | undefined;
    return () => run ??= runTail(index, tail, fill);
  };
  const mixed = once(() => random.uniform(-6, 6));
  const positive = once(() => random.uniform(0.1, 2.1)), constant = once(() => VALUE);
  const study: TailStudy = {
    value: VALUE,
    get mixed() {
      return mixed();
    },
    get positive() {
      return positive();
    },
    get constant() {
      return constant();
    },
  };
  try {
    // What one run computes the others do too.
    return study.mixed && study;
  } catch (error) {
    if (error instanceof FeatherdetError) return undefined;
    throw error;
  }
}

/** Numbers of an output that depends on no input, row by row; undefined for any other output. */
export function constantOutput(graph: Graph, output: string): Float32Array<ArrayBuffer> | undefined {
  const index = GraphIndex.of(graph);
  const tail = tailOf(index, [output]);
  if (tail === undefined || tail.cuts.length > 0) return undefined;
  return Float32Array.from(runTail(index, tail, () => 0).get(output)!.data);
}
