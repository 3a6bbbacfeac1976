/**
 * What is detected in the browser and outside of it, and in which form the browser reports.
 *
 * @module
 */

import type { Detection } from "../../src/detect/detector.ts";
import type { AdapterRecord } from "../../src/gpu/device.ts";

/** A small input: the browser's software adapter is slow. */
export const BROWSER_CASE = {
  size: 192,
  picture: { seed: 11, width: 200, height: 160, objects: 4, sizes: [40, 60] },
} as const;

/** What the page sends. */
export interface BrowserReport {
  readonly adapter: AdapterRecord;
  readonly agent: string;
  /** Detections of the CPU engine (onnxruntime-web), and what it said that it computed on. */
  readonly onCpu: readonly Detection[];
  readonly cpu: string;
  /** Of a run of YOLO11n at 320, by engine. */
  readonly milliseconds: { readonly webgpu: number; readonly cpu: number };
  /** Detections from the pixels, and from the picture as a PNG file. */
  readonly pixels: readonly Detection[];
  readonly file: readonly Detection[];
}
