/**
 * Search for accelerators under an area: every array shape, dataflow and memory of a grid, with every variant of a model.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { FusedLayer } from "../layers.ts";
import { type Accelerator, areaOf, DATAFLOWS, DEFAULT_ACCELERATOR } from "./accelerator.ts";
import { simulateLayers, type Simulation } from "./simulate.ts";

/** A variant of a model. */
export interface SearchVariant {
  /** Its name. */
  readonly name: string;
  /** Its layers, without those that a CPU computes. */
  readonly layers: readonly FusedLayer[];
  /** Its score, of which more is better; absent where it was not measured. */
  readonly score?: number;
}

/** What is searched. */
export interface SearchOptions {
  /** Square millimetres at most, at 45 nm. */
  readonly area: number;
  /** Extents of rows and columns; 8 to 128 by doubling, by default. */
  readonly extents?: readonly number[];
  /** Bytes of all three memories; 24 kB to 768 kB by doubling, by default. */
  readonly memories?: readonly number[];
  /** GB/s of DRAM; the default accelerator's by default. */
  readonly bandwidth?: number;
  /** MHz; the default accelerator's by default. */
  readonly clock?: number;
}

/** A variant on an accelerator. */
export interface Design {
  /** Name of the variant. */
  readonly variant: string;
  /** Its score. */
  readonly score?: number;
  /** What it runs on. */
  readonly accelerator: Accelerator;
  /** Square millimetres. */
  readonly area: number;
  /** Time of a frame. */
  readonly milliseconds: number;
  /** Microjoules of a frame. */
  readonly microjoules: number;
  /** Share of the units that are used over all cycles. */
  readonly utilisation: number;
}

/** What was found. */
export interface Designs {
  /** Accelerators that fit the area. */
  readonly accelerators: number;
  /** Designs that no other one of the same variant or a better one beats in time, energy and area. */
  readonly front: readonly Design[];
}

const doubling = (from: number, count: number) => Array.from({ length: count }, (_, i) => from * 2 ** i);

/** Shares of inputs, weights and outputs in the memory. */
const SPLITS = [[1, 1, 1], [2, 1, 1], [1, 1, 2], [1, 2, 1]] as const;

/** Every accelerator of the grid that fits. */
export function acceleratorsWithin(options: SearchOptions): Accelerator[] {
  const { area, extents = doubling(8, 5), memories = doubling(24 * 1024, 6) } = options;
  const { bandwidth = DEFAULT_ACCELERATOR.bandwidth, clock = DEFAULT_ACCELERATOR.clock } = options;
  const all = extents.flatMap((rows) =>
    extents.flatMap((columns) =>
      memories.flatMap((bytes) =>
        SPLITS.flatMap((shares) => {
          const part = bytes / shares.reduce((sum, one) => sum + one, 0);
          const [input, weight, output] = shares.map((one) => Math.floor(part * one));
          const sram = { input, weight, output };
          return DATAFLOWS.map((dataflow) => ({ rows, columns, dataflow, sram, bandwidth, clock }));
        })
      )
    )
  );
  return all.filter((one) => areaOf(one) <= area);
}

/** Costs of a design, and its score as one more cost. */
const costsOf = ({ milliseconds, microjoules, area, score = 0 }: Design) => [milliseconds, microjoules, area, -score];

/** Designs that no other one beats: is not worse in anything and better in something. */
export function designFront(designs: readonly Design[]): Design[] {
  const sorted = [...designs].sort((a, b) => a.milliseconds - b.milliseconds || a.microjoules - b.microjoules);
  const front: Design[] = [];
  // Whoever beats a design is not slower, so that it comes before it.
  for (const design of sorted) {
    const own = costsOf(design);
    const isBeaten = front.some((other) => costsOf(other).every((cost, i) => cost <= own[i]));
    if (!isBeaten) front.push(design);
  }
  return front;
}

/**
 * Tries all accelerators of the grid that fit the area with all variants, and keeps the front over time, energy, area and score. Throws
 * FeatherdetError if no accelerator fits.
 */
export function searchAccelerators(variants: readonly SearchVariant[], options: SearchOptions): Designs {
  const accelerators = acceleratorsWithin(options);
  if (accelerators.length === 0) {
    throw new FeatherdetError(`no accelerator of the grid fits ${options.area} square millimetres`);
  }
  const designs = variants.flatMap(({ name, layers, score }) =>
    accelerators.map((accelerator): Design => {
      const { area, milliseconds, energy, utilisation }: Simulation = simulateLayers(layers, accelerator);
      return { variant: name, score, accelerator, area, milliseconds, microjoules: energy.total, utilisation };
    })
  );
  return { accelerators: accelerators.length, front: designFront(designs) };
}
