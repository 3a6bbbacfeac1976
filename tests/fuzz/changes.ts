/**
 * Changes to good inputs, as plain data: what a case of the fuzzer is made of, what is printed of one that failed, and what
 * `--case` does again.
 *
 * @module
 */

import fc from "npm:fast-check@4.10.2";

/** A change to bytes. Places are counted around the end, so that every number is one. */
export type ByteChange =
  | { readonly kind: "set"; readonly at: number; readonly bytes: readonly number[] }
  | { readonly kind: "flip"; readonly at: number; readonly bit: number }
  | { readonly kind: "remove"; readonly at: number; readonly length: number }
  | { readonly kind: "repeat"; readonly at: number; readonly length: number; readonly times: number }
  | { readonly kind: "end"; readonly at: number };

/** A change to a tree of objects and lists, as JSON or a decoded message is one. `at` counts its places in the order of a walk. */
export type TreeChange =
  | { readonly kind: "replace"; readonly at: number; readonly value: unknown }
  | { readonly kind: "drop"; readonly at: number }
  | { readonly kind: "copy"; readonly at: number; readonly to: number }
  | { readonly kind: "double"; readonly at: number; readonly times: number };

const place = fc.nat(2 ** 30);

/** Numbers and texts at which programs break. Infinity is what `1e999` reads as. */
const AWKWARD: readonly unknown[] = [
  ...[0, -1, 1, 2, 127, 255, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e308, Infinity, 0.5, 1e-320],
  ...[null, true, false, [], {}, [[]], "", "0", "__proto__", "constructor", "toString", "length", "NaN"],
  ...[
    "../../../../etc/hostname",
    "/etc/hostname",
    "C:\\x",
    "a/b.png",
    ".",
    "\u0000",
    "\u001b[2Jx",
    "a\nb",
    "\u202eabc",
  ],
  ...["<script>alert(1)</script>", "=1+1", "x".repeat(5000), "é".normalize("NFD"), "\ud800"],
];

const value = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...AWKWARD) },
  { weight: 1, arbitrary: fc.integer() },
  { weight: 1, arbitrary: fc.double({ noNaN: true }) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 12 }) },
);

/** Some changes to bytes. */
export const byteChanges: fc.Arbitrary<ByteChange[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("set" as const),
      at: place,
      bytes: fc.oneof(
        fc.array(fc.nat(255), { minLength: 1, maxLength: 4 }),
        fc.constantFrom([0, 0, 0, 0], [255, 255, 255, 255], [127, 255, 255, 255], [128], [255, 255], [0xff, 0xd9]),
      ),
    }),
    fc.record({ kind: fc.constant("flip" as const), at: place, bit: fc.nat(7) }),
    fc.record({ kind: fc.constant("remove" as const), at: place, length: fc.integer({ min: 1, max: 64 }) }),
    fc.record({
      kind: fc.constant("repeat" as const),
      at: place,
      length: fc.integer({ min: 1, max: 64 }),
      times: fc.integer({ min: 1, max: 40 }),
    }),
    fc.record({ kind: fc.constant("end" as const), at: place }),
  ),
  { minLength: 1, maxLength: 6 },
);

/** Some changes to a tree. */
export const treeChanges: fc.Arbitrary<TreeChange[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("replace" as const), at: place, value }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("drop" as const), at: place }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("copy" as const), at: place, to: place }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("double" as const),
        at: place,
        times: fc.constantFrom(1, 2, 10, 300),
      }),
    },
  ),
  { minLength: 1, maxLength: 5 },
);

/** The bytes with changes, one after the other. */
export function changeBytes(bytes: Uint8Array, changes: readonly ByteChange[]): Uint8Array<ArrayBuffer> {
  let now = Uint8Array.from(bytes);
  for (const change of changes) {
    const at = now.length === 0 ? 0 : change.at % now.length;
    if (change.kind === "set") change.bytes.forEach((byte, i) => now[at + i] = byte);
    else if (change.kind === "flip") now[at] ^= 1 << change.bit;
    else if (change.kind === "end") now = now.slice(0, at);
    else {
      const piece = now.subarray(at, at + change.length);
      const pieces = change.kind === "remove" ? [] : Array(change.times + 1).fill(piece) as Uint8Array[];
      now = joined([now.subarray(0, at), ...pieces, now.subarray(at + piece.length)]);
    }
  }
  return now;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

type Container = Record<string, unknown> | unknown[];

const isTree = (value: unknown): value is Container =>
  typeof value === "object" && value !== null && !ArrayBuffer.isView(value);

/** All places of a tree: what holds them, and under which key. */
function placesOf(root: Container): { holder: Container; key: string }[] {
  const found: { holder: Container; key: string }[] = [];
  const stack: Container[] = [root];
  for (let holder = stack.pop(); holder; holder = stack.pop()) {
    for (const key of Object.keys(holder)) {
      found.push({ holder, key });
      const inner = (holder as Record<string, unknown>)[key];
      if (isTree(inner)) stack.push(inner);
    }
  }
  return found;
}

/** A copy of the tree with changes, one after the other. */
export function changeTree<T>(tree: T, changes: readonly TreeChange[]): T {
  const root = { tree: structuredClone(tree) as unknown };
  for (const change of changes) {
    const places = placesOf(root);
    const { holder, key } = places[change.at % places.length];
    const record = holder as Record<string, unknown>;
    if (change.kind === "replace") record[key] = structuredClone(change.value);
    else if (change.kind === "copy") {
      const to = places[change.to % places.length];
      record[key] = structuredClone((to.holder as Record<string, unknown>)[to.key]);
    } else if (change.kind === "drop") {
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else if (holder !== root) delete record[key];
    } else if (Array.isArray(holder)) {
      const copies = Array.from({ length: change.times }, () => structuredClone(record[key]));
      holder.splice(Number(key), 0, ...copies);
    }
  }
  return root.tree as T;
}

/** JSON text in which Infinity is written as a number that reads as it. */
export function looseJson(tree: unknown): string {
  const text = JSON.stringify(tree, (_, value) => value === Infinity ? "\u0001Infinity" : value) ?? "null";
  return text.replaceAll('"\\u0001Infinity"', "1e999");
}
