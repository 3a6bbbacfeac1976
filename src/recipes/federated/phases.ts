/**
 * What a server asks of its clients: the phases of a round as plain data, which is how they go through a queue.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";
import { COUNT, HASH, NUMBER } from "../../numbers/forms.ts";
import { DEAL_NAMES } from "../../train/federated/split.ts";

const RATE = v.pipe(NUMBER, v.minValue(0, "expected no less than 0"));

/** Bytes in base64. */
const BYTES = v.pipe(v.string("expected base64"), v.regex(/^[A-Za-z0-9+/]*={0,2}$/, "expected base64"));

/** By the numbers of clients. */
const BY_CLIENT = <Form extends v.GenericSchema>(form: Form) =>
  v.record(v.pipe(v.string(), v.regex(/^\d+$/, "expected the number of a client")), form);

/** Which run, round and client a phase is of. */
const PLACE = { run: v.string("expected the name of a run"), round: COUNT, client: COUNT };

const DATA = {
  data: v.string("expected a data set"),
  split: v.optional(v.string("expected a split")),
  limit: v.optional(COUNT),
};

const KEYS = v.strictObject({ cipher: BYTES, mask: BYTES });

/** The forms of what each phase is told. */
export const PHASES = {
  /** New keys for a round of secure aggregation. */
  keys: v.strictObject(PLACE),
  /** Shares of secrets for the others, of which `threshold` tell them. */
  deal: v.strictObject({ ...PLACE, ring: BY_CLIENT(KEYS), threshold: COUNT }),
  /** Training on the client's own pictures. */
  train: v.strictObject({
    ...{ ...PLACE, ...DATA },
    /** Hash of the common model. */
    model: HASH,
    /** How the pictures of a common data set are dealt; without it all of them are the client's own. */
    deal: v.optional(
      v.strictObject({
        how: v.picklist(DEAL_NAMES, `expected one of ${DEAL_NAMES.join(", ")}`),
        ...{ clients: COUNT, seed: COUNT, alpha: v.optional(RATE) },
      }),
    ),
    /** So many of the client's pictures, drawn anew in each round; all by default. */
    sample: v.optional(COUNT),
    ...{ epochs: COUNT, batch: COUNT, learningRate: RATE, momentum: RATE, seed: COUNT, augment: v.boolean() },
    /** Of FedProx; 0 for none. */
    mu: RATE,
    localNorm: v.boolean(),
    compression: v.picklist(["none", "int8", "topk"], "expected none, int8 or topk"),
    keep: RATE,
    /** Greatest length of the update; BatchNormalization's statistics then stay with the client. */
    clip: v.optional(RATE),
    /** What is sent under masks: the shares that others have dealt, and how numbers become integers. */
    secure: v.optional(v.strictObject({ shares: BY_CLIENT(BYTES), range: RATE, weights: RATE })),
  }),
  /** Shares of the secrets of clients, by who has sent. */
  reveal: v.strictObject({ ...PLACE, sent: v.array(COUNT), threshold: COUNT }),
  /** The common model, with the client's own BatchNormalization, on a data set. */
  evaluate: v.strictObject({ ...PLACE, ...DATA, model: HASH }),
} as const;

/** Name of a phase. */
export type Phase = keyof typeof PHASES;

/** What a phase is told. */
export type PhaseInput<Name extends Phase> = v.InferOutput<(typeof PHASES)[Name]>;

/** The forms of what each phase answers. */
export const ANSWERS = {
  keys: KEYS,
  deal: v.strictObject({ shares: BY_CLIENT(BYTES) }),
  train: v.strictObject({
    /** Hash of what is sent of the parameters: packed, or integers under masks, those of the statistics behind them. */
    update: HASH,
    /** Hash of what is sent of the statistics, if they are apart. */
    statistics: v.optional(HASH),
    /** Pictures that were trained on. */
    pictures: COUNT,
    /** Bytes that were sent. */
    bytes: COUNT,
    /** Mean losses of the last epoch, by name. */
    losses: v.record(v.string(), NUMBER),
  }),
  reveal: v.strictObject({ seeds: BY_CLIENT(BYTES), keys: BY_CLIENT(BYTES) }),
  evaluate: v.strictObject({ map: NUMBER, map50: NUMBER, pictures: COUNT }),
} as const;

/** What a phase answers. */
export type PhaseAnswer<Name extends Phase> = v.InferOutput<(typeof ANSWERS)[Name]>;

/** Bytes as text. */
export function toText(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** Text as bytes. */
export function fromText(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
