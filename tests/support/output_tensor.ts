/**
 * Comparing output tensors `[N, 4 + classes, anchors]` of a YOLO11.
 *
 * @module
 */

/** The largest differences between two outputs. */
export interface OutputDifference {
  /** Of centre, width and height, in pixels. */
  readonly box: number;
  /** Of the scores. */
  readonly score: number;
}

/** Differences over the anchors whose best score in `expected` is at least `least`; 0 takes all of them. */
export function outputDifference(
  actual: Float32Array,
  expected: Float32Array,
  [batch, rows, anchors]: readonly number[],
  least = 0,
): OutputDifference {
  if (actual.length !== expected.length) throw new Error(`${actual.length} values, expected ${expected.length}`);
  let box = 0, score = 0;
  for (let image = 0; image < batch; image++) {
    for (let anchor = 0; anchor < anchors; anchor++) {
      const at = (row: number) => (image * rows + row) * anchors + anchor;
      let best = 0;
      for (let row = 4; row < rows; row++) best = Math.max(best, expected[at(row)]);
      if (best < least) continue;
      for (let row = 0; row < rows; row++) {
        const difference = Math.abs(actual[at(row)] - expected[at(row)]);
        // A NaN must not be lost in a comparison.
        if (!(difference >= 0)) throw new Error(`anchor ${anchor} of image ${image} holds ${actual[at(row)]}`);
        if (row < 4) box = Math.max(box, difference);
        else score = Math.max(score, difference);
      }
    }
  }
  return { box, score };
}
