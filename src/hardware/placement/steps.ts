/**
 * Where a graph may be cut, and what goes over a cut.
 *
 * @module
 */

import { type Graph, sizeOf } from "../../graph/graph.ts";
import { GraphIndex } from "../../graph/graph_index.ts";
import type { Node } from "../../graph/operators.ts";
import { isActivation } from "../../graph/unary.ts";
import { findDetectionHead, foldBatchNormalization, recogniseActivations } from "../../passes/mod.ts";

/** Bytes of an element that goes over a cut: a float. */
const ELEMENT_BYTES = 4;

/** The nodes behind the maps of a detector's head, which engines replace all together. */
function tailOf(graph: Graph): ReadonlySet<Node> {
  return new Set(graph.outputs.length === 1 ? findDetectionHead(GraphIndex.of(graph))?.tail : undefined);
}

/** The graph as engines run it, in whose nodes costs are counted: what is behind a detector's maps comes last. */
export function preparedForPlacement(given: Graph): Graph {
  const graph = recogniseActivations(foldBatchNormalization(given)), tail = tailOf(graph);
  const [before, behind] = [false, true].map((isTail) => graph.nodes.filter((node) => tail.has(node) === isTail));
  return { ...graph, nodes: [...before, ...behind] };
}

/** Whether engines compute the node together with the one before it, which makes what it alone reads. */
function isTakenAlong(index: GraphIndex, node: Node, before: Node): boolean {
  if (!isActivation(node.op) && node.op !== "Add") return false;
  return before.outputs.some((value) => node.inputs.includes(value) && index.soleReader(value) === node);
}

/** What goes into a stretch of a graph and comes out of it. */
export interface Through {
  /** How many values. */
  readonly values: number;
  /** Their bytes. */
  readonly bytes: number;
}

/** The order of a graph's nodes with what crosses each place between them. */
export class CutPlaces {
  /** The graph. */
  readonly graph: Graph;
  /** Numbers of nodes before a cut, ascending; 0 and all nodes among them. */
  readonly places: readonly number[];
  /** Number of the node that makes a value; -1 for inputs. */
  readonly #made = new Map<string, number>();
  /** Number of the last node that reads a value; the number of nodes for outputs. */
  readonly #read = new Map<string, number>();
  readonly #bytes = new Map<string, number>();
  readonly #cuts = new Map<number, readonly string[]>();

  /** The graph's nodes are taken in their order. */
  constructor(graph: Graph) {
    this.graph = graph;
    const index = GraphIndex.of(graph);
    const { nodes } = graph;
    for (const { name } of graph.inputs) this.#made.set(name, -1);
    nodes.forEach(({ outputs, inputs }, at) => {
      for (const name of outputs) this.#made.set(name, at);
      for (const name of inputs) this.#read.set(name, at);
    });
    for (const name of graph.outputs) this.#read.set(name, nodes.length);
    for (const name of this.#made.keys()) {
      if (name !== "") this.#bytes.set(name, ELEMENT_BYTES * sizeOf(index.shapeOf(name)));
    }
    const tail = tailOf(graph), firstOfTail = nodes.findIndex((node) => tail.has(node));
    const allowed = (place: number) => {
      if (place === 0 || place === nodes.length) return true;
      if (firstOfTail >= 0 && place > firstOfTail) return false;
      if (isTakenAlong(index, nodes[place], nodes[place - 1])) return false;
      const values = this.cutAt(place);
      return values.length > 0 && values.every((name) => index.typeOf(name).dtype === "f32");
    };
    this.places = Array.from({ length: nodes.length + 1 }, (_, place) => place).filter(allowed);
  }

  /** The values that nodes before a place make and that are read behind it, by nodes or as outputs. */
  cutAt(place: number): readonly string[] {
    let values = this.#cuts.get(place);
    if (values === undefined) this.#cuts.set(place, values = this.#crossing(place));
    return values;
  }

  #crossing(place: number): string[] {
    return [...this.#made].filter(([name, made]) => made >= 0 && made < place && (this.#read.get(name) ?? -1) >= place)
      .map(([name]) => name);
  }

  /** What the nodes of a range read of others, and what others, or who runs the graph, read of them. */
  through(from: number, to: number): Through {
    const inside = this.graph.nodes.slice(from, to);
    const read = new Set(inside.flatMap(({ inputs }) => inputs));
    const values = [
      ...[...read].filter((name) => (this.#made.get(name) ?? from) < from),
      ...inside.flatMap(({ outputs }) => outputs).filter((name) => (this.#read.get(name) ?? -1) >= to),
    ];
    return { values: values.length, bytes: values.reduce((sum, name) => sum + (this.#bytes.get(name) ?? 0), 0) };
  }
}
