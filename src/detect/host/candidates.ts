/**
 * Candidates on the host: the same lists that decoders fill on the device (`shaders/detect/candidates.wgsl`).
 *
 * @module
 */

/** What decoders find in a network's outputs. Scores, keys and boxes are what the device computes, in float32. */
export interface Candidates {
  /** Scores in the order in which they were found. */
  readonly scores: number[];
  /** `anchor * classes + class` of each of them. */
  readonly keys: number[];
  /** x1, y1, x2, y2 of each anchor that has a candidate, in pixels of the input. */
  readonly boxes: Float32Array;
  /** Bits of `FAULTS`. */
  readonly faults: number;
  /** Share of the boxes over the confidence whose second corner lies before the first, which are no candidates. */
  readonly exchanged: number;
}

/** What is decoded and how. */
export interface DecodeSettings {
  /** Anchors, or results. */
  readonly anchors: number;
  /** Classes of an anchor. */
  readonly classes: number;
  /** Least score, exclusive. */
  readonly confidence: number;
  /** Whether an anchor may be a candidate of several classes. */
  readonly multiLabel: boolean;
}

/** The best number so far of each anchor, and its row; of equals the first row. */
export class Best {
  /** The best numbers. */
  readonly values: Float32Array;
  /** Their rows. */
  readonly rows: Int32Array;

  /** Before anything was seen, `lowest` is the best. */
  constructor(anchors: number, lowest: number) {
    this.values = new Float32Array(anchors).fill(lowest);
    this.rows = new Int32Array(anchors);
  }
}
