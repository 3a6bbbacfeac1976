/**
 * A client of federated training: trains on pictures that never leave it, and answers the phases of a round. It runs in Deno and in
 * browsers: its pictures, and what it keeps between rounds, are handed to it.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";
import type { Dataset } from "../../data/dataset.ts";
import { FeatherdetError } from "../../graph/error.ts";
import type { Graph } from "../../graph/graph.ts";
import { faultOf } from "../../numbers/forms.ts";
import { Random } from "../../numbers/random.ts";
import { importOnnx } from "../../onnx/mod.ts";
import type { FileStore } from "../../queue/files.ts";
import { packUpdate, UpdatePacker } from "../../train/federated/compression.ts";
import { toFixed } from "../../train/federated/fixed_point.ts";
import { clipped } from "../../train/federated/privacy.ts";
import { proximal } from "../../train/federated/proximal.ts";
import { SecureClient } from "../../train/federated/secure.ts";
import { exchangedOf, fromVector, lengthOf, type NamedNumbers, toVector } from "../../train/federated/vector.ts";
import { withWeights } from "../../train/mod.ts";
import { train } from "../train_detector.ts";
import { scoreOf } from "./score.ts";
import { fromText, type Phase, type PhaseAnswer, type PhaseInput, PHASES, toText } from "./phases.ts";

/** Numbers of a model by name. */
export function numbersOf({ constants }: Graph): NamedNumbers {
  return new Map(
    [...constants].flatMap(([name, { dtype, data }]) =>
      dtype === "f32" ? [[name, Float32Array.from(data)] as const] : []
    ),
  );
}

/** Some of the pictures, others in each round. */
function sampled({ images, ...rest }: Dataset, { sample, seed, round, client }: PhaseInput<"train">): Dataset {
  if (sample === undefined || sample >= images.length) return { ...rest, images };
  const random = new Random(seed + 1000 * round + client);
  const order = images.map((image) => ({ image, at: random.next() })).sort((a, b) => a.at - b.at);
  return { ...rest, images: order.slice(0, sample).map(({ image }) => image) };
}

/** Which run, round and client. */
interface Place {
  readonly run: string;
  readonly round: number;
  readonly client: number;
}

/** The name under which a client keeps numbers between rounds of a run. */
const keptName = ({ run, client }: Pick<Place, "run" | "client">, what: string) => `${run}-client-${client}-${what}`;

const keyOf = ({ run, round, client }: Place) => `${run} ${round} ${client}`;

/** Trains a model on pictures. */
export type LocalTraining = (
  model: Graph,
  pictures: Dataset,
  told: PhaseInput<"train">,
  signal?: AbortSignal,
) => Promise<{ readonly model: Graph; readonly losses: Readonly<Record<string, number>> }>;

/** Numbers that stay with a client between rounds, by name. */
export interface KeptNumbers {
  /** Numbers of a name; undefined if there are none. */
  read(name: string): Promise<Float32Array<ArrayBuffer> | undefined>;
  /** Keeps numbers in place of those of before. */
  write(name: string, numbers: Float32Array): Promise<void>;
}

/** Numbers that are kept as long as the program runs. */
export function memoryNumbers(): KeptNumbers {
  const kept = new Map<string, Float32Array<ArrayBuffer>>();
  return {
    read: (name) => Promise.resolve(kept.get(name)?.slice()),
    write(name, numbers) {
      kept.set(name, Float32Array.from(numbers));
      return Promise.resolve();
    },
  };
}

/** What a client has of its own. */
export interface ClientOptions {
  /** The pictures that it trains on. */
  readonly pictures: (told: PhaseInput<"train">) => Dataset | Promise<Dataset>;
  /** The pictures that a model is measured on where clients have parts of their own. */
  readonly validation: (told: PhaseInput<"evaluate">) => Dataset | Promise<Dataset>;
  readonly kept: KeptNumbers;
  /** How it trains; by SGD on this adapter by default. */
  readonly training?: LocalTraining;
}

/** Training by SGD with a rate that stays what it is; what is sent are the averaged weights. */
const trainHere: LocalTraining = async (model, pictures, told, signal) => {
  const { mu, epochs, batch, learningRate, momentum, augment, seed, round, client } = told;
  const trained = await train(model, pictures, {
    ...{ epochs, batch, learningRate, momentum, optimizer: "sgd", warmupEpochs: 0, finalFactor: 1, closeMosaic: 0 },
    ...{ workers: 0, signal, seed: seed + 1000 * round + client },
    ...(augment ? {} : { augment: false as const }),
    variants: mu > 0 ? [proximal(mu)] : [],
  });
  if (trained.reason === "interrupted") throw new Error("interrupted");
  return { model: trained.model, losses: { ...trained.run.epochs.at(-1)!.losses } };
};

/** A client. */
export class FederatedClient {
  /** Of rounds of secure aggregation that are not over. */
  readonly #secure = new Map<string, SecureClient>();

  constructor(private readonly files: Pick<FileStore, "get" | "put">, private readonly own: ClientOptions) {}

