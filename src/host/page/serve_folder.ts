/**
 * Serves the files of a folder on this machine.
 *
 * @module
 */

import { extname, join, normalize } from "node:path";
import { FeatherdetError } from "../../graph/error.ts";

const TYPES: Readonly<Record<string, string>> = {
  ...{
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
  },
  ...{ ".mjs": "text/javascript; charset=utf-8", ".wasm": "application/wasm" },
  ...{ ".json": "application/json", ".jpg": "image/jpeg", ".png": "image/png", ".onnx": "application/octet-stream" },
};

/** A folder that is served. */
export interface ServedFolder {
  /** Where it is. */
  readonly url: string;
  /** Resolves when it is no longer served. */
  readonly finished: Promise<void>;
  stop(): Promise<void>;
}

/** How a folder is served. */
export interface ServeOptions {
  /** Address that it listens on; programs of this machine alone reach the default, `127.0.0.1`. */
  readonly host?: string;
  /** Answers what is no file of the folder; undefined where it is one. */
  readonly first?: (request: Request) => Promise<Response | undefined> | Response | undefined;
}

/** Serves a folder, for programs of this machine only by default; port 0 is any free one. Throws a `FeatherdetError` for a port that is taken. */
export function serveFolder(
  folder: string,
  port: number,
  { host = "127.0.0.1", first = () => undefined }: ServeOptions = {},
): ServedFolder {
  const answer = async (request: Request): Promise<Response> => {
    const answered = await first(request);
    if (answered) return answered;
    let path: string;
    try {
      path = decodeURIComponent(new URL(request.url).pathname);
    } catch {
      return new Response(null, { status: 400 });
    }
    // A URL has no parts above its root; a decoded one might.
    const file = join(folder, normalize(`/${path.endsWith("/") ? `${path}index.html` : path}`));
    try {
      const body = await Deno.readFile(file);
      const type = TYPES[extname(file).toLowerCase()] ?? "application/octet-stream";
      return new Response(body, { headers: { "content-type": type, "cache-control": "no-cache" } });
    } catch {
      return new Response("not found", { status: 404 });
    }
  };
  try {
    const server = Deno.serve({ port, hostname: host, onListen: () => {} }, answer);
    return {
      url: `http://${host === "0.0.0.0" ? "127.0.0.1" : host}:${server.addr.port}/`,
      finished: server.finished,
      stop: () => server.shutdown(),
    };
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new FeatherdetError(`port ${port} is taken by another program: name another one with --port`);
  }
}
