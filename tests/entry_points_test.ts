/** The pages that programs import: which there are, what they load, and that examples prove something. */

import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import * as front from "../mod.ts";
import { ENTRY_POINTS, ROOT } from "../src/cli/test_files.ts";

/** Pages that serve browsers. The others name files. */
const BROWSER_PAGES = ENTRY_POINTS.filter((page) => !["data.ts", "report.ts"].includes(page));

/** What other programs lean on (README, CONTRIBUTING). */
const CONTRACT = ["loadOnnx", "saveOnnx", "Session", "Detector", "yolo11", "yolo11Lite", "analyze", "evaluate"];

interface ModuleInfo {
  readonly specifier: string;
  readonly dependencies?: readonly { readonly code?: { readonly specifier?: string } }[];
}

/** Everything that a page loads when it is run: imports of types alone are left out. */
async function loadedBy(page: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", page], cwd: ROOT }).output();
  const { roots, modules }: { roots: string[]; modules: ModuleInfo[] } = JSON.parse(new TextDecoder().decode(stdout));
  const bySpecifier = new Map(modules.map((module) => [module.specifier, module]));
  const seen = new Set(roots);
  for (const specifier of seen) {
    for (const { code } of bySpecifier.get(specifier)?.dependencies ?? []) {
      if (code?.specifier) seen.add(code.specifier);
    }
  }
  return [...seen];
}

/** The TypeScript files of a folder and of those in it. */
function sources(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return sources(`${folder}/${name}`);
    return name.endsWith(".ts") ? [`${folder}/${name}`] : [];
  });
}

Deno.test("every module beside deno.json is exported", () => {
  const modules = [...Deno.readDirSync(ROOT)].map(({ name }) => name).filter((name) => name.endsWith(".ts"));
  assertEquals(modules.sort(), [...ENTRY_POINTS].sort());
});

Deno.test("mod.ts has the contract's names, and stays short", () => {
  const values = Object.keys(front);
  for (const name of [...CONTRACT, "FeatherdetError"]) assert(values.includes(name), name);
  assert(values.length <= 20, `${values.length} values`);
});

for (const page of BROWSER_PAGES) {
  Deno.test(`${page} loads nothing that browsers lack: no module of Node, no file of this machine, no report`, async () => {
    const loaded = await loadedBy(page);
    assert(loaded.length > 100);
    assertEquals(loaded.filter((one) => /^node:|\/src\/(host|cli|report\/(plot|table))\//.test(one)), []);
  });
}

Deno.test("every example in a documentation comment asserts something", () => {
  const silent = [
    ...ENTRY_POINTS.map((page) => ROOT + page),
    ...sources(fileURLToPath(new URL("../src", import.meta.url))),
  ]
    .flatMap((file) => {
      const examples = Deno.readTextFileSync(file).matchAll(/^ *\* ```ts\n([^]*?)^ *\* ```$/gm);
      return [...examples].filter(([, code]) => !/\bassert\b/.test(code) || /console\.log/.test(code)).map(() => file);
    });
  assertEquals(silent.map((file) => file.slice(ROOT.length)), []);
});
