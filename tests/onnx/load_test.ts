/** Where models are loaded from, and the class names in their metadata. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { FeatherdetError } from "../../src/graph/mod.ts";
import { importOnnx, loadOnnx, readClassNames } from "../../src/onnx/mod.ts";
import { parseNames } from "../../src/onnx/metadata.ts";
import { onnxFile, onnxNode } from "../support/onnx_models.ts";

const ABSENT = new URL("no_such_model.onnx", import.meta.url);
const SHAPED = { shapes: { x: [2, 3, 4, 4] } };

async function message(source: string | URL): Promise<string> {
  const error = await assertRejects(() => loadOnnx(source), FeatherdetError);
  return (error as FeatherdetError).message;
}

Deno.test("bytes, a path, a file URL and an http URL give the same graph", async () => {
  const bytes = onnxFile({ nodes: [onnxNode("Relu")] });
  const expected = importOnnx(bytes);
  const path = await Deno.makeTempFile({ suffix: ".onnx" });
  const server = Deno.serve(
    { port: 0, onListen: () => {} },
    ({ url }) =>
      url.endsWith("/model.onnx") ? new Response(bytes.slice()) : new Response("nothing here", { status: 404 }),
  );
  try {
    await Deno.writeFile(path, bytes);
    const http = `http://127.0.0.1:${server.addr.port}/model.onnx`;
    for (const source of [bytes, path, new URL(`file://${path}`), `file://${path}`, http, new URL(http)]) {
      assertEquals(await loadOnnx(source), expected);
    }
    assertEquals((await loadOnnx(http, SHAPED)).inputs[0].shape, [2, 3, 4, 4]);
    const absent = `http://127.0.0.1:${server.addr.port}/absent.onnx`;
    assertEquals(await message(absent), `${absent}: cannot be fetched (HTTP status 404)`);
  } finally {
    await server.shutdown();
    await Deno.remove(path);
  }
});

Deno.test("a missing file and an unreachable server are named", async () => {
  assertEquals(await message("no/such/model.onnx"), "no/such/model.onnx: does not exist");
  assertMatch(await message("."), /^\.: cannot be read \(.+\)$/);
  assertMatch(await message(ABSENT), /no_such_model\.onnx: cannot be fetched \(.+\)$/);
  assertMatch(
    await message("http://127.0.0.1:9/model.onnx"),
    /^http:\/\/127\.0\.0\.1:9\/model\.onnx: cannot be fetched \(.+\)$/,
  );
});

Deno.test("what is wrong inside a file comes with the file's name", async () => {
  const path = await Deno.makeTempFile({ suffix: ".txt" });
  await Deno.writeTextFile(path, "not a model");
  assertEquals(await message(path), `${path}: is not an ONNX model but a text file`);
  await Deno.remove(path);
});

Deno.test("class names are read from Python's dict and list", () => {
  assertEquals(parseNames("{0: 'person', 1: \"driver's seat\", 2: 'it\\'s'}"), ["person", "driver's seat", "it's"]);
  assertEquals(parseNames('{"1": "b", "0": "a"}'), ["a", "b"]);
  assertEquals(parseNames("['a', \"b, c\", '{d: e}', ]"), ["a", "b, c", "{d: e}"]);
  assertEquals(parseNames("{0: 'caf\\xe9', 1: '\\u732b', 2: '\\U0001F431', 3: '\\\\'}"), ["café", "猫", "🐱", "\\"]);
  assertEquals(parseNames("{0: 'a', 3: 'd'}"), ["a", "class 1", "class 2", "d"]);
  assertEquals(parseNames("{}"), []);
  for (
    const text of [
      "",
      "person",
      "{0: person}",
      "{'a': 'b'}",
      "{0: 'a' 1: 'b'}",
      "{0: 'a'",
      "[0: 'a']",
      "{99999999: 'a'}",
    ]
  ) {
    assertEquals(parseNames(text), undefined, text);
  }
});

Deno.test("a graph without class names has none", () => {
  const graph = (names?: string) =>
    importOnnx(onnxFile({
      nodes: [onnxNode("Relu")],
      model: { metadataProps: names === undefined ? [] : [{ key: "names", value: names }] },
    }));
  assertEquals(readClassNames(graph()), undefined);
  assertEquals(readClassNames(graph("{}")), undefined);
  assertEquals(readClassNames(graph("{0: 'cell'}")), ["cell"]);
});

/** Answers every connection with some text of the protocol, and closes it or stays silent. */
async function answering(text: string, silent: boolean, run: (url: string) => Promise<void>): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 }), open: Deno.Conn[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      open.push(connection);
      await connection.read(new Uint8Array(4096));
      await connection.write(new TextEncoder().encode(text));
      if (!silent) open.pop()!.close();
    }
  })().catch(() => {});
  try {
    await run(`http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}/a.onnx`);
  } finally {
    listener.close();
    for (const connection of open) connection.close();
    await serving;
  }
}

Deno.test("a server that is silent, breaks off, sends too much or leads in circles is told of in one sentence", async () => {
  const close = "connection: close\r\n\r\n";
  const cases: [text: string, silent: boolean, says: RegExp][] = [
    ["", true, /\(nothing came for 0\.1 s\)$/],
    ["HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc", true, /\(nothing came for 0\.1 s\)$/],
    ["HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc", false, /: cannot be fetched \(.*\)$/],
    ["", false, /: cannot be fetched \(.*\)$/],
    [`HTTP/1.1 302 Found\r\nlocation: /a.onnx\r\n${close}`, false, /: cannot be fetched \(.*redirects?.*\)$/i],
    [`HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n${close}`, false, /: has more than 1000 bytes, which are accepted$/],
    [`HTTP/1.1 200 OK\r\n${close}${"x".repeat(2000)}`, false, /: has more than 1000 bytes, which are accepted$/],
  ];
  for (const [text, silent, says] of cases) {
    await answering(text, silent, async (url) => {
      const options = { patience: silent ? 100 : 20_000, maxBytes: 1000 };
      const { message } = await assertRejects(() => loadOnnx(url, options), FeatherdetError);
      assertMatch(message, says);
      assertEquals([message.startsWith(url), message.includes("\n")], [true, false]);
    });
  }
});
