/**
 * The operator cases: tiny ONNX models with onnxruntime's inputs and outputs, written by
 * `tests/fixtures/make_operator_cases.py`.
 *
 * @module
 */

import type { Operator } from "../../src/graph/operators.ts";

/** A named float32 tensor, row-major. */
export interface CaseTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** One model with what onnxruntime made of its inputs. */
export interface OperatorCase {
  readonly name: string;
  /** The operator of the union that the case is about; ONNX may spell it otherwise or with helpers around it. */
  readonly operator: Operator;
  /** The ONNX file. */
  readonly model: Uint8Array;
  readonly inputs: readonly CaseTensor[];
  readonly outputs: readonly CaseTensor[];
}

interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Base64 of little-endian float32. */
  readonly data: string;
}

interface StoredCase {
  readonly name: string;
  readonly operator: Operator;
  readonly model: string;
  readonly inputs: readonly StoredTensor[];
  readonly outputs: readonly StoredTensor[];
}

const FOLDER = new URL("../fixtures/operators/", import.meta.url);

function tensor({ name, shape, data }: StoredTensor): CaseTensor {
  const view = new DataView(Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0)).buffer);
  const numbers = Float32Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));
  return { name, shape, data: numbers };
}

/** Every case of the fixture. */
export function operatorCases(): OperatorCase[] {
  const stored: StoredCase[] = JSON.parse(Deno.readTextFileSync(new URL("cases.json", FOLDER)));
  return stored.map(({ name, operator, model, inputs, outputs }) => ({
    name,
    operator,
    model: Deno.readFileSync(new URL(model, FOLDER)),
    inputs: inputs.map(tensor),
    outputs: outputs.map(tensor),
  }));
}
