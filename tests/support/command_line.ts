/**
 * The command line in a process of its own.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { permissionsOf } from "./task_permissions.ts";

const CLI = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));

/** How a command ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  /** Lines of stderr, as `ownLines` leaves them. */
  readonly lines: readonly string[];
  /** The same as one text. */
  readonly stderr: string;
}

/** The command, not yet started. */
export function command(args: readonly string[], env: Readonly<Record<string, string>> = {}): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", ...permissionsOf(args[0]), CLI, ...args],
    env: { NO_COLOR: "1", FEATHERDET_NO_INSTALL: "1", XDG_RUNTIME_DIR: "/tmp", ...env },
    ...{ stdin: "null", stdout: "piped", stderr: "piped" },
  });
}

/** Lines of the toolkit itself, but for those that say what is being made ready. */
export function ownLines(stderr: string): string[] {
  return stderr.split("\n").filter((line) =>
    line !== "" && !/^Download |^adapter: |^preparing |^reading |XDG_RUNTIME_DIR/.test(line)
  );
}

/** Runs a command to its end. */
export function commandLine(args: readonly string[]): Promise<Ended> {
  return commandLineIn({}, args);
}

/** Runs a command to its end, with variables of its environment. */
export async function commandLineIn(env: Readonly<Record<string, string>>, args: readonly string[]): Promise<Ended> {
  const { code, stdout, stderr } = await command(args, env).output();
  const text = new TextDecoder();
  const lines = ownLines(text.decode(stderr));
  return { code, stdout: text.decode(stdout), lines, stderr: lines.join("\n") };
}
