/**
 * The list of what can be downloaded, `data/sources.json`: from where, to where, with which checksums.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { fetchBytes } from "../../onnx/fetch.ts";

/** What is known of one file. */
export interface SourceFile {
  /** Size in bytes, where it is known. */
  readonly bytes?: number;
  /** SHA-256 in hexadecimal; where it is unknown it is pinned by the first download. */
  readonly sha256?: string;
}

/** Files that come from one place. */
export interface SourceGroup {
  /** Addresses that the names are appended to; the later ones are tried where an earlier one fails. */
  readonly from: readonly string[];
  /** Folder for them inside the source's own; `""` for that itself. */
  readonly to: string;
  /** Where the checksums are from, or why there are none. */
  readonly checksums: string;
  /** The files by their names. */
  readonly files: Readonly<Record<string, SourceFile>>;
}

/** One file inside a ZIP archive, of which only that part is downloaded. */
export interface SourceMember extends SourceFile {
  /** Addresses of the archive. */
  readonly from: readonly string[];
  /** Its path in the archive. */
  readonly member: string;
  /** Where the checksum is from, or why there is none. */
  readonly checksums: string;
}

/** What a split is known to hold, to tell whether figures can be compared. */
export interface Expectation {
  readonly images: number;
  readonly boxes: number;
  /** Of `boxesDigest`, where it is known. */
  readonly sha256?: string;
}

/** One thing that can be downloaded. */
export interface Source {
  readonly title: string;
  /** Page where a person can read about it. */
  readonly home: string;
  readonly licence: string;
  /** Where it goes inside the cache folder. */
  readonly folder: string;
  readonly groups: readonly SourceGroup[];
  /** What is made of the files when they are there. */
  readonly finish?: "voc-to-coco" | "coco-subset";
  /** Annotations that `coco-subset` takes its part of. */
  readonly annotations?: SourceMember;
  /** By split; `""` where there is only one. */
  readonly expected?: Readonly<Record<string, Expectation>>;
}

/** Sources by name. */
export type Sources = Readonly<Record<string, Source>>;

/** Reads the list that belongs to this version, also where the module was imported over http. */
export async function readSources(): Promise<Sources> {
  const url = new URL("../../../data/sources.json", import.meta.url);
  try {
    return JSON.parse(new TextDecoder().decode(await fetchBytes(url)));
  } catch (error) {
    if (error instanceof FeatherdetError) throw error;
    throw new FeatherdetError(`cannot be read: ${(error as Error).message}`, { file: url.href }, { cause: error });
  }
}

/** One source by its name. Throws a `FeatherdetError` that lists the names. */
export function findSource(sources: Sources, name: string): Source {
  if (Object.hasOwn(sources, name)) return sources[name];
  throw new FeatherdetError(
    `nothing called "${name}" can be downloaded, there are: ${Object.keys(sources).join(", ")}`,
  );
}
