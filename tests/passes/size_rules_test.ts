/**
 * What a file states instead of numbers is part of its node: a graph whose nodes were copied, renamed, taken through the editor or sent to
 * another thread follows other extents as the file does whose extents are left open.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import type { onnx } from "npm:onnx-proto@8.0.1";
import {
  FeatherdetError,
  type Graph,
  GraphEditor,
  inferTypes,
  type Node,
  printGraph,
  type Shape,
  verify,
} from "../../src/graph/mod.ts";
import { importOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { changeShapes } from "../../src/passes/mod.ts";
import { floats, integers, ints, onnxFile, onnxNode, text, value } from "../support/onnx_models.ts";

interface Stated {
  readonly nodes: readonly onnx.INodeProto[];
  readonly initializers?: readonly onnx.ITensorProto[];
  readonly opset?: number;
}

const FROM = [1, 3, 8, 12];
const SHAPES: readonly Shape[] = [[1, 3, 9, 14], [2, 3, 7, 6], [3, 3, 13, 22]];
const WEIGHT = floats("w", [3, 3, 3, 2], Array.from({ length: 54 }, (_, index) => index - 27));

const same = (pad: string) => [text("auto_pad", pad), ints("strides", 2, 3)];

const STATED: Record<string, Stated> = {
  "Conv, SAME_UPPER": {
    nodes: [onnxNode("Conv", { input: ["x", "w"], attribute: same("SAME_UPPER") })],
    initializers: [WEIGHT],
  },
  "MaxPool, SAME_LOWER": {
    nodes: [onnxNode("MaxPool", { attribute: [...same("SAME_LOWER"), ints("kernel_shape", 3, 2)] })],
  },
  "AveragePool, SAME_UPPER": {
    nodes: [onnxNode("AveragePool", { attribute: [...same("SAME_UPPER"), ints("kernel_shape", 3, 5)] })],
  },
  "ConvTranspose, SAME_LOWER": {
    nodes: [
      onnxNode("ConvTranspose", {
        input: ["x", "w"],
        attribute: [text("auto_pad", "SAME_LOWER"), ints("strides", 2, 1)],
      }),
    ],
    initializers: [WEIGHT],
  },
  Unsqueeze: {
    nodes: [onnxNode("Unsqueeze", { input: ["x", "axes"] })],
    initializers: [integers("axes", 0, 3)],
  },
  "Flatten at 2": { nodes: [onnxNode("Flatten", { attribute: [{ name: "axis", type: 2, i: 2 }] })] },
  "a Slice counted from the end": {
    nodes: [onnxNode("Slice", { input: ["x", "from", "to", "axes"] })],
    initializers: [integers("from", 1, -3), integers("to", -1, 2 ** 40), integers("axes", 2, 3)],
  },
  "a Split into equal parts": {
    nodes: [
      onnxNode("Split", { output: ["a", "b"], attribute: [ints("axis", 3)] }),
      onnxNode("Add", { input: ["a", "b"] }),
    ],
  },
  "a Resize by scales that are no sixteenths": {
    nodes: [onnxNode("Resize", { input: ["x", "", "s"] })],
    initializers: [floats("s", [4], [1, 1, 1.3, 0.7])],
  },
  "a Reshape with 0 and -1": {
    nodes: [onnxNode("Reshape", { input: ["x", "s"] })],
    initializers: [integers("s", 0, 0, -1)],
  },
  "the old Softmax": {
    nodes: [onnxNode("GlobalAveragePool", { output: ["g"] }), onnxNode("Softmax", { input: ["g"] })],
    opset: 11,
  },
};

/** Every node copied, under another name and with other names of values. */
function cloned(graph: Graph): Graph {
  const rename = (name: string) => graph.constants.has(name) || name === "x" || name === "y" ? name : `copy/${name}`;
  const nodes = graph.nodes.map((node): Node => ({
    ...node,
    name: `copy/${node.name}`,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
  }));
  return { ...graph, nodes };
}

/** Every node replaced by a copy with an identity behind it. */
function edited(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of graph.nodes) editor.replace(node, [{ ...node }]);
  editor.insert("x", (x) => editor.one("Neg", "back", [editor.one("Neg", "there", [x], {})], {}));
  return editor.finish();
}

const WAYS: Record<string, (graph: Graph) => Graph> = {
  copied: cloned,
  edited,
  "cloned by structure": (graph) => structuredClone(graph),
  "read again from text": (graph) => {
    return { ...graph, nodes: JSON.parse(JSON.stringify(graph.nodes)) };
  },
};

/** What is known of the nodes that the file has, whatever they are called now. */
const facts = (graph: Graph) =>
  graph.nodes.filter(({ op }) => op !== "Neg").map(({ op, attributes }) => [op, attributes]);

