/**
 * `test`: runs the tests and the examples in the documentation; the last line of stdout counts them.
 *
 * @module
 */

import { integerIn } from "./arguments.ts";
import { summarize } from "./junit.ts";
import { runTests } from "./run_tests.ts";
import { deviceAction, deviceVerb } from "./verb.ts";

/** The verb `test`. */
export const testVerb = deviceVerb(
  "test",
  "Run the tests and the examples in the documentation.",
  "deno task test kernels --filter depthwise",
)
  .argument("[paths...]", "test files, or folders with or without tests/ before them; all tests by default")
  .option("--changed", "only test files that a change since the last commit reaches by their imports")
  .option("--filter <text>", "only tests whose names contain this, or match /this/")
  .option("--slowest <number>", "name the so many tests that took longest", integerIn(1, 1000))
  .action(async (paths, options) => {
    await deviceAction<typeof options>(async ({ filter, changed, slowest }, output) => {
      const { code, seconds, failures, durations, ...counts } = await runTests({ paths, filter, changed });
      // Processes print as they end: what failed may stand thousands of lines above the count.
      for (const failure of failures) output.note(failure);
      const longest = slowest && durations.toSorted((a, b) => b.seconds - a.seconds).slice(0, slowest);
      for (const test of longest || []) output.note(`${test.seconds.toFixed(1)} s  ${test.file}: ${test.name}`);
      output.line(summarize(counts));
      if (code !== 0) Deno.exitCode = code;
      return { ...counts, seconds, failures, ...(longest && { slowest: longest }) };
    })(options);
  });
