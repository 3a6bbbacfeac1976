/**
 * The library for projects that are not Deno's: one ES module, its declarations, and a package.json that names both.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import config from "../../../deno.json" with { type: "json" };
import { writeWholeIn } from "../../data/whole_file.ts";
import { bundleScript } from "./bundle_script.ts";
import { declarationsOf } from "./declarations.ts";

const ROOT = new URL("../../../", import.meta.url);

/** The worker that decodes pictures. */
const WORKER = "decode_worker";

/** What was written. */
export interface BuiltBundle {
  readonly files: number;
  /** Bytes of the module. */
  readonly bytes: number;
  /** The same compressed, as servers send it. */
  readonly gzip: number;
}

/** Bytes of a text as gzip packs them. */
export async function gzipBytes(text: string): Promise<number> {
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(packed).arrayBuffer()).byteLength;
}

/** Writes `featherdet.js` and its worker, `featherdet.d.ts`, the declarations behind it, `package.json` and the licence into a folder. */
export async function buildBundle(folder: string): Promise<BuiltBundle> {
  // A worker is a file of its own, which bundlers find by the URL that the module makes of its name.
  const script = (await bundleScript(new URL("mod.ts", ROOT), { minify: true }))
    .replaceAll(`"./${WORKER}.ts"`, `"./${WORKER}.js"`);
  const worker = await bundleScript(new URL(`src/image/codec/${WORKER}.ts`, ROOT), { minify: true });
  const declarations = await declarationsOf(ROOT, "mod.ts");
  const description = {
    ...{ name: "featherdet", version: config.version, license: config.license, type: "module" },
    exports: { ".": { types: "./featherdet.d.ts", default: "./featherdet.js" } },
    sideEffects: false,
  };
  const files: Record<string, string> = {
    "featherdet.js": script,
    [`${WORKER}.js`]: worker,
    "featherdet.d.ts": 'export * from "./types/mod.js";\n',
    "package.json": `${JSON.stringify(description, null, 2)}\n`,
    LICENSE: await Deno.readTextFile(fileURLToPath(new URL("LICENSE", ROOT))),
  };
  for (const [name, text] of declarations) files[`types/${name}`] = text;
  for (const [name, text] of Object.entries(files)) await writeWholeIn(join(folder, name), text);
  const bytes = new TextEncoder().encode(script).length;
  return { files: Object.keys(files).length, bytes, gzip: await gzipBytes(script) };
}
