/**
 * YOLO11's neck, a path aggregation network (Liu et al. 2018): features go down the pyramid and up again, joined with those of the
 * same size and mixed by C3k2 blocks.
 *
 * @module
 */

import type { Features } from "../backbones/backbone.ts";
import type { ModelBuilder } from "../builder.ts";
import { appendRows, type Row, scaledChannels, type Scaling } from "../rows.ts";
import type { Neck } from "./neck.ts";

/** Rows 11 to 22 of YOLO11. They read rows 4, 6 and 10 of the backbone. */
export const PAN_ROWS: readonly Row[] = [
  [-1, 1, "Upsample", [2]],
  [[-1, 6], 1, "Concat", []],
  [-1, 2, "C3k2", [512, false]],
  [-1, 1, "Upsample", [2]],
  [[-1, 4], 1, "Concat", []],
  [-1, 2, "C3k2", [256, false]],
  [-1, 1, "Conv", [256, 3, 2]],
  [[-1, 13], 1, "Concat", []],
  [-1, 2, "C3k2", [512, false]],
  [-1, 1, "Conv", [512, 3, 2]],
  [[-1, 10], 1, "Concat", []],
  [-1, 2, "C3k2", [1024, true]],
];

/** Number of the first row. */
const FIRST = 11;

/** Appends the rows as `PATH.11` to `PATH.22`. Row 16, 19 and 22 leave as p3, p4 and p5. */
export function appendPan(b: ModelBuilder, path: string, { p3, p4, p5 }: Features, scaling: Scaling): Features {
  const values = appendRows(b, PAN_ROWS, scaling, { path, input: p5, first: FIRST, values: { 4: p3, 6: p4, 10: p5 } });
  return { p3: values[16], p4: values[19], p5: values[22] };
}

/** How YOLO11n is scaled: what factors of 1 mean for the neck of a lite model. */
const REFERENCE: Scaling = { depth: 0.5, width: 0.25, maxChannels: 1024, deep: false };

/** Channels, before scaling, of the features that YOLO11's own backbone gives. */
const LATERALS = { p3: 512, p4: 512, p5: 1024 } as const;

/**
 * YOLO11n's neck on any backbone: a 1x1 convolution (`PATH.lateral.p3` and so on) brings each feature to the channels that YOLO11's
 * own backbone would give. Width factor 1 gives outputs of 64, 128 and 256 channels.
 */
export const panNeck: Neck = (b, path, features, { width, depth }) => {
  const scaling = { ...REFERENCE, width: REFERENCE.width * width, depth: REFERENCE.depth * depth };
  const lateral = (level: keyof Features) =>
    b.convBlock(`${path}.lateral.${level}`, features[level], { out: scaledChannels(LATERALS[level], scaling) });
  return appendPan(b, path, { p3: lateral("p3"), p4: lateral("p4"), p5: lateral("p5") }, scaling);
};
