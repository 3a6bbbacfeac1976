/** The forms in which operator sets and exporters spell things, against onnxruntime (tests/fixtures/make_onnx_forms.py). */

import { assert, assertEquals } from "@std/assert";
import { inferTypes } from "../../src/graph/mod.ts";
import { importOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { recogniseActivations } from "../../src/passes/mod.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { isWrittenWithCasts } from "../support/written_with_casts.ts";
import { withoutRules } from "../support/without_rules.ts";

interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Base64 of little-endian float32. */
  readonly data: string;
}

interface Form {
  readonly name: string;
  /** Base64 of the ONNX file. */
  readonly model: string;
  /** Where the file leaves extents open. */
  readonly shapes: Readonly<Record<string, number[]>> | null;
  readonly inputs: readonly StoredTensor[];
  readonly outputs: readonly StoredTensor[];
}

const FORMS: Form[] = JSON.parse(Deno.readTextFileSync(new URL("../fixtures/onnx_forms.json", import.meta.url)));

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function numbersOf({ data }: StoredTensor): Float32Array {
  return new Float32Array(bytesOf(data).buffer as ArrayBuffer);
}

for (const { name, model, shapes, inputs, outputs } of FORMS) {
  Deno.test(`${name}: imported, it computes what onnxruntime does, and survives being written`, () => {
    const graph = importOnnx(bytesOf(model), { file: name, shapes: shapes ?? undefined });
    const types = inferTypes(graph);
    const feeds = inputs.map((input) => [input.name, referenceTensor(input.shape, numbersOf(input))] as const);
    const found = runReference(graph, Object.fromEntries(feeds));
    assertEquals(graph.outputs, outputs.map((output) => output.name));
    for (const output of outputs) {
      assertEquals([...types.get(output.name)!.shape], [...output.shape]);
      const actual = found.get(output.name)!.data;
      numbersOf(output).forEach((expected, index) => {
        const off = Math.abs(actual[index] - expected);
        const says = `${output.name}[${index}] is ${actual[index]}, onnxruntime says ${expected}`;
        assert(off <= 4e-6 * Math.max(1, Math.abs(expected)), says);
      });
    }
    const read = importOnnx(saveOnnx(graph));
    // What operator set 17 lacks is written as it is spelt there.
    const [again, once] = [read, graph].map((each) => withoutRules(recogniseActivations(each)));
    if (!isWrittenWithCasts(graph)) assertEquals(again, once);
    // Booleans and the like are cast in the file, so that values in between have other names.
    else assertEquals(runReference(read, Object.fromEntries(feeds)), found);
  });
}
