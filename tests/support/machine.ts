/**
 * Machines of every kind for the set-up, which are told what they have and keep what is done to them.
 *
 * @module
 */

import type { System } from "../../src/host/setup/system.ts";

/** What a machine has; by default it is a bare Debian, the user being root. */
export interface Machine {
  readonly adapter?: boolean;
  readonly root?: boolean;
  readonly apt?: boolean;
  readonly variables?: Readonly<Record<string, string>>;
  /** Commands (by their first two words) that fail, with what they print. */
  readonly failing?: Readonly<Record<string, string>>;
  /** Commands that are not there until something was installed. */
  readonly absent?: readonly string[];
}

/** A machine, and the list of the commands that it has been given. */
export function machine(
  { adapter = false, root = true, apt = true, variables = {}, failing = {}, absent = [] }: Machine,
): { system: System; commands: string[] } {
  const commands: string[] = [];
  let isInstalled = false;
  const system: System = {
    hasAdapter: () => Promise.resolve(adapter),
    variable: (name) => variables[name],
    isRoot: () => root,
    hasApt: () => apt,
    run(command, args) {
      commands.push([command, ...args].join(" "));
      if (absent.includes(command) && !isInstalled) return Promise.reject(new Deno.errors.NotFound(command));
      const output = failing[`${command} ${args[0]}`];
      isInstalled ||= args[0] === "install" && output === undefined;
      return Promise.resolve({ success: output === undefined, output: output ?? "" });
    },
  };
  return { system, commands };
}
