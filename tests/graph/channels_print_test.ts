/** Bundles of coupling groups, and how they are printed. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { channelBundles, couplingGroups, printGroups } from "../../src/graph/mod.ts";
import { ModelBuilder } from "../../src/models/builder.ts";

/** Two halves of a convolution: one is shuffled past, the other goes through a block and is added to. */
function halves() {
  const b = new ModelBuilder();
  const wide = b.convBlock("wide", b.input("x", [1, 3, 4, 4]), { out: 12 });
  const [left, right] = b.split("split", wide, [4, 8]);
  const sum = b.add("sum", right, b.convBlock("block", right, { out: 8, kernel: 3, act: "none" }));
  return b.graph("halves", [b.conv("end", b.concat("join", [left, sum, sum]), { out: 5 })]);
}

Deno.test("bundles hold the groups of the same structure, in order", () => {
  const { groups, kept } = couplingGroups(halves());
  const bundles = channelBundles(groups);
  assertEquals(bundles.map(({ groups }) => groups.length), [4, 8]);
  assertEquals(bundles.flatMap(({ groups }) => groups), [...groups]);
  const read = bundles[1].members.find(({ node }) => node === "end")!;
  assertEquals([read.perGroup, read.extent, read.indices.length], [2, 20, 16]);
  assertEquals(read.indices, Array.from({ length: 16 }, (_, i) => 4 + i));
  assertEquals(channelBundles(kept).map(({ groups, kept }) => [groups.length, kept.length]), [[5, 1]]);
});

Deno.test("printed groups say who makes, adjusts and reads the channels, how many each takes, and why the others stay", () => {
  const text = printGroups(couplingGroups(halves()));
  const lines = text.split("\n").map((line) => line.replaceAll(/\s+/g, " ").trim());
  for (
    const line of [
      "12 coupling groups can be removed (2 kinds), 5 stay.",
      "4 groups made by wide.conv 0..3 of 12",
      "adjusted by wide.bn 0..3 of 12",
      "read by end 0..3 of 20",
      "8 groups made by wide.conv 4..11 of 12; block.conv all 8",
      "adjusted by wide.bn 4..11 of 12; block.bn all 8",
      "read by block.conv all 8; end 4..19 of 20, 2 each",
      "5 groups made by end all 5",
      'because Conv "end" makes the output "end" of it',
    ]
  ) assert(lines.includes(line), `${line}\nis no line of\n${text}`);
  assertStringIncludes(text, "coupling group");
  assert(text.split("\n").every((line) => line.length <= 132), "lines are cut");
});
