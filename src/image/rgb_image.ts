/**
 * The picture type that crosses the project: what decoders make, the letterbox reads and the drawing writes.
 *
 * @module
 */

/** An 8-bit RGB picture in memory. */
export interface RgbImage {
  /** Columns, in pixels. */
  readonly width: number;
  /** Rows, in pixels. */
  readonly height: number;
  /** Red, green, blue, three bytes a pixel, row by row without padding: `width * height * 3` bytes. */
  readonly data: Uint8Array;
}
