/**
 * The fixture of `tests/fixtures/make_coco50.py`: detections of onnxruntime and a CPU NMS on 50 photographs at 640 pixels,
 * and on five of them at 320.
 *
 * @module
 */

import { decodeImage } from "../../src/image/codec/decode.ts";
import type { RgbImage } from "../../src/image/rgb_image.ts";
import type { FoundBox } from "./detections.ts";
import { letterboxBytes } from "./letterbox_bytes.ts";

/** One photograph of the fixture. */
export interface CocoCase {
  readonly file: string;
  /** Side of the letterboxed square in pixels. */
  readonly size: 320 | 640;
  /** Of the letterboxed pixels. */
  readonly sha256: string;
  /** In pixels of the letterboxed square. */
  readonly detections: readonly FoundBox[];
}

/** The whole fixture. */
export interface CocoFixture {
  readonly confidence: number;
  readonly iou: number;
  readonly images: readonly CocoCase[];
}

/** The part of the fixture for a size. */
export function cocoFixture(size: CocoCase["size"]): CocoFixture {
  const file = new URL("../fixtures/coco50_detections.json", import.meta.url);
  const fixture: CocoFixture = JSON.parse(Deno.readTextFileSync(file));
  return { ...fixture, images: fixture.images.filter((image) => image.size === size) };
}

/** The letterboxed square that the fixture's detections were made from; throws where it is not that to the last bit. */
export async function cocoSquare({ file, size, sha256 }: CocoCase, folder: URL): Promise<RgbImage> {
  const square = letterboxBytes(await decodeImage(await Deno.readFile(new URL(file, folder)), file), size);
  const digest = await crypto.subtle.digest("SHA-256", square.data as Uint8Array<ArrayBuffer>);
  const found = new Uint8Array(digest).toHex();
  if (found !== sha256) throw new Error(`the letterboxed pixels of ${file} are not the fixture's`);
  return square;
}
