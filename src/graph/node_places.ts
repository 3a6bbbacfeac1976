/**
 * The list of nodes of a graph that is being changed: every node has a place, before, behind and instead of which others can be put.
 *
 * @module
 */

import type { Node } from "./operators.ts";

/** The place of a node. */
export interface Place {
  /** The node as it came. */
  readonly origin: Node;
  /** The node as it is now; undefined once it is gone. */
  node: Node | undefined;
  readonly before: Place[];
  readonly instead: Place[];
  readonly behind: Place[];
}

/** The place of a node that is there. */
export interface Taken extends Place {
  node: Node;
}

function* nodesOf(places: readonly Place[]): Generator<Node> {
  for (const { before, instead, behind, node } of places) {
    yield* nodesOf(before);
    yield* node ? [node] : nodesOf(instead);
    yield* nodesOf(behind);
  }
}

/** Nodes in their order, found by name and by what they make. */
export class NodePlaces {
  /** Ahead of all nodes. */
  readonly front: Place[] = [];
  readonly #list: Place[] = [];
  readonly #byName = new Map<string, Taken>();
  readonly #byValue = new Map<string, Taken>();
  #current: Place[] = this.#list;

  /** The place of the node of that name that is there now. */
  named(name: string): Taken | undefined {
    return this.#byName.get(name);
  }

  /** The place of the node that makes a value now. */
  producerOf(value: string): Taken | undefined {
    return this.#byValue.get(value);
  }

  /** The nodes that are there, in no order that means anything. */
  all(): Iterable<Taken> {
    return this.#byName.values();
  }

  /** Puts a node at the end of the list that `writeTo` has chosen, at first that of the graph. */
  add(node: Node): void {
    const place: Taken = { origin: node, node, before: [], instead: [], behind: [] };
    this.#current.push(place);
    this.#byName.set(node.name, place);
    for (const value of node.outputs) this.#byValue.set(value, place);
  }

  /** Takes a node away. */
  release(place: Taken): void {
    for (const value of place.node.outputs) this.#byValue.delete(value);
    this.#byName.delete(place.node.name);
    (place as Place).node = undefined;
  }

  /** Puts a value in the place of another among the inputs or outputs of a node. */
  substitute(place: Taken, list: "inputs" | "outputs", value: string, by: string): void {
    const { node } = place;
    if (!node[list].includes(value)) return;
    place.node = { ...node, [list]: node[list].map((name) => name === value ? by : name) };
    if (list === "inputs") return;
    this.#byValue.delete(value);
    this.#byValue.set(by, place);
  }

  /** Runs `write` so that what it adds is put at the end of a list. */
  writeTo<T>(list: Place[], write: () => T): T {
    const outer = this.#current;
    this.#current = list;
    try {
      return write();
    } finally {
      this.#current = outer;
    }
  }

  /** The nodes in their order. */
  toNodes(): Node[] {
    return [...nodesOf(this.front), ...nodesOf(this.#list)];
  }
}
