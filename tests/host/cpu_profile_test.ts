/** Times of nodes from onnxruntime's profile. */

import { assert, assertEquals } from "@std/assert";
import { mediansByNode, profileOnCpu } from "../../src/host/cpu_profile.ts";
import { graphOf, node, PLAIN, weight } from "../support/tiny_graph.ts";

const GRAPH = graphOf({ x: [1, 3, 64, 64] }, ["y"], [
  node("Conv", ["x", "w"], ["a"], { ...PLAIN, groups: 1 }),
  node("Silu", ["a"], ["b"], {}),
  node("Conv", ["b", "v"], ["y"], { ...PLAIN, groups: 1 }),
], { w: weight([16, 3, 3, 3]), v: weight([8, 16, 3, 3], 2) });

Deno.test("kernels count to their nodes by name or output, others to the node before, and the median of the last runs holds", () => {
  const run = (ts: number, [a, b, c, d]: readonly number[]) =>
    [["a_nchwc", a], ["make_b/QuickGeluFusion/", b], ["ReorderOutput_token_7", c], ["make_y", d]].map((
      [name, us],
      i,
    ) => ({
      cat: "Node",
      name: `${name}_kernel_time`,
      ts: ts + i,
      dur: Number(us),
    }));
  const events = [
    { cat: "Session", name: "model_loading", ts: 0, dur: 99 },
    { cat: "Node", name: "a_nchwc_fence_before", ts: 99, dur: 99 },
    ...run(100, [9999, 9999, 9999, 9999]),
    ...run(200, [1000, 200, 30, 4000]),
    ...run(300, [5000, 100, 10, 4000]),
    ...run(400, [2000, 300, 20, 5000]),
  ];
  assertEquals(
    [...mediansByNode(events, GRAPH, 3)].map(([name, ms]) => [name, Number(ms.toFixed(6))]),
    [["make_a", 2], ["make_b", 0.23], ["make_y", 4]],
  );
});

Deno.test("a profile of onnxruntime names every node", async () => {
  const times = await profileOnCpu(GRAPH, { x: { shape: [1, 3, 64, 64], data: new Float32Array(3 * 64 * 64) } }, {
    runs: 3,
    threads: 1,
  });
  assertEquals([...times.keys()].sort(), ["make_a", "make_b", "make_y"]);
  assert([...times.values()].every((ms) => ms > 0));
});
