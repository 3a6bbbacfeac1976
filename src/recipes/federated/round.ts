/**
 * One round of federated training on the server's side: who takes part, what they answer, and the mean of that.
 *
 * @module
 */

import type { Dataset } from "../../data/dataset.ts";
import { FeatherdetError } from "../../graph/error.ts";
import type { Graph } from "../../graph/graph.ts";
import { Random } from "../../numbers/random.ts";
import { unpackUpdate } from "../../train/federated/compression.ts";
import { fromFixed } from "../../train/federated/fixed_point.ts";
import type { PrivacySettings } from "../../train/federated/privacy.ts";
import { unmask } from "../../train/federated/secure.ts";
import type { ServerOptimizerName, ServerSettings } from "../../train/federated/server.ts";
import { exchangedOf, lengthOf, weightedMean } from "../../train/federated/vector.ts";
import { fromText, type PhaseAnswer, type PhaseInput } from "./phases.ts";
import type { ClientPool } from "./local_pool.ts";

/** What clients are told of their training, the same for all. */
type Training = Omit<PhaseInput<"train">, "run" | "round" | "client" | "model" | "secure" | "clip">;

/** How a federated run goes. */
export interface FederatedOptions {
  /** Name of the run, under which clients keep what stays with them. */
  readonly run: string;
  readonly rounds: number;
  readonly clients: number;
  /** Share of the clients that take part in a round, by chance; 1 for all. */
  readonly share: number;
  readonly seed: number;
  readonly training: Training;
  readonly optimizer: ServerOptimizerName;
  /** What differs from the optimizer's defaults. */
  readonly server?: Partial<ServerSettings>;
  /** The server sees the sum alone. `range` is the greatest change of a number that counts. */
  readonly secure?: { readonly range: number };
  readonly privacy?: PrivacySettings;
  /** Pictures that the server measures the model on. */
  readonly validation?: Dataset;
  /** What clients with a BatchNormalization of their own are measured on. */
  readonly validationName?: { readonly data: string; readonly split?: string; readonly limit?: number };
  /** Rounds between two measurements; the last one is always measured. */
  readonly validateEvery: number;
}

/** The mean change of a round. */
export interface RoundMean {
  readonly parameters: Float64Array;
  readonly statistics?: Float64Array;
  readonly heard: readonly number[];
  readonly bytes: number;
  readonly losses: Readonly<Record<string, number>>;
}

type Answers = ReadonlyMap<number, PhaseAnswer<"train">>;

function meanLosses(answers: Answers): Record<string, number> {
  const sums: Record<string, number> = {};
  let total = 0;
  for (const { pictures, losses } of answers.values()) {
    total += pictures;
    for (const [name, value] of Object.entries(losses)) sums[name] = (sums[name] ?? 0) + pictures * value;
  }
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / total]));
}

/** Most pictures of one client in secure aggregation; the steps of numbers are finer where there are fewer. */
const MOST_PICTURES = 4096;

/** Asks clients and sums up what they answer. */
export class RoundServer {
  readonly #random: Random;

  constructor(
    private readonly pool: ClientPool,
    private readonly options: FederatedOptions,
    private readonly say: (line: string) => void,
  ) {
    this.#random = new Random(options.seed);
  }

