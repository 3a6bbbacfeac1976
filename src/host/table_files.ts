/**
 * Files of the result tables: the manifest that is read, and what is written.
 *
 * @module
 */

import { join } from "node:path";
import { readText } from "../data/files.ts";
import { FeatherdetError } from "../graph/error.ts";
import {
  drawResultPareto,
  isWhole,
  type OptionCheck,
  parseManifest,
  renderCsv,
  renderMarkdown,
  type TableResults,
  type Variant,
} from "../report/table/mod.ts";
import { folderError } from "./file_error.ts";
import { projectFile } from "./project_file.ts";
import { writeTexts, writeWhole } from "./whole_file.ts";

/** The manifest of the project. */
export const VARIANTS_FILE: string = projectFile("data/variants.json");

/** Folder of the project's result tables, a folder a data set. */
export const RESULTS_FOLDER: string = projectFile("data/results/");

/** All variants of a manifest, their recipes checked. Throws FeatherdetError that names the file. */
export async function readManifest(manifest: string, checkOptions?: OptionCheck): Promise<readonly Variant[]> {
  return parseManifest(await readText(manifest), manifest, checkOptions);
}

/** Names of the plots, in the order of the page. */
const PLOTS = { "pareto-latency.svg": "latency", "pareto-bytes.svg": "bytes" } as const;

/** Makes a folder. Throws FeatherdetError that names it. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true });
  } catch (error) {
    throw folderError(error, folder);
  }
}

/**
 * Throws FeatherdetError for a folder with tables of all variants and pictures, of which those of a part would be a poor replacement. What
 * cannot be read as tables is none.
 */
export async function refuseWholeTables(folder: string): Promise<void> {
  const results = await readText(join(folder, "table.json")).then(JSON.parse).catch(() => undefined);
  if (!Array.isArray(results?.rows) || !isWhole(results)) return;
  throw new FeatherdetError("holds tables of all variants and pictures, take another folder for those of a part", {
    file: folder,
  });
}

/** Lines of a page between which a table stands. */
const TABLE_BEGINS = "<!-- table -->", TABLE_ENDS = "<!-- end of table -->";

/** The page before its table and behind it. Throws FeatherdetError for a page without a place for one. */
async function pageAround(page: string): Promise<readonly [before: string, behind: string]> {
  const text = await readText(page), begin = text.indexOf(TABLE_BEGINS), end = text.indexOf(TABLE_ENDS);
  if (begin >= 0 && end > begin) return [text.slice(0, begin + TABLE_BEGINS.length), text.slice(end)];
  throw new FeatherdetError(`has no place for a table, which is between "${TABLE_BEGINS}" and "${TABLE_ENDS}"`, {
    file: page,
  });
}

/** Throws FeatherdetError for a page of Markdown that has no place for a table. */
export async function checkPage(page: string): Promise<void> {
  await pageAround(page);
}

/** Puts a table into a page, in the place of the one that is there. Returns the page. Throws FeatherdetError as `checkPage` does. */
export async function putTable(page: string, table: string): Promise<string> {
  const [before, behind] = await pageAround(page);
  await writeWhole(page, `${before}\n\n${table}\n\n${behind}`);
  return page;
}

/** Writes results into a folder, which is there: `table.md`, `table.csv`, `table.json` and the plots. Returns the files. */
export async function writeTable(folder: string, results: TableResults): Promise<string[]> {
  const plots = Object.entries(PLOTS).map(([name, cost]): [string, string] => [name, drawResultPareto(results, cost)]);
  const texts: Readonly<Record<string, string>> = {
    ...Object.fromEntries(plots),
    "table.csv": renderCsv(results),
    "table.json": `${JSON.stringify(results, null, 1)}\n`,
    "table.md": renderMarkdown(results, { images: Object.keys(PLOTS) }),
  };
  return await writeTexts(folder, texts);
}
