/**
 * The texture that a frame's picture is uploaded to: it grows with the pictures and holds a part of a picture where that is all there is
 * room for.
 *
 * @module
 */

import { Memory } from "../gpu/memory.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import { rgbaOf } from "./letterbox.ts";
import { cropped, type Extents, type Rectangle } from "./rectangle.ts";

/** Bytes of a pixel on the device. */
export const PIXEL_BYTES = 4;

/** The name by which kernels know the texture. */
export const PICTURE = "detect/picture";

/** A texture, and its owner. */
export interface HeldPicture {
  readonly texture: GPUTexture;
  readonly memory: Memory;
}

/** A texture for pictures of at most these extents. */
export function makePictureTexture(memory: Memory, { width, height }: Extents): GPUTexture {
  const usage = GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_DST;
  return memory.texture(PICTURE, usage, "rgba8unorm", [width, height, 1], PIXEL_BYTES);
}

/** Holds the picture that frames are made from. */
export class PictureTexture {
  readonly #device: GPUDevice;
  /** Most pixels that it may have where a picture does not need more. */
  readonly #mostPixels: number;
  readonly #onChange: (texture: GPUTexture) => void;
  #held: HeldPicture | undefined;
  #pixels = new Uint32Array(0);

  /** `onChange` is told of every texture that takes the place of another. */
  constructor(device: GPUDevice, mostPixels: number, onChange: (texture: GPUTexture) => void) {
    [this.#device, this.#mostPixels, this.#onChange] = [device, mostPixels, onChange];
  }

  /** The texture, once a picture was uploaded. */
  get held(): HeldPicture | undefined {
    return this.#held;
  }

  /** Uploads a part of a picture to the corner of the texture. */
  upload(image: RgbImage, part: Rectangle): void {
    const { width, height } = part;
    const held = this.#held?.texture;
    if (!held || held.width < width || held.height < height) this.#grow(part);
    if (this.#pixels.length < width * height) this.#pixels = new Uint32Array(width * height);
    rgbaOf(cropped(image, part), this.#pixels);
    const layout = { bytesPerRow: PIXEL_BYTES * width, rowsPerImage: height };
    this.#device.queue.writeTexture({ texture: this.#held!.texture }, this.#pixels, layout, [width, height]);
  }

  #grow({ width, height }: Extents): void {
    const held = this.#held?.texture;
    const both = { width: Math.max(width, held?.width ?? 0), height: Math.max(height, held?.height ?? 0) };
    // A wide picture and a high one together would need more than either.
    const extents = both.width * both.height <= this.#mostPixels ? both : { width, height };
    this.#held?.memory.destroy();
    const memory = new Memory(this.#device);
    this.#held = { texture: makePictureTexture(memory, extents), memory };
    this.#onChange(this.#held.texture);
  }

  /** Drops a texture that may have found no memory, if it is still the one that is held. */
  forget(held: HeldPicture | undefined): void {
    if (held === undefined || this.#held !== held) return;
    held.memory.destroy();
    this.#held = undefined;
  }

  /** Bytes on the device. */
  get bytes(): number {
    return this.#held?.memory.bytes ?? 0;
  }

  /** Frees the texture. */
  destroy(): void {
    this.#held?.memory.destroy();
  }
}
