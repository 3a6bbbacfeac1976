/**
 * What is read back from the device: pieces of buffers, and rows of texture arrays.
 *
 * @module
 */

/** A piece of a buffer. */
export interface BufferRange {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** Rows of a texture array of cells of four f32, from the first row of a layer on, as if its layers were one below the other. */
export interface TextureRange {
  readonly texture: GPUTexture;
  /** First layer. */
  readonly layer: number;
  /** Cells of each row that are read, from the first on. */
  readonly width: number;
  readonly rows: number;
  readonly rowsPerLayer: number;
  /** Bytes when they have been read: `rows` times `readRowBytes(width)`. */
  readonly size: number;
}

/** A piece of memory that is to be read. */
export type ReadRange = BufferRange | TextureRange;

const CELL_BYTES = 16;

/** WebGPU copies rows of a texture to multiples of this. */
const ROW_ALIGNMENT = 256;

/** Bytes from one row to the next of what was read from a texture. */
export function readRowBytes(width: number): number {
  return Math.ceil(width * CELL_BYTES / ROW_ALIGNMENT) * ROW_ALIGNMENT;
}

/** Records the copy of a range to the bytes of `target` from `at` on; `at` is a multiple of 4 for buffers, of 16 for textures. */
export function copyRange(encoder: GPUCommandEncoder, range: ReadRange, target: GPUBuffer, at: number): void {
  if ("buffer" in range) {
    encoder.copyBufferToBuffer(range.buffer, range.offset, target, at, range.size);
    return;
  }
  const { texture, layer, width, rows, rowsPerLayer } = range;
  const bytesPerRow = readRowBytes(width), layers = Math.floor(rows / rowsPerLayer), rest = rows % rowsPerLayer;
  const copy = (first: number, height: number, depth: number) =>
    encoder.copyTextureToBuffer(
      { texture, origin: [0, 0, layer + first] },
      { buffer: target, offset: at + first * rowsPerLayer * bytesPerRow, bytesPerRow, rowsPerImage: rowsPerLayer },
      [width, height, depth],
    );
  if (layers > 0) copy(0, rowsPerLayer, layers);
  if (rest > 0) copy(layers, rest, 1);
}
