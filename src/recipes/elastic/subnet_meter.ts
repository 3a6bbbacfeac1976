/**
 * What sub-networks of an elastic network are worth: each is taken out, its statistics are measured anew, and it is evaluated.
 *
 * @module
 */

import { hashOfGraph } from "../../compress/graph_hash.ts";
import { cutsOf, type ElasticNet, subnetOf } from "../../compress/elastic/mod.ts";
import { createMemoryMemo, type Memo, remember } from "../../compress/meter.ts";
import type { Point } from "../../compress/search/space.ts";
import type { Dataset } from "../../data/dataset.ts";
import { datasetText } from "../../eval/meter.ts";
import { openSharedDevice } from "../../gpu/device.ts";
import type { Graph } from "../../graph/mod.ts";
import { changeShapes, withBatch } from "../../passes/mod.ts";
import type { NormTargets } from "../../train/autodiff/reestimate_statistics.ts";
import type { StatisticsSample } from "../../train/autodiff/statistics.ts";
import { type AnalogScore, scoreOf } from "../photonic.ts";
import { batchesOf, reestimateTo, targetsOn } from "../prune/measure.ts";

/** Which pictures sub-networks are measured on. */
export interface SubnetMeterOptions {
  /** Pictures of the training set that statistics are measured on; 64 by default. */
  readonly pictures?: number;
  /** How many at a time; 8 by default. */
  readonly batch?: number;
  /** Scores of earlier runs; by default none. */
  readonly memo?: Memo;
}

/** Takes sub-networks out and measures them. */
export interface SubnetMeter {
  /** What scores say, as text. */
  readonly basis: string;
  /** The sub-network of a point as a plain graph with statistics of its own. */
  take(point: Point): Promise<Graph>;
  /** COCO's figures of a plain graph on the judging pictures. */
  score(graph: Graph): Promise<AnalogScore>;
}

/** A meter of the sub-networks of a net, which has its trained weights. Keeps the pictures in memory as networks read them. */
export function createSubnetMeter(
  net: ElasticNet,
  { train, judge }: { readonly train: Dataset; readonly judge: Dataset },
  { pictures = 64, batch = 8, memo = createMemoryMemo() }: SubnetMeterOptions = {},
): SubnetMeter {
  const size = Math.min(batch, pictures, train.images.length);
  const whole = withBatch(net.graph, size), known = new Map<number, Promise<readonly StatisticsSample[]>>();
  const basis = `mAP after new statistics, ${size} at a time, on ${
    datasetText({ ...train, images: train.images.slice(0, pictures) })
  }; judged on ${datasetText(judge)}`;
  /** Batches of the pictures at an input size. */
  const batches = (side: number) => {
    const [{ name, shape }] = whole.inputs;
    const sized = shape[2] === side ? whole : changeShapes(whole, { [name]: [...shape.slice(0, 2), side, side] });
    const found = known.get(side) ?? Array.fromAsync(batchesOf(sized, train, pictures));
    known.set(side, found);
    return found;
  };
  let targets: Promise<NormTargets> | undefined;
  return {
    basis,
    async take(point) {
      const { groups, size: side } = cutsOf(net, point), largest = whole.inputs[0].shape[2];
      const wholes = await batches(largest), own = await batches(side);
      const aims = await (targets ??= targetsOn(whole, () => wholes));
      return await reestimateTo({ graph: subnetOf(net, point), groups }, aims, () => own, size);
    },
    async score(graph) {
      const { adapter } = await openSharedDevice(), key = `${adapter.name} | ${basis} | ${hashOfGraph(graph)}`;
      // Both figures come of one evaluation, which is made for the first that is not known.
      let made: Promise<AnalogScore> | undefined;
      const figure = (name: keyof AnalogScore) =>
        remember(memo, "subnet", `${name} | ${key}`, async () => (await (made ??= scoreOf(graph, judge)))[name]);
      return { map: await figure("map"), map50: await figure("map50") };
    },
  };
}
