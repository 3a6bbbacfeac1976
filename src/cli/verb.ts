/**
 * What all verbs of the command line share: `--json`, errors in one sentence, the exit status, and the adapter's set-up.
 *
 * @module
 */

import { Command, type CommandUnknownOpts } from "npm:@commander-js/extra-typings@15.1.0";
import config from "../../deno.json" with { type: "json" };
import type { EngineName } from "../engine/session.ts";
import { adapterText, openSharedDevice } from "../gpu/device.ts";
import { sentence } from "../host/file_error.ts";
import { ensureAdapter, TRIED_VARIABLE } from "../host/setup/adapter.ts";
import { runAgain, thisSystem } from "../host/setup/system.ts";
import { meantFor, meantOption } from "./meant_option.ts";
import { Output } from "./output.ts";

/** Set to 1 to see where an error came from. */
export const DEBUG_VARIABLE = "FEATHERDET_DEBUG";

/** Version of the program. */
export const VERSION: string = config.version;

/** Makes the library report a wrong argument in one line, its guess at what was meant included. */
export const ONE_LINE = {
  outputError: (text: string, write: (text: string) => void) => write(`${sentence(text)}\n`),
};

/** The first word behind the verb, if it is the value of no option. */
function strayValue(known: readonly string[]): string | undefined {
  const [, first] = Deno.args;
  return first === undefined || first.startsWith("-") || known.length === 0 ? undefined : first;
}

/** As `ONE_LINE`, with what an option that other programs have is called here. */
function oneLineFor(command: () => CommandUnknownOpts) {
  return {
    outputError(text: string, write: (text: string) => void) {
      const known = command().options.map(({ long }) => long ?? "");
      const [, unknown] = /unknown option '(--?[\w-]+)/.exec(text) ?? [];
      const [, missing] = /required option '(--[\w-]+)/.exec(text) ?? [];
      const meant = unknown === undefined || /did you mean/i.test(text) ? undefined : meantOption(unknown, known);
      const [, extra] = /too many arguments.*got \d+: ([^,]+?)(?:,.*)?\.$/.exec(text.trim()) ?? [];
      const bare = extra ?? (missing === undefined ? undefined : strayValue(known));
      const named = bare === undefined ? undefined : meantFor(bare, known);
      // What is missing is complained of first, even where it is there under another name.
      const instead = Deno.args.find((word) => !known.includes(word) && meantOption(word, known) === missing);
      const hint = meant !== undefined
        ? ` (Did you mean ${meant}?)`
        : named !== undefined
        ? ` (Did you mean ${named} ${bare}?)`
        : missing !== undefined && instead !== undefined
        ? `, ${instead} is unknown`
        : "";
      write(`${sentence(`${text.trimEnd()}${hint}`)}\n`);
    },
  };
}

/** A command for one verb, with its description, example and the options that all verbs have. */
export function verb(name: string, summary: string, example: string) {
  const command = new Command(name);
  return command
    .description(summary)
    .configureOutput(oneLineFor(() => command))
    .version(VERSION, "--version", "print the version of the program")
    .option("--json", "print one JSON object on stdout, everything else on stderr")
    .addHelpText("after", `\nExample:\n  ${example}`)
    .allowExcessArguments(false);
}

/** As `verb`, for those that compute on the device: `--no-install` forbids installing a driver. */
export function deviceVerb(name: string, summary: string, example: string) {
  return verb(name, summary, example)
    .option("--no-install", "where no adapter is found, name the command that helps instead of running it");
}

/** Reports an error on stderr and sets the exit status. */
export function reportError(error: unknown): void {
  const output = new Output(false);
  output.note(`error: ${sentence(error)}`);
  if (Deno.env.get(DEBUG_VARIABLE) === "1" && error instanceof Error) output.note(error.stack ?? "");
  Deno.exitCode = 1;
}

/** Raised to end a verb with a status after everything has been said. */
export class Quit extends Error {
  /** Ends with this exit status. */
  constructor(readonly code: number) {
    super(`exit status ${code}`);
  }
}

/** Makes a verb's action: runs it with an `Output`, prints its result as the JSON object, reports its error. */
export function action<Options extends { json?: true; jsonl?: true }>(
  run: (options: Options, output: Output) => Promise<object>,
): (options: Options) => Promise<void> {
  return async (options) => {
    const output = new Output(options.json === true, options.jsonl === true);
    try {
      output.object(await run(options, output));
    } catch (error) {
      if (error instanceof Quit) Deno.exitCode = error.code;
      else reportError(error);
    }
  };
}

/**
 * As `action`, after making sure that there is an adapter. Starts the program again if a driver was installed. Without an adapter is done
 * what is asked of the CPU engine, and what may choose it.
 */
export function deviceAction<
  Options extends { json?: true; jsonl?: true; install: boolean; engine?: EngineName | "auto" },
>(
  run: (options: Options, output: Output) => Promise<object>,
): (options: Options) => Promise<void> {
  return action<Options>(async (options, output) => {
    const { engine } = options;
    if (engine === "cpu" || engine === "auto" && !await thisSystem.hasAdapter()) return await run(options, output);
    const state = await ensureAdapter(thisSystem, { install: options.install, say: (line) => output.note(line) });
    if (state === "present") {
      // Programs that are started from here set up for themselves.
      Deno.env.delete(TRIED_VARIABLE);
      // The first words, before anything takes long.
      output.note(`adapter: ${adapterText((await openSharedDevice()).adapter)}`);
      return await run(options, output);
    }
    throw new Quit(await runAgain(Deno.mainModule, Deno.args, { [TRIED_VARIABLE]: "1" }));
  });
}
