/** Coupling groups of YOLO11 in its published widths: groups removed against zeroed, in float64. */

import { couplingGroups } from "../../src/graph/mod.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { checkChanges, sampleGroups } from "../support/channels.ts";
import { lively } from "../support/lively.ts";

for (const scale of ["n", "s", "m", "l", "x"] as const) {
  Deno.test(`channels: YOLO11${scale} as published computes without groups what it does with them zeroed`, () => {
    const graph = lively(yolo11({ scale, size: 32 }));
    const { groups } = couplingGroups(graph);
    for (const seed of [1, 2]) {
      checkChanges(graph, sampleGroups(groups, 0.3 * seed, seed), `yolo11${scale}, seed ${seed}`);
    }
  });
}
