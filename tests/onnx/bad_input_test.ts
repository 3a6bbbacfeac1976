/** Bad files and what they are answered with: one sentence that names the fault, never another kind of error. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { FeatherdetError } from "../../src/graph/mod.ts";
import { importOnnx, type InputShapes } from "../../src/onnx/mod.ts";
import { floats, integers, ints, onnxFile, onnxNode, text, value } from "../support/onnx_models.ts";

const RELU = onnxFile({ nodes: [onnxNode("Relu")] });

function bad(name: string, bytes: Uint8Array, message: string, shapes?: InputShapes): void {
  Deno.test(`bad ONNX input: ${name}`, () => {
    const error = assertThrows(() => importOnnx(bytes, { file: "a.onnx", shapes }), FeatherdetError);
    assertEquals((error as FeatherdetError).message, `a.onnx: ${message}`);
  });
}

function textFile(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

// Files that are no models.
bad("an empty file", new Uint8Array(), "is empty");
bad("a text file", textFile("name: yolo11n\nbackbone:\n"), "is not an ONNX model but a text file");
bad("a web page", textFile("\n<!DOCTYPE html><html>404</html>"), "is not an ONNX model but an HTML or XML page");
bad(
  "a Git LFS pointer",
  textFile("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"),
  "is not an ONNX model but a Git LFS pointer; fetch the file it points to",
);
bad(
  "a PyTorch checkpoint",
  Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0),
  "is not an ONNX model but a ZIP archive (PyTorch checkpoints are ZIP archives; export the model to ONNX first)",
);
bad("a picture", Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16), "is not an ONNX model but a JPEG picture");
bad(
  "a TensorFlow Lite model",
  Uint8Array.of(0x1c, 0, 0, 0, 0x54, 0x46, 0x4c, 0x33, 0),
  "is not an ONNX model but a TensorFlow Lite model",
);
bad("noise", Uint8Array.of(7, 255, 255, 3, 9, 1, 0), "is not an ONNX model (it does not decode as protobuf)");
bad(
  "a file cut short",
  RELU.subarray(0, 30),
  "is cut short: it ends after 30 bytes in the middle of the ONNX model",
);
bad("a file cut before the graph", RELU.subarray(0, 2), "holds no graph; it is cut short or not an ONNX model");
bad(
  "an output without a name",
  onnxFile({ nodes: [], inputs: [value("", [1])], outputs: [""] }),
  "has an output without a name",
);
bad("a graph without nodes", onnxFile({ nodes: [] }), "holds a graph without nodes");
bad("no outputs", onnxFile({ nodes: [onnxNode("Relu")], outputs: [] }), "names no output");
bad(
  "no operator set",
  onnxFile({ nodes: [onnxNode("Relu")], model: { opsetImport: [] } }),
  "names no ONNX operator set; it is cut short or not an ONNX model",
);
for (const opset of [6, 29]) {
  bad(
    `operator set ${opset}`,
    onnxFile({ nodes: [onnxNode("Relu")], opset }),
    `uses ONNX operator set ${opset}; sets 7 to 28 are read, so export it again with one of them`,
  );
}

// Inputs.
const open = onnxFile({ nodes: [onnxNode("Relu")], inputs: [value("x", ["batch", 3, "height", ""])] });
bad(
  "open extents",
  open,
  'input "x" leaves batch, height, axis 3 of [batch,3,height,axis 3] open; give its shape as shapes: { "x": [?, 3, ?, ?] }',
);
bad(
  "open extents, shape of another rank",
  open,
  'shape [3,8,8] given for input "x" does not fit [batch,3,height,axis 3]',
  {
    x: [3, 8, 8],
  },
);
bad("a shape for an unknown input", RELU, 'shapes names "images", but the inputs are "x"', { images: [1, 3, 8, 8] });
bad(
  "an integer input",
  onnxFile({ nodes: [onnxNode("Relu")], inputs: [value("x", [1, 3, 8, 8], 7)] }),
  'input "x" has elements of int64; floats and uint8 are supported',
);
bad(
  "an input of signed bytes",
  onnxFile({ nodes: [onnxNode("Relu")], inputs: [value("x", [1, 3, 8, 8], 3)] }),
  'input "x" has elements of int8; floats and uint8 are supported',
);

// Tensors.
const add = [onnxNode("Add", { input: ["x", "w"] })];
const withTensor = (tensor: Parameters<typeof onnxFile>[0]["initializers"]) =>
  onnxFile({ nodes: add, initializers: tensor });
bad(
  "external data",
  withTensor([{
    name: "w",
    dims: [3],
    dataType: 1,
    dataLocation: 1,
    externalData: [{ key: "location", value: "w.bin" }],
  }]),
  'Add "test": initializer "w" [3] keeps its data in the file "w.bin", which does not come with these bytes; ' +
    "load the model by its path or URL, or give externalData",
);
bad(
  "missing data",
  withTensor([{ name: "w", dims: [3], dataType: 1 }]),
  'Add "test": initializer "w" [3] needs 3 elements but holds 0; the file is damaged or its data was taken out',
);
bad(
  "too little raw data",
  withTensor([{ name: "w", dims: [3], dataType: 1, rawData: new Uint8Array(8) }]),
  'Add "test": initializer "w" [3] needs 12 bytes of float but holds 8; the file is damaged',
);
bad(
  "bfloat16",
  withTensor([{ name: "w", dims: [3], dataType: 16, rawData: new Uint8Array(6) }]),
  'Add "test": initializer "w" [3] has elements of bfloat16, not supported',
);
bad(
  "whole numbers beyond 32 bits",
  withTensor([integers("w", 2 ** 31)]),
  'Add "test": constant "w" holds whole numbers beyond the range of int32',
);
bad("NaN weights", withTensor([floats("w", [8], [1, 2, 3, NaN, 5, 6, 7, 8])]), 'constant "w" holds NaN at index 3');
bad("integer operands", withTensor([integers("w", 1)]), 'Add "test": input 1 is i32, the operator needs f32');
bad(
  "operands that do not broadcast",
  withTensor([floats("w", [3], [1, 2, 3])]),
  'Add "test": shapes [1,3,8,8] and [3] do not broadcast',
);

// Nodes.
const single = (...args: Parameters<typeof onnxNode>) => onnxFile({ nodes: [onnxNode(...args)] });
bad(
  "an unknown operator",
  single("NonMaxSuppression"),
  'NonMaxSuppression "test": operator is not supported (inputs [1,3,8,8]); heads that choose their boxes inside the graph have it: ' +
    "export the model without that (Ultralytics: without nms=True, and with end2end=False where there is such an option; YOLOv7: " +
    "without --end2end)",
);
bad("a method's name as operator", single("toString"), 'toString "test": operator is not supported (inputs [1,3,8,8])');
bad(
  "an operator domain",
  single("FusedConv", { domain: "com.microsoft" }),
  'FusedConv "test": operator domain "com.microsoft" is not supported',
);
bad("a missing value", single("Relu", { input: ["z"] }), 'Relu "test": input "z" is made by no node');
bad("a missing input", single("Relu", { input: [] }), 'Relu "test": lacks input 0');
bad(
  "a value made twice",
  onnxFile({ nodes: [onnxNode("Relu"), onnxNode("Neg")] }),
  'Neg "test": output "y" is made a second time: "test" makes it first',
);
bad(
  "an unknown attribute",
  single("Relu", { attribute: [ints("consumed_inputs", 1)] }),
  'Relu "test": attribute "consumed_inputs" is not supported in operator set 17',
);
bad(
  "an attribute that became an input",
  single("Clip", { attribute: [ints("max", 6)] }),
  'Clip "test": attribute "max" is not supported in operator set 17',
);
bad(
  "an operator for constants alone",
  onnxFile({ nodes: [onnxNode("CumSum", { input: ["x", "x"] })] }),
  'CumSum "test": is supported only for constants, but its inputs [1,3,8,8], [1,3,8,8] are computed',
);
bad(
  "a bound of many numbers",
  onnxFile({ nodes: [onnxNode("Neg", { output: ["top"] }), onnxNode("Clip", { input: ["x", "", "top"] })] }),
  'Clip "test_2": bound "top" must be one number but has 192',
);
bad(
  "indices of a maximum",
  onnxFile({
    nodes: [onnxNode("MaxPool", { output: ["y", "i"], attribute: [ints("kernel_shape", 2, 2)] })],
    outputs: ["y", "i"],
  }),
  'MaxPool "test": indices output "i" is used, which is not supported',
);
bad(
  "a window of two axes over one",
  onnxFile({
    nodes: [onnxNode("MaxPool", { attribute: [ints("kernel_shape", 2, 2)] })],
    inputs: [value("x", [1, 3, 8])],
  }),
  'MaxPool "test": attribute "kernel_shape" [2,2] has not one spatial axis',
);
bad(
  "training",
  single("BatchNormalization", { attribute: [ints("training_mode", 1)] }),
  'BatchNormalization "test": training_mode is not supported; export the model for inference',
);
bad(
  "an impossible reshape",
  onnxFile({
    nodes: [onnxNode("Reshape", { input: ["x", "s"] })],
    initializers: [integers("s", 1, 5, -1)],
  }),
  'Reshape "test": cannot shape [1,3,8,8] as [1,5,-1]',
);
bad(
  "negative pads",
  onnxFile({
    nodes: [onnxNode("Pad", { input: ["x", "p"], attribute: [text("mode", "edge")] })],
    initializers: [integers("p", 0, 0, -1, 0, 0, 0, 0, 0)],
  }),
  'Pad "test": negative pads [0,0,-1,0,0,0,0,0] in mode "edge" are not supported',
);
bad(
  "a cast to text",
  single("Cast", { attribute: [ints("to", 8)] }),
  'Cast "test": casting f32 [1,3,8,8] to string is supported only for constants',
);

bad(
  "a transposed convolution that standard and runtimes understand differently",
  onnxFile({
    nodes: [
      onnxNode("ConvTranspose", {
        input: ["x", "w"],
        attribute: [text("auto_pad", "SAME_UPPER"), ints("strides", 3, 2)],
      }),
    ],
    initializers: [floats("w", [3, 1, 2, 2], Array(12).fill(1))],
  }),
  'ConvTranspose "test": auto_pad with kernel 2x2 below strides [3,2] is not supported',
);

const resize = (attribute: ReturnType<typeof text>[], scales = [1, 1, 2, 2]) =>
  onnxFile({
    nodes: [onnxNode("Resize", { input: ["x", "", "s"], attribute })],
    initializers: [floats("s", [scales.length], scales)],
    opset: 18,
  });
bad("cubic resizing", resize([text("mode", "cubic")]), 'Resize "test": mode "cubic" is not supported');
bad("antialiased resizing", resize([ints("antialias", 1)]), 'Resize "test": antialias is not supported');
bad(
  "cropping",
  resize([text("coordinate_transformation_mode", "tf_crop_and_resize")]),
  'Resize "test": coordinate_transformation_mode "tf_crop_and_resize" is not supported',
);
bad(
  "resized channels",
  resize([], [1, 2, 2, 2]),
  'Resize "test": resizing the batch or the channels ([1,2,2,2]) is not supported',
);

Deno.test("a model cut anywhere, or with any byte changed, is read or refused in a sentence", () => {
  const conv = onnxFile({
    nodes: [
      onnxNode("Conv", {
        input: ["x", "w"],
        output: ["c"],
        attribute: [ints("pads", 1, 1, 1, 1), text("auto_pad", "NOTSET")],
      }),
      onnxNode("Reshape", { input: ["c", "s"], output: ["r"] }),
      onnxNode("Mod", { input: ["s", "s"], output: ["m"] }),
      onnxNode("Clip", { input: ["r"] }),
    ],
    initializers: [floats("w", [1, 3, 3, 3], Array(27).fill(0.5)), integers("s", 1, -1)],
  });
  const expected = importOnnx(conv);
  const attempt = (bytes: Uint8Array) => {
    try {
      return importOnnx(bytes);
    } catch (error) {
      if (!(error instanceof FeatherdetError)) throw error;
      assert(!error.message.includes("undefined"), error.message);
      return undefined;
    }
  };
  for (let length = 0; length < conv.length; length++) {
    const graph = attempt(conv.subarray(0, length));
    if (graph) assertEquals(graph, expected, `cut after ${length} of ${conv.length} bytes`);
  }
  for (let index = 0; index < conv.length; index++) {
    for (const byte of [0, 255, conv[index] ^ 1, conv[index] ^ 128]) {
      const changed = conv.slice();
      changed[index] = byte;
      attempt(changed);
    }
  }
});
bad(
  "a size beyond all memory",
  onnxFile({
    nodes: [onnxNode("Resize", { input: ["x", "", "", "s"] })],
    initializers: [integers("s", 1, 3, 2 ** 40, 8)],
  }),
  `Resize "test": size [${2 ** 40},8] must be below 2^31`,
);

// Counts.
bad(
  "more axes than any model has",
  onnxFile({ nodes: [onnxNode("Relu")], inputs: [value("x", Array(65).fill(1))] }),
  'Relu "test": output has 65 axes, more than the 64 that are read',
);
bad(
  "a shape of more axes than any model has",
  onnxFile({
    nodes: [onnxNode("Reshape", { input: ["x", "s"] })],
    initializers: [integers("s", ...Array(65).fill(1))],
  }),
  'Reshape "test": shape has 65 axes, more than the 64 that are read',
);
bad(
  "strides beyond 32 bits",
  onnxFile({ nodes: [onnxNode("MaxPool", { attribute: [ints("kernel_shape", 2, 2), ints("strides", 2 ** 31, 2)] })] }),
  'MaxPool "test": strides [2147483648,2] must be below 2^31',
);
bad(
  "more nodes than are read",
  onnxFile({ nodes: Array(50_001).fill(onnxNode("Relu")) }),
  "has 50001 nodes, more than the 50000 that are read",
);
bad(
  "more metadata than are read",
  onnxFile({ nodes: [onnxNode("Relu")], model: { metadataProps: [{ key: "a", value: "x".repeat(2 ** 24) }] } }),
  "has 16777217 characters of metadata, more than the 16777216 that are read",
);
