/**
 * Opens a data set by name or folder.
 *
 * @module
 */

import type { Dataset } from "./dataset.ts";

/** What to read of a data set. */
export interface OpenOptions {
  /** `train`, `val` or `test`; `val` by default where there are splits. */
  readonly split?: string;
  /** Read only the first so many pictures. */
  readonly limit?: number;
  /** Side of the pictures in pixels, or width and height: for `synthetic` alone; 320 by default. */
  readonly size?: number | readonly [width: number, height: number];
}

/** Opens `synthetic`, `bccd`, `coco` or a folder. */
export function openDataset(_nameOrFolder: string, _options: OpenOptions = {}): Promise<Dataset> {
  throw new Error("not written yet");
}
