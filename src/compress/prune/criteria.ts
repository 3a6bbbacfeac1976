/**
 * What a channel is worth: one row a criterion.
 *
 * A criterion looks at the coupling groups of a bundle, which are channels of the same layers, and gives each a number for each of its
 * *parts*: slices of weights, scales of normalisation, values. `score.ts` makes one number of these.
 *
 * @module
 */

import type { ChannelBundle, ChannelMember, CouplingGroup } from "../../graph/channels/mod.ts";
import { type Constant, FeatherdetError, type Graph, GraphIndex, sizeOf } from "../../graph/mod.ts";
import { Random } from "../../numbers/random.ts";
import type { StatisticsFound } from "../statistics.ts";
import { surgeonScores } from "./surgeon.ts";

/**
 * What was measured of a graph on pictures, as far as criteria ask for it: kinds of statistics, by key. Gradients of scales and biases
 * suffice where there is BatchNormalization.
 */
export type PruneStatistics = Pick<StatisticsFound, "activation" | "covariance" | "gradient">;

/** What criteria work with. */
export interface CriterionContext extends PruneStatistics {
  /** The graph whose channels are scored. */
  readonly graph: Graph;
  /** Of the criterion `random`. */
  readonly seed: number;
}

/** Names of the criteria. */
export const CRITERIA_NAMES = ["l1", "l2", "bn", "lamp", "fpgm", "activation", "taylor", "surgeon", "random"] as const;

/** Name of a criterion. */
export type CriterionName = typeof CRITERIA_NAMES[number];

/** A way to tell what channels are worth. */
export interface Criterion {
  /** What it measures, with the paper. */
  readonly about: string;
  /** Statistics that it needs; none if it is left out. */
  readonly needs?: readonly (keyof PruneStatistics)[];
  /** Whether its scores are changes of one loss, so that those of different layers can be compared as they are. */
  readonly isLoss?: boolean;
  /** Numbers of each group of a bundle, in their order; the greater, the more it is worth. */
  parts(bundle: ChannelBundle, context: CriterionContext): number[][];
}

/** Calls `visit` for each element of the slices of a constant that belong to a group. */
function forEachElement(
  { axis, indices }: Pick<ChannelMember, "axis" | "indices">,
  { shape }: Constant,
  visit: (position: number) => void,
): void {
  const inner = sizeOf(shape.slice(axis + 1)), outer = sizeOf(shape.slice(0, axis));
  for (let row = 0; row < outer; row++) {
    for (const index of indices) {
      const start = (row * shape[axis] + index) * inner;
      for (let at = start; at < start + inner; at++) visit(at);
    }
  }
}

/** Slices of factors of convolutions and products: rows that make the channel and columns that read it. */
function weightMembers({ members }: CouplingGroup): ChannelMember[] {
  return members.filter(({ operator, role, axis, constant, input }) =>
    operator !== "BatchNormalization" && (role === "reads" || input === 1 && axis === 0 && constant !== "")
  );
}

function normOf(member: ChannelMember, { constants }: Graph, power: 1 | 2): number {
  const constant = constants.get(member.constant)!;
  let sum = 0;
  forEachElement(member, constant, (at) => {
    const x = Math.abs(Number(constant.data[at]));
    sum += power === 1 ? x : x * x;
  });
  return power === 1 ? sum : Math.sqrt(sum);
}

const weightNorm = (power: 1 | 2): Criterion["parts"] => ({ groups }, { graph }) =>
  groups.map((group) => weightMembers(group).map((member) => normOf(member, graph, power)));

/** Scales of the normalisations that channels of a group go through. */
function scalesOf(group: CouplingGroup): ChannelMember[] {
  return group.members.filter(({ operator, input }) => operator === "BatchNormalization" && input === 1);
}

/** Rows of the weights that make the channels of a group. */
const rowsOf = (group: CouplingGroup) => weightMembers(group).filter(({ role }) => role === "makes");

