/**
 * Pages that are made from the code are as the code is.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { OPERATORS_PAGE } from "../src/cli/docs.ts";
import { operatorsPage } from "../src/cli/operators_page.ts";

Deno.test("docs/operators.md is what `deno task docs` writes", async () => {
  assertEquals(await Deno.readTextFile(OPERATORS_PAGE), operatorsPage());
});
