/**
 * Training of an elastic network as a job asks for it, and the network that such a run has trained.
 *
 * @module
 */

import { bundleKey, type ElasticNet, elasticNet, type ElasticOptions } from "../../compress/elastic/mod.ts";
import { laddersOf } from "../../compress/prune/select.ts";
import { scoreGroups } from "../../compress/prune/score.ts";
import { channelBundles, couplingGroups } from "../../graph/channels/mod.ts";
import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import { openCheckpoint } from "../../host/run_folder.ts";
import { loadOnnx } from "../../onnx/mod.ts";
import { recogniseActivations } from "../../passes/mod.ts";
import { elastic } from "../../train/mod.ts";
import type { TrainOptions } from "../train_options.ts";
import { elasticTrainer } from "./trainer.ts";

/** What of a network is elastic, as a run is asked for it. */
export interface ElasticRequest {
  /** Shares of its channels that a row may have; the usual ones for true. */
  readonly elastic?: readonly number[] | true;
  /** Sides of the input beside the largest one. */
  readonly elasticSizes?: readonly number[];
  /** What is not elastic. */
  readonly elasticFixed?: readonly ElasticPart[];
  /** Sub-networks of chance in each step; 2 by default. */
  readonly subnets?: number;
}

/** What can be left out of an elastic network. */
export type ElasticPart = "depth" | "kernels";

/** What `--elastic-fixed` takes. */
export const ELASTIC_PARTS: readonly ElasticPart[] = ["depth", "kernels"];

/** What else a run may be asked for that does not go together with masks of its own. */
interface Others {
  readonly quantize?: unknown;
  readonly photonic?: unknown;
  readonly teacher?: unknown;
  readonly groupLasso?: unknown;
  readonly fixedNorm?: unknown;
}

/** Throws FeatherdetError for options of elastic networks that do not go together, or with others. */
export function checkElastic(request: ElasticRequest & Others): void {
  if (request.elastic === undefined) {
    const flags = { elasticSizes: "elastic-sizes", elasticFixed: "elastic-fixed", subnets: "subnets" } as const;
    for (const [name, flag] of Object.entries(flags)) {
      if (request[name as keyof typeof flags] === undefined) continue;
      throw new FeatherdetError(`--${flag} is for elastic networks: give --elastic`);
    }
    return;
  }
  const others = {
    quantize: "quantize",
    photonic: "photonic",
    teacher: "teacher",
    groupLasso: "group-lasso",
    fixedNorm: "fixed-norm",
  } as const;
  for (const [name, flag] of Object.entries(others)) {
    if (request[name as keyof typeof others] === undefined) continue;
    throw new FeatherdetError(`--${flag} and --elastic do not go together: take out a sub-network first`);
  }
}

/** Which channels go first, by their norms: those that matter least for a network that has learned something. */
export function orderByNorm(model: Graph): NonNullable<ElasticOptions["order"]> {
  const graph = recogniseActivations(model), bundles = channelBundles(couplingGroups(graph).groups);
  const ladders = laddersOf(scoreGroups(bundles, { graph, seed: 0 }, { criterion: "l2" }));
  return Object.fromEntries(bundles.map((bundle, i) => [bundleKey(bundle), ladders[i].order]));
}

/** How the run is asked for, and with what it began. */
interface Begun {
  readonly seed?: number;
  /** Whether the model has learned something, so that its channels have an order. */
  readonly trained: boolean;
  /** Settings of the run that is resumed. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** Settings of a run that trains an elastic network. */
interface ElasticSettings {
  readonly elastic?: ElasticOptions;
  readonly elasticOrder?: ElasticOptions["order"];
}

/**
 * Variant and trainer of an elastic network; nothing where none is asked for. Throws FeatherdetError as `elasticNet` does.
 */
export function elasticTraining(
  { elastic: asked, elasticSizes, elasticFixed = [], subnets }: ElasticRequest,
  model: Graph,
  { seed, trained, settings }: Begun,
): Pick<TrainOptions, "variants" | "createTrainer"> {
  if (asked === undefined) return {};
  const { elasticOrder } = (settings ?? {}) as ElasticSettings, [{ shape }] = model.inputs;
  const order = settings ? elasticOrder : trained ? orderByNorm(model) : undefined;
  const net = elasticNet(model, {
    ...(asked !== true && { widths: asked }),
    ...(elasticSizes && { sizes: [...elasticSizes, shape[2]] }),
    ...{ depth: !elasticFixed.includes("depth"), kernels: !elasticFixed.includes("kernels"), order },
  });
  return { variants: [elastic(net)], createTrainer: elasticTrainer(net, { seed, subnets }) };
}

/**
 * The network that a run has trained, with its averaged weights, from the run's folder or a checkpoint. Throws FeatherdetError for a run of
 * another kind.
 */
export async function loadElastic(place: string): Promise<{ readonly net: ElasticNet; readonly file: string }> {
  const { checkpoint, file } = await openCheckpoint(place);
  const { elastic: options, elasticOrder: order } = checkpoint.settings as ElasticSettings;
  if (options === undefined || checkpoint.model === undefined) {
    throw new FeatherdetError("is no run of an elastic network: train one with --elastic", { file });
  }
  return { file, net: elasticNet(await loadOnnx(checkpoint.model), { ...options, order }) };
}
