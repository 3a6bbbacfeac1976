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

/** Serves a folder for programs of this machine only; port 0 is any free one. Throws a `FeatherdetError` for a port that is taken. */
export function serveFolder(folder: string, port: number): ServedFolder {
  const answer = async (request: Request): Promise<Response> => {
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
    const server = Deno.serve({ port, hostname: "127.0.0.1", onListen: () => {} }, answer);
    return {
      url: `http://127.0.0.1:${server.addr.port}/`,
      finished: server.finished,
      stop: () => server.shutdown(),
    };
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new FeatherdetError(`port ${port} is taken by another program: name another one with --port`);
  }
}
