/**
 * All that the fuzzer tries, by name.
 *
 * @module
 */

import fc from "npm:fast-check@4.10.2";
import type { Target } from "./target.ts";
import { target } from "./target.ts";
import { dataTarget } from "./target_data.ts";
import { httpTarget } from "./target_http.ts";
import { onnxTarget } from "./target_onnx.ts";
import { picturesTarget } from "./target_pictures.ts";
import { recordsTarget } from "./target_records.ts";

/** What is tried by default. */
export const TARGETS: Readonly<Record<string, Target>> = {
  onnx: onnxTarget,
  pictures: picturesTarget,
  data: dataTarget,
  records: recordsTarget,
  http: httpTarget,
};

/** Programs that fail in every way, by which the watch is tested. */
export const FAILING: Readonly<Record<string, Target>> = {
  failing: target<number>({
    entries: ["throws", "hangs", "fills the memory", "ends"],
    changes: fc.array(fc.nat(100), { minLength: 3, maxLength: 9 }),
    async run(entry, changes) {
      await Promise.resolve();
      if (entry === "throws" && changes.some((one) => one > 10)) throw new TypeError("x is undefined");
      while (entry === "hangs");
      const kept: Uint8Array[] = [];
      while (entry === "fills the memory") kept.push(new Uint8Array(2 ** 22).fill(1));
      if (entry === "ends") Deno.exit(3);
    },
  }),
};
