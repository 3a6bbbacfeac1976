/**
 * Servers that answer wrongly: what they send is text of the protocol, changed, and cut or held back at any byte.
 *
 * @module
 */

import fc from "npm:fast-check@4.10.2";
import { join } from "node:path";
import { fetchFile } from "../../src/data/download/fetch_file.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { loadOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { type ByteChange, byteChanges, changeBytes } from "./changes.ts";
import { accepted, fuzzFolder, must, type Target, target } from "./target.ts";

const BODY = saveOnnx(demoDetector({ size: 32 }));
const folder = fuzzFolder();

const HEADS: Readonly<Record<string, string>> = {
  "whole": `HTTP/1.1 200 OK\r\ncontent-length: ${BODY.length}\r\n\r\n`,
  "without length": "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
  "longer than stated": "HTTP/1.1 200 OK\r\ncontent-length: 100\r\nconnection: close\r\n\r\n",
  "shorter than stated": `HTTP/1.1 200 OK\r\ncontent-length: ${BODY.length * 2}\r\nconnection: close\r\n\r\n`,
  "a part": `HTTP/1.1 206 Partial\r\ncontent-range: bytes 7-9/100\r\ncontent-length: ${BODY.length}\r\n\r\n`,
  "elsewhere": "HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n",
  "compressed": `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${BODY.length}\r\n\r\n`,
};

/** What is changed of an answer: its head, and after how many bytes the server closes or is silent. */
interface HttpChange {
  readonly head?: readonly ByteChange[];
  readonly stop?: number;
  readonly silent?: boolean;
}

const PATIENCE = 60;

/** Answers every connection with some bytes while `run` runs. */
async function answering(bytes: Uint8Array, silent: boolean, run: (url: string) => Promise<void>): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.TcpConn>();
  const serve = async (connection: Deno.TcpConn) => {
    open.add(connection);
    try {
      await connection.read(new Uint8Array(4096));
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await connection.write(rest));
      if (!silent) connection.close();
    } catch {
      // The client has left.
    }
  };
  const accepting = (async () => {
    try {
      for await (const connection of listener) serve(connection);
    } catch {
      // The listener was closed.
    }
  })();
  try {
    await run(`http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}/a.onnx`);
  } finally {
    listener.close();
    for (const connection of open) {
      try {
        connection.close();
      } catch {
        // It is closed already.
      }
    }
    await accepting;
  }
}

/** Downloads of files and models. */
export const httpTarget: Target = target<HttpChange>({
  entries: Object.keys(HEADS),
  changes: fc.array(
    fc.record({
      head: fc.oneof({ weight: 1, arbitrary: fc.constant([]) }, { weight: 2, arbitrary: byteChanges }),
      stop: fc.option(fc.nat(2 ** 20), { nil: undefined }),
      silent: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    }),
    { minLength: 1, maxLength: 1 },
  ),
  async run(entry, [{ head = [], stop, silent = false }]) {
    const answer = new Uint8Array([...changeBytes(new TextEncoder().encode(HEADS[entry]), head), ...BODY]);
    const sent = stop === undefined ? answer : answer.subarray(0, stop % (answer.length + 1));
    const file = join(folder, "a.onnx");
    await Deno.remove(file).catch(() => {});
    await Deno.remove(`${file}.partial`).catch(() => {});
    await answering(sent, silent, async (url) => {
      const graph = await accepted(() => loadOnnx(url, { patience: PATIENCE } as object));
      must(graph === undefined || graph.nodes.length > 0, "a graph without nodes");
      const wanted = { urls: [url], target: file, bytes: BODY.length };
      const done = await accepted(() => fetchFile(wanted, { attempts: 1, patience: PATIENCE }));
      const size = await Deno.stat(file).then(({ size }) => size, () => undefined);
      must(done === undefined ? size === undefined : size === BODY.length, `left a file of ${size} bytes`);
    });
  },
});
