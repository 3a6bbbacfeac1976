/** The published model's files: what is read from them, that one size gives the other, and that writing loses nothing. */

import { assert, assertEquals } from "@std/assert";
import { type Graph, inferTypes, type Node } from "../../src/graph/mod.ts";
import { importOnnx, readClassNames, saveOnnx } from "../../src/onnx/mod.ts";
import { sharedDataTest } from "../support/shared_data.ts";

const LARGE = "models/yolo11n.onnx", SMALL = "models/yolo11n_320.onnx";

function read(url: URL, shapes?: Record<string, number[]>): Graph {
  return importOnnx(Deno.readFileSync(url), { file: url.pathname, shapes });
}

function output(graph: Graph): readonly number[] {
  return inferTypes(graph).get("output0")!.shape;
}

sharedDataTest("yolo11n.onnx is read whole", [LARGE], (large) => {
  const graph = read(large);
  assertEquals(graph.inputs, [{ name: "images", dtype: "f32", shape: [1, 3, 640, 640] }]);
  assertEquals(graph.outputs, ["output0"]);
  assertEquals(output(graph), [1, 84, 8400]);
  assertEquals(graph.nodes.length, 320);
  const count = (op: Node["op"]) => graph.nodes.filter((node) => node.op === op).length;
  assertEquals([count("Conv"), count("Sigmoid"), count("Mul"), count("Concat")], [88, 78, 79, 21]);
  // Convolution weights and biases: the published parameter count without what export folds into tables.
  const parameters = graph.nodes.filter((node) => node.op === "Conv").flatMap((node) => node.inputs.slice(1));
  const sizes = parameters.map((name) => graph.constants.get(name)!.data.length);
  assertEquals(sizes.reduce((total, size) => total + size, 0), 2_616_248);
  assertEquals(graph.metadata.stride, "32");
  const names = readClassNames(graph)!;
  assertEquals([names.length, names[0], names[9], names[79]], [80, "person", "traffic light", "toothbrush"]);
});

sharedDataTest("yolo11n.onnx changed to 320 equals yolo11n_320.onnx bit for bit", [LARGE, SMALL], (large, small) => {
  const changed = read(large, { images: [1, 3, 320, 320] });
  const exported = read(small);
  assertEquals({ ...changed, metadata: {} }, { ...exported, metadata: {} });
});

sharedDataTest("and yolo11n_320.onnx changed to 640 equals yolo11n.onnx", [LARGE, SMALL], (large, small) => {
  const changed = read(small, { images: [1, 3, 640, 640] });
  const exported = read(large);
  assertEquals({ ...changed, metadata: {} }, { ...exported, metadata: {} });
});

sharedDataTest("yolo11n.onnx takes other batches and sizes", [LARGE], (large) => {
  const cells = (height: number, width: number) => [8, 16, 32].reduce((sum, s) => sum + height * width / (s * s), 0);
  for (const [batch, height, width] of [[1, 384, 640], [8, 320, 320], [3, 416, 224], [1, 32, 64]]) {
    const graph = read(large, { images: [batch, 3, height, width] });
    assertEquals(output(graph), [batch, 84, cells(height, width)]);
    const centres = graph.constants.get("/model.23/Constant_12_output_0")!;
    assertEquals(centres.shape, [1, 2, cells(height, width)]);
    // The last cell of the coarsest level: x, then y.
    const last = [centres.data[cells(height, width) - 1], centres.data.at(-1)];
    assertEquals(last, [width / 32 - 0.5, height / 32 - 0.5]);
  }
});

sharedDataTest("yolo11n.onnx written and read again is the same graph", [LARGE], (large) => {
  const graph = read(large);
  const bytes = saveOnnx(graph);
  assertEquals(importOnnx(bytes), graph);
});

sharedDataTest("a graph shares no memory with its file", [LARGE], (large) => {
  const bytes = Deno.readFileSync(large);
  const graph = importOnnx(bytes);
  const before = graph.constants.get("model.0.conv.weight")!.data.slice();
  bytes.fill(0);
  assertEquals(graph.constants.get("model.0.conv.weight")!.data, before);
});

sharedDataTest("yolo11n.onnx cut anywhere is refused", [LARGE], (large) => {
  const bytes = Deno.readFileSync(large);
  for (const share of [0.001, 0.03, 0.3, 0.5, 0.9, 0.999]) {
    const cut = bytes.subarray(0, Math.floor(bytes.length * share));
    try {
      importOnnx(cut, { file: "cut.onnx" });
      assert(false, `read after ${cut.length} bytes`);
    } catch (error) {
      assertEquals(
        (error as Error).message,
        `cut.onnx: is cut short: it ends after ${cut.length} bytes in the middle of the ONNX model`,
      );
    }
  }
});
