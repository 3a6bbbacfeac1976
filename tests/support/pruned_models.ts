/**
 * Small detectors of every family, and what pruning leaves of them.
 *
 * @module
 */

import { prune } from "../../src/compress/prune/mod.ts";
import { SYNTHETIC_CLASSES } from "../../src/data/synthetic.ts";
import type { Graph } from "../../src/graph/mod.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { yolo11Lite } from "../../src/models/yolo11_lite.ts";
import { foldBatchNormalization } from "../../src/passes/mod.ts";
import { settled } from "./settled.ts";

const how = { size: 64, classes: SYNTHETIC_CLASSES.map(({ label }) => label) };

const lite = (backbone: "shufflenetv2-0.5x" | "mobilenetv3-small" | "efficientnet-lite0", width: number) => () =>
  yolo11Lite({ ...how, backbone, width, neckWidth: 0.25, depth: 0.34 });

const MODELS: Readonly<Record<string, () => Graph>> = {
  "a narrow YOLO11": () => yolo11({ ...how, width: 0.125 }),
  "YOLO11-Lite on ShuffleNetV2": lite("shufflenetv2-0.5x", 0.5),
  "YOLO11-Lite on MobileNetV3": lite("mobilenetv3-small", 0.5),
  "YOLO11-Lite on EfficientNet-Lite": lite("efficientnet-lite0", 0.25),
  "a folded export": () => foldBatchNormalization(settled(yolo11({ ...how, width: 0.125 }))),
};

/** Their names. */
export const PRUNED_NAMES: readonly string[] = Object.keys(MODELS);

/** A model of these names, and the same with at most half of the operations left. */
export function prunedModel(name: string): { readonly whole: Graph; readonly pruned: Graph } {
  const made = MODELS[name](), isFolded = made.nodes.every(({ op }) => op !== "BatchNormalization");
  const whole = isFolded ? made : settled(made);
  return { whole, pruned: prune(whole, { budget: { gflops: 0.5 }, criterion: "l2" }).graph };
}
