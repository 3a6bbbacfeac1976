/**
 * Convolutions of enlarged maps: computed before the maps are enlarged, and results that are enlarged where they are added.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Constant, Graph, Node, OperatorAttributes } from "../../src/graph/mod.ts";
import { buildPlan } from "../../src/plan/plan.ts";
import { gpuTest } from "../support/gpu.ts";
import { comparePlan as compare } from "../support/plan_case.ts";
import { graphOf, node, weight } from "../support/tiny_graph.ts";

const ONE_PIXEL = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 } as const;

type Resize = OperatorAttributes["Resize"];

/** A nearest Resize as detectors have it, by a whole number. */
const nearest = (factor: number, [height, width]: readonly [number, number]): Resize => ({
  mode: "nearest",
  coordinates: "asymmetric",
  nearest: "floor",
  size: [factor * height, factor * width],
  scales: [factor, factor],
});

/** What `a [batch, channels, 5, 7]`, enlarged, and `b` are joined to and convolved, with an activation behind it. */
function pyramid(
  { batch = 1, channels = 13, others = 6, outputs = 9, resize = nearest(2, [5, 7]), outs = ["y"], more = [] }: {
    batch?: number;
    channels?: number;
    others?: number;
    outputs?: number;
    resize?: Resize;
    outs?: string[];
    more?: Node[];
  },
): Graph {
  const [height, width] = resize.size;
  const constants: Record<string, Constant> = {
    w: weight([outputs, channels + others, 1, 1], 3),
    bias: weight([outputs], 4),
  };
  return graphOf({ a: [batch, channels, 5, 7], b: [batch, others, height, width] }, outs, [
    node("Resize", ["a"], ["large"], resize),
    node("Concat", ["large", "b"], ["joint"], { axis: 1 }),
    node("Conv", ["joint", "w", "bias"], ["c"], ONE_PIXEL),
    node("Silu", ["c"], ["y"], {}),
    ...more,
  ], constants);
}

/** What is left of the steps besides those that copy. */
const computed = ({ operators }: { readonly operators: readonly string[] }) =>
  operators.filter((one) => !/^(ToBlocked|ToPlain|Concat)$/.test(one));

gpuTest("early: what is enlarged twice is convolved before it, and added where it is enlarged", async (_, step) => {
  const early = ["Conv", "Conv+Resize+Add+Silu"];
  await step("13 and 6 channels to 9", async () => assertEquals(computed(await compare(pyramid({}))), early));
  await step("batch 3, one channel beside 127", async () => {
    const graph = pyramid({ batch: 3, channels: 127, others: 1, outputs: 5 });
    assertEquals(computed(await compare(graph)), early);
  });
  await step("four times", async () => {
    assertEquals(computed(await compare(pyramid({ resize: nearest(4, [5, 7]) }))), early);
  });
  await step("pixels between whose centres the nearest lies", async () => {
    const centred = { coordinates: "half_pixel", nearest: "round_prefer_floor" } as const;
    assertEquals(computed(await compare(pyramid({ resize: { ...nearest(2, [5, 7]), ...centred } }))), early);
  });
});

gpuTest("early: other ways to enlarge keep a dispatch of their own", async (_, step) => {
  const apart = ["Conv", "Resize", "Conv+Add+Silu"];
  const linear = { ...nearest(2, [5, 7]), mode: "linear", coordinates: "half_pixel" } as const;
  const odd = { ...nearest(1, [5, 7]), size: [13, 9], scales: [2.6, 9 / 7] } as const;
  const skewed = { ...nearest(2, [5, 7]), size: [10, 28], scales: [2, 4] } as const;
  const late = { ...nearest(2, [5, 7]), nearest: "ceil" } as const;
  for (const [name, resize] of Object.entries({ linear, odd, skewed, late, "three times": nearest(3, [5, 7]) })) {
    await step(name, async () => {
      assertEquals(computed(await compare(pyramid({ resize }))), apart);
    });
  }
});

gpuTest("early: an enlarged map alone, with its bias; and laterals of a pyramid that are added", async () => {
  const constants = { w: weight([6, 13, 1, 1], 3), v: weight([6, 5, 1, 1], 5), bias: weight([6], 4) };
  const alone = graphOf({ a: [2, 13, 3, 4] }, ["y"], [
    node("Resize", ["a"], ["large"], nearest(2, [3, 4])),
    node("Conv", ["large", "w", "bias"], ["c"], ONE_PIXEL),
    node("Relu", ["c"], ["y"], {}),
  ], constants);
  assertEquals(computed(await compare(alone)), ["Conv", "Resize", "Relu"]);
  const lateral = graphOf({ a: [2, 6, 3, 4], b: [2, 5, 6, 8] }, ["y"], [
    node("Resize", ["a"], ["large"], nearest(2, [3, 4])),
    node("Conv", ["b", "v", "bias"], ["c"], ONE_PIXEL),
    node("Add", ["large", "c"], ["y"], {}),
  ], constants);
  assertEquals(computed(await compare(lateral)), ["Conv+Resize+Add"]);
});

gpuTest("early: what others read, what would grow and what shrinks stays as it is", async (_, step) => {
  const late = ["Resize", "Conv+Silu"];
  const shared = pyramid({ outs: ["y", "z"], more: [node("Relu", ["large"], ["z"], {})] });
  const joint = pyramid({ outs: ["y", "joint"] });
  for (const [name, graph] of Object.entries({ shared, joint })) {
    await step(name, async () => {
      assertEquals(computed(await compare(graph)).filter((one) => one.startsWith("Conv")), ["Conv+Silu"]);
    });
  }
  await step("more outputs than inputs", async () => {
    assertEquals(computed(await compare(pyramid({ outputs: 14 }))).toSorted(), late.toSorted());
  });
  await step("smaller", async () => {
    const resize = { ...nearest(1, [5, 7]), size: [2, 3], scales: [2 / 5, 3 / 7] } as const;
    assertEquals(computed(await compare(pyramid({ resize }))).toSorted(), late.toSorted());
  });
});

Deno.test("early: products of what is enlarged are counted at the pixels that it has", () => {
  const { dispatches } = buildPlan(pyramid({}), { form: { storage: "buffer", scalar: "f32" }, maxPages: 256 });
  const macs = dispatches.filter(({ operator }) => operator.startsWith("Conv")).map(({ macs }) => macs);
  assertEquals(macs, [9 * 13 * 35, 9 * 6 * 140]);
});
