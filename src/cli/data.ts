/**
 * `data`: downloads data sets and the YOLO11n model into the cache, or lists what there is.
 *
 * @module
 */

import { join } from "node:path";
import { besideCheckout, cacheFolder } from "../data/cache.ts";
import { download, knownBytes } from "../data/download/download.ts";
import { findSource, readSources, type Source, type Sources } from "../data/download/sources.ts";
import { kindOf, readText } from "../data/files.ts";
import { parseJson } from "../data/json_fields.ts";
import type { Output } from "./output.ts";
import { progressBar } from "./progress.ts";
import { action, verb } from "./verb.ts";

/** Environment variable that names another list of sources: a file in the form of `data/sources.json`, for mirrors and tests. */
const SOURCES_VARIABLE = "FEATHERDET_SOURCES";

const MEGABYTE = 1e6;

async function sourcesInUse(): Promise<Sources> {
  const file = Deno.env.get(SOURCES_VARIABLE);
  return file ? parseJson(await readText(file), file) as Sources : await readSources();
}

/** Where the files of a source are, if they are somewhere: beside the checkout or in the cache. */
function placeOf(source: Source): string | null {
  // The folders of data sets have one more step in the cache than beside the checkout.
  const beside = besideCheckout(...source.folder.replace(/^data\//, "").split("/"));
  const cached = cacheFolder(source.folder);
  const first = Object.keys(source.groups[0].files)[0];
  const folders = [beside, cached].filter((folder) => folder !== undefined);
  return folders.find((folder) => kindOf(join(folder, source.groups[0].to, first)) === "file") ?? null;
}

function list(sources: Sources, output: Output): object {
  const rows = Object.entries(sources).map(([name, source]) => {
    const { title, home, licence } = source;
    return { name, title, home, licence, bytes: knownBytes(source), place: placeOf(source) };
  });
  for (const { name, title, home, licence, bytes, place } of rows) {
    output.line(`${name.padEnd(10)} ${title} (${(bytes / MEGABYTE).toFixed(0)} MB)`);
    output.line(`${" ".repeat(10)} ${home}, licence: ${licence}`);
    output.line(`${" ".repeat(10)} ${place === null ? "not here" : `here: ${place}`}`);
  }
  return { sources: rows };
}

/** Downloads what has a name and says what came: what `--json` prints. */
export async function fetchSource(name: string, output: Output): Promise<object> {
  const sources = await sourcesInUse(), source = findSource(sources, name);
  output.note(`${source.title}; ${source.home}; licence: ${source.licence}`);
  const bar = progressBar(Math.ceil(knownBytes(source) / MEGABYTE), "MB");
  let shown = 0;
  const onProgress = (done: number) => {
    // What broke off and came again is shown once.
    for (; shown < Math.floor(done / MEGABYTE); shown++) bar.step(name);
  };
  const result = await download(name, { sources, onProgress }).finally(() => bar.stop());
  for (const warning of result.warnings) output.note(`warning: ${warning}`);
  output.line(`${result.files} files in ${result.folder}, ${result.fetched} of them downloaded now`);
  return { ...result, licence: source.licence };
}

/** The verb `data`. */
export const dataVerb = verb(
  "data",
  "Download a data set or the YOLO11n model into the cache, or list what there is.",
  "deno task data coco-val",
)
  .argument("[name]", "what to download; without it everything that can be had is listed")
  .action(async (name, options) => {
    await action<typeof options>(async (_, output) => {
      return name === undefined ? list(await sourcesInUse(), output) : await fetchSource(name, output);
    })(options);
  });
