/**
 * Memory by liveness: which values may share memory because their lives do not meet.
 *
 * @module
 */

/** A tensor that wants memory: its size and the nodes between which it lives, both inclusive. */
export interface Interval {
  readonly name: string;
  readonly size: number;
  readonly first: number;
  readonly last: number;
  /** Offsets are multiples of this; 1 by default. */
  readonly alignment?: number;
}

/** Offsets by name and the size that holds them all. */
export interface Allocation {
  readonly offsets: ReadonlyMap<string, number>;
  readonly size: number;
}

interface Placed extends Interval {
  readonly offset: number;
}

/** What has a place, by the stretches of nodes in which it lives: most live so shortly that few are looked at. */
class PlacedIntervals {
  static readonly #STRETCH = 32;
  readonly #stretches = new Map<number, Placed[]>();

  #of({ first, last }: Interval): number[] {
    const [from, to] = [first, last].map((node) => Math.floor(node / PlacedIntervals.#STRETCH));
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  }

  add(interval: Placed): void {
    for (const stretch of this.#of(interval)) {
      const list = this.#stretches.get(stretch);
      if (list) list.push(interval);
      else this.#stretches.set(stretch, [interval]);
    }
  }

  /** Those that live at a node at which the interval does, too. */
  rivals(interval: Interval): Placed[] {
    const found = new Set<Placed>();
    for (const stretch of this.#of(interval)) {
      for (const other of this.#stretches.get(stretch) ?? []) {
        if (other.first <= interval.last && interval.first <= other.last) found.add(other);
      }
    }
    return [...found];
  }
}

function place(order: readonly Interval[]): Allocation {
  const offsets = new Map<string, number>();
  const placed = new PlacedIntervals();
  let size = 0;
  for (const interval of order) {
    const rivals = placed.rivals(interval).sort((a, b) => a.offset - b.offset);
    const { alignment = 1 } = interval;
    let best = -1, bestGap = Infinity, free = 0;
    for (const rival of rivals) {
      const gap = rival.offset - free;
      if (gap >= interval.size && gap < bestGap) [best, bestGap] = [free, gap];
      free = Math.max(free, Math.ceil((rival.offset + rival.size) / alignment) * alignment);
    }
    const offset = best >= 0 ? best : free;
    offsets.set(interval.name, offset);
    placed.add({ ...interval, offset });
    size = Math.max(size, offset + interval.size);
  }
  return { offsets, size };
}

type Order = (a: Interval, b: Interval) => number;

/** Largest first, earliest first, longest first, largest sum over their lives first. */
const ORDERS: readonly Order[] = [
  (a, b) => b.size - a.size || a.first - b.first,
  (a, b) => a.first - b.first || b.size - a.size,
  (a, b) => (b.last - b.first) - (a.last - a.first) || b.size - a.size,
  (a, b) => b.size * (b.last - b.first + 1) - a.size * (a.last - a.first + 1),
];

/** Rounds behind the first, and how many intervals they place in all: detectors have a hundred, steps of training nearly a thousand. */
const MORE_ROUNDS = 8, MORE_PLACED = 5000;

/**
 * Gives every interval an offset so that no two that live at the same node overlap. Best fit, tried in several orders, of which the tightest
 * is kept. While none comes down to the lower bound, what reached beyond it goes to the front of its order, for some rounds.
 */
export function allocate(intervals: readonly Interval[]): Allocation {
  const bound = lowerBound(intervals);
  let orders = ORDERS.map((order) => [...intervals].sort(order));
  const rounds = Math.min(MORE_ROUNDS, Math.floor(MORE_PLACED / (orders.length * intervals.length)));
  let best: Allocation | undefined;
  for (let round = 0; round <= rounds; round++) {
    const found = orders.map(place);
    best = found.reduce((a, b) => b.size < a.size ? b : a, best ?? found[0]);
    if (best.size <= bound) break;
    orders = orders.map((order, i) => {
      const beyond = (one: Interval) => found[i].offsets.get(one.name)! + one.size > bound;
      return [...order.filter(beyond), ...order.filter((one) => !beyond(one))];
    });
  }
  return best!;
}

/** The largest sum of sizes that live at one node: no allocation can be smaller. */
export function lowerBound(intervals: readonly Interval[]): number {
  const changes = new Map<number, number>();
  for (const { size, first, last } of intervals) {
    changes.set(first, (changes.get(first) ?? 0) + size);
    changes.set(last + 1, (changes.get(last + 1) ?? 0) - size);
  }
  let live = 0, most = 0;
  for (const [, change] of [...changes].sort(([a], [b]) => a - b)) most = Math.max(most, live += change);
  return most;
}
