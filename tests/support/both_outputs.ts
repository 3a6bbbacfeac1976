/**
 * A detector's output from a session beside that of the reference evaluator.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Graph } from "../../src/graph/mod.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { type Precision, Session } from "../../src/engine/session.ts";
import { type OutputDifference, outputDifference } from "./output_tensor.ts";
import { randomTensor } from "./random.ts";

/** How far a session's output is from the reference evaluator's, for the same random pictures. */
export async function bothOutputs(graph: Graph, device: GPUDevice, precision: Precision): Promise<OutputDifference> {
  const { shape } = graph.inputs[0];
  const data = randomTensor(shape, 11, 0, 1);
  const expected = runReference(graph, { images: referenceTensor(shape, data) }).get("output0")!;
  const session = await Session.create(graph, { device, precision });
  try {
    const { output0 } = await session.run({ images: { shape, data } });
    assertEquals([...output0.shape], [...expected.shape]);
    return outputDifference(output0.data as Float32Array, Float32Array.from(expected.data), output0.shape);
  } finally {
    session.destroy();
  }
}
