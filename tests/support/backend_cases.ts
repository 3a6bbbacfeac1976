/**
 * ONNX's own single-operator cases (`tests/fixtures/make_onnx_backend_cases.py`), and what the toolkit makes of them.
 *
 * @module
 */

import { Session, type SessionOptions } from "../../src/engine/session.ts";
import { FeatherdetError, type Graph, inferTypes, type Shape } from "../../src/graph/mod.ts";
import { FOLDS } from "../../src/onnx/fold/mod.ts";
import { importOnnx } from "../../src/onnx/mod.ts";
import { ONNX_OPERATORS } from "../../src/onnx/operators/mod.ts";
import { decodeModel } from "../../src/onnx/proto.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";

/** A named tensor of float32, row-major. */
export interface BackendTensor {
  readonly name: string;
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** One case. */
export interface BackendCase {
  readonly name: string;
  /** The ONNX file. */
  readonly model: Uint8Array;
  readonly inputs: readonly BackendTensor[];
  readonly outputs: readonly BackendTensor[];
  /** Whether the toolkit has all operators of the model. */
  readonly claimed: boolean;
}

interface Stored {
  readonly name: string;
  readonly model: string;
  readonly inputs: readonly { name: string; shape: number[]; data: string }[];
  readonly outputs: readonly { name: string; shape: number[]; data: string }[];
}

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

const tensors = (list: Stored["inputs"]): BackendTensor[] =>
  list.map(({ name, shape, data }) => ({ name, shape, data: new Float32Array(bytesOf(data).buffer) }));

function isClaimed(model: Uint8Array): boolean {
  try {
    return (decodeModel(model, "case").graph.node ?? []).every(({ opType, domain }) =>
      !domain && (Object.hasOwn(ONNX_OPERATORS, opType!) || Object.hasOwn(FOLDS, opType!))
    );
  } catch {
    return false;
  }
}

/** Every case of the fixture. */
export async function backendCases(): Promise<BackendCase[]> {
  const file = await Deno.open(new URL("../fixtures/onnx_backend_cases.jsonl.gz", import.meta.url));
  const text = await new Response(file.readable.pipeThrough(new DecompressionStream("gzip"))).text();
  return text.trimEnd().split("\n").map((line) => {
    const { name, model, inputs, outputs }: Stored = JSON.parse(line);
    const bytes = bytesOf(model);
    return { name, model: bytes, inputs: tensors(inputs), outputs: tensors(outputs), claimed: isClaimed(bytes) };
  });
}

/** What became of a case: refused in a sentence, right, or what is wrong. */
export type Verdict = { readonly kind: "refused" | "right" | "wrong"; readonly detail: string };

/** Computes the outputs of a graph. */
export type Compute = (
  graph: Graph,
  inputs: readonly BackendTensor[],
) => Promise<ReadonlyMap<string, ArrayLike<number>>>;

function differs(a: number, b: number): boolean {
  if (Object.is(a, b) || a === b) return false;
  // The cases are rounded to their types, some of which are halves.
  return !(Math.abs(a - b) <= 1e-5 + 1e-3 * Math.abs(b));
}

/** Imports a case and compares its outputs. Throws what is no FeatherdetError. */
export async function judge({ name, model, inputs, outputs }: BackendCase, compute: Compute): Promise<Verdict> {
  try {
    const graph = importOnnx(model, { file: name });
    const types = inferTypes(graph);
    const found = await compute(graph, inputs);
    for (const { name: output, shape, data } of outputs) {
      const type = types.get(output)!, values = found.get(output)!;
      if (String(type.shape) !== String(shape)) {
        return { kind: "wrong", detail: `${output} is [${type.shape}], not [${shape}]` };
      }
      const at = data.findIndex((value, index) => differs(values[index], value));
      if (at >= 0) return { kind: "wrong", detail: `${output}[${at}] is ${values[at]}, not ${data[at]}` };
    }
    return { kind: "right", detail: "" };
  } catch (error) {
    if (error instanceof FeatherdetError) return { kind: "refused", detail: error.message };
    throw error;
  }
}

/** In float64 on the host. */
export const onReference: Compute = (graph, inputs) => {
  const feeds = Object.fromEntries(inputs.map(({ name, shape, data }) => [name, referenceTensor(shape, data)]));
  return Promise.resolve(new Map([...runReference(graph, feeds)].map(([name, { data }]) => [name, data])));
};

/** On a device. */
export function throughSession(options: SessionOptions): Compute {
  return async (graph, inputs) => {
    const session = await Session.create(graph, options);
    const found = await session.run(Object.fromEntries(inputs.map((input) => [input.name, input])));
    session.destroy();
    return new Map(Object.entries(found).map(([name, { data }]) => [name, data]));
  };
}
