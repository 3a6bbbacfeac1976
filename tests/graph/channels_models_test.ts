/** Coupling groups of the families that are built here, and of an exported file: removed against zeroed, many groups at once. */

import { assert, assertEquals } from "@std/assert";
import { channelBundles, couplingGroups, type Graph } from "../../src/graph/mod.ts";
import { ATTENTION_KINDS } from "../../src/models/attention.ts";
import { ATTENTION_PLACES } from "../../src/models/attention_places.ts";
import { NAMED_MODELS } from "../../src/models/named.ts";
import { yolo11, YOLO11_SCALES, type Yolo11Scale } from "../../src/models/yolo11.ts";
import { HEADS, NECKS, yolo11Lite } from "../../src/models/yolo11_lite.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import { checkChanges, sampleGroups } from "../support/channels.ts";
import { lively } from "../support/lively.ts";
import { sharedDataTest } from "../support/shared_data.ts";

const SCALES = Object.keys(YOLO11_SCALES) as Yolo11Scale[];

/** The smallest input: the float64 reference is slow. */
const SIZE = 32;

function check(built: Graph, what: string, shares = [0.3]): void {
  const graph = lively(built);
  const { groups } = couplingGroups(graph);
  for (const share of shares) checkChanges(graph, sampleGroups(groups, share, 7), `${what}, ${share} of the groups`);
}

/** Rows of a graph's convolutions and matrices by how often a member of a group makes them. */
function madeRows(graph: Graph): Map<string, number[]> {
  const rows = new Map<string, number[]>();
  const { groups, kept } = couplingGroups(graph);
  for (const { constant, axis, extent, indices, role } of [...groups, ...kept].flatMap(({ members }) => members)) {
    if (role !== "makes" || graph.constants.get(constant)!.shape.length < 2 || axis !== 0) continue;
    const counts = rows.get(constant) ?? new Array<number>(extent).fill(0);
    for (const index of indices) counts[index]++;
    rows.set(constant, counts);
  }
  return rows;
}

for (const scale of SCALES) {
  Deno.test(`channels: YOLO11${scale}: all but the box distributions and class scores can be removed, heads as wholes`, () => {
    const graph = yolo11({ scale });
    const { groups, kept } = couplingGroups(graph);
    // Distributions of all levels are one set; so is each class; the convolution of DFL has the one output.
    assertEquals(kept.length, 1 + 80 + 1);
    const stays = kept.flatMap(({ members }) => members).filter(({ role }) => role === "makes");
    const last = /^model\.23\.(cv[23]\.\d\.2\.(weight|bias)|dfl\.conv\.weight)$/;
    assertEquals([...new Set(stays.map(({ constant }) => constant))].filter((name) => !last.test(name)), []);
    const convolutions = graph.nodes.filter(({ op }) => op === "Conv");
    const rows = madeRows(graph);
    assertEquals(rows.size, convolutions.length);
    for (const [name, counts] of rows) assert(counts.every((count) => count === 1), `rows of ${name}: ${counts}`);
    const qkv = groups.filter(({ members }) => members.some(({ constant }) => /attn.qkv.*conv.weight/.test(constant)));
    const heads = qkv.filter(({ members }) =>
      members.some(({ constant, role }) => /qkv/.test(constant) && role === "makes")
    );
    const width = graph.constants.get("model.10.m.0.attn.proj.conv.weight")!.shape[0];
    assertEquals(heads.length, width / 64 * (YOLO11_SCALES[scale].depth === 1 ? 2 : 1));
    for (const { members } of heads) assertEquals(members[0].indices.length, 128);
  });
}

Deno.test("channels: YOLO11n computes without groups what it does with them zeroed", () => {
  check(yolo11({ scale: "n", size: SIZE }), "yolo11n", [0.1, 0.6]);
});

Deno.test("channels: so do the larger sizes with a fraction of their width", () => {
  for (const scale of SCALES.slice(1)) {
    const width = YOLO11_SCALES[scale].width / 8;
    check(yolo11({ scale, size: SIZE, width, classes: 3 }), `yolo11${scale} of width ${width}`);
  }
});

Deno.test("channels: so do YOLO11-Lite on every backbone, with every neck and head", () => {
  for (const [name, build] of Object.entries(NAMED_MODELS)) {
    if (name.startsWith("yolo11lite-")) check(build({ size: SIZE }), name);
  }
  for (const neck of Object.keys(NECKS) as (keyof typeof NECKS)[]) {
    for (const head of Object.keys(HEADS) as (keyof typeof HEADS)[]) {
      const options = { neck, head, classes: 2, size: SIZE, width: 0.5, neckWidth: 0.5 };
      check(yolo11Lite({ backbone: "mobilenetv3-small", ...options }), `neck ${neck}, head ${head}`);
    }
  }
});

Deno.test("channels: so do detectors with attention everywhere", () => {
  for (const kind of ATTENTION_KINDS) {
    const options = { classes: 2, size: 64, attention: { kind, places: ATTENTION_PLACES } } as const;
    check(yolo11({ scale: "n", width: 0.125, ...options }), `yolo11n with ${kind}`);
    check(yolo11Lite({ width: 0.5, ...options }), `yolo11lite with ${kind}`);
  }
});

Deno.test("channels: so do the demo detector and a classifier", () => {
  const demo = NAMED_MODELS.demo({ size: 64 });
  const { groups } = couplingGroups(demo);
  checkChanges(demo, sampleGroups(groups, 0.3, 7), "demo");
  check(NAMED_MODELS["shufflenetv2-0.5x"]({ size: SIZE }), "shufflenetv2-0.5x");
});

sharedDataTest(
  "channels: the exported YOLO11n has the groups of the one built here",
  ["models/yolo11n.onnx"],
  async (url) => {
    const graph = await loadOnnx(url, { shapes: { images: [1, 3, 64, 64] } });
    const counts = (model: Graph) => {
      const found = couplingGroups(model);
      return [channelBundles(found.groups), channelBundles(found.kept)].map((bundles) =>
        bundles.map(({ groups }) => groups.length).sort((a, b) => a - b)
      );
    };
    assertEquals(counts(graph), counts(yolo11({ scale: "n", size: 64 })));
    checkChanges(graph, sampleGroups(couplingGroups(graph).groups, 0.2, 7), "yolo11n.onnx");
  },
);
