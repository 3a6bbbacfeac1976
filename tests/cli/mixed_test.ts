/** `deno task quantize --mixed`: it refuses what does not go together. `tests/long/mixed.ts` lets it measure and choose. */

import { assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inFolder } from "../support/data_folders.ts";
import { permissionsOf } from "../support/task_permissions.ts";

const CLI = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));

async function mixedVerb(args: readonly string[]) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", ...permissionsOf("quantize"), CLI, "quantize", "--model", "demo", "--size", "64", ...args],
    env: { NO_COLOR: "1", FEATHERDET_NO_INSTALL: "1" },
    stdin: "null",
  });
  const { code, stdout, stderr } = await child.output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

Deno.test("quantize --mixed refuses what does not go together, before it computes", () =>
  inFolder(async (folder) => {
    const out = join(folder, "mixed.onnx");
    const refused = async (args: readonly string[], sentence: RegExp) => {
      const { code, stderr } = await mixedVerb(["--calibrate", "synthetic", "--out", out, ...args]);
      assertEquals(code, 1);
      assertMatch(stderr, sentence);
    };
    await refused(["--mixed"], /--mixed needs one budget/);
    await refused(["--mixed", "--budget-map", "0.1", "--budget-ms", "5"], /--mixed needs one budget/);
    await refused(["--budget-ms", "5"], /--budget-ms is for --mixed/);
    await refused(["--mixed", "--budget-ms", "5", "--float", "none"], /leave --float and --equalise out/);
    await refused(["--mixed", "--budget-ms", "5", "--weights", "binary"], /not binary weights/);
    await refused(["--mixed", "--budget-map", "1.5"], /Expected a number from 0 to 1/);
    assertEquals([...Deno.readDirSync(folder)].length, 0);
  }));
