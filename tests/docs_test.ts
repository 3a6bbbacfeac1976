/**
 * Pages that are made from the code are as the code is.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { OPERATORS_PAGE } from "../src/cli/docs.ts";
import { operatorsPage } from "../src/cli/operators_page.ts";
import { ARITY, type Operator, TRAINING_OPERATORS } from "../src/graph/mod.ts";
import { importOnnx } from "../src/onnx/mod.ts";
import { schema } from "../src/onnx/proto.ts";
import { int8Form } from "./support/int8_form.ts";
import { operatorCases } from "./support/operator_cases.ts";
import { OPERATOR_SAMPLES } from "./support/operator_samples.ts";

/** The page's table: a record a row, by the headings. */
function rowsOf(page: string): Record<string, string>[] {
  const [heading, , ...rows] = page.split("\n").filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  return rows.map((row) => Object.fromEntries(row.map((cell, column) => [heading[column], cell])));
}

const ROWS = rowsOf(await Deno.readTextFile(OPERATORS_PAGE));

Deno.test("every operator has its row, and what ONNX files hold of it is what cases read and write", () => {
  assertEquals(ROWS.map(({ operator }) => operator).toSorted(), Object.keys(ARITY).toSorted());
  const read = new Map<string, Set<string>>();
  for (const { model } of operatorCases()) {
    const graph = importOnnx(model), file = schema.ModelProto.decode(model);
    const names = new Set((file.graph?.node ?? []).map(({ opType }) => opType!));
    for (const { op } of graph.nodes) read.set(op, new Set([...read.get(op) ?? [], ...names]));
  }
  for (const { operator, "ONNX in": spelt, "ONNX out": written } of ROWS) {
    const isTraining = (TRAINING_OPERATORS as readonly string[]).includes(operator);
    assertEquals([spelt !== "", written], isTraining ? [false, "no"] : [true, "yes"], operator);
    if (isTraining || !read.has(operator)) continue;
    // Of the spellings that the page lists, the cases hold at least one.
    const found = spelt.split(", ").some((one) =>
      one.replaceAll(/ \([^)]*\)/g, "").split(" + ").every((name) => read.get(operator)!.has(name))
    );
    assertEquals(found, true, `${operator} is read from ${spelt}`);
  }
});

Deno.test("the page's int8 column is what plans of quantized graphs show", () => {
  const words = { integers: "whole numbers", moves: "bytes", table: "table", cells: "cells", float: "float" };
  for (const { operator, int8 } of ROWS) {
    const op = operator as Operator;
    const isTraining = (TRAINING_OPERATORS as readonly string[]).includes(op);
    assertEquals(int8, isTraining ? "" : words[int8Form(OPERATOR_SAMPLES[op][0])], op);
  }
});

Deno.test("docs/operators.md is what `deno task docs` writes", async () => {
  assertEquals(await Deno.readTextFile(OPERATORS_PAGE), operatorsPage());
});
