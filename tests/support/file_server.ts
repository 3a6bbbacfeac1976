/**
 * A server of files on this machine whose faults are chosen, for tests of downloads.
 *
 * @module
 */

/** How the server answers for one path. */
export interface ServedFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether it can send parts; true by default. */
  readonly ranges?: boolean;
  /** Break the connection after so many bytes, for as many requests as there are numbers. */
  readonly breakAfter?: number[];
  /** Answer with these statuses first, one a request. */
  readonly statuses?: number[];
  /** Send another part than is asked for. */
  readonly wrongPart?: boolean;
  /** Send the first bytes and then nothing more. */
  readonly stall?: boolean;
}

/** A running server. */
export interface FileServer {
  /** Address with a slash at its end. */
  readonly url: string;
  /** Requests so far: method, path, range (or an empty text). */
  readonly requests: string[];
}

function rangeOf(header: string | null, size: number): readonly [number, number] | undefined {
  const found = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (!found) return undefined;
  if (found[1] === "") return [Math.max(0, size - Number(found[2])), size];
  return [Number(found[1]), found[2] === "" ? size : Math.min(size, Number(found[2]) + 1)];
}

/** A body that ends in the middle of what its length promised, or never ends. */
function bodyOf(bytes: Uint8Array<ArrayBuffer>, count: number, end: "break" | "stall"): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent === 0 && count > 0) controller.enqueue(bytes.slice(0, sent = count));
      else if (end === "break") controller.error(new Error("broken on purpose"));
      // Nothing more is ever enqueued: the reader waits.
      else return new Promise<void>(() => {});
    },
  });
}

function answer(request: Request, file: ServedFile): Response {
  const { bytes, ranges = true, breakAfter, statuses, wrongPart, stall } = file;
  const status = statuses?.shift();
  if (status !== undefined) return new Response("sorry", { status });
  const headers: Record<string, string> = ranges ? { "accept-ranges": "bytes" } : {};
  const range = ranges ? rangeOf(request.headers.get("range"), bytes.length) : undefined;
  if (range && range[0] >= bytes.length) {
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${bytes.length}` } });
  }
  const [from, to] = range ?? [0, bytes.length];
  const part = bytes.slice(from, to);
  if (range) headers["content-range"] = `bytes ${wrongPart ? from + 1 : from}-${to - 1}/${bytes.length}`;
  headers["content-length"] = String(part.length);
  const code = range ? 206 : 200;
  if (request.method === "HEAD") return new Response(null, { status: code, headers });
  const count = breakAfter?.shift();
  if (count !== undefined) return new Response(bodyOf(part, count, "break"), { status: code, headers });
  if (stall) return new Response(bodyOf(part, Math.min(10, part.length), "stall"), { status: code, headers });
  return new Response(part, { status: code, headers });
}

/** Serves files by their paths while `run` runs; everything else is 404. */
export async function withServer<T>(
  files: Readonly<Record<string, ServedFile>>,
  run: (server: FileServer) => Promise<T>,
): Promise<T> {
  const requests: string[] = [];
  const stop = new AbortController();
  const server = Deno.serve(
    {
      hostname: "127.0.0.1",
      port: 0,
      signal: stop.signal,
      onListen: () => {},
      onError: () => new Response(null, { status: 500 }),
    },
    (request) => {
      const path = decodeURIComponent(new URL(request.url).pathname.slice(1));
      requests.push(`${request.method} ${path} ${request.headers.get("range") ?? ""}`.trim());
      return Object.hasOwn(files, path) ? answer(request, files[path]) : new Response("none", { status: 404 });
    },
  );
  try {
    return await run({ url: `http://127.0.0.1:${server.addr.port}/`, requests });
  } finally {
    stop.abort();
    await server.finished;
  }
}
