/**
 * Elastic networks: one network whose narrower, shallower and smaller sub-networks share its weights (slimmable networks, Yu et al. 2019,
 * https://arxiv.org/abs/1812.08928; once-for-all, Cai et al. 2020, https://arxiv.org/abs/1908.09791; BigNAS, Yu et al. 2020,
 * https://arxiv.org/abs/2003.11142). Here: which sub-networks there are, and what each of them lacks.
 *
 * @module
 */

import { type ChannelBundle, channelBundles, type CouplingGroup, couplingGroups } from "../../graph/channels/mod.ts";
import { FeatherdetError, type Graph, GraphIndex } from "../../graph/mod.ts";
import { type Branch, branchesOf, recogniseActivations } from "../../passes/mod.ts";
import { createSpace, type Dimension, type Point, type Space } from "../search/space.ts";

/** What is elastic. */
export interface ElasticOptions {
  /** Shares of its channels that a row of the network may have; 0.5, 0.75 and 1 by default. */
  readonly widths?: readonly number[];
  /** Whether branches beside shortcuts may be left out; true by default. */
  readonly depth?: boolean;
  /** Whether the first kernel of a branch may be cropped down to 1x1; true by default. */
  readonly kernels?: boolean;
  /** Sides of the square input; the model's own by default, which has to be the largest. */
  readonly sizes?: readonly number[];
  /**
   * Which channels of a bundle go first, by its key (`bundleKey`): numbers of its groups. By default the last ones, so that a sub-network
   * has the first channels of each layer.
   */
  readonly order?: Readonly<Record<string, readonly number[]>>;
}

/** Channels of a row that become fewer together. */
export interface ElasticBundle {
  /** The bundle. */
  readonly bundle: ChannelBundle;
  /** Numbers of its groups, those that go first first. */
  readonly order: readonly number[];
}

/** A row of the network: what stands under one path, such as `model.6`, and becomes narrower or shallower as one. */
export interface ElasticRow {
  /** Its path. */
  readonly path: string;
  /** Its channels. */
  readonly bundles: readonly ElasticBundle[];
  /** What it can do without, those that go last first. */
  readonly branches: readonly Branch[];
}

/** A network with its sub-networks. */
export interface ElasticNet {
  /** The whole network, at the largest input. */
  readonly graph: Graph;
  /** Its sub-networks: dimensions `width ROW` (shares), `depth ROW` (branches that are left), `kernel ROW` (sides) and `size`. */
  readonly space: Space;
  /** Its rows in the order of the nodes. */
  readonly rows: readonly ElasticRow[];
  /** What is elastic, as JSON. */
  readonly options: ElasticOptions;
}

/** What a sub-network lacks of the whole. */
export interface Cuts {
  /** Channels. */
  readonly groups: readonly CouplingGroup[];
  /** Branches. */
  readonly branches: readonly Branch[];
  /** Sides of the kernels that are cropped, by the name of the weight. */
  readonly kernels: ReadonlyMap<string, number>;
  /** Side of its input. */
  readonly size: number;
}

/** A cell of four channels, in which kernels compute. */
const CELL = 4;

/** The row that a layer belongs to, by the name of its weight: its first two parts. */
const rowOf = (weight: string) => weight.split(".").slice(0, 2).join(".");

/** The name of a bundle, equal in a graph that was saved and loaded: the least of the scales that make it, and its first channel. */
export function bundleKey({ groups: [{ members }] }: ChannelBundle): string {
  const names = members.filter(({ operator, input }) => operator === "BatchNormalization" && input === 1)
    .map(({ constant, indices }) => `${constant}:${indices[0]}`);
  return names.sort()[0] ?? members[0].constant;
}

/** Whether all that makes the channels of a bundle is normalised, so that scales and biases of 0 take them away. */
function isNormalised(index: GraphIndex, { members }: ChannelBundle): boolean {
  const nodes = new Set(members.map(({ node }) => node));
  return members.every(({ node, operator, zeroed }) => {
    if (!zeroed || operator === "BatchNormalization") return true;
    const maker = index.graph.nodes.find(({ name }) => name === node)!, norm = index.soleReader(maker.outputs[0]);
    return norm?.op === "BatchNormalization" && nodes.has(norm.name);
  });
}

/** How many of a bundle's groups a share of them is: whole cells, where it has some, and at least one. */
function keptOf(count: number, share: number): number {
  const unit = count % CELL === 0 && count > CELL ? CELL : 1;
  return Math.min(count, Math.max(unit, Math.ceil(share * count / unit - 1e-9) * unit));
}

/** Sides of a kernel from 1 up. */
const sidesOf = (side: number) => Array.from({ length: side + 1 >> 1 }, (_, i) => 2 * i + 1);