  /** Answers a phase. Throws FeatherdetError for what has another form, and where the client has no part in the round. */
  async answer<Name extends Phase>(phase: Name, input: object, signal?: AbortSignal): Promise<PhaseAnswer<Name>> {
    const fault = faultOf(PHASES[phase], input);
    if (fault !== undefined) throw new FeatherdetError(`the phase ${phase}: ${fault}`);
    const told = v.parse(PHASES[phase], input);
    const answers: { [N in Phase]: (told: PhaseInput<N>) => Promise<PhaseAnswer<N>> } = {
      keys: (told) => this.#keys(told),
      deal: (told) => this.#deal(told),
      train: (told) => this.#train(told, signal),
      reveal: (told) => Promise.resolve(this.#reveal(told)),
      evaluate: (told) => this.#evaluate(told),
    };
    return await (answers[phase] as (told: unknown) => Promise<PhaseAnswer<Name>>)(told);
  }

  #secureOf(place: Place): SecureClient {
    const client = this.#secure.get(keyOf(place));
    if (client !== undefined) return client;
    throw new FeatherdetError(`this client has no keys of round ${place.round}: it was started anew`);
  }

  async #keys(place: PhaseInput<"keys">): Promise<PhaseAnswer<"keys">> {
    const secure = await SecureClient.create(place.client), { cipher, mask } = await secure.keys();
    // Those of a round that was given up are of no use any more.
    this.#secure.delete(keyOf({ ...place, round: place.round - 1 }));
    this.#secure.set(keyOf(place), secure);
    return { cipher: toText(cipher), mask: toText(mask) };
  }

  async #deal(told: PhaseInput<"deal">): Promise<PhaseAnswer<"deal">> {
    const ring = Object.entries(told.ring).map(([id, { cipher, mask }]) =>
      [Number(id), { cipher: fromText(cipher), mask: fromText(mask) }] as const
    );
    const shares = await this.#secureOf(told).deal(new Map(ring), told.threshold);
    return { shares: Object.fromEntries([...shares].map(([id, bytes]) => [id, toText(bytes)])) };
  }

  #reveal(told: PhaseInput<"reveal">): PhaseAnswer<"reveal"> {
    const { seeds, keys } = this.#secureOf(told).reveal(new Set(told.sent), told.threshold);
    const text = (shares: ReadonlyMap<number, Uint8Array>) =>
      Object.fromEntries([...shares].map(([id, bytes]) => [id, toText(bytes)]));
    this.#secure.delete(keyOf(told));
    return { seeds: text(seeds), keys: text(keys) };
  }

  async #open(hash: string): Promise<Graph> {
    return importOnnx(await this.files.get(hash));
  }

  /** The common model with the client's own BatchNormalization, if it keeps one. */
  async #personal(model: Graph, told: { readonly run: string; readonly client: number }): Promise<Graph> {
    const own = await this.own.kept.read(keptName(told, "norm"));
    return own === undefined ? model : withWeights(model, fromVector(normParts(model), own));
  }

  async #train(told: PhaseInput<"train">, signal?: AbortSignal): Promise<PhaseAnswer<"train">> {
    const { localNorm } = told, common = await this.#open(told.model);
    const begun = localNorm ? await this.#personal(common, told) : common;
    const { training = trainHere, kept } = this.own;
    const pictures = sampled(await this.own.pictures(told), told);
    const { model, losses } = await training(begun, pictures, told, signal);
    const { parameters, statistics } = exchangedOf(common, { localNorm });
    const [before, after] = [numbersOf(begun), numbersOf(model)];
    const change = (parts: typeof parameters) => {
      const [from, to] = [toVector(parts, before), toVector(parts, after)];
      return to.map((value, i) => value - from[i]);
    };
    const facts = { pictures: pictures.images.length, losses: { ...losses } };
    if (localNorm) await kept.write(keptName(told, "norm"), toVector(normParts(model), after));
    const whole = change(parameters), update = told.clip === undefined ? whole : clipped(whole, told.clip);
    const moved = told.clip === undefined ? change(statistics) : new Float32Array();
    if (told.secure) {
      const { shares, ...how } = told.secure, joint = new Float32Array(update.length + moved.length);
      joint.set(update);
      joint.set(moved, update.length);
      const weight = told.clip === undefined ? facts.pictures : 1;
      const dealt = new Map(Object.entries(shares).map(([id, text]) => [Number(id), fromText(text)]));
      const masked = await this.#secureOf(told).masked(toFixed(joint, weight, how), dealt);
      const bytes = new Uint8Array(masked.buffer);
      return { update: await this.files.put(bytes), bytes: bytes.length, ...facts };
    }
    const name = keptName(told, "left"), left = await kept.read(name);
    const packer = new UpdatePacker(parameters, told.compression, told.keep, left);
    const bytes = packer.pack(update), more = packUpdate(moved, statistics, "none");
    if (told.compression !== "none") await kept.write(name, packer.left!);
    const isSent = lengthOf(statistics) > 0 && told.clip === undefined;
    return {
      update: await this.files.put(bytes),
      ...(isSent && { statistics: await this.files.put(more) }),
      ...{ bytes: bytes.length + (isSent ? more.length : 0), ...facts },
    };
  }

  async #evaluate(told: PhaseInput<"evaluate">): Promise<PhaseAnswer<"evaluate">> {
    return await scoreOf(await this.#personal(await this.#open(told.model), told), await this.own.validation(told));
  }
}

/** Everything of BatchNormalization, which stays with the client in FedBN. */
function normParts(model: Graph) {
  const all = exchangedOf(model), kept = exchangedOf(model, { localNorm: true });
  const isExchanged = new Set([...kept.parameters, ...kept.statistics].map(({ name }) => name));
  return [...all.parameters, ...all.statistics].filter(({ name }) => !isExchanged.has(name));
}
