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

/**
 * Registers a test on files of `../shared/data`; it is ignored, with the reason in its name, where one of them is absent. The test
 * is handed their URLs.
 */
export function sharedDataTest(
  name: string,
  paths: readonly string[],
  run: (...urls: URL[]) => void | Promise<void>,
): void {
  const urls = paths.map(sharedData);
  const found = urls.filter((url) => url !== undefined);
  if (found.length === paths.length) return Deno.test(name, () => run(...found));
  const absent = paths.filter((_, index) => urls[index] === undefined).join(", ");
  Deno.test({ name: `${name} (ignored: ../shared/data lacks ${absent})`, ignore: true, fn: () => {} });
}
