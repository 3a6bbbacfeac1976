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
