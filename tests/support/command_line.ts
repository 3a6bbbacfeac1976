/**
 * The command line in processes of its own, with the permissions of its tasks and no others.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import type { Left } from "./many_commands.ts";
import { permissionsOf } from "./task_permissions.ts";

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Path of the program. */
export const CLI: string = pathOf("../../src/cli.ts");

const MANY = pathOf("many_commands.ts");

/** How a command ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  /** Lines of stderr, as `ownLines` leaves them. */
  readonly lines: readonly string[];
  /** The same as one text. */
  readonly stderr: string;
}

/** Environment variables beside those that all commands of tests get. */
export type Variables = Readonly<Record<string, string>>;

function start(args: readonly string[], variables: Variables): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: [...args],
    env: { NO_COLOR: "1", FEATHERDET_NO_INSTALL: "1", XDG_RUNTIME_DIR: "/tmp", ...variables },
    ...{ stdin: "null", stdout: "piped", stderr: "piped" },
  });
}

/** The command, not yet started. */
export function command(args: readonly string[], variables: Variables = {}): Deno.Command {
  return start(["run", ...permissionsOf(args[0]), CLI, ...args], variables);
}

/** Lines of the toolkit itself, but for those that say what is being made ready. */
export function ownLines(stderr: string): string[] {
  return stderr.split("\n").filter((line) =>
    line !== "" && !/^Download |^adapter: |^preparing |^reading |XDG_RUNTIME_DIR/.test(line)
  );
}

function endedAs({ code, stdout, stderr }: Left): Ended {
  const lines = ownLines(stderr);
  return { code, stdout, lines, stderr: lines.join("\n") };
}

/** Runs a command to its end. */
export async function commandLine(args: readonly string[], variables: Variables = {}): Promise<Ended> {
  const { code, stdout, stderr } = await command(args, variables).output();
  const text = new TextDecoder();
  return endedAs({ code, stdout: text.decode(stdout), stderr: text.decode(stderr) });
}

/** The one JSON object on stdout of a command that must succeed; `--json` is added. */
// deno-lint-ignore no-explicit-any
export async function jsonOf<Result = any>(args: readonly string[]): Promise<Result> {
  const { code, stdout, stderr } = await commandLine([...args, "--json"]);
  assertEquals(code, 0, stderr);
  assertEquals(stdout.trimEnd().split("\n").length, 1, stdout);
  return JSON.parse(stdout);
}

/**
 * Runs commands one after the other, those of equal permissions in one process: for commands that end before they compute, of which the
 * start of a process is nearly all the cost.
 */
export async function commandLines(
  commands: readonly (readonly string[])[],
  variables: Variables = {},
): Promise<Ended[]> {
  const groups = Map.groupBy(commands.keys(), (index) => permissionsOf(commands[index][0]).join(" "));
  const ended: Ended[] = [];
  for (const [permissions, indices] of groups) {
    const lists = JSON.stringify(indices.map((index) => commands[index]));
    const { stdout, stderr } = await start(["run", ...permissions.split(" "), MANY, lists], variables).output();
    const text = new TextDecoder(), list = text.decode(stdout);
    // Whatever was written past the command's output stands before the list.
    assertEquals(list[0], "[", `${list.slice(0, 500)}${text.decode(stderr)}`);
    (JSON.parse(list) as Left[]).forEach((left, i) => ended[indices[i]] = endedAs(left));
  }
  return ended;
}

/** A command that must be refused, and the sentence that says why. */
export type Refusal = readonly [args: readonly string[], sentence: RegExp];

/** Fails unless a command ended with status 1, nothing on stdout, and this one sentence on stderr. */
export function assertRefused({ code, stdout, lines }: Ended, sentence: RegExp): void {
  assertEquals([code, stdout, lines.length], [1, "", 1], `${stdout}${lines.join("\n")}`);
  assertMatch(lines[0], sentence);
}

/** Fails unless each command is refused in its sentence. */
export async function assertRefusals(refusals: readonly Refusal[]): Promise<void> {
  const ended = await commandLines(refusals.map(([args]) => args));
  refusals.forEach(([, sentence], i) => assertRefused(ended[i], sentence));
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
