/**
 * Secure aggregation (Bonawitz et al. 2017, https://eprint.iacr.org/2017/281): the server learns the sum of what clients send and nothing
 * else of them, also when clients drop out. Against a server that follows the protocol and is curious; keys are not signed.
 *
 * The rounds of the paper: every client advertises two public keys; deals shares of its mask key and of its own seed to the others; sends its
 * integers under all masks; and hands out, for each client, the share of the seed if it has sent, of the mask key if it has not.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { addFixed } from "./fixed_point.ts";

const CURVE = { name: "ECDH", namedCurve: "P-256" } as const;

const SEED_BYTES = 32, NONCE_BYTES = 12;

/** Bytes that WebCrypto takes. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** What a client advertises: points of P-256. */
export interface PublicKeys {
  /** For what others send it in secret. */
  readonly cipher: Bytes;
  /** For the masks that it has in common with each other client. */
  readonly mask: Bytes;
}

/** What clients with their numbers have advertised. */
export type KeyRing = ReadonlyMap<number, PublicKeys>;

/** What a client hands out at the end. */
export interface Revealed {
  /** Shares of the own seeds of clients that have sent. */
  readonly seeds: ReadonlyMap<number, Bytes>;
  /** Shares of the mask keys of clients that have not. */
  readonly keys: ReadonlyMap<number, Bytes>;
}

async function raw(key: CryptoKey): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.exportKey("raw", key));
}

/** 32 bytes that both sides can compute (ECDH, then HKDF with SHA-256), for one purpose. */
async function agreed(own: CryptoKey, other: Bytes, purpose: string): Promise<Bytes> {
  const key = await crypto.subtle.importKey("raw", other, CURVE, false, []);
  const secret = await crypto.subtle.deriveBits({ name: "ECDH", public: key }, own, 256);
  const material = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const info = new TextEncoder().encode(purpose);
  const bits = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(32), info };
  return new Uint8Array(await crypto.subtle.deriveBits(bits, material, 256));
}

/** Integers modulo 2^32 that a seed gives: the key stream of AES-256 in counter mode. */
export async function expandSeed(seed: Bytes, length: number): Promise<Uint32Array<ArrayBuffer>> {
  const key = await crypto.subtle.importKey("raw", seed, "AES-CTR", false, ["encrypt"]);
  const counter = { name: "AES-CTR", counter: new Uint8Array(16), length: 64 };
  const stream = await crypto.subtle.encrypt(counter, key, new Uint8Array(4 * length));
  const view = new DataView(stream);
  return Uint32Array.from({ length }, (_, i) => view.getUint32(4 * i, true));
}

const MASK = "featherdet mask", CIPHER = "featherdet shares";

/** The mask of two clients: the one of the smaller number adds it, the other one takes it off. */
async function pairMask(own: CryptoKey, [id, other]: [number, number], key: Bytes, length: number) {
  const mask = await expandSeed(await agreed(own, key, MASK), length);
  return { mask, sign: (id < other ? 1 : -1) as 1 | -1 };
}

