/**
 * Pictures of one data set dealt out to clients, unevenly as they are in the world.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { Random } from "../../numbers/random.ts";

/** A picture as far as its dealing is concerned. */
export interface DealtPicture {
  /** Classes of the objects on it, one entry an object. */
  readonly classes: readonly number[];
  /** Where it comes from: a camera, a site, a folder. */
  readonly source: string;
}

/** A way to deal: `iid` evenly, `dirichlet` by classes with random shares, `class` by classes in blocks, `source` whole sources. */
export type DealName = "iid" | "dirichlet" | "class" | "source";

/** How pictures are dealt. */
export interface DealOptions {
  /** How many. */
  readonly clients: number;
  /** Equal seeds deal alike; 0 by default. */
  readonly seed?: number;
  /** Concentration of the Dirichlet distribution: the smaller, the more uneven; 0.5 by default. */
  readonly alpha?: number;
}

/** A number of the gamma distribution of shape `alpha` and scale 1 (Marsaglia and Tsang 2000, with their boost below 1). */
export function gamma(random: Random, alpha: number): number {
  if (alpha < 1) return gamma(random, alpha + 1) * (1 - random.next()) ** (1 / alpha);
  const d = alpha - 1 / 3, c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal(), v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Shares that sum up to 1, of the symmetric Dirichlet distribution. */
export function dirichlet(random: Random, count: number, alpha: number): number[] {
  const draws = Array.from({ length: count }, () => gamma(random, alpha));
  const sum = draws.reduce((total, one) => total + one, 0);
  return sum > 0 ? draws.map((one) => one / sum) : dirichlet(random, count, alpha);
}

function shuffled(random: Random, list: readonly number[]): number[] {
  const deck = [...list];
  for (let i = deck.length - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [deck[i], deck[j]] = [deck[j], deck[i]];
  }
  return deck;
}

/** The class that a picture counts as: its most frequent one, of equals the one that is rarer in the set; -1 without objects. */
function mainClasses(pictures: readonly DealtPicture[]): number[] {
  const totals = new Map<number, number>();
  for (const { classes } of pictures) for (const one of classes) totals.set(one, (totals.get(one) ?? 0) + 1);
  return pictures.map(({ classes }) => {
    const own = new Map<number, number>();
    for (const one of classes) own.set(one, (own.get(one) ?? 0) + 1);
    const order = [...own].sort(([a, n], [b, m]) => m - n || totals.get(a)! - totals.get(b)! || a - b);
    return order[0]?.[0] ?? -1;
  });
}

/** Indices of pictures by a key, in ascending order of keys. */
function groupsBy<Key extends number | string>(keys: readonly Key[]): [Key, number[]][] {
  const groups = Map.groupBy(keys.map((key, i) => ({ key, i })), ({ key }) => key);
  return [...groups].map(([key, list]) => [key, list.map(({ i }) => i)] as [Key, number[]])
    .sort(([a], [b]) => a < b ? -1 : 1);
}

/** Evenly, after shuffling. */
function even(list: readonly number[], clients: number): number[][] {
  return Array.from({ length: clients }, (_, client) => list.filter((_, i) => i % clients === client));
}

const DEALS: Readonly<Record<DealName, (pictures: readonly DealtPicture[], options: DealOptions) => number[][]>> = {
  iid: (pictures, { clients, seed = 0 }) => even(shuffled(new Random(seed), pictures.map((_, i) => i)), clients),
  // Hsu et al. 2019: the pictures of each class are cut where the shares of the clients say.
  dirichlet(pictures, { clients, seed = 0, alpha = 0.5 }) {
    const random = new Random(seed), dealt: number[][] = Array.from({ length: clients }, () => []);
    for (const [, list] of groupsBy(mainClasses(pictures))) {
      const shares = dirichlet(random, clients, alpha), deck = shuffled(random, list);
      let sum = 0, from = 0;
      for (const [client, share] of shares.entries()) {
        sum += share;
        const to = client === clients - 1 ? deck.length : Math.round(sum * deck.length);
        dealt[client].push(...deck.slice(from, to));
        from = to;
      }
    }
    return dealt;
  },
  // McMahan et al. 2017: sorted by class and cut into two pieces a client.
  class(pictures, { clients, seed = 0 }) {
    const random = new Random(seed);
    const sorted = groupsBy(mainClasses(pictures)).flatMap(([, list]) => shuffled(random, list));
    const pieces = 2 * clients, dealt: number[][] = Array.from({ length: clients }, () => []);
    const order = shuffled(random, Array.from({ length: pieces }, (_, i) => i));
    for (const [at, piece] of order.entries()) {
      const [from, to] = [piece, piece + 1].map((i) => Math.round(i * sorted.length / pieces));
      dealt[at % clients].push(...sorted.slice(from, to));
    }
    return dealt;
  },
  // The largest sources first, each to the client that has least.
  source(pictures, { clients }) {
    const dealt: number[][] = Array.from({ length: clients }, () => []);
    const sources = groupsBy(pictures.map(({ source }) => source)).sort(([, a], [, b]) => b.length - a.length);
    if (sources.length < clients) {
      throw new FeatherdetError(`pictures come from ${sources.length} sources, too few for ${clients} clients`);
    }
    for (const [, list] of sources) {
      dealt.reduce((least, own) => own.length < least.length ? own : least).push(...list);
    }
    return dealt;
  },
};

/** Names of the ways to deal. */
export const DEAL_NAMES: readonly DealName[] = Object.keys(DEALS) as DealName[];

/** Draws of shares before an uneven deal that leaves a client without pictures is given up. */
const MOST_DRAWS = 100;

/**
 * Deals pictures to clients: the indices of each client's in ascending order. Every picture goes to one client. Where chance leaves a client
 * without pictures, the next seed is tried.
 *
 * Throws FeatherdetError for more clients than pictures or sources.
 */
export function dealPictures(
  pictures: readonly DealtPicture[],
  how: DealName,
  options: DealOptions,
): readonly (readonly number[])[] {
  const { clients, seed = 0 } = options;
  if (pictures.length < clients) {
    throw new FeatherdetError(`${pictures.length} pictures are too few for ${clients} clients`);
  }
  for (let draw = 0; draw < MOST_DRAWS; draw++) {
    const dealt = DEALS[how](pictures, { ...options, seed: seed + draw });
    if (dealt.every((own) => own.length > 0)) return dealt.map((own) => own.sort((a, b) => a - b));
  }
  throw new FeatherdetError(`${MOST_DRAWS} draws left clients without pictures: deal less unevenly`);
}
