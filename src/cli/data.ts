/**
 * `data`: downloads data sets and the YOLO11n model into the cache, lists what there is, or looks at pictures and labels of one's own.
 *
 * @module
 */

import { join } from "node:path";
import { besideCheckout, cacheFolder } from "../data/cache.ts";
import { download, knownBytes } from "../data/download/download.ts";
import { findSource, readSources, type Source, type Sources } from "../data/download/sources.ts";
import { kindOf, readText } from "../data/files.ts";
import { parseJson } from "../data/json_fields.ts";
import { FeatherdetError } from "../graph/error.ts";
import { folderStore } from "../host/run_folder.ts";
import { lookAtData } from "../recipes/look_at_data.ts";
import { maxPixelsOption, strictOption } from "./detection_options.ts";
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

/** Says what is in a data set, and draws it into a folder: what `--json` prints. */
async function look(
  data: string,
  { strict, maxPixels, out }: { strict?: true; maxPixels?: number; out?: string },
  output: Output,
): Promise<object> {
  const store = out === undefined ? undefined : await folderStore(out);
  const parts = await lookAtData(data, { strict, maxPixels, store, say: (line) => output.note(line) });
  for (const { split, images, empty, objects, crowds, classes, warnings } of parts) {
    for (const warning of warnings) output.note(`${split ?? data}: ${warning}`);
    const others = `${empty > 0 ? `, ${empty} without objects` : ""}${crowds > 0 ? `; ${crowds} are not counted` : ""}`;
    output.line(`${split ?? "all"}: ${images} pictures, ${objects} objects${others}`);
    const widest = Math.max(...classes.map(({ name }) => name.length));
    for (const { name, objects, images } of classes) {
      output.line(`  ${name.padEnd(widest)}  ${String(objects).padStart(6)} on ${images} pictures`);
    }
  }
  if (out !== undefined) output.note(`drawn to ${out}`);
  // Where boxes lie is for pictures.
  return { data, parts: parts.map(({ centres: _, sizes: __, ...rest }) => rest) };
}

/** The verb `data`. */
export const dataVerb = verb(
  "data",
  "Download a data set or the YOLO11n model into the cache, list what there is, or look at a data set of your own.",
  "deno task data coco-val\n  deno task data sets/mine --out look",
)
  .argument(
    "[name]",
    "what to download, or a folder or data.yaml to look at; without it everything that can be had is listed",
  )
  .option("--out <folder>", "with a folder to look at: draw its labels and first pictures")
  .addOption(strictOption())
  .addOption(maxPixelsOption())
  .action(async (name, options) => {
    await action<typeof options>(async (settings, output) => {
      const sources = await sourcesInUse();
      if (name !== undefined && !Object.hasOwn(sources, name) && (kindOf(name) !== undefined || /[\\/.]/.test(name))) {
        return await look(name, settings, output);
      }
      const useless = settings.out !== undefined
        ? "--out"
        : settings.strict
        ? "--strict"
        : settings.maxPixels !== undefined
        ? "--max-pixels"
        : undefined;
      if (useless) throw new FeatherdetError(`${useless} is for a data set of your own: name its folder`);
      return name === undefined ? list(sources, output) : await fetchSource(name, output);
    })(options);
  });
