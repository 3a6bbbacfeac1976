/**
 * Downloads one file into a partial file, which a later call can continue. The file gets its name after it was checked.
 *
 * @module
 */

import { dirname } from "node:path";
import { FeatherdetError } from "../../graph/error.ts";
import { Patience } from "../../onnx/fetch.ts";
import { kindOf } from "../files.ts";
import { sha256OfFile } from "./checksum.ts";

/** What to download. */
export interface Wanted {
  /** Addresses of the same file, tried in turn. */
  readonly urls: readonly string[];
  /** File it becomes; its folder is made. */
  readonly target: string;
  /** SHA-256 it must have, where that is known. */
  readonly sha256?: string;
  /** Size it must have, where that is known. */
  readonly bytes?: number;
}

/** How to download. */
export interface FetchOptions {
  /** How often to try, all addresses together; 5 by default. */
  readonly attempts?: number;
  /** Milliseconds to wait before the second try, doubled for each further one; 500 by default. */
  readonly pause?: number;
  /** Milliseconds without a byte after which a connection is given up; 60 000 by default. */
  readonly patience?: number;
  /** Called with the number of bytes that arrived; a negative number if a start was in vain. */
  readonly onBytes?: (count: number) => void;
}

/** A failure that trying again may mend: a broken connection, a server that is busy. */
class Passing extends FeatherdetError {}

async function sizeOf(file: string): Promise<number> {
  return kindOf(file) === "file" ? (await Deno.stat(file)).size : 0;
}

async function removeIfThere(file: string): Promise<void> {
  if (kindOf(file) === "file") await Deno.remove(file);
}

/** Why a file is not what was wanted; undefined if it is. */
async function faultOf(file: string, { sha256, bytes }: Wanted): Promise<string | undefined> {
  const size = await sizeOf(file);
  if (bytes !== undefined && size !== bytes) return `it has ${size} bytes, expected ${bytes}`;
  if (sha256 === undefined) return undefined;
  const found = await sha256OfFile(file);
  return found === sha256 ? undefined : `its SHA-256 is ${found}, expected ${sha256}`;
}

/** Writes a body to an open file, of which more than so many bytes are not taken; fails where no byte comes for too long. */
async function pour(
  body: ReadableStream<Uint8Array>,
  to: Deno.FsFile,
  most: number,
  restart: () => void,
  tell: (count: number) => void,
) {
  let length = 0;
  for await (const piece of body) {
    restart();
    let rest = piece;
    while (rest.length > 0) rest = rest.subarray(await to.write(rest));
    tell(piece.length);
    length += piece.length;
    // That it is too long is said when the file is looked at.
    if (length > most) break;
  }
}

/** First byte of a partial answer, by its header. */
function startOf(response: Response): number | undefined {
  const found = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "");
  return found ? Number(found[1]) : undefined;
}

/** One request, which continues the file `partial` if the server can. */
async function request(url: string, partial: string, wanted: Wanted, options: FetchOptions): Promise<void> {
  const { patience, onBytes = () => {} } = options;
  const waiting = new Patience(patience);
  // Without a checksum nothing would tell whether the two halves belong together.
  const before = wanted.sha256 === undefined ? 0 : await sizeOf(partial);
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  if (before > 0) headers.range = `bytes=${before}-`;
  try {
    const response = await fetch(url, { headers, signal: waiting.signal });
    if (response.status === 416) {
      // What is there is as long as the file or longer; the checksum tells which.
      await response.body?.cancel();
      onBytes(before);
      return;
    }
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      const busy = response.status >= 500 || response.status === 429 || response.status === 408;
      const detail = `the server answers ${response.status} ${response.statusText}`.trimEnd();
      throw new (busy ? Passing : FeatherdetError)(detail, { file: url });
    }
    const goesOn = before > 0 && response.status === 206 && startOf(response) === before;
    if (response.status === 206 && !goesOn) {
      await response.body.cancel();
      await removeIfThere(partial);
      throw new Passing("the server sends another part than was asked for", { file: url });
    }
    const file = await Deno.open(partial, { create: true, write: true, truncate: !goesOn, append: goesOn });
    try {
      if (goesOn) onBytes(before);
      const most = (wanted.bytes ?? Infinity) - (goesOn ? before : 0);
      await pour(response.body, file, most, () => waiting.restart(), onBytes);
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof FeatherdetError) throw error;
    throw new Passing(`the download broke off: ${waiting.reason(error)}`, { file: url }, { cause: error });
  } finally {
    waiting.end();
  }
}

/** Requests until the partial file is what was wanted; a second time from the start where going on led to something else. */
async function requestWhole(url: string, partial: string, wanted: Wanted, options: FetchOptions): Promise<void> {
  let told = 0;
  const onBytes = (count: number) => {
    told += count;
    options.onBytes?.(count);
  };
  try {
    const wentOn = wanted.sha256 !== undefined && await sizeOf(partial) > 0;
    await request(url, partial, wanted, { ...options, onBytes });
    let fault = await faultOf(partial, wanted);
    if (fault !== undefined && wentOn) {
      await Deno.remove(partial);
      onBytes(-told);
      await request(url, partial, wanted, { ...options, onBytes });
      fault = await faultOf(partial, wanted);
    }
    if (fault === undefined) return;
    await Deno.remove(partial);
    throw new FeatherdetError(`${fault}; it was not kept`, { file: url });
  } catch (error) {
    onBytes(-told);
    throw error;
  }
}

/**
 * Downloads a file unless it is there already and is right. What has come stays in `TARGET.partial` when a connection breaks, and the
 * next try, of this call or a later one, asks for the rest only; `TARGET` appears when its size and checksum are right.
 *
 * Returns whether it was `present` or was `fetched`. Throws a `FeatherdetError` that names the address: for a refusal by the server, a
 * connection that keeps breaking, a wrong size or checksum.
 */
export async function fetchFile(wanted: Wanted, options: FetchOptions = {}): Promise<"present" | "fetched"> {
  const { target } = wanted;
  const { attempts = 5, pause = 500 } = options;
  if (kindOf(target) === "file") {
    if (await faultOf(target, wanted) === undefined) {
      options.onBytes?.(await sizeOf(target));
      return "present";
    }
    await Deno.remove(target);
  }
  await Deno.mkdir(dirname(target), { recursive: true });
  const partial = `${target}.partial`;
  let urls = [...wanted.urls];
  for (let attempt = 1;; attempt++) {
    const url = urls[(attempt - 1) % urls.length];
    try {
      await requestWhole(url, partial, wanted, options);
      await Deno.rename(partial, target);
      return "fetched";
    } catch (error) {
      // An address that refuses is not asked again.
      if (!(error instanceof Passing)) urls = urls.filter((one) => one !== url);
      if (urls.length === 0 || attempt >= attempts) throw error;
      if (error instanceof Passing) await new Promise((resolve) => setTimeout(resolve, pause * 2 ** (attempt - 1)));
    }
  }
}
