/**
 * The backbones by name: each turns a picture into `{ p3, p4, p5 }`, whatever follows.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { ModelBuilder } from "../builder.ts";
 * import { BACKBONES } from "./features.ts";
 * const b = new ModelBuilder();
 * const { p3, p5 } = BACKBONES["shufflenetv2-1.0x"](b, "backbone", b.input("images", [1, 3, 64, 96]));
 * assert.deepEqual([b.shapeOf(p3), b.shapeOf(p5)], [[1, 116, 8, 12], [1, 464, 2, 3]]);
 * ```
 *
 * @module
 */

import { appendRows } from "../rows.ts";
import { YOLO11_BACKBONE, YOLO11_SCALES, type Yolo11Scale } from "../yolo11.ts";
import { type Backbone, factorsOf } from "./backbone.ts";
import { efficientnetLite, type EfficientNetLiteScale } from "./efficientnet_lite.ts";
import { mobilenetv3, type MobileNetV3Scale } from "./mobilenetv3.ts";
import { shufflenetv2, type ShuffleNetV2Scale } from "./shufflenetv2.ts";

export type { Backbone, BackboneOptions, Features } from "./backbone.ts";

/** Backbones that have a published classifier. */
export type LightBackboneName =
  | `shufflenetv2-${ShuffleNetV2Scale}`
  | `mobilenetv3-${MobileNetV3Scale}`
  | `efficientnet-lite${EfficientNetLiteScale}`;

/** Name of a backbone. */
export type BackboneName = `yolo11${Yolo11Scale}` | LightBackboneName;

/** Rows 0 to 10 of YOLO11 (below `model`, as published, where there is no path); factors are on those of the published size. */
function yolo11Backbone(scale: Yolo11Scale): Backbone {
  const published = YOLO11_SCALES[scale];
  return (b, path, input, options) => {
    const { width, depth } = factorsOf(options);
    const scaling = { ...published, width: width * published.width, depth: depth * published.depth };
    const values = appendRows(b, YOLO11_BACKBONE, scaling, { input, path: path === "" ? "model" : path });
    return { p3: values[4], p4: values[6], p5: values[10] };
  };
}

/** Every backbone. */
export const BACKBONES: Readonly<Record<BackboneName, Backbone>> = {
  yolo11n: yolo11Backbone("n"),
  yolo11s: yolo11Backbone("s"),
  yolo11m: yolo11Backbone("m"),
  yolo11l: yolo11Backbone("l"),
  yolo11x: yolo11Backbone("x"),
  "shufflenetv2-0.5x": shufflenetv2("0.5x"),
  "shufflenetv2-1.0x": shufflenetv2("1.0x"),
  "shufflenetv2-1.5x": shufflenetv2("1.5x"),
  "mobilenetv3-small": mobilenetv3("small"),
  "mobilenetv3-large": mobilenetv3("large"),
  "efficientnet-lite0": efficientnetLite("0"),
  "efficientnet-lite1": efficientnetLite("1"),
  "efficientnet-lite2": efficientnetLite("2"),
};
