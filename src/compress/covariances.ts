/**
 * Statistics of channels together: how those of a map vary with each other, over positions of all samples.
 *
 * @module
 */

import { FeatherdetError, type Graph, GraphIndex, sizeOf } from "../graph/mod.ts";
import { RowSums } from "../numbers/least_squares.ts";
import type { Collecting } from "./collect.ts";
import type { StatisticsSource } from "./statistics.ts";
import { JointSamples } from "./together.ts";

/** Positions of each map that are looked at, of every picture. */
const POSITIONS = 96;

/** Of each picture the next positions, so that all parts of maps are looked at: the golden ratio spreads them. */
const TURN = (Math.sqrt(5) - 1) / 2;

/** Rows of the channels of a map `[N,C,H,W]` at positions that are spread over it, those of picture `first` and the next ones. */
function spreadRows(
  { shape, data }: { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
  first: number,
) {
  const [pictures, channels, height, width] = shape, size = height * width, taken = Math.min(POSITIONS, size);
  const rows = new Float32Array(pictures * taken * channels);
  let at = 0;
  for (let picture = 0; picture < pictures; picture++) {
    const from = (first + picture) * TURN % 1;
    for (let k = 0; k < taken; k++) {
      const position = Math.floor((k + from) * size / taken);
      for (let c = 0; c < channels; c++) rows[at++] = data[(picture * channels + c) * size + position];
    }
  }
  return { rows, count: pictures * taken };
}

/** Bytes of maps that are read back at a time, unless one alone has more. */
const BYTES = 2 ** 28;

/** The graph with some maps as outputs, several times where they are too large together. */
function watching(graph: Graph, maps: readonly string[]): Graph[] {
  const index = GraphIndex.of(graph), parts: string[][] = [];
  let bytes = Infinity;
  for (const map of maps) {
    const more = 4 * sizeOf(index.shapeOf(map));
    if (bytes + more > BYTES) [bytes] = [0, parts.push([])];
    parts.at(-1)!.push(map);
    bytes += more;
  }
  return parts.map((outputs) => ({ ...graph, outputs }));
}

/**
 * Begins to collect covariances of the channels of `maps`, which are `[N,C,H,W]`, over 96 positions of each picture. Ending throws
 * FeatherdetError where one is not finite; what the runner throws is passed on.
 */
export function collectCovariances(
  graph: Graph,
  maps: readonly string[],
  { runner, together = 1 }: Pick<StatisticsSource, "runner" | "together">,
): Collecting<ArrayLike<number>> {
  const all = new Map<string, RowSums>(), watched = new Map<Graph, Graph[]>();
  let pictures = 0;
  const joint = new JointSamples(graph, together, async (run) => {
    const known = watched.get(run.graph) ?? watching(run.graph, maps);
    watched.set(run.graph, known);
    for (const part of known) {
      const found = await runner.run(part, run.inputs);
      for (const map of part.outputs) {
        const { rows, count } = spreadRows(found[map], pictures), channels = found[map].shape[1];
        const sums = all.get(map) ?? new RowSums(channels, 0);
        all.set(map, sums);
        sums.add(rows, count);
      }
    }
    pictures += run.graph.inputs[0].shape[0];
  });
  return {
    add: (sample) => joint.add(sample),
    async end() {
      await joint.end();
      const bad = [...all].find(([, sums]) => !sums.isFinite);
      if (bad) throw new FeatherdetError(`a covariance of channels of "${bad[0]}" is not finite`, { file: graph.name });
    },
    found: () => new Map([...all].map(([map, sums]) => [map, sums.covariance()])),
    warnings: () => [],
    release() {
      for (const each of [...watched.values()].flat()) runner.release(each);
    },
  };
}
