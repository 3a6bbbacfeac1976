/**
 * The server of federated training: asks clients for updates, sums them up, and moves the common model.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { Graph } from "../../graph/graph.ts";
import { saveOnnx } from "../../onnx/mod.ts";
import { privacySpent, secureNormal } from "../../train/federated/privacy.ts";
import { newServerState, SERVER_OPTIMIZERS } from "../../train/federated/server.ts";
import { exchangedOf, fromVector, lengthOf, toVector } from "../../train/federated/vector.ts";
import { withWeights } from "../../train/mod.ts";
import { adaptStatistics } from "../adapt_statistics.ts";
import { numbersOf } from "./client.ts";
import type { PhaseAnswer } from "./phases.ts";
import type { ClientPool } from "./local_pool.ts";
import { type FederatedOptions, RoundServer } from "./round.ts";
import { scoreOf } from "./score.ts";

export type { FederatedOptions } from "./round.ts";

/** What became of a round. */
export interface RoundRecord {
  /** Its number, from 0. */
  readonly round: number;
  /** Clients that were asked. */
  readonly asked: readonly number[];
  /** Clients whose updates are in the model. */
  readonly heard: readonly number[];
  /** Bytes that all clients sent. */
  readonly sentBytes: number;
  /** Bytes that all clients were sent. */
  readonly receivedBytes: number;
  /** Means of the clients' losses, weighted by pictures. */
  readonly losses: Readonly<Record<string, number>>;
  /** The model behind it; of clients with a BatchNormalization of their own the mean. */
  readonly score?: { readonly map: number; readonly map50: number };
  /** What all rounds so far have given away. */
  readonly epsilon?: number;
  /** Why nothing was changed. */
  readonly skipped?: string;
}

/** What is told to whom. */
export interface FederatedListener {
  readonly say: (line: string) => void;
  readonly onRound?: (record: RoundRecord, model: Graph) => void | Promise<void>;
}

/** Of a model that clients with a BatchNormalization of their own have in common: the mean of their scores, by pictures. */
async function personalScore(
  pool: ClientPool,
  { run, clients, validationName }: FederatedOptions,
  { round, model }: { readonly round: number; readonly model: string },
  say: (line: string) => void,
): Promise<{ map: number; map50: number } | undefined> {
  if (validationName === undefined) return undefined;
  const inputs = Array.from({ length: clients }, (_, client) => {
    return [client, { run, round, client, model, ...validationName }] as const;
  });
  const answers = [...(await pool.ask("evaluate", new Map(inputs), say)).values()];
  const mean = (of: (answer: PhaseAnswer<"evaluate">) => number) =>
    answers.reduce((sum, one) => sum + of(one), 0) / answers.length;
  return answers.length > 0 ? { map: mean(({ map }) => map), map50: mean(({ map50 }) => map50) } : undefined;
}

/**
 * Trains a model on the pictures of clients, which never leave them. A round asks clients, adds up what they changed weighted by their
 * pictures (each alike where privacy is counted), and moves the parameters by the server's optimizer; running statistics of BatchNormalization
 * are averaged apart. Clients that do not answer are left out; a round in which too few do changes nothing.
 *
 * With `privacy` updates are clipped and the server adds noise to their sum, statistics stay with the clients, and the server measures them
 * anew on its own pictures. The model has to have BatchNormalization unfolded.
 *
 * Throws FeatherdetError for options that do not go together, and as `unmask` and `withWeights` do.
 */
export async function runFederated(
  start: Graph,
  pool: ClientPool,
  options: FederatedOptions,
  { say, onRound }: FederatedListener,
): Promise<{ readonly model: Graph; readonly rounds: readonly RoundRecord[] }> {
  const { rounds, privacy, secure, validation, validateEvery, training: { localNorm, compression } } = options;
  if (secure && compression !== "none") {
    throw new FeatherdetError("sums under masks are of whole vectors: secure aggregation goes with no compression");
  }
  const { parameters, statistics } = exchangedOf(start, { localNorm });
  const { step, defaults } = SERVER_OPTIMIZERS[options.optimizer], settings = { ...defaults, ...options.server };
  const state = newServerState(lengthOf(parameters), settings);
  const server = new RoundServer(pool, options, say), records: RoundRecord[] = [];
  let model = start;
  for (let round = 0; round < rounds; round++) {
    const asked = server.choose();
    const bytes = saveOnnx(model), hash = await pool.files.put(bytes);
    const mean = asked.length === 0
      ? undefined
      : await (secure ? server.secure(asked, round, hash, model) : server.plain(asked, round, hash, model));
    // Silence would tell that nobody took part: with privacy there is noise in every round.
    const change = mean?.parameters ?? (privacy && new Float64Array(lengthOf(parameters)));
    if (change) {
      const numbers = numbersOf(model), vector = toVector(parameters, numbers);
      if (privacy) {
        // The sum of contributions no longer than the clip, divided by those that are expected.
        const expected = options.share * options.clients, noise = secureNormal(change.length);
        const deviation = privacy.noise * privacy.clip;
        for (let i = 0; i < change.length; i++) {
          change[i] = (change[i] * (mean?.heard.length ?? 0) + deviation * noise[i]) / expected;
        }
      }
      const moved = step(change, state, settings);
      const next = new Map(fromVector(parameters, vector.map((value, i) => value + moved[i])));
      if (mean?.statistics && statistics.length > 0) {
        const own = toVector(statistics, numbers), delta = mean.statistics;
        for (const [name, values] of fromVector(statistics, own.map((value, i) => value + delta[i]))) {
          next.set(name, values);
        }
      }
      model = withWeights(model, next);
    }
    if (privacy && validation) model = await adaptStatistics(model, validation);
    const isMeasured = (round + 1) % validateEvery === 0 || round === rounds - 1;
    const measure = async () => {
      if (localNorm) {
        const own = await pool.files.put(saveOnnx(model));
        return await personalScore(pool, options, { round, model: own }, say);
      }
      return validation && await scoreOf(model, validation);
    };
    const score = isMeasured ? await measure() : undefined;
    const spent = privacy &&
      privacySpent({ share: options.share, noise: privacy.noise, rounds: round + 1, delta: privacy.delta });
    const record: RoundRecord = {
      ...{ round, asked, heard: mean?.heard ?? [], sentBytes: mean?.bytes ?? 0 },
      ...{ receivedBytes: bytes.length * asked.length, losses: mean?.losses ?? {} },
      ...(score && { score: { map: score.map, map50: score.map50 } }),
      ...(spent && { epsilon: spent.epsilon }),
      ...(mean === undefined && { skipped: asked.length === 0 ? "nobody was chosen" : "too few clients answered" }),
    };
    records.push(record);
    await onRound?.(record, model);
  }
  return { model, rounds: records };
}
