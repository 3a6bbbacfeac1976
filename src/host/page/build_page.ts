/**
 * The web page as a folder of files that any static host serves.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeWholeIn } from "../../data/whole_file.ts";
import { gzipBytes } from "./build_bundle.ts";
import { bundleScript } from "./bundle_script.ts";
import { cpuRuntimeFiles } from "./cpu_runtime.ts";
import type { PageData } from "./page_data.ts";
import { pageModels } from "./page_models.ts";

const ROOT = new URL("../../../", import.meta.url);
const fromRoot = (path: string) => fileURLToPath(new URL(path, ROOT));

/** What was written. */
export interface BuiltPage {
  /** Bytes of the page's script, and the same as gzip packs it. */
  readonly script: { readonly bytes: number; readonly gzip: number };
  readonly models: number;
  /** Models that are not here and that the page therefore does not offer. */
  readonly absent: readonly string[];
  /** Bytes of the CPU engine's runtime; undefined where the page has none. */
  readonly cpu?: number;
}

/** What else the page has. */
export interface PageOptions {
  /** onnxruntime-web beside the page, which is loaded when somebody chooses the CPU engine. Default true. */
  readonly cpu?: boolean;
}

/** Where the runtime's files are, beside the page. */
const RUNTIME = "onnxruntime";

/** Writes the page, its script, the models and the picture that it shows first into a folder. */
export async function buildPage(folder: string, { cpu = true }: PageOptions = {}): Promise<BuiltPage> {
  const { data: { models, ...told }, files: modelFiles, absent } = pageModels(ROOT);
  const runtime = new Map(
    cpu ? [...await cpuRuntimeFiles()].map(([name, path]) => [`${RUNTIME}/${name}`, path]) : [],
  );
  const runtimeBytes = [...runtime.values()].reduce((sum, path) => sum + Deno.statSync(path).size, 0);
  const [module] = runtime.keys();
  const data: PageData = { models, ...told, ...module !== undefined && { cpu: { module, bytes: runtimeBytes } } };
  const script = await bundleScript(new URL("page/main.ts", ROOT), { minify: true });
  const contents: Record<string, string | Uint8Array> = {
    "page.js": script,
    "models.json": JSON.stringify(data),
    "sample.jpg": await Deno.readFile(fromRoot("data/pictures/blood_cells.jpg")),
  };
  for (const name of ["index.html", "page.css"]) contents[name] = await Deno.readTextFile(fromRoot(`page/${name}`));
  for (const [name, path] of [...modelFiles, ...runtime]) contents[name] = await Deno.readFile(path);
  for (const [name, content] of Object.entries(contents)) await writeWholeIn(join(folder, name), content);
  const bytes = new TextEncoder().encode(script).length;
  return {
    script: { bytes, gzip: await gzipBytes(script) },
    models: models.length,
    absent,
    ...cpu && { cpu: runtimeBytes },
  };
}
