/**
 * What calibration saw of a graph: the ground on which every scheme and observer chooses.
 *
 * @module
 */

import { type ChannelOrigin, channelOrigins, FeatherdetError, type Graph } from "../../graph/mod.ts";
import type { Statistics } from "../statistics.ts";
import { joined, type Observed, type ValueStatistics } from "../value_statistics.ts";
import type { Placement } from "./placement.ts";

/** Statistics of a calibration run. */
export interface CalibrationStatistics {
  /** Number of samples. */
  readonly samples: number;
  /** Statistics of every value that was counted. */
  readonly values: ReadonlyMap<string, ValueStatistics>;
  /** Doubts about the samples, a sentence each. */
  readonly warnings: readonly string[];
}

/** What was collected of the values of a graph, as calibration tells it. */
export function seenValues(statistics: Statistics): CalibrationStatistics {
  return { samples: statistics.samples, values: statistics.all("value"), warnings: statistics.warnings };
}

/** A graph that is ready to be quantized, with the statistics of its values. Different schemes can be tried without another run. */
export class Calibration {
  /** The graph with BatchNormalizations folded and activations recognised, and equalised if `equalise` was set. */
  readonly graph: Graph;
  /** Number of pairs that were equalised; undefined without `equalise`. */
  readonly equalised: number | undefined;
  /** Statistics of the values. */
  readonly statistics: CalibrationStatistics;
  /** The model that was calibrated, for the history of models that are made from it. */
  readonly parent: Graph;
  readonly #placement: Placement;
  #origins?: ReadonlyMap<string, readonly ChannelOrigin[]>;

  /** Made by `calibrate`. */
  constructor(
    graph: Graph,
    equalised: number | undefined,
    statistics: CalibrationStatistics,
    placement: Placement,
    parent: Graph = graph,
  ) {
    this.graph = graph;
    this.equalised = equalised;
    this.statistics = statistics;
    this.#placement = placement;
    this.parent = parent;
  }

  /** Joint statistics of some values. Throws FeatherdetError for a value that was not counted. */
  seen(values: readonly string[]): Observed {
    const sources = new Set(values.flatMap((value) => this.#placement.sourcesOf(value)));
    return joined([...sources].map((value) => this.#statisticsOf(value)));
  }

  /** Mean of each channel of a value; undefined if it does not follow from the values that were counted. */
  means(value: string): Float64Array | undefined {
    const known = this.statistics.values.get(value);
    if (known) return known.means();
    this.#origins ??= channelOrigins(this.graph, this.statistics.values.keys());
    const origins = this.#origins.get(value);
    if (origins === undefined) return undefined;
    const sources = new Set(origins.map((origin) => origin.value));
    const means = new Map([...sources].map((name) => [name, this.statistics.values.get(name)!.means()]));
    return Float64Array.from(origins, (origin) => means.get(origin.value)![origin.channel]);
  }

  #statisticsOf(value: string) {
    const known = this.statistics.values.get(value);
    if (known) return known;
    throw new FeatherdetError(`calibration did not look at "${value}": calibrate with float "none"`, {
      file: this.graph.name,
    });
  }
}
