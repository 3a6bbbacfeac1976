/** Coupling groups of YOLO11n against those of Torch-Pruning 1.6.1 (`make_coupling_groups.py`). */

import { assert, assertEquals } from "@std/assert";
import { couplingGroups } from "../../src/graph/channels/mod.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import fixture from "../fixtures/coupling_groups.json" with { type: "json" };

/** Channels by layer. */
type Sides = Readonly<Record<string, readonly number[]>>;

const FOUND: readonly { readonly makes: Sides; readonly reads: Sides }[] = fixture
  .groups as unknown as readonly { readonly makes: Sides; readonly reads: Sides }[];

/** The layer that a weight belongs to. */
const layerOf = (constant: string) => constant.replace(/\.weight$/, "");

const sorted = (sides: ReadonlyMap<string, ReadonlySet<number>>): Sides =>
  Object.fromEntries(
    [...sides].sort(([a], [b]) => a < b ? -1 : 1).map(([name, set]) => [name, [...set].sort((a, b) => a - b)]),
  );

Deno.test("the groups of YOLO11n hold the same channels together as Torch-Pruning's", () => {
  const { groups } = couplingGroups(yolo11({ scale: "n", size: 64 }));
  const own = groups.map(({ members }) => {
    const makes = new Map<string, Set<number>>(), reads = new Map<string, Set<number>>();
    for (const { operator, input, constant, axis, indices } of members) {
      if (operator !== "Conv" || input !== 1) continue;
      const layer = layerOf(constant), side = axis === 0 ? makes : reads;
      side.set(layer, new Set([...side.get(layer) ?? [], ...indices]));
    }
    return { makes: sorted(makes), reads: sorted(reads) };
  });
  const byChannel = new Map(
    own.flatMap((group) =>
      Object.entries(group.makes).flatMap(([layer, list]) => list.map((at) => [`${layer} ${at}`, group] as const))
    ),
  );
  assert(FOUND.length > 150);
  for (const { makes, reads } of FOUND) {
    const [[layer, [channel]]] = Object.entries(makes);
    assertEquals(byChannel.get(`${layer} ${channel}`), { makes, reads }, `${layer}, channel ${channel}`);
  }
});
