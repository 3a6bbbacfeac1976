/**
 * The permissions that `deno.json` gives to the tasks of the command line, so that tests run with no others.
 *
 * @module
 */

import config from "../../deno.json" with { type: "json" };

/** The options of `deno run` of a verb's task. */
export function permissionsOf(verb: string | undefined): string[] {
  const tasks: Readonly<Record<string, { readonly command: string }>> = config.tasks;
  const found = /\bdeno run (.*) src\/cli\.ts/.exec(tasks[verb ?? ""]?.command ?? "");
  return found ? found[1].split(" ") : ["-A"];
}
