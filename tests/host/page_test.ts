/** What the page and the bundle are made of: models with the table's figures, declarations, a folder that is served. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import table from "../../data/results/bccd/table.json" with { type: "json" };
import { declarationsOf } from "../../src/host/page/declarations.ts";
import { pageModels } from "../../src/host/page/page_models.ts";
import { serveFolder } from "../../src/host/page/serve_folder.ts";
import { inFolder, put } from "../support/data_folders.ts";

Deno.test("the page's models have the figures of the table and the bytes of their files", () => {
  const { data: { models, shown, source }, files } = pageModels(new URL("../../", import.meta.url));
  assert(shown.every((id) => models.some((model) => model.id === id)));
  assertMatch(source, new RegExp(`the ${table.images} test pictures`));
  for (const { id, precision, map, map50, bytes, file, size } of models) {
    assertEquals(bytes, Deno.statSync(files.get(file)!).size, id);
    const row = table.rows.find((one) => one.id === id);
    // The original in f16 has no row, and is said to be not measured.
    if (row === undefined) assertEquals([id, precision, map, map50], ["bccd-f16", "f16", undefined, undefined]);
    else assertEquals([precision, size, map], [row.precision, row.size, row.figures?.map?.value], id);
  }
});

Deno.test("declarations reach the files that types come from, and no other", () =>
  inFolder(async (folder) => {
    await put(
      folder,
      "mod.ts",
      `export { one } from "./a/one.ts";\nimport { two } from "./two.ts";\nexport const three: number = two;\n`,
    );
    await put(folder, "two.ts", "export const two = 2;\n");
    const one = `import type { Kind } from "../kind.ts";\nimport type { onnx } from "npm:onnx-proto@8.0.1";\n` +
      `export function one(kind: Kind, proto: onnx): import("../far.ts").Far { throw [kind, proto]; }\n`;
    await put(folder, "a/one.ts", one);
    await put(
      folder,
      "kind.ts",
      `export const KINDS = ["a", "b"] as const satisfies readonly string[];\nexport type Kind = typeof KINDS[number];\n`,
    );
    await put(folder, "far.ts", "export interface Far { readonly far: true }\n");
    const found = await declarationsOf(pathToFileURL(`${folder}/`), "mod.ts");
    assertEquals([...found.keys()].sort(), ["a/one.d.ts", "far.d.ts", "kind.d.ts", "mod.d.ts"]);
    assertMatch(found.get("mod.d.ts")!, /from "\.\/a\/one\.js";\s+export declare const three: number;/);
    assertMatch(found.get("a/one.d.ts")!, /from "\.\.\/kind\.js";\s+import type \{ onnx \} from "onnx-proto";/);
    assertMatch(found.get("a/one.d.ts")!, /import\("\.\.\/far\.js"\)\.Far/);
    assertMatch(found.get("kind.d.ts")!, /readonly \["a", "b"\]/);
  }));

Deno.test("all files that the library's types come from have declarations", async () => {
  const found = await declarationsOf(new URL("../../", import.meta.url), "mod.ts");
  assertMatch(found.get("src/detect/detector.d.ts")!, /export declare class Detector/);
});

Deno.test("a folder is served with the types that browsers want, and nothing above it", () =>
  inFolder(async (folder) => {
    await put(folder, "secret.txt", "not for anyone");
    await put(folder, "site/index.html", "<!doctype html>");
    await put(folder, "site/page.js", "export {};");
    const { url, stop } = serveFolder(join(folder, "site"), 0);
    try {
      const ask = async (path: string) => {
        const response = await fetch(new URL(path, url));
        return [response.status, response.headers.get("content-type")?.split(";")[0], await response.text()];
      };
      assertEquals(await ask("/"), [200, "text/html", "<!doctype html>"]);
      assertEquals(await ask("/page.js?x=1"), [200, "text/javascript", "export {};"]);
      for (const path of ["/..%2fsecret.txt", "/%2e%2e/secret.txt", "/none.js", "/..%5csecret.txt"]) {
        assertEquals((await ask(path))[0], 404, path);
      }
      assertEquals((await ask("/%ff"))[0], 400);
    } finally {
      await stop();
    }
  }));
