/** Weights fitted after a cut: against another solver, on channels that others can stand for, and on numbers that nobody can fit. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { fitRows, refitLayers, refitSums, RowSums, withRefitted, writeRow } from "../../../src/compress/prune/mod.ts";
import { type CouplingGroup, couplingGroups } from "../../../src/graph/channels/mod.ts";
import { FeatherdetError, type Graph } from "../../../src/graph/mod.ts";
import { ModelBuilder } from "../../../src/models/builder.ts";
import { removeChannels } from "../../../src/passes/remove_channels.ts";
import { referenceTensor, runReference } from "../../../src/reference/run.ts";
import { randomTensor, seededRandom } from "../../support/random.ts";

/** Solves `[n, n]` times `[n, columns]` by Gauss with pivots. */
function solveByGauss(matrix: readonly (readonly number[])[], right: readonly (readonly number[])[]): number[][] {
  const rows = matrix.map((row, i) => [...row, ...right[i]]), n = rows.length;
  for (let k = 0; k < n; k++) {
    const best = rows.findLastIndex((row, i) =>
      i >= k && Math.abs(row[k]) === Math.max(...rows.slice(k).map((r) => Math.abs(r[k])))
    );
    [rows[k], rows[best]] = [rows[best], rows[k]];
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const by = rows[i][k] / rows[k][k];
      for (let j = k; j < rows[i].length; j++) rows[i][j] -= by * rows[k][j];
    }
  }
  return rows.map((row, i) => row.slice(n).map((value) => value / row[i]));
}

const sum = (list: readonly number[]) => list.reduce((total, value) => total + value, 0);

Deno.test("rows are fitted as the normal equations with a column of ones say, whatever their number and widths", () => {
  for (const [inputs, outputs, count, hasOffset] of [[13, 3, 301, true], [7, 1, 40, false], [1, 5, 9, true]] as const) {
    const random = seededRandom(inputs), width = inputs + outputs;
    // Columns with a mean, which an offset has to take.
    const rows = Float32Array.from({ length: count * width }, (_, k) => random() - 0.3 + 0.1 * (k % width));
    const weights = Array.from({ length: outputs * inputs }, () => random() - 0.5);
    const sums = new RowSums(inputs, outputs), ridge = 0.03;
    sums.add(rows.subarray(0, 5 * width), 5);
    sums.add(rows.subarray(5 * width), count - 5);
    assertEquals(sums.count, count);
    const x = Array.from(
      { length: count },
      (_, r) => [...rows.subarray(r * width, r * width + inputs), ...(hasOffset ? [1] : [])],
    );
    const n = x[0].length;
    const moment = (i: number) =>
      sum(x.map((row) => row[i] ** 2)) - (hasOffset ? sum(x.map((row) => row[i])) ** 2 / count : 0);
    const cost = ridge * sum(Array.from({ length: inputs }, (_, i) => moment(i))) / inputs;
    const gram = Array.from(
      { length: n },
      (_, i) =>
        Array.from({ length: n }, (_, j) => sum(x.map((row) => row[i] * row[j])) + (i === j && i < inputs ? cost : 0)),
    );
    const right = Array.from(
      { length: n },
      (_, i) =>
        Array.from(
          { length: outputs },
          (_, o) =>
            sum(x.map((row, r) => row[i] * rows[r * width + inputs + o])) +
            (i < inputs ? cost * weights[o * inputs + i] : 0),
        ),
    );
    const wanted = solveByGauss(gram, right);
    const fitted = fitRows(sums, weights, { ridge, hasOffset });
    for (let o = 0; o < outputs; o++) {
      for (let i = 0; i < inputs; i++) assertAlmostEquals(fitted.weights[o * inputs + i], wanted[i][o], 1e-9);
      assertAlmostEquals(fitted.offsets[o], hasOffset ? wanted[inputs][o] : 0, 1e-9);
    }
  }
});

type Behind = "bias" | "normalisation" | "none";

