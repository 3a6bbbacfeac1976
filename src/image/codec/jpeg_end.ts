/**
 * Whether a JPEG file goes on to the mark of its end, which tells a file that was cut from a whole one.
 *
 * @module
 */

const START_OF_SCAN = 0xda;
const END = 0xd9;

/** Where the first scan's data begin; undefined if the file has none. */
function firstScan(bytes: Uint8Array): number | undefined {
  for (let at = 2; at + 3 < bytes.length;) {
    const marker = bytes[at + 1];
    if (bytes[at] !== 0xff || marker === 0xff) {
      at++;
      continue;
    }
    const standsAlone = marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd9);
    // Segments have lengths, so that marks within them, as those of thumbnails, are passed over.
    const next = at + 2 + (standsAlone ? 0 : (bytes[at + 2] << 8) + bytes[at + 3]);
    if (marker === START_OF_SCAN) return next;
    at = next;
  }
  return undefined;
}

/** True if nothing behind the first scan's header marks the end of the file. */
export function endsEarly(bytes: Uint8Array): boolean {
  const start = firstScan(bytes);
  if (start === undefined) return true;
  // Data escape the byte 0xff, so that the mark can only be one.
  for (let at = bytes.indexOf(0xff, start); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    if (bytes[at + 1] === END) return false;
  }
  return true;
}

/** The file with the mark of its end behind it. */
export function withEnd(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(bytes.length + 2);
  whole.set(bytes);
  whole.set([0xff, END], bytes.length);
  return whole;
}
