/**
 * Class names in the spellings in which files carry them besides Python's and JSON's maps and lists: lines of YAML, lines, commas.
 *
 * @module
 */

import type { Graph } from "../graph/graph.ts";
import { parseNames } from "../onnx/metadata.ts";

/** Metadata keys under which exporters write class names, the usual one first. */
const KEYS = ["names", "classes", "class_names", "labels"] as const;

/** A name without its quotes. */
function bare(text: string): string {
  const trimmed = text.trim().replace(/,$/, "").trim();
  const quoted = /^(['"])([^]*)\1$/.exec(trimmed);
  return quoted ? quoted[2] : trimmed;
}

/** A JSON map of names to numbers, or of numbers to names that Python's reader does not take (escapes, nested `names`). */
function fromJson(text: string): string[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (value === null || typeof value !== "object") return undefined;
  if ("names" in value && typeof value.names === "object") return fromJson(JSON.stringify(value.names));
  if (Array.isArray(value)) {
    const names = value.map((entry) => typeof entry === "object" && entry !== null ? entry.name : entry);
    return names.every((name) => typeof name === "string" || typeof name === "number") ? names.map(String) : undefined;
  }
  const entries = Object.entries(value);
  const byNumber = entries.every(([key, name]) => /^\d+$/.test(key) && typeof name === "string");
  const byName = entries.every(([, number]) => Number.isInteger(number));
  return numbered(
    byNumber
      ? entries.map(([key, name]) => [Number(key), name])
      : byName
      ? entries.map(([name, number]) => [number, name])
      : [],
  );
}

/** Names at their numbers; undefined if they are none. */
function numbered(entries: readonly (readonly [number, string])[]): string[] | undefined {
  if (entries.length === 0 || entries.some(([number]) => number < 0 || number > 100_000)) return undefined;
  const names: string[] = [];
  for (const [number, name] of entries) names[number] = name;
  return Array.from(names, (name, number) => name ?? `class ${number}`);
}

/** Lines of YAML (`0: red`, `- red`), lines of names, or names between commas; maps and lists without quotes too. */
function fromText(text: string): string[] | undefined {
  const inner = text.replace(/^\s*names\s*:\s*(?=\S|\n)/, "").trim();
  const braced = /^[{[]([^]*)[}\]]$/.exec(inner);
  const body = braced ? braced[1] : inner;
  const lines = body.split(/\r?\n|;/).map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  const parts = lines.length > 1 ? lines : body.split(",").map((part) => part.trim()).filter((part) => part !== "");
  if (parts.length === 0) return undefined;
  const keyed = parts.map((part) => /^['"]?(\d+)['"]?\s*[:=]\s*(.*)$/.exec(part));
  const names = keyed.every((match) => match !== null)
    ? numbered(keyed.map(([, number, name]) => [Number(number), bare(name)]))
    : parts.map((part) => bare(part.replace(/^-\s+/, "")));
  return names?.every((name) => name !== "" && !/[{}[\]]/.test(name)) ? names : undefined;
}

/** Reads a text of class names in any common spelling; undefined if it is none. */
export function parseClassNames(text: string): string[] | undefined {
  const names = parseNames(text) ?? fromJson(text) ?? fromText(text);
  return names?.length ? names : undefined;
}

/**
 * Class names by class number from a model's metadata, in any common spelling: a map or list of Python or JSON, lines of YAML, names between
 * commas or line ends. Undefined if there are none that can be read.
 */
export function classNamesOf({ metadata }: Pick<Graph, "metadata">): string[] | undefined {
  for (const key of KEYS) {
    const names = metadata[key] === undefined ? undefined : parseClassNames(metadata[key]);
    if (names !== undefined) return names;
  }
  return undefined;
}
