/**
 * Reads result tables from `table.json`.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { faultOf } from "../../numbers/forms.ts";
import type { TableResults } from "./results.ts";
import { RESULTS_FORM } from "./results_form.ts";

/** Results that come with this version, by data set. */
const RESULTS = new URL("../../../data/results/", import.meta.url);

/**
 * Reads result tables: the `table.json` at a URL, or, by the name of a data set (`coco`, `bccd`, `synthetic`), the one that comes with
 * this version.
 *
 * Throws FeatherdetError that names the file if there is none or it holds something else.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { readResults } from "./read.ts";
 * const { data, rows } = await readResults("bccd"); // from `data/results`, or the address of a `table.json`
 * assert.equal(data, "bccd");
 * assert.ok(rows.length > 0);
 * ```
 */
export async function readResults(source: string | URL): Promise<TableResults> {
  const isName = typeof source === "string" && /^[\w-]+$/.test(source);
  const url = isName ? new URL(`${source}/table.json`, RESULTS) : source;
  const file = String(url);
  let value: unknown;
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    value = await response.json();
  } catch (error) {
    const hint = isName ? `, "deno task table --data ${source}" writes it` : "";
    throw new FeatherdetError(`no results can be read here (${(error as Error).message})${hint}`, { file }, {
      cause: error,
    });
  }
  const fault = faultOf(RESULTS_FORM, value);
  if (fault !== undefined) throw new FeatherdetError(`these are no results of variants (${fault})`, { file });
  return value as TableResults;
}
