/** Parts of the ONNX importer that whole models show only in part: numbers as they are stored, factors of extents. */

import { assertEquals } from "@std/assert";
import { decodeTensor, toConstant } from "../../src/onnx/tensor.ts";
import type { Atom, Dim } from "../../src/passes/sizes/dim.ts";
import { regroup } from "../../src/passes/sizes/regroup.ts";

/** Half precision bits and what they stand for, by the format's definition. */
const HALVES: readonly (readonly [bits: number, value: number])[] = [
  [0x0000, 0],
  [0x8000, -0],
  [0x0001, 2 ** -24],
  [0x83ff, -(2 ** -14 - 2 ** -24)],
  [0x0400, 2 ** -14],
  [0x3c00, 1],
  [0xbc01, -(1 + 2 ** -10)],
  [0x7bff, 65504],
  [0x7c00, Infinity],
  [0xfc00, -Infinity],
  [0x7e00, NaN],
];

Deno.test("every kind of half precision number is widened exactly, packed or not", () => {
  const expected = Float32Array.from(HALVES, ([, value]) => value);
  const bits = HALVES.map(([value]) => value);
  const rawData = new Uint8Array(Uint16Array.from(bits).buffer);
  for (const data of [{ rawData }, { int32Data: bits }]) {
    const tensor = decodeTensor({ dims: [HALVES.length], dataType: 10, ...data }, "half");
    assertEquals(tensor, { dtype: "f32", shape: [HALVES.length], data: expected });
  }
});

Deno.test("raw data is read wherever it lies in the file, and is not shared", () => {
  const file = new Uint8Array(1 + 8);
  new DataView(file.buffer).setFloat32(1, 1.5, true);
  new DataView(file.buffer).setFloat32(5, -2, true);
  const { data } = decodeTensor({ dims: [2], dataType: 1, rawData: file.subarray(1) }, "w");
  file.fill(0);
  assertEquals(data, Float32Array.of(1.5, -2));
});

Deno.test("int64 beyond 32 bits is kept for bounds", () => {
  const rawData = new Uint8Array(BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 40n, -1n).buffer);
  const tensor = decodeTensor({ dims: [4], dataType: 7, rawData }, "ends");
  assertEquals(Array.from(tensor.data), [-(2 ** 63), 2 ** 63, 2 ** 40, -1]);
});

Deno.test("doubles and booleans become constants of the graph's types", () => {
  assertEquals(toConstant({ dtype: "f64", shape: [1], data: Float64Array.of(0.1) }, "w").data, Float32Array.of(0.1));
  assertEquals(toConstant({ dtype: "bool", shape: [2], data: Uint8Array.of(1, 0) }, "w").dtype, "u8");
});

const n: Atom = { kind: "n", old: 1, new: 8 };
const h: Atom = { kind: "h", old: 20, new: 10 };
const w: Atom = { kind: "w", old: 20, new: 12 };

/** Dims of the input, extents it is reshaped to, and the dims they are made of. */
const REGROUPED: Record<string, [Dim[], number[], Dim[] | undefined]> = {
  "joined in order": [[[n], [6], [h], [w]], [1, 6, 400], [[n], [6], [h, w]]],
  "parted in order": [[[n], [6], [h, w]], [1, 2, 3, 20, 20], [[n], [2], [3], [h], [w]]],
  "the batch joins what follows it": [[[n], [6], [h]], [6, 20], [[n, 6], [h]]],
  "the batch joins what precedes it at the end": [[[6], [n]], [6], [[6, n]]],
  "the batch finds the first extent of 1": [[[6], [n], [w]], [6, 1, 1, 20], [[6], [n], [], [w]]],
  "numbers are parted anywhere": [[[4], [9], [h]], [6, 6, 20], [[6], [6], [h]]],
  "an extent that changes is not parted": [[[h], [6]], [4, 5, 6], undefined],
  "a number and an extent that changes are not mixed": [[[6], [h]], [12, 10], undefined],
  "too few elements": [[[6], [h]], [6, 10], undefined],
  "too many elements": [[[6], [h]], [6, 20, 2], undefined],
};

for (const [name, [dims, extents, expected]] of Object.entries(REGROUPED)) {
  Deno.test(`regrouped extents: ${name}`, () => assertEquals(regroup(dims, extents), expected));
}

Deno.test("regrouped extents: known new extents say where the batch goes", () => {
  assertEquals(regroup([[n], [6]], [1, 1, 6], [1, 8, 6]), [[], [n], [6]]);
  assertEquals(regroup([[n], [6]], [1, 1, 6], [8, 1, 6]), [[n], [], [6]]);
  assertEquals(regroup([[n], [6]], [1, 1, 6], [2, 4, 6]), undefined);
});
