/**
 * `test`: runs the tests and the examples in the documentation; the last line of stdout counts them.
 *
 * @module
 */

import { summarize } from "./junit.ts";
import { runTests } from "./run_tests.ts";
import { deviceAction, deviceVerb } from "./verb.ts";

/** The verb `test`. */
export const testVerb = deviceVerb(
  "test",
  "Run the tests and the examples in the documentation.",
  "deno task test tests/image_decode_test.ts --filter EXIF",
)
  .argument("[paths...]", "test files or folders, all of them by default")
  .option("--filter <text>", "only tests whose names contain this, or match /this/")
  .action(async (paths, options) => {
    await deviceAction<typeof options>(async ({ filter }, output) => {
      const { code, seconds, ...counts } = await runTests({ paths, filter });
      output.line(summarize(counts));
      if (code !== 0) Deno.exitCode = code;
      return { ...counts, seconds };
    })(options);
  });
