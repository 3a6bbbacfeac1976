/**
 * Downloads what `data/sources.json` lists into the cache.
 *
 * @module
 */

import { join } from "node:path";
import { cacheFolder } from "../cache.ts";
import { FileLock } from "../file_lock.ts";
import { mapPooled } from "../files.ts";
import { Pins, sha256OfFile } from "./checksum.ts";
import { fetchFile, type FetchOptions } from "./fetch_file.ts";
import { compareWithExpected, finishSource } from "./finish.ts";
import { findSource, readSources, type Source, type Sources } from "./sources.ts";

/** How to download. */
export interface DownloadOptions extends Omit<FetchOptions, "onBytes"> {
  /** Cache folder; that of `cacheFolder` by default. */
  readonly cache?: string;
  /** What there is; `data/sources.json` by default. */
  readonly sources?: Sources;
  /** Told where another process downloads the same, whose end is waited for. */
  readonly onWait?: () => void;
  /** Called with how many bytes are there, of how many, as they come. Files of unknown size add nothing to either. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What a download did. */
export interface Download {
  /** Name of the source. */
  readonly name: string;
  /** Where the files are. */
  readonly folder: string;
  /** How many files belong to it. */
  readonly files: number;
  /** How many of them were not there before. */
  readonly fetched: number;
  /** In what the data differ from what is expected, a sentence each. */
  readonly warnings: readonly string[];
}

/** One file of a source with everything that is known of it. */
function filesOf(source: Source, folder: string) {
  return source.groups.flatMap(({ from, to, files }) =>
    Object.entries(files).map(([name, known]) => ({
      urls: from.map((base) => `${base.replace(/\/$/, "")}/${name}`),
      target: join(folder, to, name),
      ...known,
    }))
  );
}

/** Bytes that a source is known to have. */
export function knownBytes(source: Source): number {
  const files = source.groups.flatMap((group) => Object.values(group.files));
  return files.reduce((sum, { bytes = 0 }) => sum + bytes, source.annotations?.bytes ?? 0);
}

/**
 * Downloads a source by its name, as much of it as is not there yet, and makes the annotations that `openDataset` reads. Every file is
 * checked; one without a published checksum must be what it was when it was first downloaded.
 *
 * Throws a `FeatherdetError` that names the address; what has come until then is kept and not fetched again.
 */
export async function download(name: string, options: DownloadOptions = {}): Promise<Download> {
  const { cache = cacheFolder(), onProgress = () => {}, onWait, ...rest } = options;
  const source = findSource(options.sources ?? await readSources(), name);
  const folder = join(cache, source.folder);
  const files = filesOf(source, folder);
  // Two processes get one download: the second finds what the first has fetched.
  await Deno.mkdir(cache, { recursive: true });
  using _ = await FileLock.wait(join(cache, `${name}.lock`), onWait);
  const pins = await Pins.read(join(cache, "pins.json"));
  const total = knownBytes(source);
  let done = 0;
  const add = (count: number) => onProgress(done += count, total);
  let fetched = 0;
  try {
    await mapPooled(files, 6, async (file) => {
      const sha256 = file.sha256 ?? pins.of(file.urls[0]);
      const onBytes = file.bytes === undefined ? undefined : add;
      if (await fetchFile({ ...file, sha256 }, { ...rest, onBytes }) === "fetched") fetched++;
      if (sha256 === undefined) pins.set(file.urls[0], await sha256OfFile(file.target));
    });
  } finally {
    await pins.write();
  }
  await finishSource(source, folder, add);
  return { name, folder, files: files.length, fetched, warnings: await compareWithExpected(source, folder) };
}
