/** Gradients that start at several places at once: weighted losses and seeds against finite differences. */

import { assert, assertEquals } from "@std/assert";
import { verify } from "../../../src/graph/mod.ts";
import { referenceTensor, runReference } from "../../../src/reference/run.ts";
import { buildGradientGraph } from "../../../src/train/autodiff/gradient_graph.ts";
import { slope, uniform } from "../../support/finite_differences.ts";
import { graphOf, node } from "../../support/tiny_graph.ts";

/** A chain whose middle is read by a loss, is one, and is seeded: what is summed in the end, as finite differences see it. */
function severalSources() {
  const attributes = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1 } as const;
  const shape = [3, 2, 5, 13];
  const graph = graphOf({ x: [3, 1, 5, 13], w: [2, 1, 3, 3] }, ["h", "y", "mean", "squares"], [
    node("Conv", ["x", "w"], ["h"], attributes),
    node("Tanh", ["h"], ["y"], {}),
    node("ReduceMean", ["y"], ["mean"], { axes: [0, 1, 2, 3], keepDims: true }),
    node("Mul", ["h", "h"], ["square"], {}),
    node("ReduceSum", ["square"], ["squares"], { axes: [0, 1, 2, 3], keepDims: false }),
  ]);
  const feeds = { x: uniform([3, 1, 5, 13], 1), w: uniform([2, 1, 3, 3], 2) };
  const seeds = { dh: uniform(shape, 3), dy: uniform(shape, 4), again: uniform(shape, 5) };
  /** The sum with a weight of the squares, at a place. */
  const total = (weight: number, at: typeof feeds) => {
    const values = runReference(graph, at);
    const times = (value: string, seed: keyof typeof seeds) =>
      values.get(value)!.data.reduce((sum, one, i) => sum + one * seeds[seed].data[i], 0);
    return 0.7 * values.get("mean")!.data[0] + weight * values.get("squares")!.data[0] + times("h", "dh") +
      times("y", "dy") + times("y", "again");
  };
  return { graph, feeds, seeds, total };
}

Deno.test("gradients of several weighted losses and of seeds add up, also where a loss reads what is seeded", () => {
  const { graph, feeds, seeds, total } = severalSources();
  const { graph: joint, gradients } = buildGradientGraph(graph, {
    losses: [{ value: "mean", weight: 0.7 }, { value: "squares", weight: "weight" }],
    seeds: { h: "dh", y: ["dy", "again"] },
    wrt: ["x", "w"],
  });
  verify(joint);
  assertEquals(joint.inputs.slice(2).map(({ name, shape }) => [name, shape.length]), [
    ["dh", 4],
    ["dy", 4],
    ["again", 4],
    ["weight", 0],
  ]);
  // The weight is an input: it changes from run to run, and the graph stays.
  for (const weight of [0, 0.3, -2]) {
    const values = runReference(joint, { ...feeds, ...seeds, weight: referenceTensor([], [weight]) });
    for (const name of ["x", "w"] as const) {
      values.get(gradients.get(name)!)!.data.forEach((found, i) => {
        const expected = slope((t) => {
          const data = feeds[name].data.slice();
          data[i] += t;
          return total(weight, { ...feeds, [name]: { ...feeds[name], data } });
        }, 1e-3);
        assert(Math.abs(found - expected) < 1e-8, `${name}[${i}] with ${weight}: ${found}, expected ${expected}`);
      });
    }
  }
});

Deno.test("the weight of a loss may be a value of the graph, of whatever shape of one element", () => {
  const graph = graphOf({ x: [3, 5], scale: [1, 1, 1] }, ["loss"], [
    node("ReduceMean", ["x"], ["loss"], { axes: [0, 1], keepDims: false }),
  ]);
  const { graph: joint, gradients } = buildGradientGraph(graph, {
    losses: ["loss", { value: "loss", weight: "scale" }],
    wrt: ["x"],
  });
  assertEquals(joint.inputs, graph.inputs);
  const values = runReference(joint, { x: uniform([3, 5], 1), scale: referenceTensor([1, 1, 1], [4]) });
  values.get(gradients.get("x")!)!.data.forEach((value) => assert(Math.abs(value - 5 / 15) < 1e-7));
});
