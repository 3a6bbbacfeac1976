/** `deno task quantize --mixed`: it refuses what does not go together. `tests/long/mixed.ts` lets it measure and choose. */

import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { assertRefusals } from "../support/command_line.ts";
import { inFolder } from "../support/data_folders.ts";

Deno.test("quantize --mixed refuses what does not go together, before it computes", () =>
  inFolder(async (folder) => {
    const out = join(folder, "mixed.onnx");
    const demo = ["quantize", "--model", "demo", "--size", "64", "--calibrate", "synthetic", "--out", out];
    await assertRefusals([
      [[...demo, "--mixed"], /--mixed needs one budget/],
      [[...demo, "--mixed", "--budget-map", "0.1", "--budget-ms", "5"], /--mixed needs one budget/],
      [[...demo, "--budget-ms", "5"], /--budget-ms is for --mixed/],
      [[...demo, "--mixed", "--budget-ms", "5", "--float", "none"], /leave --float and --equalise out/],
      [[...demo, "--mixed", "--budget-ms", "5", "--weights", "binary"], /not binary weights/],
      [[...demo, "--mixed", "--budget-map", "1.5"], /Expected a number from 0 to 1/],
    ]);
    assertEquals([...Deno.readDirSync(folder)].length, 0);
  }));
