/**
 * Networks that a model of this adapter is fitted to, and others that it is checked with.
 *
 * @module
 */

import { quantize } from "../src/compress/quantize/mod.ts";
import { syntheticPicture } from "../src/data/synthetic.ts";
import { letterboxTensor } from "../src/detect/host_letterbox.ts";
import { createSessionRunner } from "../src/engine/session_runner.ts";
import type { Graph } from "../src/graph/mod.ts";
import type { NetworkToMeasure } from "../src/hardware/adapter/measure.ts";
import { loadModel } from "../src/host/models.ts";
import type { AttentionKind } from "../src/models/attention.ts";
import type { BackboneName } from "../src/models/backbones/features.ts";
import { yolo11, type Yolo11Options } from "../src/models/yolo11.ts";
import { yolo11Lite, type Yolo11LiteOptions } from "../src/models/yolo11_lite.ts";
import { pruneOn } from "../src/recipes/prune/one_shot.ts";

/** A network that can be made. */
export interface NamedNetwork extends Omit<NetworkToMeasure, "graph"> {
  readonly make: () => Promise<Graph>;
}

const f32 = { scalar: "f32", separate: false } as const;

/** A file or a name, at its own size unless one is given. */
const model = (name: string, size?: number): NamedNetwork => ({
  ...f32,
  name: size === undefined ? name : `${name} at ${size}`,
  make: () => loadModel(name, { size, untrained: true }),
});

/** A YOLO11 of other width, depth or size. */
const wide = (options: Yolo11Options & { readonly size: number }): NamedNetwork => ({
  ...f32,
  name: `yolo11 ${options.scale ?? "n"}, width ${options.width ?? "its own"} at ${options.size}`,
  make: () => Promise.resolve(yolo11(options)),
});

/** A YOLO11-Lite. */
const lite = (backbone: BackboneName, size: number, options: Yolo11LiteOptions = {}): NamedNetwork => ({
  ...f32,
  name: [
    `lite ${backbone} at ${size}`,
    ...options.neck === undefined ? [] : [`${options.neck} neck`],
    ...options.head === undefined ? [] : [`${options.head} head`],
    ...options.width === undefined ? [] : [`width ${options.width}`],
    ...options.neckWidth === undefined ? [] : [`neck width ${options.neckWidth}`],
    ...options.attention === undefined ? [] : [`${options.attention.kind} attention`],
  ].join(", "),
  make: () => Promise.resolve(yolo11Lite({ backbone, size, ...options })),
});

/** A model cut to a share of its operations, without training. */
const cut = (
  name: string,
  gflops: number,
  { size, criterion = "l2", seed = 0 }: { size?: number; criterion?: "l2" | "random"; seed?: number } = {},
): NamedNetwork => ({
  ...f32,
  name: `${name}${size === undefined ? "" : ` at ${size}`} cut to ${gflops} by ${criterion}`,
  make: async () => {
    const graph = await loadModel(name, { size, untrained: true });
    return (await pruneOn(graph, undefined, { budget: { gflops }, criterion, seed })).graph;
  },
});

/** The same in int8. Ranges come from two pictures: no time depends on them. */
const inBytes = (network: NamedNetwork): NamedNetwork => ({
  ...network,
  name: `${network.name}, int8`,
  make: async () => {
    const graph = await network.make(), runner = createSessionRunner();
    const [{ name, shape: [, , height, width] }] = graph.inputs;
    const samples = [1, 2].map((seed) => {
      const { image } = syntheticPicture({ seed, width, height });
      return { name: `picture ${seed}`, inputs: { [name]: letterboxTensor(image, width, height) } };
    });
    try {
      return (await quantize(graph, samples, { runner })).graph;
    } finally {
      runner.destroy();
    }
  },
});

const inHalves = (network: NamedNetwork): NamedNetwork => ({ ...network, name: `${network.name}, f16`, scalar: "f16" });
const apart = (network: NamedNetwork): NamedNetwork => ({
  ...network,
  name: `${network.name}, each node alone`,
  separate: true,
});
const at = (kind: AttentionKind) => ({ attention: { kind, places: ["n3", "n4", "n5"] as const } });

/** What the model is fitted to. Cuts by chance give layers of odd widths. */
export const TRAINING: readonly NamedNetwork[] = [
  ...[160, 224, 320, 448, 640].map((size) => model("yolo11n", size)),
  wide({ width: 0.125, size: 320 }),
  wide({ width: 0.375, size: 256 }),
  wide({ scale: "s", size: 224 }),
  wide({ scale: "m", size: 128 }),
  model("bccd"),
  model("bccd-pruned-int8"),
  model("bccd-ternary"),
  cut("yolo11n", 0.7, { size: 320, criterion: "random", seed: 1 }),
  cut("yolo11n", 0.4, { size: 256, criterion: "random", seed: 2 }),
  cut("bccd", 0.55, { criterion: "random", seed: 3 }),
  lite("shufflenetv2-1.0x", 320),
  lite("shufflenetv2-0.5x", 416, { neck: "pan" }),
  lite("mobilenetv3-small", 320, { ...at("se") }),
  lite("mobilenetv3-large", 256, { head: "yolo11" }),
  lite("efficientnet-lite0", 256, { ...at("cbam") }),
  inBytes(model("yolo11n", 256)),
  inBytes(wide({ width: 0.375, size: 224 })),
  inBytes(lite("shufflenetv2-1.0x", 256)),
  inHalves(model("yolo11n", 320)),
  inHalves(lite("shufflenetv2-1.0x", 256)),
  apart(model("bccd")),
  apart(lite("mobilenetv3-small", 256)),
];

/** What it has never seen. */
export const UNSEEN: readonly NamedNetwork[] = [
  ...[0.8, 0.6, 0.4, 0.2].map((share) => cut("yolo11n", share, { size: 320 })),
  ...[0.7, 0.5, 0.3].map((share) => cut("bccd", share)),
  model("bccd-pruned"),
  model("bccd-everything"),
  model("bccd-binary"),
  model("synthetic"),
  model("yolo11n", 288),
  model("yolo11n", 512),
  wide({ scale: "s", size: 320 }),
  wide({ width: 0.1875, size: 416 }),
  lite("shufflenetv2-1.5x", 288),
  lite("mobilenetv3-small", 416, { width: 0.75, neck: "pan", ...at("cbam") }),
  lite("mobilenetv3-large", 320),
  lite("efficientnet-lite1", 224, { neckWidth: 0.75 }),
  lite("yolo11n", 352, { ...at("se") }),
  inBytes(cut("yolo11n", 0.6, { size: 320 })),
  inBytes(lite("mobilenetv3-small", 320)),
  inHalves(model("yolo11n", 416)),
];
