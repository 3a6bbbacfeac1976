/**
 * The light backbones as the classifiers that they were published as.
 *
 * @module
 */

import type { Graph } from "../graph/graph.ts";
import type { BackboneOptions, ClassifierTop } from "./backbones/backbone.ts";
import { EFFICIENTNET_LITE_SCALES, efficientnetLiteTop } from "./backbones/efficientnet_lite.ts";
import { BACKBONES, type LightBackboneName } from "./backbones/features.ts";
import { mobilenetv3Top } from "./backbones/mobilenetv3.ts";
import { shufflenetv2Top } from "./backbones/shufflenetv2.ts";
import { ModelBuilder } from "./builder.ts";
import { checkClasses, checkSize } from "./detector_options.ts";
import { modelMetadata } from "./metadata.ts";
import { checkName, checkWhole } from "./option_checks.ts";

/** What follows each backbone, and the published side of the input in pixels. */
const CLASSIFIERS: Readonly<Record<LightBackboneName, { readonly top: ClassifierTop; readonly size: number }>> = {
  "shufflenetv2-0.5x": { top: shufflenetv2Top, size: 224 },
  "shufflenetv2-1.0x": { top: shufflenetv2Top, size: 224 },
  "shufflenetv2-1.5x": { top: shufflenetv2Top, size: 224 },
  "mobilenetv3-small": { top: mobilenetv3Top("small"), size: 224 },
  "mobilenetv3-large": { top: mobilenetv3Top("large"), size: 224 },
  "efficientnet-lite0": { top: efficientnetLiteTop, size: EFFICIENTNET_LITE_SCALES[0].size },
  "efficientnet-lite1": { top: efficientnetLiteTop, size: EFFICIENTNET_LITE_SCALES[1].size },
  "efficientnet-lite2": { top: efficientnetLiteTop, size: EFFICIENTNET_LITE_SCALES[2].size },
};

/** Backbones that have a classifier. */
export const CLASSIFIER_NAMES = Object.keys(CLASSIFIERS) as readonly LightBackboneName[];

/** What to build. */
export interface ClassifierOptions extends BackboneOptions {
  /** Which family and size. */
  readonly backbone: LightBackboneName;
  /** Number of classes, or their names; 1000 by default. */
  readonly classes?: number | readonly string[];
  /** Input side in pixels, or height and width; the published size by default (224, or the larger one of a scaled EfficientNet-Lite). */
  readonly size?: number | readonly [height: number, width: number];
  /** Pictures a run; 1 by default. */
  readonly batch?: number;
  /** Seed of the random weights; 0 by default. */
  readonly seed?: number;
}

/**
 * Builds a classifier with random weights: `images [batch, 3, height, width]` to logits `[batch, classes]`. Layers have the names of
 * torchvision's state dictionaries; EfficientNet-Lite has timm's (`tf_efficientnet_lite0`). BatchNormalization is not folded, and there
 * is no dropout.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { analyze } from "../graph/analyze.ts";
 * import { classifier } from "./classifier.ts";
 * assert.equal(analyze(classifier({ backbone: "shufflenetv2-1.0x" })).parameters, 2_278_604);
 * ```
 *
 * Throws FeatherdetError for sizes, factors and counts that are not positive, and for unknown backbones.
 */
export function classifier(options: ClassifierOptions): Graph {
  const { backbone, width = 1, depth = 1, batch = 1, seed = 0 } = options;
  checkName("classifier", "backbone", backbone, CLASSIFIERS);
  const { top, size: published } = CLASSIFIERS[backbone];
  const size = checkSize(backbone, options.size ?? published, 1);
  const { classes, names } = checkClasses(backbone, options.classes ?? 1000);
  checkWhole(backbone, "batch", batch, 1);
  checkWhole(backbone, "seed", seed, -Infinity);
  const b = new ModelBuilder({ seed });
  const { p5 } = BACKBONES[backbone](b, "", b.input("images", [batch, 3, ...size]), { width, depth });
  const logits = top(b, "", p5, { classes, width, depth });
  const recipe = { family: "classifier", backbone, classes, width, depth, size, batch, seed };
  const description = `${backbone} classifier built by Featherdet`;
  return b.graph(backbone, [logits], modelMetadata({ description, names, batch, size, task: "classify", recipe }));
}
