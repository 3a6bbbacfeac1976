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
export function command(args: readonly string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", ...permissionsOf(args[0]), CLI, ...args],
    env: { NO_COLOR: "1", FEATHERDET_NO_INSTALL: "1", XDG_RUNTIME_DIR: "/tmp" },
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
export async function commandLine(args: readonly string[]): Promise<Ended> {
  const { code, stdout, stderr } = await command(args).output();
  const text = new TextDecoder();
  const lines = ownLines(text.decode(stderr));
  return { code, stdout: text.decode(stdout), lines, stderr: lines.join("\n") };
}

/** Runs a command to its end, and interrupts it once stderr says something. `said` is all of stderr. */
export async function interrupted(
  args: readonly string[],
  says: RegExp,
): Promise<{ readonly code: number; readonly stdout: string; readonly said: string }> {
  const child = command(args).spawn();
  const stdout = new Response(child.stdout).text();
  let said = "", sent = false;
  for await (const part of child.stderr.pipeThrough(new TextDecoderStream())) {
    said += part;
    if (sent || !says.test(said)) continue;
    sent = true;
    child.kill("SIGINT");
  }
  return { code: (await child.status).code, stdout: await stdout, said };
}
