/**
 * `deno task fuzz`: changes good inputs (ONNX, pictures, data sets, records, answers of servers) by chance, and looks for one that is
 * answered with anything but a right result or a refusal in one sentence: another error, a hang, memory without end, a crash.
 *
 * @module
 */

import { Command } from "npm:@commander-js/extra-typings@15.1.0";
import { integerIn, numberIn } from "../../src/cli/arguments.ts";
import { TARGETS } from "./targets.ts";
import { again, type Failure, fuzz } from "./watch.ts";

const { minutes, seed, target, again: file } = new Command("fuzz")
  .description("Try inputs that were changed by chance: each is accepted, or refused in one sentence.")
  .option("--minutes <number>", "how long", numberIn(0, 1e5), 1)
  .option("--seed <number>", "of the chance", integerIn(0, 2 ** 31 - 1), 0)
  .option("--target <names...>", `what to try: ${Object.keys(TARGETS).join(", ")}; all by default`)
  .option("--again <file>", "try the cases of a file again, a JSON object a line, as a run prints them")
  .parse(Deno.args, { from: "user" }).opts();

function say({ found, message }: Failure): void {
  console.error(`${message}\n`);
  console.log(JSON.stringify(found));
}

let failed = 0;
if (file !== undefined) {
  for (const line of (await Deno.readTextFile(file)).split("\n").filter((line) => line !== "")) {
    const failure = await again(JSON.parse(line));
    if (failure === undefined) continue;
    failed++;
    say(failure);
  }
} else {
  const targets = target ?? Object.keys(TARGETS);
  const { counts, failures, computed } = await fuzz({ seed, time: minutes * 60_000, targets, onFailure: say });
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const each = Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(", ");
  // Of the processor, since a minute by the clock may be any part of it.
  console.error(`${total} cases in ${(computed / 1000).toFixed(0)} s of the processor: ${each}`);
  failed = failures.length;
}
console.error(failed === 0 ? "all answered well" : `${failed} kinds of failures`);
Deno.exitCode = failed === 0 ? 0 : 1;
