/**
 * What the kernels of detection share: the size of the problem, and the buffers between them that no graph value describes.
 *
 * Candidates go from a decoder (`decodeHead`, `decodeTensor`) to `suppress` in four buffers; `suppress` also reads one record of
 * the letterbox for each image and writes the result. All of them stay on the device but the result.
 *
 * @module
 */

/** Detections of an image at most; the result has room for as many. */
export const MAX_DETECTIONS = 300;

/** Candidates of an image that suppression looks at, best first, as Ultralytics does. */
export const MAX_CANDIDATES = 30000;

/** Numbers in the result of an image: four of its own and six a detection. */
export const RESULT_STRIDE: number = 4 + 6 * MAX_DETECTIONS;

/** Numbers in the letterbox record of an image. */
export const FRAME_STRIDE = 8;

/** The size of a detection problem. */
export interface DetectSpace {
  /** Images a run. */
  readonly batch: number;
  /** Anchor points of an image, all levels together. */
  readonly anchors: number;
  /** Classes that a box may be of. */
  readonly classes: number;
  /**
   * False: an anchor gives at most one candidate, its best class (how pictures are detected). True: one for every class over the
   * threshold (how COCO figures are measured).
   */
  readonly multiLabel: boolean;
}

/** Names of the buffers of detection, by what they hold. */
export const DETECT_VALUES = {
  /**
   * u32: candidates of each image so far, then of each the faults (`FAULTS`), the boxes over the confidence, and those of them whose second
   * corner lies before the first (of finished outputs only). Zero before the first run; every run leaves it so.
   */
  count: "detect/count",
  /** Keys of the candidates, two u32 each. */
  list: "detect/list",
  /** Box of each anchor that has a candidate, four f32. */
  found: "detect/found",
  /** `FRAME_STRIDE` f32 for each image, written by the host (`frameRecord`). */
  frames: "detect/frames",
  /** `RESULT_STRIDE` f32 for each image, read by the host (`readDetections`). */
  result: "detect/result",
} as const;

/** A storage buffer that the kernels of detection name in their bindings; bound whole. */
export interface DetectBuffer {
  /** One of `DETECT_VALUES`. */
  readonly name: string;
  /** Size. */
  readonly bytes: number;
  /** True where it must be zero before the first run. */
  readonly zeroed: boolean;
}

/** Most candidates an image can have. */
export function capacityOf({ anchors, classes, multiLabel }: DetectSpace): number {
  return multiLabel ? anchors * classes : anchors;
}

/** Places in the candidate list from one image to the next: behind the candidates there is room for the best of too many. */
export function listStrideOf(space: DetectSpace): number {
  const capacity = capacityOf(space);
  return capacity + Math.min(capacity, MAX_CANDIDATES);
}

/** The buffers that a detection problem needs. */
export function detectBuffers(space: DetectSpace): DetectBuffer[] {
  const { batch, anchors } = space;
  return [
    { name: DETECT_VALUES.count, bytes: 16 * batch, zeroed: true },
    { name: DETECT_VALUES.list, bytes: 8 * batch * listStrideOf(space), zeroed: false },
    { name: DETECT_VALUES.found, bytes: 16 * batch * anchors, zeroed: false },
    { name: DETECT_VALUES.frames, bytes: 4 * batch * FRAME_STRIDE, zeroed: false },
    { name: DETECT_VALUES.result, bytes: 4 * batch * RESULT_STRIDE, zeroed: false },
  ];
}
