/** Sparse initializers: what files without zeros take and give back, both forms of indices, damaged ones. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import type { onnx } from "npm:onnx-proto@8.0.1";
import { applyMasks, chooseMasks } from "../../src/compress/prune/mod.ts";
import { FeatherdetError } from "../../src/graph/mod.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { importOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { schema } from "../../src/onnx/proto.ts";
import { Budget } from "../../src/onnx/budget.ts";
import { decodeSparse, writeSparse } from "../../src/onnx/sparse.ts";
import { lively } from "../support/lively.ts";
import { assertSameConstants } from "../support/same_constants.ts";

const model = lively(yolo11({ width: 0.125, size: 64 }), 4);

Deno.test("a file without zeros is read as the same graph, bit for bit, and is as much smaller as it can be", () => {
  assertEquals(saveOnnx(model, { sparse: true }).length, saveOnnx(model).length);
  const dense = saveOnnx(model).length;
  for (const [sparsity, most] of [[0.7, 0.6], [0.9, 0.3]] as const) {
    const graph = applyMasks(model, chooseMasks(model, { sparsity, pattern: "block4x4" }));
    assertEquals(saveOnnx(graph).length, dense, "exports are whole unless asked for");
    const bytes = saveOnnx(graph, { sparse: true });
    const { graph: written } = schema.ModelProto.decode(Uint8Array.from(bytes));
    assert(written!.sparseInitializer!.length > 10, `${written!.sparseInitializer!.length} weights`);
    // Operators, names and dense layers take a share that stays.
    assert(bytes.length < most * dense, `${bytes.length} of ${dense} bytes`);
    const read = importOnnx(bytes);
    assertSameConstants(read.constants, graph.constants);
    assertEquals(saveOnnx(read), saveOnnx(importOnnx(saveOnnx(graph))));
  }
});

Deno.test("numbers below zero and minus zero stay, what does not pay is whole", () => {
  const data = new Float32Array(64);
  data.set([0, -0, NaN, -3], 20);
  const label = "a tensor", shape = [4, 16];
  const sparse = writeSparse("w", { dtype: "f32", shape, data })!;
  assertEquals(sparse.values!.dims, [3]);
  const bytes = schema.SparseTensorProto.encode(sparse).finish();
  assert(bytes.length < 50, `${bytes.length} bytes`);
  const read = decodeSparse(schema.SparseTensorProto.decode(Uint8Array.from(bytes)), label, new Budget(64));
  assertEquals(read.shape, shape);
  assertEquals(new Uint32Array(read.data.buffer as ArrayBuffer), new Uint32Array(data.buffer));
  assertEquals(writeSparse("w", { dtype: "f32", shape, data: data.fill(1) }), undefined);
  assertEquals(writeSparse("w", { dtype: "i8", shape: [9], data: new Int8Array(9) }), undefined);
  const nothing = writeSparse("w", { dtype: "f32", shape: [3], data: new Float32Array(3) })!;
  assertEquals([...decodeSparse(nothing, label, new Budget(64)).data], [0, 0, 0]);
});

/** A sparse tensor [2,3] of whole numbers. */
const tensor = (places: number[], form: number[], values = [5, 7]): onnx.ISparseTensorProto => ({
  values: { name: "w", dims: [values.length], dataType: 6, int32Data: values },
  indices: { dims: form, dataType: 7, int64Data: places },
  dims: [2, 3],
});

Deno.test("indices are places, or one an axis; others are refused in a sentence", () => {
  for (const made of [tensor([1, 5], [2]), tensor([0, 1, 1, 2], [2, 2])]) {
    const { dtype, data } = decodeSparse(made, "w", new Budget(64));
    assertEquals([dtype, [...data]], ["i32", [0, 5, 0, 0, 0, 7]]);
  }
  const cases: readonly [onnx.ISparseTensorProto, string][] = [
    [tensor([5, 1], [2]), "place 1 behind 5"],
    [tensor([1, 1], [2]), "place 1 behind 1"],
    [tensor([1, 6], [2]), "place 6 behind 1"],
    [tensor([0, 1, 1, 3], [2, 2]), "place NaN"],
    [tensor([1], [1]), "2 numbers in 1 places"],
    [tensor([0, 1, 1, 2, 0, 0], [2, 3]), "indices of shape [2,3]"],
    [{ dims: [2, 3] }, "not supported"],
  ];
  for (const [made, words] of cases) {
    assertThrows(() => decodeSparse(made, "w", new Budget(64)), FeatherdetError, words);
  }
});
