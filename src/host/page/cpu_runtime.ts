/**
 * The files of onnxruntime-web that a page needs for the CPU engine, from the package of npm that Deno keeps.
 *
 * @module
 */

import { join } from "node:path";
import { ORT_VERSION } from "../../engine/cpu/runtime.ts";
import { FeatherdetError } from "../../graph/error.ts";
import { sentence } from "../file_error.ts";
import { lockOptions } from "../setup/locked.ts";
import { runDeno } from "../run_deno.ts";

/** The module that a page imports, and what that fetches from beside itself. All else in the package is for other ways to compute. */
const FILES = ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"] as const;

/** The part that is read of `deno info --json`. */
interface Info {
  readonly npmPackages?: Readonly<Record<string, { readonly localPath?: string }>>;
}

/**
 * Paths on this machine by the file's name, the module first. Deno downloads the package (40 MB) where it is not there, and holds it to the
 * hash in the lock file. Throws a `FeatherdetError` where it cannot be had.
 */
export async function cpuRuntimeFiles(): Promise<Map<string, string>> {
  const name = `onnxruntime-web@${ORT_VERSION}`;
  // Its answer says where a package lies, whatever registry it is from; before, it downloads it.
  const { success, stdout, stderr } = await runDeno(["info", "--json", ...lockOptions(), `npm:${name}/wasm`]);
  const text = new TextDecoder();
  const folder = success ? (JSON.parse(text.decode(stdout)) as Info).npmPackages?.[name]?.localPath : undefined;
  if (folder === undefined) {
    const why = sentence(text.decode(stderr));
    throw new FeatherdetError(`the CPU engine needs ${name}, which cannot be had (${why}): \`--no-cpu\` leaves it out`);
  }
  return new Map(FILES.map((file) => [file, join(folder, "dist", file)]));
}
