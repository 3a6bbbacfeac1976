/**
 * `family`: counts and times every detector that can be built by name, and writes one page.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { writeWhole } from "../host/whole_file.ts";
import { measureFamily } from "../recipes/family.ts";
import { familyPage, familyRows } from "../report/family_page.ts";
import { inputSize, integerIn } from "./arguments.ts";
import { precisionOption } from "./detection_options.ts";
import { action, deviceAction, deviceVerb } from "./verb.ts";

/** The page that lists every member. */
export const FAMILY_PAGE = new URL("../../docs/family.md", import.meta.url);

/** The verb `family`. */
export const familyVerb = deviceVerb(
  "family",
  "Count and time every detector that is built by name, and write docs/family.md.",
  "deno task family --size 320",
)
  .option("--models <names...>", "only these members; the page is not written then")
  .option("--size <pixels>", "side of the square input", inputSize, 320)
  .addOption(precisionOption())
  .option("--no-latency", "only count, without a device; the page is not written then")
  .option("--runs <number>", "samples of each time", integerIn(1, 10_000), 10)
  .action(async (options) => {
    const run = options.latency ? deviceAction<typeof options> : action<typeof options>;
    await run(async ({ models, size, precision, latency, runs }, output) => {
      output.note("counting the models");
      const table = await measureFamily({ models, size, precision, runs, latency }, (line) => output.note(line));
      output.line(familyRows(table));
      if (latency && models === undefined) {
        await writeWhole(fileURLToPath(FAMILY_PAGE), familyPage(table));
        output.note(`written: ${fileURLToPath(FAMILY_PAGE)}`);
      }
      return table;
    })(options);
  });
