/**
 * Where the project's own files lie.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

/**
 * A file or folder of the project, by its path from the root: its path in a checkout, its address where the toolkit was imported over http.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { projectFile } from "./project_file.ts";
 * assert.match(projectFile("data/variants.json"), /data.variants\.json$/);
 * ```
 */
export function projectFile(path: string): string {
  const url = new URL(`../../${path}`, import.meta.url);
  return url.protocol === "file:" ? fileURLToPath(url) : url.href;
}