/** The number that a private key is, 32 bytes. */
async function scalarOf(key: CryptoKey): Promise<Bytes> {
  const { d } = await crypto.subtle.exportKey("jwk", key);
  const text = atob(d!.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

const base64url = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/** The private key of a number and its public key. */
async function privateKey(scalar: Bytes, key: Bytes): Promise<CryptoKey> {
  const [x, y] = [key.subarray(1, 33), key.subarray(33, 65)].map(base64url);
  const jwk = { kty: "EC", crv: "P-256", d: base64url(scalar), x, y };
  return await crypto.subtle.importKey("jwk", jwk, CURVE, true, ["deriveBits"]);
}

async function shamir() {
  return await import("npm:shamir-secret-sharing@0.0.4");
}

/** A client in one aggregation; everything of it is thrown away afterwards. */
export class SecureClient {
  readonly #seed: Bytes = crypto.getRandomValues(new Uint8Array(SEED_BYTES));
  /** Shares that others have dealt to this client, and its own. */
  readonly #held = new Map<number, { readonly seed: Bytes; readonly key: Bytes }>();
  #ring: KeyRing = new Map();
  #hasRevealed = false;

  private constructor(
    readonly id: number,
    private readonly cipher: CryptoKeyPair,
    private readonly mask: CryptoKeyPair,
  ) {}

  /** A client with new keys; `id` is its number among the clients of the round. */
  static async create(id: number): Promise<SecureClient> {
    const pair = () => crypto.subtle.generateKey(CURVE, true, ["deriveBits"]) as Promise<CryptoKeyPair>;
    return new SecureClient(id, await pair(), await pair());
  }

  /** What it advertises. */
  async keys(): Promise<PublicKeys> {
    return { cipher: await raw(this.cipher.publicKey), mask: await raw(this.mask.publicKey) };
  }

  /**
   * Deals shares of its secrets, of which `threshold` tell them, to all clients that have advertised keys: for each other one what only that
   * one can read. Throws FeatherdetError for a threshold that a minority could meet.
   */
  async deal(ring: KeyRing, threshold: number): Promise<Map<number, Bytes>> {
    if (threshold < 2 || 2 * threshold <= ring.size || threshold > ring.size) {
      throw new FeatherdetError(`${threshold} of ${ring.size} clients are no majority that could tell a secret`);
    }
    this.#ring = ring;
    const ids = [...ring.keys()].sort((a, b) => a - b), { split } = await shamir();
    const seeds = await split(this.#seed, ids.length, threshold);
    const keys = await split(await scalarOf(this.mask.privateKey), ids.length, threshold);
    const sent = new Map<number, Bytes>();
    for (const [i, other] of ids.entries()) {
      const [seed, key] = [seeds[i], keys[i]].map((share) => new Uint8Array(share));
      if (other === this.id) {
        this.#held.set(other, { seed, key });
        continue;
      }
      const cipher = await this.#cipherWith(other, "encrypt");
      const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES)), plain = new Uint8Array([...seed, ...key]);
      const hidden = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, cipher, plain);
      sent.set(other, new Uint8Array([...iv, ...new Uint8Array(hidden)]));
    }
    return sent;
  }

  async #cipherWith(other: number, use: "encrypt" | "decrypt"): Promise<CryptoKey> {
    const bytes = await agreed(this.cipher.privateKey, this.#ring.get(other)!.cipher, CIPHER);
    return await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, [use]);
  }

  /**
   * Its integers under its own mask and under one with each client that has dealt shares to it, `shares` by their numbers. Throws
   * FeatherdetError for shares that were changed on the way.
   */
  async masked(integers: Uint32Array, shares: ReadonlyMap<number, Bytes>): Promise<Uint32Array<ArrayBuffer>> {
    const sum = Uint32Array.from(integers);
    addFixed(sum, await expandSeed(this.#seed, sum.length));
    for (const [other, hidden] of shares) {
      const [iv, rest] = [hidden.slice(0, NONCE_BYTES), hidden.slice(NONCE_BYTES)];
      let plain: Bytes;
      try {
        const cipher = await this.#cipherWith(other, "decrypt");
        plain = new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, cipher, rest));
      } catch (error) {
        throw new FeatherdetError(`the shares of client ${other} cannot be read`, {}, { cause: error });
      }
      this.#held.set(other, { seed: plain.slice(0, plain.length / 2), key: plain.slice(plain.length / 2) });
      const pair: [number, number] = [this.id, other];
      const { mask, sign } = await pairMask(this.mask.privateKey, pair, this.#ring.get(other)!.mask, sum.length);
      addFixed(sum, mask, sign);
    }
    return sum;
  }

  /**
   * Hands out shares once it is said who has sent. Never of both secrets of a client, and only once, since both together would uncover what it
   * has sent. Throws FeatherdetError the second time, and where fewer than `threshold` have sent.
   */
  reveal(sent: ReadonlySet<number>, threshold: number): Revealed {
    if (this.#hasRevealed) throw new FeatherdetError("shares are handed out once");
    if (sent.size < threshold) {
      throw new FeatherdetError(`only ${sent.size} clients have sent, ${threshold} are needed`);
    }
    this.#hasRevealed = true;
    const held = [...this.#held];
    return {
      seeds: new Map(held.filter(([id]) => sent.has(id)).map(([id, { seed }]) => [id, seed])),
      keys: new Map(held.filter(([id]) => !sent.has(id)).map(([id, { key }]) => [id, key])),
    };
  }
}

/**
 * The sum of the integers of all clients that have sent, from what they have sent under masks and from what enough of them have revealed.
 * `dealt` are the clients that have dealt shares: masks with each of them are in every sum.
 *
 * Throws FeatherdetError where fewer than `threshold` clients have revealed.
 */
export async function unmask(
  sent: ReadonlyMap<number, Uint32Array>,
  { ring, dealt, revealed, threshold }: {
    readonly ring: KeyRing;
    readonly dealt: ReadonlySet<number>;
    readonly revealed: readonly Revealed[];
    readonly threshold: number;
  },
): Promise<Uint32Array<ArrayBuffer>> {
  if (revealed.length < threshold) {
    throw new FeatherdetError(`${revealed.length} clients have revealed their shares, ${threshold} are needed`);
  }
  const { combine } = await shamir();
  const told = async (of: (one: Revealed) => Bytes | undefined): Promise<Bytes> => {
    const shares = revealed.map(of).filter((share) => share !== undefined);
    if (shares.length < threshold) throw new FeatherdetError("too few shares of a secret were revealed");
    return new Uint8Array(await combine(shares.slice(0, threshold)));
  };
  const [first] = sent.values(), sum = new Uint32Array(first.length);
  for (const [id, integers] of sent) {
    addFixed(sum, integers);
    addFixed(sum, await expandSeed(await told(({ seeds }) => seeds.get(id)), sum.length), -1);
  }
  for (const lost of dealt) {
    if (sent.has(lost)) continue;
    const key = await privateKey(await told(({ keys }) => keys.get(lost)), ring.get(lost)!.mask);
    for (const id of sent.keys()) {
      // What the lost client would have added takes the others' halves off.
      const { mask, sign } = await pairMask(key, [lost, id], ring.get(id)!.mask, sum.length);
      addFixed(sum, mask, sign);
    }
  }
  return sum;
}
