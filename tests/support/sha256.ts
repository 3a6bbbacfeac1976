/**
 * SHA-256 of bytes, as fixtures keep it of pictures.
 *
 * @module
 */

/** In hexadecimal digits. */
export async function sha256Of(data: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(data)));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