/** Thirteen channels, and a convolution of 3x3 and stride 2 that reads them, on three pictures. */
function twoLayers(behind: Behind, act: "silu" | "none" = "silu", size: readonly [number, number] = [9, 7]): Graph {
  const b = new ModelBuilder({ seed: 3 });
  let x = b.input("x", [3, 5, ...size]);
  x = b.conv("wide", x, { out: 13, bias: "uniformFanIn" });
  if (act === "silu") x = b.node("Mul", "act", [x, b.node("Sigmoid", "gate", [x], {})], {});
  const how = { out: 6, kernel: 3, stride: 2, padding: 1, dilation: behind === "none" ? 2 : 1 } as const;
  x = behind === "normalisation"
    ? b.convBlock("block", x, how)
    : b.conv("block.conv", x, { ...how, bias: behind === "bias" && "uniformFanIn" });
  return b.graph("two layers", [b.conv("last", x, { out: 2 })]);
}

/** A constant replaced. */
const withConstant = (graph: Graph, name: string, data: Float32Array): Graph => {
  return { ...graph, constants: new Map(graph.constants).set(name, { ...graph.constants.get(name)!, data }) };
};

/** Values of a graph in float64 on pictures of a seed. */
function valuesOf(graph: Graph, seed: number) {
  const [{ name, shape }] = graph.inputs;
  return runReference(graph, { [name]: referenceTensor(shape, randomTensor(shape, seed, 0, 1)) }, { keepAll: true });
}

/** The groups of the channels of the first convolution at some indices. */
function channelsOf(graph: Graph, indices: readonly number[]): CouplingGroup[] {
  return couplingGroups(graph).groups.filter(({ members }) =>
    members.some(({ node, axis, indices: [index] }) => node === "wide" && axis === 0 && indices.includes(index))
  );
}

/** The graph without channels, its weights fitted on pictures of seed 1, every position of them. */
function refitted(whole: Graph, gone: readonly number[], ridge: number) {
  const groups = channelsOf(whole, gone), [layer, ...others] = refitLayers(whole, groups);
  assertEquals([groups.length, others.length], [gone.length, 0]);
  const values = valuesOf(whole, 1), [input] = layer.node.inputs, [output] = layer.node.outputs;
  const maps = { input: values.get(input)!, output: values.get(output)! };
  const sums = refitSums(layer), width = sums.inputs + sums.outputs, [pictures, , height, across] = maps.output.shape;
  const rows = new Float32Array(pictures * height * across * width);
  for (let row = 0; row * width < rows.length; row++) {
    const size = height * across;
    writeRow(layer, maps, Math.floor(row / size), row % size, rows, row * width);
  }
  sums.add(rows, rows.length / width);
  const plain = removeChannels(whole, groups);
  return { layer, plain, graph: withRefitted(plain, [[layer, sums]], ridge) };
}

