/**
 * The header of a JPEG file: its frame segment (size, colour components) and the orientation in its EXIF segment.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { exifOrientation } from "./exif.ts";
import type { ImageHeader } from "./header.ts";

/** SOF0 to SOF15 without DHT (c4), JPG (c8) and DAC (cc), which share the range. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** What the frame's header and the EXIF segment say. */
interface JpegFrame extends Omit<ImageHeader, "format"> {
  readonly components: number;
  /** Its mark, which says how it is coded. */
  readonly marker: number;
}

function readFrame(bytes: Uint8Array): JpegFrame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let orientation = 1;
  let at = 2;
  while (true) {
    // Segments may be preceded by fill bytes; anything else between them is skipped as decoders do.
    while (view.getUint8(at) !== 0xff) at++;
    while (view.getUint8(at) === 0xff) at++;
    const marker = bytes[at++];
    const standsAlone = marker === 0 || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    if (standsAlone) continue;
    if (marker === 0xd9 || marker === 0xda) throw new FeatherdetError("broken JPEG: no frame header before its data");
    const length = view.getUint16(at);
    if (marker === 0xe1 && view.getUint32(at + 2) === 0x45786966 /* "Exif" */) {
      orientation = exifOrientation(bytes.subarray(at + 8, at + length));
    }
    if (isFrame(marker)) {
      return {
        ...{ height: view.getUint16(at + 3), width: view.getUint16(at + 5), orientation },
        components: view.getUint8(at + 7),
        marker,
      };
    }
    at += length;
  }
}

/** Size and orientation; throws `RangeError` where the file ends first. */
export function jpegHeader(bytes: Uint8Array): Omit<ImageHeader, "format"> {
  const { width, height, orientation } = readFrame(bytes);
  return { width, height, orientation };
}

/** True for a JPEG of four components, which are inks (CMYK, YCCK). */
export function hasFourColours(bytes: Uint8Array): boolean {
  return readFrame(bytes).components === 4;
}

/** True for a JPEG in arithmetic coding, of which a block may take less than a bit. */
export function isArithmetic(bytes: Uint8Array): boolean {
  return readFrame(bytes).marker > 0xc8;
}
