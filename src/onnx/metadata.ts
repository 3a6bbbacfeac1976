/**
 * Class names from the metadata that Ultralytics writes: Python's text form of a dict, `{0: 'person', 1: "it's"}`.
 *
 * @module
 */

import type { Graph } from "../graph/graph.ts";

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "\n": "" };

function unescape(text: string): string {
  const escape = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U(000[0-9a-fA-F]{5}|0010[0-9a-fA-F]{4})|([^]))/g;
  return text.replace(escape, (_, byte, short, long, other) => {
    const code = parseInt(byte ?? short ?? long, 16);
    return other === undefined ? String.fromCodePoint(Math.min(code, 0x10ffff)) : ESCAPES[other] ?? other;
  });
}

/** Parses a Python dict of int (or quoted int) to str, or a list of str; undefined for any other text. */
export function parseNames(text: string): string[] | undefined {
  const body = text.trim();
  const isDict = body.startsWith("{") && body.endsWith("}");
  if (!isDict && !(body.startsWith("[") && body.endsWith("]"))) return undefined;
  const entry = /\s*(?:(['"]?)(\d+)\1\s*:\s*)?(?:'((?:[^'\\]|\\[^])*)'|"((?:[^"\\]|\\[^])*)")\s*(?:,|$)/y;
  const inner = body.slice(1, -1).trimEnd();
  const names: string[] = [];
  while (entry.lastIndex < inner.length) {
    const found = entry.exec(inner);
    if (!found || (found[2] !== undefined) !== isDict) return undefined;
    const index = isDict ? Number(found[2]) : names.length;
    // A sparse dict of huge keys is no list of classes.
    if (index > 100_000) return undefined;
    names[index] = unescape(found[3] ?? found[4]);
  }
  return Array.from(names, (name, index) => name ?? `class ${index}`);
}

/** Reads the class names, by class number, from the graph's `names` metadata; undefined if there are none that can be read. */
export function readClassNames(graph: Graph): string[] | undefined {
  const text = graph.metadata.names;
  const names = text === undefined ? undefined : parseNames(text);
  return names?.length ? names : undefined;
}
