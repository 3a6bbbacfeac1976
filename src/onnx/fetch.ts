/**
 * Reads what is at a URL, within limits: a server may be silent, send without end, or break off.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";

/** Limits of a transfer. */
export interface FetchLimits {
  /** Milliseconds without a byte after which it is given up; 60,000 by default. */
  readonly patience?: number;
  /** Most bytes that are taken; 2 GiB by default, which is the most that a file of ONNX can have. */
  readonly maxBytes?: number;
}

const PATIENCE = 60_000, MOST_BYTES = 2 ** 31;

/** What a failed connection says; the first message is often no more than that it failed. */
export function connectionFault(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause instanceof Error && !message.includes(cause.message) ? `${message}: ${cause.message}` : message;
}

const size = (bytes: number) => bytes < 2 ** 20 ? `${bytes} bytes` : `${Math.floor(bytes / 2 ** 20)} MiB`;

/** Ends what takes too long without a sign of life. */
export class Patience {
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Begins to wait; `restart` is the sign of life. */
  constructor(readonly milliseconds: number = PATIENCE) {
    this.restart();
  }

  /** Aborted when it is over. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  restart(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(), this.milliseconds);
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  /** Why a transfer failed. */
  reason(error: unknown): string {
    return this.signal.aborted ? `nothing came for ${this.milliseconds / 1000} s` : connectionFault(error);
  }
}

async function readBody(response: Response, most: number, patience: Patience, file: string): Promise<Uint8Array> {
  const tooLong = () => new FeatherdetError(`has more than ${size(most)}, which are accepted`, { file });
  if (Number(response.headers.get("content-length") ?? 0) > most) throw tooLong();
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body ?? []) {
    patience.restart();
    length += piece.length;
    if (length > most) throw tooLong();
    pieces.push(piece);
  }
  const bytes = new Uint8Array(length);
  for (let at = 0; pieces.length > 0;) {
    const piece = pieces.shift()!;
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/**
 * Fetches a URL. Redirections are followed as often as the platform does (20 times).
 *
 * Throws FeatherdetError naming `file` or the URL: for answers other than success, connections that break or are silent, and too many bytes.
 */
export async function fetchBytes(
  url: string | URL,
  { patience: milliseconds, maxBytes = MOST_BYTES }: FetchLimits = {},
  file: string = String(url),
): Promise<Uint8Array> {
  const patience = new Patience(milliseconds);
  try {
    const response = await fetch(url, { signal: patience.signal });
    patience.restart();
    if (!response.ok) {
      await response.body?.cancel();
      throw new FeatherdetError(`cannot be fetched (HTTP status ${response.status})`, { file });
    }
    return await readBody(response, maxBytes, patience, file);
  } catch (cause) {
    if (cause instanceof FeatherdetError) throw cause;
    throw new FeatherdetError(`cannot be fetched (${patience.reason(cause)})`, { file }, { cause });
  } finally {
    patience.end();
  }
}
