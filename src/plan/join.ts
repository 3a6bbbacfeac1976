/**
 * Joins nodes that do not need each other into one dispatch (`kernels/join.ts`): the branches of a head over its maps, pairs of
 * convolutions of one input. What such a dispatch reads at one binding, and what it writes, has to lie together: those tensors get their
 * memory as one piece.
 *
 * @module
 */

import type { KernelOption } from "../kernels/candidate.ts";
import type { KernelContext } from "../kernels/context.ts";
import { isJoinable, joinKernels, joinKey } from "../kernels/join.ts";
import { type Kernel, valuesOf } from "../kernels/kernel.ts";
import type { KernelMaker, PlanNode } from "./node.ts";
import { heightsOf, needsOf, ordered, Ranges, type ValuePlaces } from "./needs.ts";
import { sketchKernels } from "./sketch.ts";

/** What is known of the values. */
export interface JoinContext extends ValuePlaces {
  /** What the kernels of nodes are made from but for where operands lie. */
  readonly maker: KernelMaker;
  /** Whether there is memory for nodes that are joined so. */
  readonly fits: (joined: JoinedNodes) => boolean;
}

/** Nodes, and tensors that get their memory as one piece. */
export interface JoinedNodes {
  readonly nodes: readonly PlanNode[];
  readonly pieces: readonly (readonly string[])[];
}

/** What a dispatch costs besides its work, in the unit of `kernels/candidate.ts`; measured on a software adapter. */
const DISPATCH_COST = 120000;

type Option = KernelOption<KernelContext>;

/** A node with the kernel that it would have among others. */
interface Member {
  readonly at: number;
  readonly option?: Option;
  readonly kernel: Kernel;
  /** What it costs more than the node's own choice. */
  readonly loss: number;
}

/** The only kernel of a node; undefined where it has several or cannot be joined. */
function soleKernel(node: PlanNode, option: Option | undefined, { types, maker }: JoinContext): Kernel | undefined {
  const kernels = sketchKernels(node, types, { ...maker, option });
  return kernels.length === 1 && isJoinable(kernels[0]) ? kernels[0] : undefined;
}

const sameOption = (a: Option, b: Option) => a.kernel === b.kernel && a.variant === b.variant;

/** The most nodes out of some that share a kernel, each with it; nodes may give up a little for a dispatch less. */
function sharing(candidates: readonly number[], nodes: readonly PlanNode[], context: JoinContext): Member[] {
  const wanted = candidates.flatMap((at) => nodes[at].choice?.option ?? []);
  const kinds = wanted.filter((option, i) => wanted.findIndex((other) => sameOption(other, option)) === i);
  let best: Member[] = [], most = 0;
  for (const kind of [undefined, ...kinds]) {
    const byKey = new Map<string, Member[]>();
    for (const at of candidates) {
      const { choice } = nodes[at];
      if ((choice === undefined) !== (kind === undefined)) continue;
      const option = choice?.contest.options.find((one) => sameOption(one, kind!));
      if (choice && (!option || option.cost - choice.option.cost > DISPATCH_COST)) continue;
      const kernel = soleKernel(nodes[at], option, context);
      if (!kernel) continue;
      const key = joinKey(kernel);
      const loss = choice ? Math.max(0, option!.cost - choice.option.cost) : 0;
      byKey.set(key, [...byKey.get(key) ?? [], { at, option, kernel, loss }]);
    }
    for (const members of byKey.values()) {
      const gain = members.reduce((sum, { loss }) => sum - loss, (members.length - 1) * DISPATCH_COST);
      if (gain > most) [best, most] = [members, gain];
    }
  }
  // Maps of as many channels are neighbours, so that a later dispatch finds those of one kind apart from those of another.
  const channels = ({ at }: Member) => context.types.get(nodes[at].outputs[0])!.shape[1];
  return best.toSorted((a, b) => channels(a) - channels(b));
}

/** Tensors that lie together, as sets that grow. */
class Pieces {
  readonly #of = new Map<string, Set<string>>();

  of(root: string): Set<string> {
    return this.#of.get(root) ?? new Set([root]);
  }

  /** Puts the tensors of each set together; false, and nothing done, if a step would then read what it writes. */
  tryTogether(sets: readonly (readonly string[])[]): boolean {
    const merged = sets.map((roots) => new Set(roots.flatMap((root) => [...this.of(root)])));
    const overlaps = merged.some((a, i) => merged.slice(0, i).some((b) => [...a].some((root) => b.has(root))));
    if (overlaps) return false;
    for (const set of merged) for (const root of set) this.#of.set(root, set);
    return true;
  }

