/** Scratch memory: what the dispatches of one node hand to each other, placed by the planner. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { openSharedDevice } from "../../src/gpu/device.ts";
import { FeatherdetError, type Graph } from "../../src/graph/mod.ts";
import { Program } from "../../src/engine/program.ts";
import type { KernelBinding } from "../../src/kernels/kernel.ts";
import { buildPlan, type Dispatch, type Plan } from "../../src/plan/plan.ts";
import { printPlan } from "../../src/plan/print.ts";
import { placeScratch } from "../../src/plan/scratch.ts";
import { gpuTest } from "../support/gpu.ts";
import { graphOf, node, PLAIN } from "../support/tiny_graph.ts";

type Scratch = KernelBinding & { readonly kind: "scratch" };

/** A dispatch that names scratch of so many bytes. */
function step(scratch: Readonly<Record<string, number>>): Dispatch {
  const bindings = Object.entries(scratch).map(([name, bytes]): Scratch => ({ kind: "scratch", name, bytes }));
  const kernel = {
    label: "k",
    shader: "k.wgsl",
    constants: {},
    parameters: {},
    bindings,
    workgroups: [1, 1, 1],
  } as const;
  return { name: "n", operator: "Op", kernel, macs: 0 };
}

const scratchOf = ({ kernel }: Dispatch) => kernel.bindings.filter((one): one is Scratch => one.kind === "scratch");

/** First bytes of the scratch of each dispatch. */
const offsets = (dispatches: readonly Dispatch[]) =>
  dispatches.map((one) => scratchOf(one).map(({ offset }) => offset));

Deno.test("scratch of one node that lives together lies apart, that of different nodes shares bytes", () => {
  const { dispatches, scratchBytes } = placeScratch([
    [step({ a: 300 }), step({ a: 300, b: 100 }), step({ b: 100 })],
    [step({})],
    [step({ a: 1000 }), step({ a: 1000 })],
  ]);
  // Alone each node needs 512 + 256 and 1024 bytes, at multiples of 256.
  assertEquals(scratchBytes, 1024);
  assertEquals(offsets(dispatches), [[0], [0, 512], [512], [], [0], [0]]);
});

Deno.test("what one dispatch of a node leaves stays until the last that names it", () => {
  // c begins after a's first dispatch and ends before a's last: they may not share, though b and c may.
  const { dispatches, scratchBytes } = placeScratch([
    [step({ a: 256 }), step({ b: 256 }), step({ c: 256 }), step({ a: 256 })],
  ]);
  const [[a], [b], [c], [again]] = offsets(dispatches);
  assertEquals([a === again, b === c, a === b, scratchBytes], [true, true, false, 512]);
});

Deno.test("one name is one piece of memory in a node, as large as the largest that names it", () => {
  const { dispatches, scratchBytes } = placeScratch([[step({ a: 4 }), step({ a: 700 }), step({ b: 4 })]]);
  assertEquals(offsets(dispatches), [[0], [0], [0]]);
  assertEquals(scratchBytes, 768);
  assertEquals(placeScratch([[step({})], []]), { dispatches: [step({})], scratchBytes: 0 });
});

/** The gradients of two convolutions' weights, which are summed in parts. */
function gradients(): Graph {
  const kernel = [3, 3] as const;
  const attributes = { ...PLAIN, pads: [1, 1, 1, 1] as const, groups: 1, kernel };
  return graphOf({ x: [3, 9, 21, 17], dy: [3, 5, 21, 17], dz: [3, 30, 21, 17] }, ["dv", "dw"], [
    node("ConvWeightGradient", ["x", "dy"], ["dv"], attributes),
    node("ConvWeightGradient", ["x", "dz"], ["dw"], attributes),
  ]);
}

/** Asserts that no two pieces of scratch that live at the same time overlap, node by node as the plan's steps name them. */
function assertApart(plan: Plan): number {
  let seen = 0;
  for (const name of new Set(plan.dispatches.map(({ name }) => name))) {
    const dispatches = plan.dispatches.filter((one) => one.name === name);
    const lives = new Map<string, { first: number; last: number; from: number; to: number }>();
    dispatches.forEach((one, at) => {
      for (const { name, bytes, offset } of scratchOf(one)) {
        seen++;
        assert(offset !== undefined && offset % 256 === 0 && offset + bytes <= plan.scratchBytes);
        const { first = at, to = 0 } = lives.get(name) ?? {};
        lives.set(name, { first, last: at, from: offset, to: Math.max(to, offset + bytes) });
      }
    });
    for (const a of lives.values()) {
      for (const b of lives.values()) {
        if (a === b || a.last < b.first || b.last < a.first) continue;
        assert(a.to <= b.from || b.to <= a.from, `scratch of ${name} overlaps`);
      }
    }
  }
  return seen;
}

Deno.test("a plan reports its scratch memory, and nothing of it where there is none", () => {
  const options = { form: { storage: "texture", scalar: "f32" }, maxPages: Infinity } as const;
  const plan = buildPlan(gradients(), options);
  assert(assertApart(plan) >= 4);
  assertEquals(plan.memory.scratch, plan.scratchBytes);
  const alone = (index: number) => {
    const graph = gradients();
    return buildPlan({ ...graph, nodes: [graph.nodes[index]], outputs: graph.nodes[index].outputs }, options)
      .scratchBytes;
  };
  // Each node's is free again when the next one begins.
  assert(alone(0) > 0);
  assertEquals(plan.scratchBytes, Math.max(alone(0), alone(1)));
  assertStringIncludes(printPlan(plan), `scratch memory ${(plan.scratchBytes / 1e6).toFixed(2)} MB`);
  const none = buildPlan(graphOf({ x: [1, 4, 5, 5] }, ["y"], [node("Relu", ["x"], ["y"], {})]), options);
  assertEquals([none.memory.scratch, printPlan(none).includes("scratch")], [0, false]);
});

gpuTest("scratch without a place is refused in a sentence", async () => {
  const device = await openSharedDevice();
  const plan = buildPlan(gradients(), { form: { storage: "buffer", scalar: "f32" }, maxPages: Infinity });
  const dispatches = plan.dispatches.map((one) => ({
    ...one,
    kernel: {
      ...one.kernel,
      bindings: one.kernel.bindings.map((binding) =>
        binding.kind === "scratch" ? { ...binding, offset: undefined } : binding
      ),
    },
  }));
  await assertRejects(
    () => Program.create(device, { ...plan, dispatches }),
    FeatherdetError,
    "gives the scratch memory",
  );
});
