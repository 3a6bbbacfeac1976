/**
 * A graph computed by its plan, in both forms of storage, and by the reference.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Graph } from "../../src/graph/mod.ts";
import { printPlan } from "../../src/plan/print.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { Session } from "../../src/engine/session.ts";
import { testDevice } from "./gpu.ts";
import { randomTensor } from "./random.ts";

/** How near the plan must come, and where it runs. */
export interface PlanCase {
  /** Relative to one more than the reference's element; 2e-5 by default. */
  readonly tolerance?: number;
  /** The device all tests share by default, which has no more than the limits of every adapter. */
  readonly device?: GPUDevice;
}

/** Steps of a plan. */
export interface PlannedDispatches {
  readonly dispatches: number;
  readonly operators: string[];
}

/** Runs a graph over seeded inputs both ways, in every storage, asserts that they agree, and returns the steps of the plan. */
export async function comparePlan(
  graph: Graph,
  { tolerance = 2e-5, device }: PlanCase = {},
): Promise<PlannedDispatches> {
  const inputs = graph.inputs.map(({ name, shape }, i) => ({ name, shape, data: randomTensor(shape, 40 + i) }));
  const expected = runReference(
    graph,
    Object.fromEntries(inputs.map(({ name, shape, data }) => [name, referenceTensor(shape, data)])),
  );
  let operators: string[] = [];
  for (const storage of ["texture", "buffer"] as const) {
    const session = await Session.create(graph, { device: device ?? await testDevice(), storage });
    const found = await session.run(Object.fromEntries(inputs.map((input) => [input.name, input])));
    operators = session.plan.dispatches.map(({ operator }) => operator);
    for (const output of graph.outputs) {
      const { shape, data } = expected.get(output)!;
      assertEquals([...found[output].shape], [...shape]);
      data.forEach((value, i) => {
        const near = Math.abs(found[output].data[i] - value) <= tolerance * (1 + Math.abs(value));
        assert(near, `${storage}: ${output}[${i}] is ${found[output].data[i]}, the reference says ${value}`);
      });
    }
    assert(printPlan(session.plan).includes("dispatches"));
    session.destroy();
  }
  return { dispatches: operators.length, operators };
}