function rowsOf(graph: Graph, { order = {}, depth = true, kernels = true }: ElasticOptions): ElasticRow[] {
  const index = GraphIndex.of(graph);
  const rows = new Map<string, { path: string; bundles: ElasticBundle[]; branches: Branch[] }>();
  const at = (path: string) => {
    const row = rows.get(path) ?? { path, bundles: [], branches: [] };
    rows.set(path, row);
    return row;
  };
  for (const bundle of channelBundles(couplingGroups(graph).groups)) {
    if (bundle.groups.length < 2 || !isNormalised(index, bundle)) continue;
    const maker = bundle.members.find(({ zeroed }) => zeroed)!, count = bundle.groups.length;
    const last = Array.from({ length: count }, (_, i) => count - 1 - i), given = order[bundleKey(bundle)] ?? last;
    if (given.length !== count || new Set(given).size !== count || given.some((one) => !(one in last))) {
      throw new FeatherdetError(`the order of "${bundleKey(bundle)}" is of ${given.length} channels, it has ${count}`);
    }
    at(rowOf(maker.constant)).bundles.push({ bundle, order: given });
  }
  if (depth || kernels) {
    for (const branch of branchesOf(graph)) {
      at(rowOf(branch.last.inputs[1])).branches.push(branch);
    }
  }
  return [...rows.values()];
}

/** The side of the square input. Throws FeatherdetError for another one. */
function sideOf({ name, inputs: [{ shape }] }: Graph): number {
  if (shape.length === 4 && shape[2] === shape[3]) return shape[2];
  throw new FeatherdetError(`an elastic network has a square input, this is [${shape.join(",")}]`, { file: name });
}

function sizesOf(graph: Graph, sizes: readonly number[]): number[] {
  const side = sideOf(graph), list = [...new Set(sizes)].sort((a, b) => a - b);
  if (list.at(-1) === side) return list;
  throw new FeatherdetError(`the largest size is ${list.at(-1)}, the model is built for ${side}`, { file: graph.name });
}

function widthsOf(widths: readonly number[]): number[] {
  const wrong = widths.find((share) => !(share > 0 && share <= 1));
  if (wrong !== undefined) throw new FeatherdetError(`a width of ${wrong}: expected shares above 0 and up to 1`);
  const list = [...new Set(widths)].sort((a, b) => a - b);
  if (list.at(-1) !== 1) throw new FeatherdetError("the widths of an elastic network end with 1, the whole");
  return list;
}

/**
 * A network with its sub-networks: each row may have fewer channels, fewer of its residual branches and smaller kernels in them. Rows and
 * branches are found by structure and by the paths of weights, so it takes any model with BatchNormalization that was not folded.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { elasticNet } from "./net.ts";
 * const { space } = elasticNet(yolo11({ size: 64 }), { widths: [0.5, 1] });
 * const names = space.dimensions.map(({ name }) => name);
 * assert.ok(["width model.6", "depth model.6", "kernel model.6"].every((name) => names.includes(name)));
 * ```
 *
 * Throws FeatherdetError for widths and sizes that cannot be, for orders of other bundles, and for a model in which nothing is elastic.
 */
export function elasticNet(model: Graph, options: ElasticOptions = {}): ElasticNet {
  const graph = recogniseActivations(model), { depth = true, kernels = true } = options;
  const widths = widthsOf(options.widths ?? [0.5, 0.75, 1]), sizes = sizesOf(graph, options.sizes ?? [sideOf(graph)]);
  const rows = rowsOf(graph, options), dimensions: Dimension[] = [];
  const add = (kind: "width" | "depth" | "kernel", path: string, values: readonly number[]) => {
    if (values.length > 1) dimensions.push({ name: `${kind} ${path}`, kind, values });
  };
  for (const { path, bundles, branches } of rows) {
    if (bundles.length > 0) add("width", path, widths);
    if (depth) add("depth", path, Array.from({ length: branches.length + 1 }, (_, count) => count));
    const sides = branches.flatMap(({ kernel }) => kernel ? [graph.constants.get(kernel.inputs[1])!.shape[2]] : []);
    if (kernels && sides.length > 0) add("kernel", path, sidesOf(Math.max(...sides)));
  }
  if (sizes.length > 1) dimensions.push({ name: "size", kind: "size", values: sizes });
  if (dimensions.length === 0) throw new FeatherdetError("nothing of the model is elastic", { file: model.name });
  return { graph, rows, options: { ...options, widths, depth, kernels, sizes }, space: createSpace(dimensions) };
}

/** What the sub-network of a point lacks. */
export function cutsOf({ graph, space, rows }: ElasticNet, point: Point): Cuts {
  const chosen = new Map(space.dimensions.map(({ name, values }, i) => [name, values[point[i]] as number]));
  const kernels = new Map<string, number>();
  for (const { path, branches } of rows) {
    const side = chosen.get(`kernel ${path}`);
    for (const { kernel } of branches) {
      const weight = kernel?.inputs[1];
      if (side === undefined || weight === undefined) continue;
      if (side < graph.constants.get(weight)!.shape[2]) kernels.set(weight, side);
    }
  }
  return {
    kernels,
    size: chosen.get("size") ?? sideOf(graph),
    branches: rows.flatMap(({ path, branches }) => branches.slice(chosen.get(`depth ${path}`) ?? branches.length)),
    groups: rows.flatMap(({ path, bundles }) =>
      bundles.flatMap(({ bundle: { groups }, order }) => {
        const gone = groups.length - keptOf(groups.length, chosen.get(`width ${path}`) ?? 1);
        return order.slice(0, gone).map((group) => groups[group]);
      })
    ),
  };
}
