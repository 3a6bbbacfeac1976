/**
 * YOLO11-Lite: detectors with YOLO11's output on light backbones, necks and heads, which can replace one another.
 *
 * @module
 */

import type { Graph } from "../graph/graph.ts";
import { attend } from "./attention_places.ts";
import { type BackboneName, BACKBONES } from "./backbones/features.ts";
import { ModelBuilder } from "./builder.ts";
import { detectorFacts, detectorMetadata, type DetectorModelOptions } from "./detector_options.ts";
import { lightBranches } from "./heads/light.ts";
import { detectHead, type HeadBranches } from "./heads/yolo11.ts";
import { lightNeck } from "./necks/light.ts";
import type { Neck } from "./necks/neck.ts";
import { panNeck } from "./necks/pan.ts";
import { checkFactor, checkName } from "./option_checks.ts";

/** Name of a neck. */
export type NeckName = "pan" | "light";

/** Necks by name: `pan` is YOLO11's behind 1x1 convolutions, `light` is depthwise separable (see `necks/light.ts`). */
export const NECKS: Readonly<Record<NeckName, Neck>> = { pan: panNeck, light: lightNeck };

/** Name of a head. */
export type HeadName = "yolo11" | "light";

/** The branches of a head where the finest features have so many channels; `depth` is a factor on their blocks. */
type HeadMaker = (finest: number, depth: number) => HeadBranches;

/** Heads by name: `yolo11` is YOLO11's, `light` has depthwise separable branches as wide as the finest features. */
export const HEADS: Readonly<Record<HeadName, HeadMaker>> = {
  yolo11: () => ({}),
  light: (finest, depth) => lightBranches({ width: finest, repeats: Math.max(1, Math.round(depth)) }),
};

/** What to build. */
export interface Yolo11LiteOptions extends DetectorModelOptions {
  /** Its name; `shufflenetv2-1.0x` by default. */
  readonly backbone?: BackboneName;
  /** `light` by default. */
  readonly neck?: NeckName;
  /** `light` by default. */
  readonly head?: HeadName;
  /** Factor on the backbone's published channels; by default the factor in `LITE_WIDTHS`, or 1. */
  readonly width?: number;
  /** Factor on the channels of neck and head: 64 in the light ones, YOLO11n's in the others; 1 by default. */
  readonly neckWidth?: number;
  /** Factor on the number of blocks in a row, in backbone, neck and light head; 1 by default. */
  readonly depth?: number;
}

/**
 * Backbones that alone are as large as YOLO11n when they are as wide as published, and factors that make models of them that are
 * clearly smaller: in parameters, in operations, and in the order of the published sizes.
 */
export const LITE_WIDTHS: Readonly<Partial<Record<BackboneName, number>>> = {
  "mobilenetv3-large": 0.75,
  "efficientnet-lite0": 0.625,
  "efficientnet-lite1": 0.625,
  "efficientnet-lite2": 0.625,
};

/** Prefix of the names of these models; the backbone's follows. */
export const LITE_PREFIX = "yolo11lite-";

/**
 * Builds a lite detector with random weights: like `yolo11`, `images [batch, 3, height, width]` to `output0 [batch, 4 + classes,
 * anchors]`. The same tail decodes boxes, and BatchNormalization is not folded. Layers are named `backbone...` (as in the backbone's
 * published classifier), `neck...`, `head...` and `attention...`.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { analyze } from "../graph/analyze.ts";
 * import { yolo11Lite } from "./yolo11_lite.ts";
 * const blood = yolo11Lite({
 *   backbone: "mobilenetv3-small",
 *   classes: ["red", "white", "platelet"],
 *   size: [256, 320],
 *   attention: { kind: "se", places: ["n3", "n4", "n5"] },
 * });
 * assert.ok(analyze(blood).parameters < 1_500_000);
 * const heavier = yolo11Lite({ backbone: "mobilenetv3-small", neck: "pan", head: "yolo11" });
 * assert.ok(analyze(heavier).flops > analyze(blood).flops);
 * ```
 *
 * Throws FeatherdetError for sizes that are no multiples of 32, for factors and counts that are not positive, and for parts that do
 * not exist.
 */
export function yolo11Lite(options: Yolo11LiteOptions = {}): Graph {
  const { backbone = "shufflenetv2-1.0x", neck = "light", head = "light", neckWidth = 1, depth = 1 } = options;
  const what = "YOLO11-Lite";
  checkName(what, "backbone", backbone, BACKBONES);
  checkName(what, "neck", neck, NECKS);
  checkName(what, "head", head, HEADS);
  const { width = LITE_WIDTHS[backbone] ?? 1 } = options;
  for (const [name, factor] of Object.entries({ width, neckWidth, depth })) checkFactor(what, name, factor);
  const facts = detectorFacts(what, options);
  const { batch, size, seed, attention } = facts;

  const b = new ModelBuilder({ seed });
  const seen = BACKBONES[backbone](b, "backbone", b.input("images", [batch, 3, ...size]), { width, depth });
  const mixed = NECKS[neck](b, "neck", attend(b, "p", seen, attention), { width: neckWidth, depth });
  const { p3, p4, p5 } = attend(b, "n", mixed, attention);
  const branches = HEADS[head](b.channels(p3), depth);
  const output = detectHead(b, "head", [p3, p4, p5], facts, branches);
  const own = { family: "yolo11lite", backbone, neck, head, width, neckWidth, depth };
  const description = `YOLO11-Lite (${backbone}, ${neck} neck, ${head} head) built by Featherdet`;
  return b.graph(`${LITE_PREFIX}${backbone}`, [output], detectorMetadata(description, facts, own));
}