/** The squares of the norms of a group's rows over those of all rows of the layer that are not smaller. */
const lamp: Criterion["parts"] = ({ groups }, { graph }) => {
  const squares = groups.map((group) => rowsOf(group).map((member) => normOf(member, graph, 2) ** 2));
  const result = squares.map((row) => row.slice());
  for (let part = 0; part < (squares[0]?.length ?? 0); part++) {
    const order = squares.map((_, i) => i).sort((a, b) => squares[b][part] - squares[a][part]);
    let sum = 0;
    for (const i of order) {
      sum += squares[i][part];
      result[i][part] = sum > 0 ? squares[i][part] / sum : 0;
    }
  }
  return result;
};

function distanceOf(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return Math.sqrt(sum);
}

/** The sum of the distances of a group's rows to those of all groups: the nearest to all others can be replaced best. */
const fpgm: Criterion["parts"] = ({ groups }, { graph }) => {
  const rows = groups.map((group) =>
    rowsOf(group).map((member) => {
      const constant = graph.constants.get(member.constant)!, row: number[] = [];
      forEachElement(member, constant, (at) => row.push(Number(constant.data[at])));
      return Float64Array.from(row);
    })
  );
  const sums = rows.map((own) => own.map(() => 0));
  for (let a = 0; a < rows.length; a++) {
    for (let b = 0; b < a; b++) {
      for (let part = 0; part < rows[a].length; part++) {
        const distance = distanceOf(rows[a][part], rows[b][part]);
        sums[a][part] += distance;
        sums[b][part] += distance;
      }
    }
  }
  return sums;
};

function needed<Name extends keyof PruneStatistics>(
  context: CriterionContext,
  name: Name,
): NonNullable<PruneStatistics[Name]> {
  const found = context[name];
  if (found !== undefined) return found;
  throw new FeatherdetError(`this criterion needs ${name}s, which come from pictures: none were given`, {
    file: context.graph.name,
  });
}

const activation: Criterion["parts"] = ({ groups }, context) => {
  const means = needed(context, "activation");
  return groups.map(({ values }) =>
    values.filter(({ value, axis }) => axis === 1 && means.has(value)).map(({ value, indices }) =>
      indices.reduce((sum, index) => sum + means.get(value)![index], 0) / indices.length
    )
  );
};

/**
 * Where a channel can be closed, each place a list of members whose slices make it there: normalisations, or what makes the channel where
 * nothing normalises it.
 */
export function gatesOf({ members }: CouplingGroup): ChannelMember[][] {
  const norms = members.filter(({ operator, input }) => operator === "BatchNormalization" && input <= 2);
  const gates = norms.length > 0 ? norms : members.filter(({ role }) => role === "makes");
  return [...Map.groupBy(gates, ({ node }) => node).values()];
}

/**
 * The change of the loss, to first order, when a channel is closed: with a gate `z = 1` behind the normalisation,
 * `dL/dz = scale * dL/dscale + bias * dL/dbias`; where there is no normalisation, the same of the rows and the bias that make it. (The sum
 * over the rows before a normalisation is 0 for every channel, since it does not change when they are scaled.)
 */
const taylor: Criterion["parts"] = ({ groups }, context) => {
  const gradients = needed(context, "gradient");
  const { constants } = context.graph;
  const runs = Math.max(0, ...[...gradients.values()].map(({ length }) => length));
  const gate = (members: readonly ChannelMember[], run: number) => {
    let sum = 0;
    for (const member of members) {
      const constant = constants.get(member.constant)!, gradient = gradients.get(member.constant)?.[run];
      if (!gradient) continue;
      forEachElement(member, constant, (at) => sum += Number(constant.data[at]) * gradient[at]);
    }
    return sum;
  };
  return groups.map((group) =>
    gatesOf(group).map((members) => {
      let total = 0;
      for (let run = 0; run < runs; run++) total += gate(members, run) ** 2;
      if (Number.isFinite(total)) return total / runs;
      throw new FeatherdetError("the gradient is not finite, so that channels cannot be compared", {
        node: members[0].node,
        operator: members[0].operator,
      });
    })
  );
};

