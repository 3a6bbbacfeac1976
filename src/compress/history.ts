/**
 * The history of a model: an ordered list in its metadata of what was done to it, which travels with it through saving, loading and every
 * pass.
 *
 * @module
 */

import { FeatherdetError, type Graph } from "../graph/mod.ts";
import { GRAPH_FORM, VERSION } from "../graph/version.ts";
import { hashOfGraph } from "./graph_hash.ts";

/** The pictures that a pass or recipe used. */
export interface HistoryDataset {
  /** Name of the data set. */
  readonly name: string;
  /** Split of it, if it has splits. */
  readonly split?: string;
  /** Number of pictures. */
  readonly pictures?: number;
}

/** The model that something was done to. */
export interface HistoryParent {
  /** Name of its graph. */
  readonly name: string;
  /** Its content hash (`hashOfGraph`); absent in entries that were read from an older note. */
  readonly hash?: string;
}

/** One thing that was done to a model. */
export interface HistoryEntry {
  /** The pass or recipe, such as `quantize` or `train`. */
  readonly name: string;
  /** Its options, as far as JSON can hold them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Seed of the random numbers. */
  readonly seed?: number;
  /** The pictures that were used. */
  readonly dataset?: HistoryDataset;
  /** The model to which it was done; absent if that is unknown. */
  readonly parent?: HistoryParent;
  /** Versions of the program that did it; absent in entries that were read from an older note. */
  readonly versions?: {
    /** Version of Featherdet. */
    readonly featherdet: string;
    /** Form of the graph that the parent's hash was taken of. */
    readonly graph: number;
  };
}

/** What an entry holds besides name and options. */
export interface HistoryOrigin {
  /** Seed of the random numbers. */
  readonly seed?: number;
  /** The pictures that were used. */
  readonly dataset?: HistoryDataset;
}

/** Where the history is, and where models of before have a single note of how their numbers were rounded. */
const KEY = "history", NOTE = "quantization";

/** What JSON gives back of a value. */
function asStored<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function damaged(graph: Graph, key: string): FeatherdetError {
  return new FeatherdetError(`metadata "${key}" cannot be read: ${graph.metadata[key].slice(0, 80)}`, {
    file: graph.name,
  });
}

function parsed(graph: Graph, key: string): unknown {
  try {
    return JSON.parse(graph.metadata[key]);
  } catch {
    throw damaged(graph, key);
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isEntry = (value: unknown): value is HistoryEntry =>
  isRecord(value) && typeof value.name === "string" && isRecord(value.options);

/** A note as it was written before there was a history, `{ by: "featherdet quantize --mixed", from, ... }`, as an entry. */
function entryOfNote(note: Record<string, unknown>): HistoryEntry {
  const { by = "featherdet quantize", from, ...options } = note;
  const name = /--mixed/.test(String(by)) ? "mixed" : String(by).replace(/^featherdet\s+/, "");
  return { name, options, ...(typeof from === "string" && { parent: { name: from } }) };
}

/**
 * Reads what was done to a model, in order; empty if its metadata say nothing. A model that was written before histories existed has one
 * entry, made from its note.
 *
 * Throws FeatherdetError for metadata that cannot be read.
 */
export function historyOf(graph: Graph): readonly HistoryEntry[] {
  const entries: HistoryEntry[] = [];
  if (graph.metadata[KEY] !== undefined) {
    const list = parsed(graph, KEY);
    if (!Array.isArray(list) || !list.every(isEntry)) throw damaged(graph, KEY);
    entries.push(...list);
  }
  if (graph.metadata[NOTE] !== undefined) {
    const note = parsed(graph, NOTE);
    if (!isRecord(note)) throw damaged(graph, NOTE);
    entries.push(entryOfNote(note));
  }
  return entries;
}

/**
 * Makes the entry for something that this version of the program does to `parent`.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../models/demo_detector.ts";
 * import { historyEntry, historyOf, withHistory } from "./history.ts";
 * const parent = demoDetector({ size: 64 });
 * const model = withHistory(parent, historyEntry("prune", { ratio: 0.5 }, parent, { seed: 3 }));
 * assert.equal(historyOf(model)[0].seed, 3);
 * ```
 */
export function historyEntry(
  name: string,
  options: Readonly<Record<string, unknown>>,
  parent: Graph,
  { seed, dataset }: HistoryOrigin = {},
): HistoryEntry {
  return asStored({
    name,
    options,
    seed,
    dataset,
    parent: { name: parent.name, hash: hashOfGraph(parent) },
    versions: { featherdet: VERSION, graph: GRAPH_FORM },
  });
}

/** The model with this for its whole history. */
function withEntries(graph: Graph, entries: readonly HistoryEntry[]): Graph {
  const { [NOTE]: _, ...metadata } = graph.metadata;
  return { ...graph, metadata: { ...metadata, [KEY]: JSON.stringify(entries) } };
}

/** Adds an entry at the end of a model's history. An older note becomes an entry too. */
export function withHistory(graph: Graph, entry: HistoryEntry): Graph {
  return withEntries(graph, [...historyOf(graph), entry]);
}

/** The model with another last entry: of something that goes on, such as a training run that is resumed. */
export function withLastEntry(graph: Graph, entry: HistoryEntry): Graph {
  return withEntries(graph, [...historyOf(graph).slice(0, -1), entry]);
}

/** An entry in a few words: `quantize observer=mse ... on bccd (train), 64 pictures, of yolo11n 3fa2c0de9a1b by featherdet 0.1.0`. */
export function historyText({ name, options, seed, dataset, parent, versions }: HistoryEntry): string {
  const set = Object.entries(options).filter(([, value]) => value !== null && value !== false);
  const short = (value: unknown) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return text.length > 40 ? `${text.slice(0, 37)}...` : text;
  };
  const { name: data, split, pictures } = dataset ?? {};
  return [
    name,
    ...set.map(([option, value]) => value === true ? option : `${option}=${short(value)}`),
    ...(dataset
      ? [`on ${data}${split ? ` (${split})` : ""}${pictures === undefined ? "" : `, ${pictures} pictures`}`]
      : []),
    ...(seed === undefined ? [] : [`seed ${seed}`]),
    ...(parent ? [`of ${parent.name}${parent.hash ? ` ${parent.hash.slice(0, 12)}` : ""}`] : []),
    ...(versions ? [`by featherdet ${versions.featherdet}`] : []),
  ].join(" ");
}
