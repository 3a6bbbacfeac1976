/** What `bench/precision_latency.ts` is given: files, and how their floats are stored. */

import { assertEquals } from "@std/assert";
import { entrantOf, givenFile } from "../../bench/entrant.ts";
import { graphOf } from "../support/tiny_graph.ts";

Deno.test("a file is named with or without the storage of its floats", () => {
  assertEquals(givenFile("a/int8.onnx:f16"), { file: "a/int8.onnx", storage: "f16" });
  assertEquals(givenFile("int8.onnx:f32"), { file: "int8.onnx", storage: "f32" });
  assertEquals(givenFile("int8.onnx"), { file: "int8.onnx", storage: undefined });
  // A colon alone, or another form, belongs to the name.
  for (const name of ["file:///a/int8.onnx", "int8.onnx:", "int8:f16.onnx", "int8.onnx:f8", ":f16"]) {
    assertEquals(givenFile(name), { file: name, storage: undefined });
  }
});

Deno.test("what was said of a file's floats goes before what the file says, that before f32", () => {
  const plain = graphOf({ x: [1] }, ["x"], []);
  const chosen = { ...plain, metadata: { quantization: JSON.stringify({ storage: "f16" }) } };
  const entrant = (text: string, graph = plain) => {
    const { title, precision } = entrantOf(givenFile(text), graph);
    return [title, precision];
  };
  assertEquals(entrant("a/int8.onnx"), ["int8", "f32"]);
  assertEquals(entrant("a/int8.onnx:f16"), ["int8, rest f16", "f16"]);
  assertEquals(entrant("mixed.onnx", chosen), ["mixed, rest f16", "f16"]);
  assertEquals(entrant("mixed.onnx:f32", chosen), ["mixed", "f32"]);
});
