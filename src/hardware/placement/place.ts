/**
 * Places a graph on several engines: which nodes run where, for the least latency of a frame or for the most frames a second.
 *
 * A placement is a list of stretches of the graph's order, each on an engine. A stretch costs
 *
 *   call + values in and out * perValue + their bytes * perByte + the milliseconds of its nodes
 *
 * since all values go through the host's memory. So the fastest placement is a shortest path over the places of cuts, found by dynamic
 * programming. In a pipeline every engine has one stretch and works on another frame, and the one with most to do sets the pace: the
 * placement with the least of that is sought among all of them.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { CutPlaces, Through } from "./steps.ts";

/** What an engine takes. */
export interface EngineCosts {
  /** Its name. */
  readonly name: string;
  /** Milliseconds by the name of the node; nodes that are not named take none. */
  readonly nodes: ReadonlyMap<string, number>;
  /** Milliseconds of a run besides its nodes and what goes in and comes out. */
  readonly call: number;
  /** The part of that in which the engine can work on another run already: waiting for results and for the thread that takes them. */
  readonly hidden: number;
  /** Milliseconds a value that goes in or comes out. */
  readonly perValue: number;
  /** Milliseconds a byte that goes in or comes out. */
  readonly perByte: number;
  /** How much longer it takes while the others compute, too: 1 where they share nothing. */
  readonly busy: number;
}

/** A stretch of a graph on an engine. */
export interface Stretch {
  /** Name of the engine. */
  readonly engine: string;
  /** Number of its first node, and of the first behind it. */
  readonly from: number;
  readonly to: number;
  /** Milliseconds, alone. */
  readonly milliseconds: number;
  /** Bytes that go in and come out. */
  readonly bytes: number;
}

/** A placement with what is predicted of it. */
export interface Placement {
  /** In the order of the graph. */
  readonly stretches: readonly Stretch[];
  /** Values at which the graph is cut, one list a cut (see `cutGraph`). */
  readonly cuts: readonly (readonly string[])[];
  /** Milliseconds of one frame alone. */
  readonly latency: number;
  /** Milliseconds from frame to frame, several under way. */
  readonly interval: number;
}

/** Searches placements of one graph on given engines. */
export class Placer {
  readonly #places: CutPlaces;
  readonly #engines: readonly EngineCosts[];
  /** Costs of the nodes before a place, by engine. */
  readonly #sums: readonly (readonly number[])[];
  readonly #through = new Map<number, Through>();

  /** Throws FeatherdetError if there is no engine, or if two have the same name. */
  constructor(places: CutPlaces, engines: readonly EngineCosts[]) {
    if (engines.length === 0 || new Set(engines.map(({ name }) => name)).size < engines.length) {
      throw new FeatherdetError("a placement needs engines with names of their own");
    }
    this.#places = places;
    this.#engines = engines;
    this.#sums = engines.map(({ nodes }) => {
      let sum = 0;
      return [0, ...places.graph.nodes.map(({ name }) => sum += nodes.get(name) ?? 0)];
    });
  }

  #throughOf(from: number, to: number): Through {
    const key = from * (this.#places.graph.nodes.length + 1) + to;
    let found = this.#through.get(key);
    if (found === undefined) this.#through.set(key, found = this.#places.through(from, to));
    return found;
  }

  /** A stretch on an engine. */
  stretch(engine: number, from: number, to: number): Stretch {
    const { name, call, perValue, perByte } = this.#engines[engine];
    const { values, bytes } = this.#throughOf(from, to), sums = this.#sums[engine];
    const milliseconds = call + perValue * values + perByte * bytes + sums[to] - sums[from];
    return { engine: name, from, to, bytes, milliseconds };
  }

  /** What is predicted of stretches that follow each other. */
  placement(stretches: readonly Stretch[]): Placement {
    const loads = this.#engines.map(({ name, hidden, busy }) => {
      const load = stretches.reduce((sum, one) => sum + (one.engine === name ? one.milliseconds - hidden : 0), 0);
      return load * (stretches.every(({ engine }) => engine === stretches[0].engine) ? 1 : busy);
    });
    return {
      stretches,
      cuts: stretches.slice(0, -1).map(({ to }) => this.#places.cutAt(to)),
      latency: stretches.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
      interval: Math.max(...loads),
    };
  }

  /** The placement with the least latency. */
  forLatency(): Placement {
    const { places } = this.#places;
    // The best way to each place that ends on each engine; two stretches on one engine never follow each other.
    const best: (Stretch | undefined)[][] = places.map(() => []),
      cost = places.map(() => this.#engines.map(() => Infinity));
    const before = places.map(() => this.#engines.map(() => -1));
    for (let to = 1; to < places.length; to++) {
      for (let from = 0; from < to; from++) {
        this.#engines.forEach((_, engine) => {
          const stretch = this.stretch(engine, places[from], places[to]);
          const [soFar, last] = from === 0
            ? [0, -1]
            : cost[from].reduce((least, one, other) => other !== engine && one < least[0] ? [one, other] : least, [
              Infinity,
              -1,
            ]);
          const total = soFar + stretch.milliseconds;
          if (total >= cost[to][engine]) return;
          cost[to][engine] = total;
          best[to][engine] = stretch;
          before[to][engine] = last;
        });
      }
    }
    const stretches: Stretch[] = [];
    let at = places.length - 1, engine = cost[at].indexOf(Math.min(...cost[at]));
    while (at > 0) {
      const stretch = best[at][engine]!;
      stretches.unshift(stretch);
      engine = before[at][engine];
      at = places.indexOf(stretch.from);
    }
    return this.placement(stretches);
  }

  /** Every placement that has one stretch on each engine at most. */
  *#pipelines(): Generator<Placement> {
    const { places } = this.#places, last = places.length - 1;
    const walk = function* (placer: Placer, at: number, done: readonly Stretch[]): Generator<Placement> {
      for (const [engine, { name }] of placer.#engines.entries()) {
        if (done.some((stretch) => stretch.engine === name)) continue;
        yield placer.placement([...done, placer.stretch(engine, places[at], places[last])]);
        if (done.length + 1 >= placer.#engines.length) continue;
        for (let to = at + 1; to < last; to++) {
          yield* walk(placer, to, [...done, placer.stretch(engine, places[at], places[to])]);
        }
      }
    };
    yield* walk(this, 0, []);
  }

  /** Of all pipelines, those of one engine among them, the one with the least interval between frames; of equals the one with the least latency. */
  forThroughput(accepts: (placement: Placement) => boolean = () => true): Placement {
    return this.#least(({ interval }) => interval, accepts);
  }

  /** The pipeline on several engines with the least latency, whether or not one engine alone is faster. */
  bestCut(): Placement | undefined {
    if (this.#engines.length === 1) return undefined;
    return this.#least(({ latency }) => latency, ({ stretches }) => stretches.length > 1);
  }

  #least(cost: (placement: Placement) => number, accepts: (placement: Placement) => boolean): Placement {
    let best: Placement | undefined;
    for (const placement of this.#pipelines()) {
      if (!accepts(placement)) continue;
      const difference = best === undefined ? -1 : cost(placement) - cost(best);
      if (difference < 0 || difference === 0 && placement.latency < best!.latency) best = placement;
    }
    if (best === undefined) throw new FeatherdetError("the graph cannot be cut anywhere");
    return best;
  }
}