/**
 * The map whose channels a bundle's are among the others', where convolutions read them: the one that the first of these reads, or the
 * last one that carries all of them. Undefined where none does.
 */
export function mapOf({ groups, members }: ChannelBundle, graph: Graph): string | undefined {
  const index = GraphIndex.of(graph), names = new Map(graph.nodes.map((node) => [node.name, node]));
  const carried = groups[0].values.filter(({ value, axis }) =>
    axis === 1 && index.shapeOf(value).length === 4 &&
    groups.every(({ values }) => values.some((one) => one.value === value && one.axis === 1))
  ).map(({ value }) => value);
  const reading = members.filter(({ role }) => role === "reads").map(({ node }) => names.get(node)!.inputs[0]);
  return reading.find((value) => carried.includes(value)) ?? carried.at(-1);
}

/** What pictures leave uncertain of a channel's variance: with less, few pictures make channels look alike. */
const SURGEON_RIDGE = 0.05;

/**
 * `taylor` where the other channels of the bundle take over what they can of each that goes, as a fit behind the cut lets them. One part a
 * group. Channels of a bundle that no map carries are scored by `taylor` alone.
 */
const surgeon: Criterion["parts"] = (bundle, context) => {
  const covariances = needed(context, "covariance"), map = mapOf(bundle, context.graph);
  const worth = taylor(bundle, context).map((parts) => parts.reduce((a, b) => a + b, 0));
  const covariance = map === undefined ? undefined : covariances.get(map);
  if (!covariance) return worth.map((one) => [one]);
  const groups = bundle.groups.map(({ values }) =>
    values.find(({ value, axis }) => value === map && axis === 1)!.indices
  );
  return surgeonScores({ covariance, groups, worth }, SURGEON_RIDGE).map((score) => [score]);
};

const random: Criterion["parts"] = ({ groups, members }, { seed }) => {
  // Every bundle has a sequence of its own, whatever else the graph has.
  const name = [...members[0]?.node ?? ""].reduce((sum, char) => (sum * 31 + char.codePointAt(0)!) >>> 0, seed >>> 0);
  const random = new Random(name);
  return groups.map(() => [random.next()]);
};

/** The criteria. */
export const CRITERIA: Readonly<Record<CriterionName, Criterion>> = {
  l1: {
    about: "sum of the absolute weights that make and read the channel (Li et al. 2017)",
    parts: weightNorm(1),
  },
  l2: {
    about: "norm of the weights that make and read the channel (Fang et al. 2023, DepGraph)",
    parts: weightNorm(2),
  },
  bn: {
    about: "absolute scale of BatchNormalization (Liu et al. 2017, Network Slimming)",
    parts: ({ groups }, { graph }) => groups.map((group) => scalesOf(group).map((member) => normOf(member, graph, 1))),
  },
  lamp: {
    about: "squared norm of its rows over that of all rows that are not smaller (Lee et al. 2021)",
    parts: lamp,
  },
  fpgm: {
    about: "distance of its rows to those of all others (He et al. 2019, geometric median)",
    parts: fpgm,
  },
  activation: {
    about: "mean of its absolute values on pictures (Molchanov et al. 2017)",
    needs: ["activation"],
    parts: activation,
  },
  taylor: {
    about: "squared change of the loss to first order when it is closed (Molchanov et al. 2019)",
    needs: ["gradient"],
    isLoss: true,
    parts: taylor,
  },
  surgeon: {
    about:
      "what taylor says of the part of the channel that the others of its map cannot make up for (Hassibi and Stork 1993)",
    needs: ["gradient", "covariance"],
    isLoss: true,
    parts: surgeon,
  },
  random: { about: "chance, the control", parts: random },
};
