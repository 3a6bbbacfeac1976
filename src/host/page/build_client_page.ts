/**
 * The page whose tabs are clients of federated training, as a folder of files.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeWholeIn } from "../../data/whole_file.ts";
import { bundleScript } from "./bundle_script.ts";

const ROOT = new URL("../../../", import.meta.url);

/** Writes the page, its scripts and its style into a folder. Returns the bytes of the script. */
export async function buildClientPage(folder: string): Promise<number> {
  const script = await bundleScript(new URL("page/federated/main.ts", ROOT), { minify: true });
  const read = (path: string) => Deno.readTextFile(fileURLToPath(new URL(path, ROOT)));
  const files: Record<string, string> = {
    "client.js": script,
    // The readers of data sets import paths by Node's name, which the page's import map leads here.
    "path.js": await bundleScript(new URL("page/federated/path.ts", ROOT), { minify: true }),
    "index.html": await read("page/federated/index.html"),
    "page.css": await read("page/page.css"),
  };
  for (const [name, text] of Object.entries(files)) await writeWholeIn(join(folder, name), text);
  return new TextEncoder().encode(script).length;
}
