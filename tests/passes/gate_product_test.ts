/** Activations that are spelt as products of x, a gate and numbers, and what is nearly such. */

import { assertEquals } from "@std/assert";
import { type Graph, GraphEditor } from "../../src/graph/mod.ts";
import { recogniseActivations } from "../../src/passes/mod.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { randomTensor } from "../support/random.ts";

const SHAPE = [3, 13];

/** A graph of x whose nodes `write` adds; it returns the output. */
function spelt(
  write: (editor: GraphEditor, x: string, number: (value: number, shape?: readonly number[]) => string) => string,
): Graph {
  const editor = new GraphEditor();
  const number = (value: number, shape: readonly number[] = []) =>
    editor.constant(editor.uniqueName("k"), shape, Float32Array.of(value));
  const y = write(editor, editor.input("x", SHAPE), number);
  return editor.finish({ outputs: [y] });
}

const operators = (graph: Graph) => recogniseActivations(graph).nodes.map(({ op }) => op);

const clipped = (editor: GraphEditor, x: string, three: string, max = 6) =>
  editor.one("Clip", "clip", [editor.one("Add", "add", [x, three], {})], { min: 0, max });

const share = (editor: GraphEditor, scaled: string, one: string) =>
  editor.one("Add", "add", [editor.one("Erf", "erf", [scaled], {}), one], {});

const SPELLINGS: Record<string, { graph: Graph; op: "HardSwish" | "Gelu" }> = {
  "x * clip / 6": {
    op: "HardSwish",
    graph: spelt((e, x, n) => e.one("Div", "y", [e.one("Mul", "m", [x, clipped(e, x, n(3))], {}), n(6)], {})),
  },
  "clip / 6 * x": {
    op: "HardSwish",
    graph: spelt((e, x, n) => e.one("Mul", "y", [e.one("Div", "d", [clipped(e, x, n(3)), n(6, [1])], {}), x], {})),
  },
  "1/6 * (x * clip)": {
    op: "HardSwish",
    graph: spelt((e, x, n) => e.one("Mul", "y", [n(1 / 6), e.one("Mul", "m", [clipped(e, x, n(3)), x], {})], {})),
  },
  "0.5 * x * (1 + erf(x / root))": {
    op: "Gelu",
    graph: spelt((e, x, n) => {
      const gate = share(e, e.one("Div", "d", [x, n(Math.SQRT2)], {}), n(1));
      return e.one("Mul", "y", [e.one("Mul", "h", [x, n(0.5)], {}), gate], {});
    }),
  },
  "x * (1 + erf(x * 0.70711)) / 2": {
    op: "Gelu",
    graph: spelt((e, x, n) => {
      const gate = share(e, e.one("Mul", "d", [x, n(0.70711)], {}), n(1));
      return e.one("Div", "y", [e.one("Mul", "h", [x, gate], {}), n(2)], {});
    }),
  },
};

for (const [what, { graph, op }] of Object.entries(SPELLINGS)) {
  Deno.test(`${what} is ${op}`, () => {
    assertEquals(operators(graph), [op]);
    const feeds = { x: referenceTensor(SHAPE, randomTensor(SHAPE, 5, -6, 6)) };
    const [expected, found] = [graph, recogniseActivations(graph)].map((each) =>
      [...runReference(each, feeds).values()][0].data
    );
    assertEquals(found.every((value, i) => Math.abs(value - expected[i]) < 1e-5), true);
  });
}

Deno.test("what is nearly such stays as it is", () => {
  const near: Record<string, Graph> = {
    "another bound": spelt((e, x, n) =>
      e.one("Div", "y", [e.one("Mul", "m", [x, clipped(e, x, n(3), 5)], {}), n(6)], {})
    ),
    "another summand": spelt((e, x, n) =>
      e.one("Div", "y", [e.one("Mul", "m", [x, clipped(e, x, n(2))], {}), n(6)], {})
    ),
    "another divisor": spelt((e, x, n) =>
      e.one("Div", "y", [e.one("Mul", "m", [x, clipped(e, x, n(3))], {}), n(5)], {})
    ),
    "a gate of something else": spelt((e, x, n) =>
      e.one("Div", "y", [e.one("Mul", "m", [x, clipped(e, e.one("Abs", "a", [x], {}), n(3))], {}), n(6)], {})
    ),
    "a quotient by the gate": spelt((e, x, n) =>
      e.one("Mul", "y", [e.one("Div", "m", [x, clipped(e, x, n(3))], {}), n(1 / 6)], {})
    ),
    "a number that adds an axis": spelt((e, x, n) =>
      e.one("Div", "y", [e.one("Mul", "m", [x, clipped(e, x, n(3))], {}), n(6, [1, 1, 1])], {})
    ),
    "another reader of the gate": spelt((e, x, n) => {
      const gate = clipped(e, x, n(3));
      const product = e.one("Div", "y", [e.one("Mul", "m", [x, gate], {}), n(6)], {});
      return e.one("Sub", "s", [product, gate], {});
    }),
  };
  for (const [what, graph] of Object.entries(near)) {
    assertEquals(operators(graph), graph.nodes.map(({ op }) => op), what);
  }
});
