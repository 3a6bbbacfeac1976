/**
 * `shapes` at import: a file exported for fixed extents and changed must give what the same file gives with its extents left
 * open and filled in. Nothing in these files is baked in, so the second way needs no rebuilding.
 */

import { assertEquals } from "@std/assert";
import type { onnx } from "npm:onnx-proto@8.0.1";
import { importOnnx } from "../../src/onnx/mod.ts";
import { floats, integers, ints, onnxFile, onnxNode, text, value } from "../support/onnx_models.ts";

const FROM = [1, 3, 8, 12];
const WEIGHT = floats("w", [3, 3, 3, 2], Array.from({ length: 54 }, (_, index) => index - 27));

interface Follower {
  readonly nodes: readonly onnx.INodeProto[];
  readonly initializers?: readonly onnx.ITensorProto[];
  readonly opset?: number;
}

const strided = [text("auto_pad", "SAME_UPPER"), ints("strides", 2, 3)];

const FOLLOWERS: Record<string, Follower> = {
  "a convolution padded to the same size": {
    nodes: [onnxNode("Conv", { input: ["x", "w"], attribute: strided })],
    initializers: [WEIGHT],
  },
  "pooling padded to the same size": {
    nodes: [onnxNode("MaxPool", { attribute: [...strided, ints("kernel_shape", 3, 2)] })],
  },
  "a transposed convolution to stride times the size": {
    nodes: [
      onnxNode("ConvTranspose", {
        input: ["x", "w"],
        attribute: [text("auto_pad", "SAME_LOWER"), ints("strides", 2, 1)],
      }),
    ],
    initializers: [WEIGHT],
  },
  "an axis before the batch": {
    nodes: [
      onnxNode("Unsqueeze", { input: ["x", "axes"], output: ["u"] }),
      onnxNode("Concat", { input: ["u", "u"], output: ["c"], attribute: [ints("axis", 0)] }),
      onnxNode("ReduceSum", { input: ["c", "axes"], attribute: [ints("keepdims", 0)] }),
    ],
    initializers: [integers("axes", 0)],
  },
  "everything but the batch in one axis": { nodes: [onnxNode("Flatten")] },
  "a crop counted from the end": {
    nodes: [onnxNode("Slice", { input: ["x", "from", "to", "axes"] })],
    initializers: [integers("from", 1, -3), integers("to", -1, 2 ** 40), integers("axes", 2, 3)],
  },
  "equal parts": {
    nodes: [
      onnxNode("Split", { output: ["a", "b"], attribute: [ints("axis", 3)] }),
      onnxNode("Add", { input: ["a", "b"] }),
    ],
  },
  "a scale in no proportion": {
    nodes: [onnxNode("Resize", { input: ["x", "", "s"] })],
    initializers: [floats("s", [4], [1, 1, 1.3, 0.7])],
  },
  "a reshape by rule": {
    nodes: [onnxNode("Reshape", { input: ["x", "s"] })],
    initializers: [integers("s", 0, 0, -1)],
  },
  "the old softmax": {
    nodes: [
      onnxNode("GlobalAveragePool", { output: ["g"] }),
      onnxNode("Softmax", { input: ["g"] }),
    ],
    opset: 11,
  },
};

for (const [name, follower] of Object.entries(FOLLOWERS)) {
  Deno.test(`fixed or open, other extents give the same: ${name}`, () => {
    const fixed = onnxFile({ ...follower, inputs: [value("x", FROM)] });
    const open = onnxFile({ ...follower, inputs: [value("x", ["n", 3, "h", "w"])] });
    for (const shape of [FROM, [4, 3, 8, 12], [1, 3, 9, 14], [2, 3, 7, 6]]) {
      assertEquals(importOnnx(fixed, { shapes: { x: shape } }), importOnnx(open, { shapes: { x: shape } }), `${shape}`);
    }
  });
}

Deno.test("what an exporter made of the shape is found in the graph again", () => {
  // Shape arithmetic is folded for the exported size and then changed with the rest.
  const fixed = onnxFile({
    nodes: [
      onnxNode("Shape", { output: ["shape"] }),
      onnxNode("Gather", { input: ["shape", "zero"], output: ["n"] }),
      onnxNode("Concat", { input: ["n", "rest"], output: ["target"], attribute: [ints("axis", 0)] }),
      onnxNode("Reshape", { input: ["x", "target"] }),
    ],
    initializers: [integers("zero", 0), integers("rest", 3, -1)],
    inputs: [value("x", FROM)],
  });
  const graph = importOnnx(fixed, { shapes: { x: [5, 3, 4, 6] } });
  assertEquals(graph.nodes.map((node) => [node.op, node.attributes]), [["Reshape", { shape: [5, 3, 24] }]]);
});

Deno.test("open and fixed extents change together", () => {
  const bytes = onnxFile({
    nodes: [onnxNode("Reshape", { input: ["x", "s"] })],
    initializers: [integers("s", -1, 3, 96)],
    inputs: [value("x", ["n", 3, 8, 12])],
  });
  const shape = (extents: number[]) => importOnnx(bytes, { shapes: { x: extents } }).nodes[0].attributes;
  assertEquals(shape([7, 3, 8, 12]), { shape: [7, 3, 96] });
  assertEquals(shape([2, 3, 4, 5]), { shape: [2, 3, 20] });
});
