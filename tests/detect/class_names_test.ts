/** Class names in the spellings in which files have them. */

import { classNamesOf, parseClassNames } from "../../src/detect/class_names.ts";
import { assertEquals } from "../support/assert.ts";

const NAMES = ["red", "dark green", "it's: blue"];

const SPELLINGS: Readonly<Record<string, string>> = {
  "a dict of Python": `{0: 'red', 1: 'dark green', 2: "it's: blue"}`,
  "a list of Python": `['red', 'dark green', "it's: blue"]`,
  "a map of JSON": JSON.stringify({ 0: "red", 1: "dark green", 2: "it's: blue" }),
  "a list of JSON": JSON.stringify(NAMES),
  "a map of JSON by name": JSON.stringify({ red: 0, "it's: blue": 2, "dark green": 1 }),
  "a map of JSON within another": JSON.stringify({ names: { 0: "red", 1: "dark green", 2: "it's: blue" } }),
  "a list of JSON objects": JSON.stringify(NAMES.map((name, id) => ({ id, name }))),
  "lines of YAML": `0: red\n1: dark green\n2: "it's: blue"\n`,
  "lines of YAML below a key": `names:\n  0: red\n  1: dark green\n  2: it's: blue`,
  "a list of YAML": `- red\n- 'dark green'\n- it's: blue`,
  "a flow list of YAML": `[red, dark green, it's: blue]`,
  "a flow map of YAML": `{0: red, 1: dark green, 2: it's: blue}`,
  "lines": `red\r\ndark green\r\nit's: blue\r\n`,
  "lines with a comment": `# three\nred\ndark green\n\nit's: blue`,
  "commas": `red, dark green,it's: blue`,
  "numbers and commas": `0: red, 1: dark green, 2: it's: blue`,
  "semicolons": `red;dark green;it's: blue`,
};

for (const [name, text] of Object.entries(SPELLINGS)) {
  Deno.test(`class names are read from ${name}`, () => assertEquals(parseClassNames(text), NAMES));
}

Deno.test("names that are missing keep their number, and what is no list of names is none", () => {
  assertEquals(parseClassNames("0: red\n2: blue"), ["red", "class 1", "blue"]);
  assertEquals(parseClassNames("person"), ["person"]);
  for (const text of ["", "{}", "[]", "  ", "[[1, 2], [3]]", "{0: {a: b}}", "999999999: x"]) {
    assertEquals(parseClassNames(text), undefined, text);
  }
});

Deno.test("names are found under the keys that exporters use", () => {
  for (const key of ["names", "classes", "class_names", "labels"]) {
    assertEquals(classNamesOf({ metadata: { [key]: "red,blue" } }), ["red", "blue"]);
  }
  assertEquals(classNamesOf({ metadata: { stride: "32" } }), undefined);
});
