/**
 * What the rules of the channel table work with: the channel maps of values, which channels go together, what slices of constants belong
 * to them, and which must stay.
 *
 * Channels are numbers. Two channels that can only be removed together are united; a set of united channels is a coupling group.
 *
 * @module
 */

import type { Graph, Shape } from "../graph.ts";
import { GraphIndex } from "../graph_index.ts";
import type { Node, Operator } from "../operators.ts";
import { channelAxes, type ChannelList, type ChannelMap, NONE, untracked } from "./map.ts";

/** Follows the channels through a node: reads the maps of its inputs, sets those of its outputs. */
export type ChannelRule<K extends Operator> = (node: Node<K>, channels: ChannelTracker) => void;

/**
 * What a constant does to channels along one of its axes: `makes` them (rows of weights, biases of layers), `adjusts` them (factors, sums,
 * normalisation) or `reads` them (columns of weights).
 */
export type ChannelRole = "makes" | "adjusts" | "reads";

/** Why channels stay. */
export interface KeptReason {
  /** Name of the node. */
  readonly node: string;
  /** Its operator. */
  readonly operator: Operator;
  /** The reason, a few words that follow the node's name. */
  readonly why: string;
}

/** A node that reads a constant along an axis of channels. */
export interface SlotUse {
  readonly node: Node;
  /** Position among the node's inputs. */
  readonly input: number;
  readonly role: ChannelRole;
  /** True where the slice has to be zero for the channel to be zero. */
  readonly zeroed: boolean;
}

/** An axis of a constant and the channels along it. */
export interface Slot {
  readonly constant: string;
  readonly axis: number;
  readonly ids: Int32Array;
  readonly uses: SlotUse[];
}

/** Follows the channels of one graph. */
export class ChannelTracker {
  /** Who makes and reads the values, and their types. */
  readonly index: GraphIndex;
  /** Axes of constants along which there are channels, in the order in which they were met. */
  readonly slots: Map<string, Slot> = new Map<string, Slot>();
  /** Channels that stay, with the reason. */
  readonly kept: { readonly id: number; readonly reason: KeptReason }[] = [];
  readonly #maps = new Map<string, ChannelMap>();
  readonly #parents: number[] = [];

  /** Throws FeatherdetError if the graph's shapes do not fit. */
  constructor(readonly graph: Graph) {
    this.index = GraphIndex.of(graph);
  }

  /** Shape of a value. */
  shapeOf(value: string): Shape {
    return this.index.shapeOf(value);
  }

  /** True for a constant. */
  isConstant(value: string): boolean {
    return this.index.isConstant(value);
  }

  /** The map of a value; constants and inputs of the graph have no channels. */
  mapOf(value: string): ChannelMap {
    return this.#maps.get(value) ?? untracked(this.shapeOf(value).length);
  }

  /** Sets the map of a node's output. What belongs to no channel is never known at rest, for nobody makes it zero. */
  set(value: string, map: ChannelMap): void {
    const rest = map.ids.includes(NONE) ? map.rest.map((rest, at) => map.ids[at] === NONE ? NaN : rest) : map.rest;
    this.#maps.set(value, { ...map, rest });
  }

  /** Maps of all values that have channels. */
  get maps(): ReadonlyMap<string, ChannelMap> {
    return this.#maps;
  }

  /** Number of channels met so far; they are numbered from 0. */
  get count(): number {
    return this.#parents.length;
  }

  /** The least of the channels that a channel goes together with; `NONE` for `NONE`. */
  find(id: number): number {
    if (id === NONE) return NONE;
    let root = id;
    while (this.#parents[root] !== root) root = this.#parents[root];
    while (this.#parents[id] !== root) [id, this.#parents[id]] = [this.#parents[id], root];
    return root;
  }

  /** True where two channels go together, or both are `NONE`. */
  readonly same = (a: number, b: number): boolean => a === b || this.find(a) === this.find(b);

  /** Makes two channels go together. */
  unite(a: number, b: number): void {
    const [first, second] = [this.find(a), this.find(b)];
    this.#parents[Math.max(first, second)] = Math.min(first, second);
  }

  /** Makes channels go together; where some of them are `NONE`, the others stay. */
  uniteAll(ids: Iterable<number>, node: Node, why: string): void {
    const all = new Set(ids);
    const isMixed = all.delete(NONE);
    const [first, ...rest] = all;
    for (const id of rest) this.unite(first, id);
    if (isMixed && first !== undefined) this.keep([first], node, why);
  }

  /** Lets channels stay; `NONE` among them are passed over. */
  keep(ids: Iterable<number>, { name, op }: Node, why: string): void {
    const reason = { node: name, operator: op, why };
    for (const id of new Set(ids)) if (id !== NONE) this.kept.push({ id, reason });
  }

  /** Lets the channels of all inputs stay; the node's outputs have none. */
  mix(node: Node, why: string): void {
    for (const value of node.inputs) this.keep(this.mapOf(value).ids, node, why);
    for (const value of node.outputs) this.set(value, untracked(this.shapeOf(value).length));
  }

  /** Channels that a node makes along an axis of a constant among its inputs. */
  makes(node: Node, input: number, axis: number): Int32Array {
    const constant = node.inputs[input];
    const use: SlotUse = { node, input, role: "makes", zeroed: true };
    const known = this.slots.get(`${axis} ${constant}`);
    if (known) {
      known.uses.push(use);
      return known.ids;
    }
    const ids = Int32Array.from({ length: this.shapeOf(constant)[axis] }, () => {
      const id = this.count;
      this.#parents.push(id);
      return id;
    });
    this.slots.set(`${axis} ${constant}`, { constant, axis, ids, uses: [use] });
    return ids;
  }

  /** Ties the slices of a constant among a node's inputs, along an axis, to channels. */
  tie(node: Node, input: number, axis: number, ids: Int32Array, role: ChannelRole, zeroed: boolean): void {
    const constant = node.inputs[input], use: SlotUse = { node, input, role, zeroed };
    const known = this.slots.get(`${axis} ${constant}`);
    if (!known) {
      this.slots.set(`${axis} ${constant}`, { constant, axis, ids, uses: [use] });
      return;
    }
    known.uses.push(use);
    const why = `shares its constant "${constant}" with channels that stay`;
    ids.forEach((id, index) => this.uniteAll([id, known.ids[index]], node, why));
  }

  /** As `tie`, for weights that sum over the channels: those that are not zero at rest stay. */
  reads(node: Node, input: number, axis: number, channels: ChannelList): void {
    this.tie(node, input, axis, channels.ids, "reads", false);
    this.needsZero(node, channels);
  }

  /** Lets those channels stay that are not zero at rest. */
  needsZero(node: Node, { ids, rest }: ChannelList): void {
    ids.forEach((id, index) => {
      if (id === NONE || rest[index] === 0) return;
      const what = Number.isNaN(rest[index]) ? "numbers other than zero" : `${Number(rest[index].toPrecision(4))}`;
      this.keep([id], node, `reads ${what} where all that makes the channel is zero`);
    });
  }

  /** Numbers of a small constant; undefined if it is none. */
  numbersOf(value: string): ArrayLike<number> | undefined {
    return this.index.constantOf(value)?.data;
  }

  /** True where channels of the value differ along other axes than those given. */
  isElsewhere(map: ChannelMap, ...axes: readonly number[]): boolean {
    return channelAxes(map).some((axis) => !axes.includes(axis));
  }
}
