/** Links between pages lead somewhere, and the README stays short. */

import { assert, assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT } from "../src/cli/test_files.ts";

/** Every page that people read. */
const PAGES = ["README.md", "CONTRIBUTING.md", "bench/README.md", ...markdownIn("docs"), ...markdownIn("data/results")];

/** The Markdown files in a folder and in its folders, relative to the checkout. */
function markdownIn(folder: string): string[] {
  return [...Deno.readDirSync(join(ROOT, folder))].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return markdownIn(`${folder}/${name}`);
    return name.endsWith(".md") ? [`${folder}/${name}`] : [];
  });
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  const headings = Deno.readTextFileSync(join(ROOT, page)).matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, text]) => text.toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-"));
}

Deno.test("links lead to files and headings that exist", () => {
  const broken = PAGES.flatMap((page) => {
    const links = [...Deno.readTextFileSync(join(ROOT, page)).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
    return links.filter(([, path, anchor]) => {
      const target = path === "" ? page : join(dirname(page), path);
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !anchorsOf(target).includes(anchor);
    }).map(([link]) => `${page}: ${link}`);
  });
  assertEquals(broken, []);
});

Deno.test("the README stays short", async () => {
  const lines = (await Deno.readTextFile(join(ROOT, "README.md"))).split("\n").length;
  assert(lines < 120, `${lines} lines`);
});
