/**
 * `docs`: writes the pages of `docs/` that are made from the code.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { writeWhole } from "../host/whole_file.ts";
import { operatorsPage } from "./operators_page.ts";
import { action, verb } from "./verb.ts";

/** The page that lists every operator. */
export const OPERATORS_PAGE = new URL("../../docs/operators.md", import.meta.url);

/** The verb `docs`. */
export const docsVerb = verb("docs", "Write docs/operators.md from the operator tables.", "deno task docs")
  .action(action(async (_, output) => {
    await writeWhole(fileURLToPath(OPERATORS_PAGE), operatorsPage());
    output.note("written: docs/operators.md");
    return { written: ["docs/operators.md"] };
  }));
