/**
 * A data set dealt out to clients.
 *
 * @module
 */

import type { Dataset } from "../../data/dataset.ts";
import { type DealName, type DealOptions, dealPictures } from "../../train/federated/split.ts";

/** Where a picture comes from: its folder, else its name up to the first number. */
function sourceOf({ file, name }: { readonly file?: string; readonly name: string }): string {
  const folder = file?.replaceAll("\\", "/").split("/").at(-2) ?? "";
  return `${folder}/${name.replace(/[\d].*$/, "")}`;
}

/**
 * Deals the pictures of a data set to clients, a data set each; every picture goes to one of them.
 *
 * - `iid`: evenly, by chance.
 * - `dirichlet`: the pictures of each class in random shares, the more uneven the smaller `alpha` (Hsu et al. 2019,
 *   https://arxiv.org/abs/1909.06335). A picture counts as its most frequent class.
 * - `class`: sorted by class and cut into two pieces a client (McMahan et al. 2017, https://arxiv.org/abs/1602.05629).
 * - `source`: whole folders, or whole names up to the first number.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { syntheticDataset } from "../../data/synthetic_scenes.ts";
 * import { dealDataset } from "./deal.ts";
 *
 * const all = syntheticDataset({ split: "train", count: 12, size: 64 });
 * const parts = dealDataset(all, "dirichlet", { clients: 3, alpha: 0.5 });
 * assert.equal(parts.flatMap(({ images }) => images).length, 12);
 * ```
 *
 * Throws FeatherdetError for more clients than pictures or sources.
 */
export function dealDataset(dataset: Dataset, how: DealName, options: DealOptions): readonly Dataset[] {
  const pictures = dataset.images.map((image) => ({
    classes: image.boxes.filter(({ crowd }) => !crowd).map(({ classId }) => classId),
    source: sourceOf(image),
  }));
  return dealPictures(pictures, how, options).map((own) => ({ ...dataset, images: own.map((i) => dataset.images[i]) }));
}
