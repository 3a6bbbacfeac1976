/**
 * Tells files that are no picture which can be decoded by their first bytes, so that an error can say what they are.
 *
 * @module
 */

type Signature = readonly [kind: string, start: string | readonly number[], at?: number];

const SIGNATURES: readonly Signature[] = [
  ["JPEG 2000", [0, 0, 0, 12, 0x6a, 0x50]],
  ["JPEG 2000", [0xff, 0x4f, 0xff, 0x51]],
  ["JPEG XL", [0xff, 0x0a]],
  ["JPEG XL", [0, 0, 0, 12, 0x4a, 0x58, 0x4c]],
  ["a file of Photoshop", "8BPS"],
  ["a PDF document", "%PDF"],
  ["an SVG drawing", "<svg"],
  ["an XML or SVG text", "<?xml"],
  ["a web page", "<!DOCTYPE"],
  ["a web page", "<!doctype"],
  ["a web page", "<html"],
  ["an icon (ICO)", [0, 0, 1, 0]],
  ["OpenEXR", [0x76, 0x2f, 0x31, 0x01]],
  ["Radiance HDR", "#?RADIANCE"],
  ["a DirectDraw surface (DDS)", "DDS "],
  ["a BigTIFF", [0x49, 0x49, 0x2b, 0]],
  ["a BigTIFF", [0x4d, 0x4d, 0, 0x2b]],
  ["DICOM", "DICM", 128],
  ["a portable bitmap (PNM)", "P4"],
  ["a portable bitmap (PNM)", "P5"],
  ["a portable bitmap (PNM)", "P6"],
  ["a video (MP4 or MOV)", "ftyp", 4],
  ["a video (AVI)", "AVI ", 8],
  ["a video (Matroska, WebM)", [0x1a, 0x45, 0xdf, 0xa3]],
  ["a ZIP archive", [0x50, 0x4b, 0x03, 0x04]],
  ["a gzip archive", [0x1f, 0x8b]],
  ["macOS's record of a file (AppleDouble), not the file", [0, 5, 0x16, 7]],
  ["a pointer to a file that Git LFS has not fetched", "version https://git-lfs"],
];

/** What the file is, with its article; undefined for anything unknown. */
export function otherKind(bytes: Uint8Array): string | undefined {
  const found = SIGNATURES.find(([, start, at = 0]) => {
    const wanted = typeof start === "string" ? new TextEncoder().encode(start) : start;
    return wanted.every((byte: number, i: number) => bytes[at + i] === byte);
  });
  if (found) return found[0];
  const isLink = bytes.length < 300 && /^[^\s\0]*\.(jpe?g|png|webp|bmp|tiff?)$/i.test(new TextDecoder().decode(bytes));
  return isLink ? "the text of a symbolic link, which was copied or checked out as a file" : undefined;
}
