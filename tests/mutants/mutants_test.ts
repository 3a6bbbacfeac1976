/** The list of mutants belongs to the toolkit as it is. `deno task mutants` runs them. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { MUTANTS } from "./list/all.ts";
import { mutated } from "./mutant.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("every mutant's line is in its file once, and its tests are there", async () => {
  const stale: string[] = [];
  for (const mutant of MUTANTS) {
    const text = await Deno.readTextFile(new URL(mutant.file, ROOT));
    try {
      assert(mutated(mutant, text) !== text, `${mutant.id} changes nothing`);
    } catch (error) {
      stale.push((error as Error).message);
    }
    const { isFile } = await Deno.stat(new URL(`tests/${mutant.test}`, ROOT));
    assert(isFile);
  }
  assertEquals(stale, []);
  assertEquals(new Set(MUTANTS.map(({ id }) => id)).size, MUTANTS.length);
  assert(MUTANTS.length >= 66);
});

Deno.test("a line is replaced where it is, and one that is not there or there twice is stale", () => {
  const mutant = { ...MUTANTS[0], id: "a", file: "b.ts", before: "x = 1;", after: "x = 2;" };
  assertEquals(mutated(mutant, "if (y) {\n  x = 1;\n}\n"), "if (y) {\n  x = 2;\n}\n");
  assertEquals(mutated({ ...mutant, after: "" }, "  x = 1;\ny"), "\ny");
  for (const text of ["x = 11;", "x = 1;\n\n  x = 1;"]) {
    assertThrows(() => mutated(mutant, text), Error, "stale mutant a: b.ts has the line");
  }
});
