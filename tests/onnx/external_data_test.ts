/** Tensors in files beside the model: read from its folder, and from nowhere else. */

import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import type { onnx } from "npm:onnx-proto@8.0.1";
import { FeatherdetError } from "../../src/graph/mod.ts";
import { importOnnx, loadOnnx } from "../../src/onnx/mod.ts";
import { floats, onnxFile, onnxNode } from "../support/onnx_models.ts";

const NUMBERS = Float32Array.of(0.5, -2, 3);

function external(location: string, rest: Readonly<Record<string, string>> = {}): onnx.ITensorProto {
  const externalData = Object.entries({ location, ...rest }).map(([key, value]) => ({ key, value }));
  return { name: "w", dims: [3, 1, 1], dataType: 1, dataLocation: 1, externalData };
}

const fileWith = (tensor: onnx.ITensorProto) =>
  onnxFile({ nodes: [onnxNode("Mul", { input: ["x", "w"] })], initializers: [tensor] });
const EXPECTED = importOnnx(fileWith(floats("w", [3, 1, 1], [...NUMBERS])));

async function message(source: string | URL | Uint8Array): Promise<string> {
  const error = await assertRejects(() => loadOnnx(source), FeatherdetError);
  return error.message.replace(/^.*a\.onnx: /, "");
}

/** A folder with data in several places, and a way to load a model that names one of them. */
async function withFolder(test: (folder: string, load: typeof saved) => Promise<void>): Promise<void> {
  const outer = await Deno.makeTempDir();
  const folder = `${outer}/model`;
  await Deno.mkdir(`${folder}/sub`, { recursive: true });
  const bytes = new Uint8Array(NUMBERS.buffer);
  await Deno.writeFile(`${folder}/w.bin`, bytes);
  await Deno.writeFile(`${folder}/sub/w x.bin`, Uint8Array.of(...bytes.map(() => 7), ...bytes, 9));
  await Deno.writeFile(`${outer}/secret.bin`, bytes);
  await Deno.symlink(`${outer}/secret.bin`, `${folder}/link.bin`);
  await Deno.symlink("w.bin", `${folder}/inner.bin`);
  const path = `${folder}/a.onnx`;
  async function saved(tensor: onnx.ITensorProto): Promise<string> {
    await Deno.writeFile(path, fileWith(tensor));
    return path;
  }
  try {
    await test(folder, saved);
  } finally {
    await Deno.remove(outer, { recursive: true });
  }
}

Deno.test("external data is read beside a path, a file URL and an http URL", async () => {
  await withFolder(async (folder, save) => {
    const server = Deno.serve({ port: 0, onListen: () => {} }, async ({ url }) => {
      const path = decodeURIComponent(new URL(url).pathname);
      return new Response(await Deno.readFile(folder + path));
    });
    try {
      const forms = [
        external("w.bin"),
        external("./w.bin", { offset: "0", length: "12" }),
        external("sub/w x.bin", { offset: "12", length: "12" }),
        external("inner.bin"),
      ];
      for (const tensor of forms) {
        const path = await save(tensor);
        const http = `http://127.0.0.1:${server.addr.port}/a.onnx?download=true`;
        for (const source of [path, new URL(`file://${path}`), http]) assertEquals(await loadOnnx(source), EXPECTED);
      }
    } finally {
      await server.shutdown();
    }
  });
});

Deno.test("places outside of the model's folder are not read", async () => {
  await withFolder(async (folder, save) => {
    const outside = ["/etc/passwd", "../secret.bin", "sub/../../secret.bin", "C:\\w.bin", "file:///w.bin", "..", ""];
    for (const location of outside) {
      const path = await save(external(location));
      assertEquals(
        await message(path),
        `keeps data in "${location}", which is no file within the model's own folder and is not read`,
      );
    }
    assertEquals(
      await message(await save(external("link.bin"))),
      `keeps data in "link.bin", a link out of the model's folder, which is not followed`,
    );
    assertEquals(
      await message(await save(external("absent.bin"))),
      'keeps data in the file "absent.bin", which is not beside it',
    );
    assertMatch(
      await message(await save(external("sub"))),
      /^keeps data in the file "sub", which cannot be read \(.+\)$/,
    );
    assertEquals(folder.endsWith("/model"), true);
  });
});

Deno.test("ranges that the data does not have are refused", async () => {
  await withFolder(async (_, save) => {
    assertEquals(
      await message(await save(external("w.bin", { offset: "8", length: "12" }))),
      'initializer "w" needs bytes 8 to 20 of "w.bin", which has 12',
    );
    assertEquals(
      await message(await save(external("w.bin", { offset: "4" }))),
      'Mul "test": initializer "w" [3,1,1] needs 12 bytes of float but holds 8; the file is damaged',
    );
    assertEquals(
      await message(await save(external("w.bin", { offset: "-4" }))),
      'initializer "w" has the impossible offset "-4" of its external data',
    );
  });
});

Deno.test("bytes have no folder: their external data is handed over with them", async () => {
  const bytes = fileWith(external("w.bin"));
  const externalData = new Map([["w.bin", new Uint8Array(NUMBERS.buffer)]]);
  assertEquals(importOnnx(bytes, { externalData }), EXPECTED);
  assertEquals(await loadOnnx(bytes, { externalData }), EXPECTED);
  const refused =
    'Mul "test": initializer "w" [3,1,1] keeps its data in the file "w.bin", which does not come with these ' +
    "bytes; load the model by its path or URL, or give externalData";
  assertEquals(
    assertThrows(() => importOnnx(bytes, { file: "a.onnx" }), FeatherdetError).message,
    `a.onnx: ${refused}`,
  );
  const url = `data:application/octet-stream;base64,${btoa(String.fromCharCode(...bytes))}`;
  assertMatch(await message(url), /keeps data in the file "w.bin", but a data URL has no folder$/);
});
