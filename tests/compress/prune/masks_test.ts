/** Masks by magnitude: which weights become zero in each pattern, which layers stay whole, and what the analyser counts. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  applyMasks,
  chooseMasks,
  hashOfMasks,
  MASK_PATTERNS,
  maskedLayers,
  maskReport,
  type Masks,
} from "../../../src/compress/prune/mod.ts";
import { analyze, FeatherdetError, type Graph } from "../../../src/graph/mod.ts";
import { ModelBuilder } from "../../../src/models/builder.ts";
import { yolo11 } from "../../../src/models/yolo11.ts";
import { loadOnnx, saveOnnx } from "../../../src/onnx/mod.ts";
import { lively } from "../../support/lively.ts";
import { assertSameConstants } from "../../support/same_constants.ts";

/** Convolutions "first", "a" (1x1, 6 to 5), "b" (3x3, 5 to 7) and "last", with seeded weights. */
function network(): Graph {
  const b = new ModelBuilder();
  let x = b.conv("first", b.input("x", [1, 3, 5, 5]), { out: 6 });
  x = b.conv("a", x, { out: 5 });
  x = b.conv("b", x, { out: 7, kernel: 3 });
  return lively(b.graph("net", [b.conv("last", x, { out: 2 })]), 3);
}

const NET = network();
const dataOf = (graph: Graph, name: string) => graph.constants.get(name)!.data as Float32Array;
const zerosIn = (masks: Masks) =>
  [...masks.values()].reduce((sum, mask) => sum + mask.filter((m) => m === 0).length, 0);

Deno.test("the least magnitudes go, of all layers together or of each", () => {
  const [a, b] = ["a.weight", "b.weight"].map((name) => dataOf(NET, name));
  const all = [...a, ...b].map(Math.abs).sort((p, q) => p - q);
  const masks = chooseMasks(NET, { sparsity: 0.6, floor: 0 });
  assertEquals([...masks.keys()], ["a.weight", "b.weight"]);
  const zeros = Math.round(0.6 * all.length);
  assertEquals(zerosIn(masks), zeros);
  for (const [name, mask] of masks) {
    mask.forEach((stays, i) => assertEquals(stays === 0, Math.abs(dataOf(NET, name)[i]) <= all[zeros - 1], name));
  }
  const local = chooseMasks(NET, { sparsity: 0.6, ranking: "local" });
  for (const [name, mask] of local) assertEquals(zerosIn(new Map([[name, mask]])), Math.round(0.6 * mask.length));
});

Deno.test("blocks of four outputs by four inputs or one go together, the least mean square first", () => {
  for (const [pattern, across] of [["block4x4", 4], ["block4x1", 1]] as const) {
    const masks = chooseMasks(NET, { sparsity: 0.5, pattern, ranking: "local" });
    const mask = masks.get("b.weight")!, data = dataOf(NET, "b.weight");
    const blocks = new Map<string, number[]>();
    for (let o = 0; o < 7; o++) {
      for (let c = 0; c < 5; c++) {
        for (let t = 0; t < 9; t++) {
          const key = `${o >> 2},${Math.floor(c / across)}`;
          blocks.set(key, [...blocks.get(key) ?? [], (o * 5 + c) * 9 + t]);
        }
      }
    }
    const worth = (places: number[]) => Math.sqrt(places.reduce((sum, i) => sum + data[i] ** 2, 0) / places.length);
    const [gone, left] = [0, 1].map((stays) => [...blocks.values()].filter((places) => mask[places[0]] === stays));
    for (const places of blocks.values()) assertEquals(new Set(places.map((i) => mask[i])).size, 1);
    assert(gone.length > 0 && Math.max(...gone.map(worth)) < Math.min(...left.map(worth)));
    assert(gone.flat().length <= 0.5 * data.length);
  }
});

Deno.test("of four successive inputs the two or the one greatest stay, at each output and tap", () => {
  for (const [pattern, keep] of [["2:4", 2], ["1:4", 1]] as const) {
    const mask = chooseMasks(NET, { pattern }).get("b.weight")!, data = dataOf(NET, "b.weight");
    for (let o = 0; o < 7; o++) {
      for (let t = 0; t < 9; t++) {
        const at = (c: number) => (o * 5 + c) * 9 + t;
        const four = [0, 1, 2, 3].map(at), left = four.filter((i) => mask[i] === 1);
        assertEquals(left.length, keep);
        const least = Math.min(...left.map((i) => Math.abs(data[i])));
        for (const i of four) assert(mask[i] === 1 || Math.abs(data[i]) <= least);
        assertEquals(mask[at(4)], 1, "the fifth input is alone");
      }
    }
  }
});

