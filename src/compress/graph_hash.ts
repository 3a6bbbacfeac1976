/**
 * The content hash of a graph: equal for graphs that compute the same by the same nodes, whatever their values are called.
 *
 * @module
 */

import { sha256 } from "npm:@noble/hashes@2.4.0/sha2.js";
import type { Constant, Graph } from "../graph/mod.ts";
import { walk } from "../models/layers.ts";
import { recogniseActivations } from "../passes/mod.ts";

const encoder = new TextEncoder();

/** Digests that are known; graphs and constants are never changed in place. */
const constantDigests = new WeakMap<Constant, string>(), graphDigests = new WeakMap<Graph, string>();

function digest(...parts: readonly Uint8Array[]): string {
  const hash = sha256.create();
  for (const part of parts) hash.update(part);
  return hash.digest().toHex();
}

function constantDigest(constant: Constant): string {
  const known = constantDigests.get(constant);
  if (known !== undefined) return known;
  const { dtype, shape, data } = constant;
  const head = encoder.encode(`${dtype}[${shape.join(",")}]`);
  const made = digest(head, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  constantDigests.set(constant, made);
  return made;
}

/** Attributes as text, their names in order. Numbers are those that a file can hold: f32, or integers. */
function attributeText(value: unknown): string {
  if (typeof value === "number") return String(Number.isInteger(value) ? value : Math.fround(value));
  if (Array.isArray(value)) return `[${value.map(attributeText).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "none";
  const entries = Object.entries(value).filter(([, one]) => one !== undefined).sort(([a], [b]) => a < b ? -1 : 1);
  return `{${entries.map(([name, one]) => `${name}:${attributeText(one)}`).join(",")}}`;
}

/**
 * SHA-256 of a graph in hexadecimal: over its inputs' types, its nodes (operators, attributes, what reads what) and its constants,
 * element by element. Names, metadata, the order of nodes in the list, and activations that files spell in two nodes make no difference.
 * A graph that was saved and loaded therefore keeps its hash.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../models/yolo11.ts";
 * import { hashOfGraph } from "./graph_hash.ts";
 * const model = yolo11({ width: 0.0625, size: 64 });
 * assert.equal(hashOfGraph(model), hashOfGraph({ ...model, name: "other", metadata: {} }));
 * ```
 */
export function hashOfGraph(source: Graph): string {
  const known = graphDigests.get(source);
  if (known !== undefined) return known;
  const graph = recogniseActivations(source);
  const labels = new Map<string, string>(graph.inputs.map(({ name }, index) => [name, `input ${index}`]));
  const labelOf = (value: string): string => {
    const label = labels.get(value);
    if (label !== undefined) return label;
    const constant = graph.constants.get(value);
    return constant ? constantDigest(constant) : "none";
  };
  const lines = graph.inputs.map(({ dtype, shape }) => `${dtype}[${shape.join(",")}]`);
  let count = 0;
  for (const { op, attributes, inputs, outputs } of walk(graph)) {
    lines.push(`${op} ${attributeText(attributes)} ${inputs.map(labelOf).join(" ")} ${outputs.length}`);
    outputs.forEach((name, index) => labels.set(name, `${count}.${index}`));
    count++;
  }
  lines.push(...graph.outputs.map(labelOf));
  const made = digest(encoder.encode(lines.join("\n")));
  graphDigests.set(source, made);
  return made;
}
