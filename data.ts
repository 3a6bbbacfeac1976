/**
 * Data sets and models by name, and pictures in and out. For Deno, since names stand for files; the pictures alone are also on `mod.ts`,
 * which serves browsers.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDataset } from "./data.ts";
 *
 * const { images, classes } = await openDataset("synthetic", { split: "val", limit: 2, size: 160 });
 * const { width, height, data } = await images[0].load();
 * assert.deepEqual([width, height, data.length], [160, 160, 160 * 160 * 3]);
 * assert.ok(images[0].boxes.every(({ classId }) => classId < classes.length));
 * ```
 *
 * @module
 */

export { withoutLabels } from "./src/data/pictures.ts";
export { openDataset, type OpenOptions } from "./src/data/open.ts";
export { loadModel, type LoadModelOptions } from "./src/host/models.ts";
export {
  type SyntheticObject,
  type SyntheticOptions,
  type SyntheticPicture,
  syntheticPicture,
} from "./src/data/synthetic.ts";
export { decodeImage, type DecodeOptions } from "./src/image/codec/decode.ts";
export { encodeJpeg, encodePng } from "./src/image/codec/encode.ts";
export type { Dataset, DatasetImage, GroundTruth, TrueBox } from "./src/data/dataset.ts";
export type { RgbImage } from "./src/image/rgb_image.ts";
export type { NamedOptions } from "./src/models/named.ts";
export type * from "./src/graph/public_types.ts";