for (const [name, stated] of Object.entries(STATED)) {
  Deno.test(`a changed copy follows what the file states: ${name}`, () => {
    const fixed = importOnnx(onnxFile({ ...stated, inputs: [value("x", FROM)] }));
    const open = onnxFile({ ...stated, inputs: [value("x", ["n", 3, "h", "w"])] });
    assert(fixed.nodes.some(({ sizeRule }) => sizeRule !== undefined), printGraph(fixed));
    for (const [way, copy] of Object.entries(WAYS)) {
      for (const shape of SHAPES) {
        const changed = changeShapes(copy(fixed), { x: shape }), expected = importOnnx(open, { shapes: { x: shape } });
        verify(changed);
        assertEquals(facts(changed), facts(expected), `${way}, ${shape}`);
        assertEquals(inferTypes(changed).get("y"), inferTypes(expected).get("y"), `${way}, ${shape}`);
      }
    }
  });
}

Deno.test("a rule counts for nothing once a pass has set other attributes", () => {
  const sizes = (...parts: number[]) => {
    const graph = importOnnx(onnxFile({ ...STATED["a Split into equal parts"], inputs: [value("x", FROM)] }));
    const [split] = graph.nodes;
    assertEquals(split.sizeRule, { uneven: false });
    const nodes = [{ ...split, attributes: { axis: 1, sizes: parts } } as Node];
    return changeShapes({ ...graph, nodes, outputs: ["a"] }, { x: [1, 3, 9, 14] }).nodes[0].attributes;
  };
  // The three channels cannot be split equally, and are not to be.
  assertEquals(sizes(1, 2), { axis: 1, sizes: [1, 2] });
  const graph = importOnnx(onnxFile({ ...STATED["Conv, SAME_UPPER"], inputs: [value("x", FROM)] }));
  const bare = graph.nodes.map((node) => ({ ...node, attributes: { ...node.attributes, pads: [0, 0, 0, 0] } }) as Node);
  const changed = changeShapes({ ...graph, nodes: bare }, { x: [1, 3, 9, 14] });
  assertEquals(changed.nodes[0].attributes, bare[0].attributes);
});

Deno.test("a rule is not written: the file holds the numbers", () => {
  const graph = importOnnx(onnxFile({ ...STATED["Conv, SAME_UPPER"], inputs: [value("x", FROM)] }));
  const read = importOnnx(saveOnnx(graph));
  assertEquals([graph.nodes[0].sizeRule, read.nodes[0].sizeRule], [{ odd: "end" }, undefined]);
  assertEquals(read.nodes[0].attributes, graph.nodes[0].attributes);
});

Deno.test("a scale of sixteenths needs no rule", () => {
  const resize = (scale: number) => {
    const nodes = [onnxNode("Resize", { input: ["x", "", "s"] })];
    const initializers = [floats("s", [4], [1, 1, scale, scale])];
    return importOnnx(onnxFile({ nodes, initializers, inputs: [value("x", FROM)] }));
  };
  assertEquals([2, 0.5, 1.0625].map((scale) => resize(scale).nodes[0].sizeRule), Array(3).fill(undefined));
  assert(resize(1.3).nodes[0].sizeRule !== undefined);
});

function refused(name: string, stated: Stated, shape: Shape, message: string): void {
  Deno.test(`extents that a rule does not take are refused: ${name}`, () => {
    const graph = importOnnx(onnxFile({ ...stated, inputs: [value("x", FROM)] }));
    const error = assertThrows(() => changeShapes(graph, { x: shape }), FeatherdetError);
    const change = `(when changing input "x" from [1,3,8,12] to [${shape.join(",")}])`;
    assertEquals((error as FeatherdetError).message, `${message} ${change}`);
  });
}

refused(
  "squeezing a batch of one",
  { nodes: [onnxNode("Squeeze", { input: ["x", "axes"] })], initializers: [integers("axes", 0)] },
  [2, 3, 8, 12],
  'Reshape "test": cannot shape [2,3,8,12] as axes [1], axes [2], axes [3]',
);
refused(
  "equal parts of an odd extent",
  STATED["a Split into equal parts"],
  [1, 3, 8, 13],
  'Split "test": cannot split extent 13 into 2 parts',
);
refused(
  "a softmax over several axes",
  {
    nodes: [
      onnxNode("AveragePool", { output: ["g"], attribute: [ints("kernel_shape", 8, 12)] }),
      onnxNode("Softmax", { input: ["g"] }),
    ],
    opset: 11,
  },
  [1, 3, 9, 12],
  'Softmax "test_2": the softmax of [1,3,2,1] from axis 1 on runs over several axes',
);