  /** Those that take part: each by chance where privacy is counted, as many as the share says otherwise. */
  choose(): number[] {
    const { clients, share, privacy } = this.options, all = Array.from({ length: clients }, (_, i) => i);
    if (privacy) return all.filter(() => this.#random.next() < share);
    const count = Math.max(1, Math.round(share * clients));
    return all.map((id) => ({ id, at: this.#random.next() })).sort((a, b) => a.at - b.at).slice(0, count)
      .map(({ id }) => id).sort((a, b) => a - b);
  }

  #places(ids: Iterable<number>, round: number) {
    const { run } = this.options;
    return new Map([...ids].map((client) => [client, { run, round, client }] as const));
  }

  #inputs(ids: Iterable<number>, round: number, model: string): Map<number, PhaseInput<"train">> {
    const { training, privacy } = this.options;
    const clip = privacy && { clip: privacy.clip };
    return new Map([...this.#places(ids, round)].map(([id, place]) => [id, { ...place, ...training, model, ...clip }]));
  }

  /** Updates that the server sees. */
  async plain(asked: readonly number[], round: number, model: string, common: Graph): Promise<RoundMean | undefined> {
    const { training: { localNorm }, privacy } = this.options, { files } = this.pool;
    const answers = await this.pool.ask("train", this.#inputs(asked, round, model), this.say);
    if (answers.size === 0) return undefined;
    const { parameters, statistics } = exchangedOf(common, { localNorm });
    const read = async (parts: typeof parameters, of: (answer: PhaseAnswer<"train">) => string | undefined) => {
      const vectors = [];
      for (const answer of answers.values()) {
        const hash = of(answer);
        if (hash === undefined) continue;
        vectors.push({ values: unpackUpdate(await files.get(hash), parts), weight: privacy ? 1 : answer.pictures });
      }
      return vectors.length > 0 ? weightedMean(vectors) : undefined;
    };
    return {
      parameters: (await read(parameters, ({ update }) => update))!,
      statistics: await read(statistics, ({ statistics }) => statistics),
      heard: [...answers.keys()],
      bytes: [...answers.values()].reduce((sum, { bytes }) => sum + bytes, 0),
      losses: meanLosses(answers),
    };
  }

  /** Updates under masks, of which the server sees the sum alone. */
  async secure(asked: readonly number[], round: number, model: string, common: Graph): Promise<RoundMean | undefined> {
    const { training: { localNorm }, privacy, secure } = this.options, { pool, say } = this;
    const threshold = Math.max(2, Math.floor(asked.length / 2) + 1);
    const keys = await pool.ask("keys", this.#places(asked, round), say);
    if (keys.size < threshold) return undefined;
    const ring = Object.fromEntries(keys), deal = [...this.#places(keys.keys(), round)];
    // A majority of those that are left, and no fewer than of those that were asked.
    const dealt = await pool.ask("deal", new Map(deal.map(([id, place]) => [id, { ...place, ring, threshold }])), say);
    if (dealt.size < threshold) return undefined;
    const weights = privacy ? dealt.size : MOST_PICTURES * dealt.size;
    const inputs = this.#inputs(dealt.keys(), round, model), how = { range: secure!.range, weights };
    const told = [...inputs].map(([id, input]) => {
      const shares = Object.fromEntries(
        [...dealt].filter(([from]) => from !== id).map(([from, { shares }]) => [from, shares[id]]),
      );
      return [id, { ...input, secure: { shares, ...how } }] as const;
    });
    const answers = await pool.ask("train", new Map(told), say);
    if (answers.size < threshold) return undefined;
    const sent = [...answers.keys()];
    const reveal = [...this.#places(sent, round)].map(([id, place]) => [id, { ...place, sent, threshold }] as const);
    const revealed = await pool.ask("reveal", new Map(reveal), say);
    if (revealed.size < threshold) return undefined;
    const integers = new Map<number, Uint32Array>();
    for (const [id, { update }] of answers) integers.set(id, new Uint32Array((await pool.files.get(update)).buffer));
    const bytesOf = (shares: Readonly<Record<string, string>>) =>
      new Map(Object.entries(shares).map(([id, text]) => [Number(id), fromText(text)]));
    const sum = await unmask(integers, {
      ring: new Map(
        [...keys].map(([id, { cipher, mask }]) => [id, { cipher: fromText(cipher), mask: fromText(mask) }]),
      ),
      dealt: new Set(dealt.keys()),
      revealed: [...revealed.values()].map(({ seeds, keys }) => ({ seeds: bytesOf(seeds), keys: bytesOf(keys) })),
      threshold,
    });
    const weight = privacy ? sent.length : [...answers.values()].reduce((total, { pictures }) => total + pictures, 0);
    if (weight > weights) throw new FeatherdetError("clients have trained on more pictures than the sum has room for");
    const mean = fromFixed(sum, weight, how), { parameters } = exchangedOf(common, { localNorm });
    const length = lengthOf(parameters);
    return {
      parameters: mean.slice(0, length),
      ...(mean.length > length && { statistics: mean.slice(length) }),
      heard: sent,
      bytes: [...answers.values()].reduce((total, { bytes }) => total + bytes, 0),
      losses: meanLosses(answers),
    };
  }
}
