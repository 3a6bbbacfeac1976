/**
 * Reads every ONNX file of a folder and writes it again into another: `deno run -A tests/support/export_again.ts FROM TO`.
 * Recipes in `tests/fixtures/` check with ONNX's own tools what comes out.
 *
 * @module
 */

import { importOnnx, saveOnnx } from "../../src/onnx/mod.ts";

const [from, to] = Deno.args;
for (const { name } of Deno.readDirSync(from)) {
  if (!name.endsWith(".onnx")) continue;
  const graph = importOnnx(Deno.readFileSync(`${from}/${name}`), { file: name });
  Deno.writeFileSync(`${to}/${name}`, saveOnnx(graph));
}
