/**
 * All that the fuzzer tries, by name; loaded when it is tried.
 *
 * @module
 */

import fc from "npm:fast-check@4.10.2";
import { type Target, target } from "./target.ts";

/** Loads a target. */
type Loader = () => Promise<Target>;

/** What is tried by default. */
export const TARGETS: Readonly<Record<string, Loader>> = {
  onnx: async () => (await import("./target_onnx.ts")).onnxTarget,
  pictures: async () => (await import("./target_pictures.ts")).picturesTarget,
  data: async () => (await import("./target_data.ts")).dataTarget,
  records: async () => (await import("./target_records.ts")).recordsTarget,
  http: async () => (await import("./target_http.ts")).httpTarget,
};

/** Programs that fail in every way, by which the watch is tested. */
const failing = target<number>({
  entries: ["throws", "hangs", "waits", "fills the memory", "ends"],
  changes: fc.array(fc.nat(100), { minLength: 3, maxLength: 9 }),
  async run(entry, changes) {
    await Promise.resolve();
    if (entry === "throws" && changes.some((one) => one > 10)) throw new TypeError("x is undefined");
    while (entry === "hangs");
    // A timer, for a process in which nothing can happen any more ends.
    if (entry === "waits") await new Promise((resolve) => setTimeout(resolve, 2 ** 30));
    const kept: Uint8Array[] = [];
    while (entry === "fills the memory") kept.push(new Uint8Array(2 ** 22).fill(1));
    if (entry === "ends") Deno.exit(3);
  },
});

/** Loads a target by its name. */
export async function loadTarget(name: string): Promise<Target> {
  if (name === "failing") return failing;
  if (Object.hasOwn(TARGETS, name)) return await TARGETS[name]();
  throw new Error(`there is no target ${name}, only ${Object.keys(TARGETS).join(", ")}`);
}
