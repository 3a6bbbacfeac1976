/**
 * Decodes what is rare with ImageMagick as WebAssembly, which is only fetched and started when the first such picture comes.
 *
 * Compared: `wasm-vips` reads no BMP, `@jsquash/avif` with `utif2`, `omggif`, `fast-bmp` and `jpeg-js` are five packages, two of
 * them without a release for years. ImageMagick gives Pillow's pixels of BMP, GIF and TIFF exactly.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { onCanvas } from "./canvas.ts";
import type { DecodedFile, RgbaPixels } from "./codec.ts";

/** Not written into the `import`, so that Deno does not fetch its 15 MB for programs that never need them. */
const PACKAGE = "npm:@imagemagick/magick-wasm@0.0.43";

/** Colour spaces whose numbers are taken as red, green and blue. */
const AS_THEY_ARE = ["sRGB", "RGB", "Gray", "LinearGray"] as const;

/** What is used of the package, whose own types name all of ImageMagick. */
interface Magick {
  initializeImageMagick(wasm: Uint8Array): Promise<void>;
  readonly MagickImage: { create(): MagickImage };
  readonly MagickReadSettings: new (settings: { readonly frameIndex: number; readonly frameCount: number }) => object;
  readonly ColorSpace: Readonly<Record<typeof AS_THEY_ARE[number], number>>;
}

interface MagickImage {
  readonly width: number;
  readonly height: number;
  /** The canvas, and where the picture lies on it. */
  readonly page: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  colorSpace: number;
  onWarning?: (event: { readonly error: Error }) => void;
  read(bytes: Uint8Array, settings: object): void;
  getPixels<T>(
    use: (pixels: { toByteArray(x: number, y: number, w: number, h: number, map: string): T | null }) => T,
  ): T;
  dispose(): void;
}

let loading: Promise<Magick> | undefined;

async function load(): Promise<Magick> {
  const magick: Magick = await import(PACKAGE);
  await magick.initializeImageMagick(
    new Uint8Array(await (await fetch(import.meta.resolve(`${PACKAGE}/magick.wasm`))).arrayBuffer()),
  );
  return magick;
}

/** The reason in ImageMagick's message, without the place in its source. */
function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s*[`'"]{1,2}[`'"]?\s*@.*$|\s*@ \w+\/.*$/, "").replaceAll(/\s+/g, " ") ||
    "its data cannot be decoded";
}

/** Red, green, blue and opaque alpha, from three bytes a pixel. */
function rgba(width: number, height: number, rgb: Uint8Array): RgbaPixels {
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    data[to] = rgb[from];
    data[to + 1] = rgb[from + 1];
    data[to + 2] = rgb[from + 2];
  }
  return { width, height, data };
}

/** Decodes the first picture of a file. Rejects with an `Error` that says why it cannot, a `FeatherdetError` if
 * the decoder is not to be had. */
export async function decodeByMagick(bytes: Uint8Array, format: string): Promise<DecodedFile> {
  loading ??= load();
  let magick: Magick;
  try {
    magick = await loading;
  } catch (error) {
    loading = undefined;
    const [why] = (error instanceof Error ? error.message : String(error)).split("\n");
    throw new FeatherdetError(`the decoder of ${format} could not be loaded, ${why}`, {}, { cause: error });
  }
  const warnings: string[] = [];
  const image = magick.MagickImage.create();
  try {
    image.onWarning = ({ error }) => void warnings.push(reason(error));
    image.read(bytes, new magick.MagickReadSettings({ frameIndex: 0, frameCount: 1 }));
    // Inks are taken for what is left of the light: without a profile, as OpenCV and Pillow do.
    if (!AS_THEY_ARE.some((name) => magick.ColorSpace[name] === image.colorSpace)) {
      image.colorSpace = magick.ColorSpace.sRGB;
    }
    const { width, height, page } = image;
    const rgb = image.getPixels((pixels) => pixels.toByteArray(0, 0, width, height, "RGB"));
    if (rgb === null) throw new Error("no pixels");
    const pixels = rgba(width, height, rgb as Uint8Array);
    if (format !== "GIF") return { pixels, warnings };
    const place = { left: page.x, top: page.y, width: page.width, height: page.height };
    return { pixels: onCanvas(pixels, place), warnings };
  } catch (error) {
    // What ImageMagick reports itself leaves it in order; after a crash it is started anew.
    if (error instanceof WebAssembly.RuntimeError) loading = undefined;
    throw new Error(reason(error), { cause: error });
  } finally {
    if (loading) image.dispose();
  }
}