  get all(): string[][] {
    return [...new Set(this.#of.values())].filter(({ size }) => size > 1).map((set) => [...set]);
  }
}

/** The tensors at each binding of a joint dispatch, those that bindings share as one set. */
function boundTogether(members: readonly Member[], ranges: Ranges): string[][] {
  const sets = members[0].kernel.bindings.flatMap(({ kind }, i) => {
    if (kind !== "read" && kind !== "write") return [];
    return [
      new Set(members.flatMap(({ kernel }) => valuesOf(kernel.bindings[i]).map((value) => ranges.rootOf(value)))),
    ];
  });
  return sets.map((set) => [...set]);
}

/** One node that computes what several do; several dispatches after all, where their memory does not allow one. */
function joint(members: readonly Member[], nodes: readonly PlanNode[]): PlanNode {
  const parts = members.map(({ at }) => nodes[at]);
  const kernels = (maker: KernelMaker): Kernel[] => {
    const all = members.flatMap(({ at, option }) => nodes[at].kernels({ ...maker, option }));
    const one = maker.memory && joinKernels(all, maker.memory);
    return one ? [one] : parts.flatMap((part) => part.kernels(maker));
  };
  const [{ reads, writes }] = parts;
  return {
    name: parts.map(({ name }) => name).join(" "),
    operator: [...new Set(parts.map(({ operator }) => operator))].join(", "),
    inputs: [...new Set(parts.flatMap(({ inputs }) => inputs))],
    outputs: parts.flatMap(({ outputs }) => outputs),
    reads,
    writes,
    macs: parts.reduce((sum, { macs }) => sum + macs, 0),
    kernels,
  };
}

/** Nodes by what they have in common, those alone left out. */
function lots<K>(numbers: readonly number[], keyOf: (at: number) => K): number[][] {
  const byKey = new Map<K, number[]>();
  for (const at of numbers) byKey.set(keyOf(at), [...byKey.get(keyOf(at)) ?? [], at]);
  return [...byKey.values()].filter(({ length }) => length > 1);
}

/** Groups of nodes that become one dispatch each. */
function groupsOf(nodes: readonly PlanNode[], needs: readonly ReadonlySet<number>[], context: JoinContext): Member[][] {
  const ranges = new Ranges(context), heights = heightsOf(needs);
  const pieces = new Pieces(), groups: Member[][] = [], taken = new Set<number>();
  // All that is read and written lies in row memory.
  const free = () =>
    [...nodes.keys()].filter((at) =>
      !taken.has(at) && !nodes[at].layouts && nodes[at].reads === "blocked" && nodes[at].writes === "blocked"
    );
  const join = (candidates: readonly number[]) => {
    for (let rest = [...candidates]; rest.length > 1;) {
      const members = sharing(rest, nodes, context);
      if (members.length < 2) return;
      const numbers = members.map(({ at }) => at);
      rest = rest.filter((at) => !numbers.includes(at));
      if (!ordered(needs, [...groups.map((group) => group.map(({ at }) => at)), numbers])) continue;
      if (!pieces.tryTogether(boundTogether(members, ranges))) continue;
      groups.push(members);
      for (const at of numbers) taken.add(at);
    }
  };
  const formOf = (at: number) => `${nodes[at].operator} ${nodes[at].inputs.length}`;
  for (const lot of lots(free(), (at) => `${heights[at]} ${formOf(at)}`)) join(lot);
  for (const lot of lots(free(), (at) => `${nodes[at].inputs.join()} ${formOf(at)}`)) join(lot);
  return groups;
}

/** The nodes with those of each group as one. */
function withGroups(
  nodes: readonly PlanNode[],
  needs: readonly ReadonlySet<number>[],
  groups: readonly Member[][],
  context: JoinContext,
): JoinedNodes {
  const byNumber = new Map(groups.flatMap((members) => members.map(({ at }) => [at, members] as const)));
  const order = ordered(needs, groups.map((members) => members.map(({ at }) => at)))!;
  const pieces = new Pieces(), ranges = new Ranges(context);
  for (const members of groups) pieces.tryTogether(boundTogether(members, ranges));
  return {
    nodes: order.map(([at]) => byNumber.has(at) ? joint(byNumber.get(at)!, nodes) : nodes[at]),
    pieces: pieces.all,
  };
}

/** The groups without the one that needs most memory: in its place those of its nodes that write as many channels. */
function withoutLargest(groups: readonly Member[][], nodes: readonly PlanNode[], { types }: JoinContext): Member[][] {
  const shapeOf = ({ at }: Member) => types.get(nodes[at].outputs[0])!.shape;
  const elements = (members: readonly Member[]) =>
    members.reduce((sum, member) => sum + shapeOf(member).reduce((product, extent) => product * extent), 0);
  const largest = groups.reduce((most, group) => elements(group) > elements(most) ? group : most);
  const parts = lots([...largest.keys()], (i) => shapeOf(largest[i])[1]);
  const smaller = parts.length === 1 && parts[0].length === largest.length ? [] : parts;
  return [
    ...groups.filter((group) => group !== largest),
    ...smaller.map((part) => part.map((i) => largest[i])),
  ];
}

/** Joins nodes where that saves dispatches and there is memory for it. */
export function joinNodes(nodes: readonly PlanNode[], context: JoinContext): JoinedNodes {
  const needs = needsOf(nodes, new Ranges(context));
  let groups = groupsOf(nodes, needs, context);
  while (groups.length > 0) {
    const joined = withGroups(nodes, needs, groups, context);
    if (context.fits(joined)) return joined;
    groups = withoutLargest(groups, nodes, context);
  }
  return { nodes, pieces: [] };
}
