/**
 * Runs commands one after the other in this process, and prints a JSON list of how each of them ended. A program of its own for
 * `commandLines`: `many_commands.ts '[["inspect", "--help"], ["detect"]]'`.
 *
 * @module
 */

import { CommanderError } from "npm:@commander-js/extra-typings@15.1.0";
import { program } from "../../src/cli.ts";
import { reportError } from "../../src/cli/verb.ts";

/** What a command left: exit status and what it wrote. */
export interface Left {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(args: readonly string[]): Promise<Left> {
  const said = { stdout: "", stderr: "" };
  const keep = (stream: "stdout" | "stderr") => {
    const decoder = new TextDecoder();
    Deno[stream].writeSync = (bytes) => {
      said[stream] += decoder.decode(bytes, { stream: true });
      return bytes.length;
    };
  };
  keep("stdout");
  keep("stderr");
  // Remarks look for what was meant among the arguments of the program.
  Object.defineProperty(Deno, "args", { value: args, configurable: true });
  Deno.exitCode = 0;
  try {
    const whole = await program(args[0]);
    for (const command of [whole, ...whole.commands]) {
      command.exitOverride().configureOutput({
        writeOut: (text) => said.stdout += text,
        writeErr: (text) => said.stderr += text,
      });
    }
    await whole.parseAsync([...args], { from: "user" });
  } catch (error) {
    // Where the command line would have ended the process, the message has been written.
    if (error instanceof CommanderError) Deno.exitCode = error.exitCode;
    else reportError(error);
  }
  return { code: Deno.exitCode, ...said };
}

if (import.meta.main) {
  const write = Deno.stdout.writeSync.bind(Deno.stdout), lists: string[][] = JSON.parse(Deno.args[0]);
  const ended: Left[] = [];
  for (const args of lists) ended.push(await run(args));
  const bytes = new TextEncoder().encode(JSON.stringify(ended));
  for (let at = 0; at < bytes.length;) at += write(bytes.subarray(at));
  Deno.exit(0);
}
