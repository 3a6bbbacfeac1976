/**
 * Where the data for measuring is, for tests that need it.
 *
 * @module
 */

const ROOT = new URL("../../../shared/data/", import.meta.url);

/**
 * The file or folder `path` of `../shared/data`, or undefined where it is absent: tests that need it are then ignored and say so
 * in their names.
 */
export function sharedData(path: string): URL | undefined {
  const url = new URL(path, ROOT);
  try {
    Deno.statSync(url);
    return url;
  } catch {
    return undefined;
  }
}