for (const behind of ["bias", "normalisation", "none"] as const) {
  Deno.test(`a convolution of stride 2 with ${behind} is fitted as the normal equations say of its taps`, () => {
    const whole = twoLayers(behind), ridge = 0.01, gone = [2, 7, 12];
    const { layer, plain, graph } = refitted(whole, gone, ridge);
    assertEquals([layer.offset, layer.inputs.length, layer.kernel], [behind, 10, [3, 3]]);
    const [, weight, bias] = layer.node.inputs, made = layer.node.outputs[0];
    const { shape, data } = plain.constants.get(weight)!, taps = 90;
    // What one tap sees: the same convolution with a single weight of 1.
    const silent = bias ? withConstant(plain, bias, new Float32Array(6)) : plain;
    const columns = Array.from({ length: taps }, (_, k) => {
      const single = Float32Array.from(data, (_, i) => i === k ? 1 : 0);
      const { data: seen, shape: [n, channels, h, w] } = valuesOf(withConstant(silent, weight, single), 1).get(made)!;
      const size = h * w;
      return Array.from({ length: n * size }, (_, p) => seen[Math.floor(p / size) * channels * size + p % size]);
    });
    assertEquals(shape, [6, 10, 3, 3]);
    const { data: aim, shape: [, , h, w] } = valuesOf(whole, 1).get(made)!;
    const targets = Array.from(
      { length: 6 },
      (_, o) => columns[0].map((_, p) => aim[(Math.floor(p / (h * w)) * 6 + o) * h * w + p % (h * w)]),
    );
    const hasOffset = behind !== "none", all = hasOffset ? [...columns, columns[0].map(() => 1)] : columns;
    const dot = (a: readonly number[], b: readonly number[]) => sum(a.map((value, i) => value * b[i]));
    const spread = columns.map((c) => dot(c, c) - (hasOffset ? sum(c) ** 2 / c.length : 0));
    const cost = ridge * sum(spread) / taps;
    const wanted = solveByGauss(
      all.map((a, i) => all.map((b, j) => dot(a, b) + (i === j && i < taps ? cost : 0))),
      all.map((a, i) => targets.map((t, o) => dot(a, t) + (i < taps ? cost * data[o * taps + i] : 0))),
    );
    const found = graph.constants.get(weight)!.data;
    for (let o = 0; o < 6; o++) {
      for (let k = 0; k < taps; k++) assertAlmostEquals(found[o * taps + k], wanted[k][o], 1e-5);
      if (bias) assertAlmostEquals(graph.constants.get(bias)!.data[o], wanted[taps][o], 1e-5);
    }
    assertEquals(graph.nodes, plain.nodes);
    for (const [name, constant] of plain.constants) {
      if (name !== weight && name !== bias) assert(graph.constants.get(name) === constant, name);
    }
  });

  Deno.test(`a fit of a convolution with ${behind} is never worse on its pictures, by any weight of the ridge`, () => {
    const whole = twoLayers(behind);
    for (const ridge of [1e-6, 0.01, 1, 100]) {
      const { layer, plain, graph } = refitted(whole, [0, 1, 5, 6, 9], ridge);
      const errorOf = (pruned: Graph) => {
        const [aim, found] = [whole, pruned].map((g) => valuesOf(g, 1).get(layer.node.outputs[0])!);
        const [n, channels, h, w] = aim.shape, count = n * h * w;
        return sum(Array.from({ length: channels }, (_, o) => {
          const apart = Array.from({ length: count }, (_, p) => {
            const at = (Math.floor(p / (h * w)) * channels + o) * h * w + p % (h * w);
            return found.data[at] - aim.data[at];
          });
          // The normalisation's mean is measured anew.
          const shift = behind === "normalisation" ? sum(apart) / count : 0;
          return sum(apart.map((value) => (value - shift) ** 2));
        }));
      };
      const [before, after] = [plain, graph].map(errorOf);
      assert(after < before, `${after} of ${before} with ${ridge}`);
    }
  });
}

/** Rows of the first convolution made anew. */
function withRows(graph: Graph, make: (rows: number[][]) => number[][]): Graph {
  const [weight, bias] = ["wide.weight", "wide.bias"].map((name) => graph.constants.get(name)!.data);
  const rows = make(Array.from({ length: 13 }, (_, o) => [...weight.slice(5 * o, 5 * o + 5), bias[o]].map(Number)));
  const changed = withConstant(graph, "wide.weight", Float32Array.from(rows.flatMap((row) => row.slice(0, 5))));
  return withConstant(changed, "wide.bias", Float32Array.from(rows.map((row) => row[5])));
}

Deno.test("channels that are copies or linear combinations of those left are made up for", () => {
  const copies = withRows(
    twoLayers("bias", "silu", [21, 17]),
    (rows) => rows.map((row, o) => o === 3 ? rows[1] : o === 12 ? rows[0] : row),
  );
  const mixed = withRows(twoLayers("bias", "none", [21, 17]), (rows) => {
    const mix = (a: number, b: number) => rows[a].map((value, i) => 0.5 * value - 0.75 * rows[b][i]);
    return rows.map((row, o) => o === 4 ? mix(2, 8) : o === 11 ? mix(0, 5) : row);
  });
  for (const [whole, gone] of [[copies, [3, 12]], [mixed, [4, 11]]] as const) {
    const { plain, graph } = refitted(whole, gone, 1e-9);
    // On pictures that it was not fitted on.
    const [aim, cut, found] = [whole, plain, graph].map((g) => valuesOf(g, 2).get(whole.outputs[0])!.data);
    const apart = (other: ArrayLike<number>) => Math.max(...Array.from(aim, (value, i) => Math.abs(value - other[i])));
    assert(apart(cut) > 0.05 && apart(found) < 1e-5, `${apart(cut)}, fitted ${apart(found)}`);
  }
});

