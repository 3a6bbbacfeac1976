/**
 * What became of a model's layers and costs, whatever happened between two states of it.
 *
 * @module
 */

import { type PruneReport, pruneReport } from "../../compress/prune/mod.ts";
import type { Graph } from "../../graph/mod.ts";
import { reportedState } from "./latency.ts";
import type { PruneOnOptions } from "./one_shot.ts";

/** The report of a cut, with milliseconds of the layers where they were asked for or count. Throws as `measuredLatency`. */
export async function reportOf(before: Graph, after: Graph, options: PruneOnOptions): Promise<PruneReport> {
  const { budget, criterion = "taylor", times, per } = options;
  const timing = times || budget.latency !== undefined || per === "latency" ? options : undefined;
  return pruneReport(await reportedState(before, timing), await reportedState(after, timing), { criterion, budget });
}