Deno.test("first and last layers, depthwise ones, the distances of DFL and attention stay whole", () => {
  const model = yolo11({ width: 0.125, size: 64 });
  const named = maskedLayers(model).map(({ weight }) => weight);
  const all = model.nodes.flatMap((node) => node.op === "Conv" ? [{ node, weight: node.inputs[1] }] : []);
  const left = all.filter(({ weight }) => !named.includes(weight));
  const what = (weight: string) => weight.replace(/\.(conv\.)?weight$/, "");
  const dense = left.filter(({ node }) => node.op === "Conv" && node.attributes.groups === 1).map(({ weight }) =>
    what(weight)
  );
  const ends = [0, 1, 2].flatMap((level) => ["cv2", "cv3"].map((part) => `model.23.${part}.${level}.2`));
  const expected = ["model.0", "model.10.m.0.attn.qkv", "model.23.dfl", ...ends];
  assertEquals(dense.sort(), expected.sort());
  const more = maskedLayers(model, { attention: true, keep: ["model.4.*"] }).map(({ weight }) => what(weight));
  assert(more.includes("model.10.m.0.attn.qkv") && !more.some((name) => name.startsWith("model.4.")));
});

Deno.test("the analyser counts the zeros of every pattern, files keep them, no layer is lost", async () => {
  const model = lively(yolo11({ width: 0.125, size: 64 }), 4);
  for (const pattern of MASK_PATTERNS) {
    const free = !pattern.includes(":");
    const masks = chooseMasks(model, { pattern, ...free && { sparsity: 0.9 } });
    const graph = applyMasks(model, masks), report = maskReport(graph, masks);
    // The first distance of DFL is zero by definition.
    assertEquals(analyze(graph, { zeros: true }).zeros, report.zeros + analyze(model, { zeros: true }).zeros);
    assertEquals(report.zeros, zerosIn(masks));
    if (free) assertAlmostEquals(report.sparsity, 0.9, 2e-3);
    for (const { name, sparsity } of report.layers) assert(sparsity < 1, name);
    if (pattern === "block4x4") {
      for (const { name, sparsity, zeroBlocks } of report.layers) assert(sparsity === 0 || zeroBlocks > 0, name);
    }
    assertSameConstants((await loadOnnx(saveOnnx(graph))).constants, graph.constants);
  }
});

Deno.test("masks grow with their sparsity, and have a hash of names and bits", () => {
  const small = chooseMasks(NET, { sparsity: 0.4 });
  const great = chooseMasks(applyMasks(NET, small), { sparsity: 0.7 });
  for (const [name, mask] of small) mask.forEach((stays, i) => assert(stays === 1 || great.get(name)![i] === 0));
  assertEquals(hashOfMasks(small), hashOfMasks(new Map([...small].reverse())));
  assert(hashOfMasks(small) !== hashOfMasks(great));
});

Deno.test("what cannot be masked is refused in a sentence", () => {
  const refused = (run: () => unknown, words: string) => assertThrows(run, FeatherdetError, words);
  refused(() => chooseMasks(NET, {}), "sparsity is undefined");
  refused(() => chooseMasks(NET, { sparsity: 1 }), "expected a share above 0 and below 1");
  refused(() => chooseMasks(NET, { sparsity: 0.99 }), "less than the floor of 0.02");
  refused(() => chooseMasks(NET, { sparsity: 0.7, pattern: "2:4" }), "has a sparsity of 0.5");
  refused(() => chooseMasks(NET, { sparsity: 0.5, pattern: "3:4" as "2:4" }), 'unknown pattern "3:4"');
  refused(() => chooseMasks(NET, { sparsity: 0.5, keep: ["c.*"] }), 'no node is called "c.*"');
  refused(() => chooseMasks(NET, { sparsity: 0.5, keep: ["*"] }), "no convolution whose weights may become zero");
  refused(() => applyMasks(NET, new Map([["a.weight", new Uint8Array(3)]])), 'a mask of 3 numbers is for "a.weight"');
});