Deno.test("nothing is fitted where nothing is gone, in convolutions by channel, and where a weight has two readers", () => {
  const whole = twoLayers("bias");
  assertEquals(refitLayers(whole, []), []);
  assert(withRefitted(whole, [], 0.01).constants.get("wide.weight") === whole.constants.get("wide.weight"));
  const b = new ModelBuilder();
  const x = b.conv("wide", b.input("x", [1, 3, 8, 8]), { out: 8 });
  const graph = b.graph("by channel", [
    b.conv("last", b.conv("depthwise", x, { out: 8, kernel: 3, groups: 8 }), { out: 2 }),
  ]);
  assertEquals(refitLayers(graph, channelsOf(graph, [1, 2])).map(({ node }) => node.name), ["last"]);
  const c = new ModelBuilder();
  const y = c.conv("in halves", c.conv("wide", c.input("x", [1, 3, 8, 8]), { out: 8 }), { out: 8, groups: 2 });
  const halves = c.graph("halves", [y]);
  assertEquals(refitLayers(halves, channelsOf(halves, [1])), []);
  const last = graph.nodes.at(-1)!;
  const again = { ...last, name: "again", outputs: ["again"] };
  const shared = { ...graph, nodes: [...graph.nodes, again], outputs: [...graph.outputs, "again"] };
  assertEquals(refitLayers(shared, channelsOf(shared, [1, 2])), []);
});

Deno.test("values that are not finite are refused in a sentence with the node", () => {
  const whole = twoLayers("bias"), { layer, plain } = refitted(whole, [2, 3], 0.01);
  for (const [bad, at] of [[NaN, 0], [Infinity, 98], [-Infinity, 104]] as const) {
    const sums = refitSums(layer), rows = randomTensor([7, sums.inputs + sums.outputs], 1);
    rows[3 * (sums.inputs + sums.outputs) + at] = bad;
    sums.add(rows, 7);
    assertThrows(
      () => withRefitted(plain, [[layer, sums]], 0.01),
      FeatherdetError,
      'Conv "block.conv": its values on the pictures are not finite',
    );
  }
});

Deno.test("columns that never change leave their weights as they are", () => {
  const sums = new RowSums(2, 1);
  sums.add(Float32Array.from([3, 3, 1, 3, 3, 2, 3, 3, 3]), 3);
  const { weights, offsets } = fitRows(sums, [0.5, -1], { ridge: 0.01, hasOffset: true });
  assertEquals([...weights, ...offsets], [0.5, -1, 2 + 1.5]);
});

Deno.test("logits of scores keep their weights; gates and boxes behind a softmax are fitted", () => {
  const b = new ModelBuilder();
  const x = b.conv("wide", b.input("x", [1, 3, 8, 8]), { out: 8 });
  const layer = (name: string, value: string) => b.conv(name, value, { out: 4 });
  const gate = b.node("Sigmoid", "gate", [layer("gated", x)], {});
  const boxes = b.node("Softmax", "bins", [layer("boxes", x)], { axis: 1 });
  const logits = b.node("Reshape", "flat", [layer("classes", x)], { shape: [1, 4, 64] });
  const graph = b.graph("head", [
    layer("behind the gate", b.node("Mul", "product", [gate, layer("plain", x)], {})),
    layer("mean of bins", boxes),
    b.node("Sigmoid", "scores", [logits], {}),
    b.node("Softmax", "one of", [layer("choice", x)], { axis: 1 }),
  ]);
  const names = refitLayers(graph, channelsOf(graph, [1, 2])).map(({ node }) => node.name);
  assertEquals(names, ["gated", "boxes", "plain"]);
});
