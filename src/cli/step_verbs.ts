/**
 * The verbs of recipes, run in this process as the command line runs them.
 *
 * @module
 */

import { Command, CommanderError } from "npm:@commander-js/extra-typings@15.1.0";
import { sentence } from "../host/file_error.ts";
import type { OptionCheck, RecipeVerbName } from "../report/table/mod.ts";
import { compressCommand, runCompress } from "./compress_verb.ts";
import { fetchSource } from "./data.ts";
import { EXPORT } from "./export.ts";
import type { Output } from "./output.ts";
import { runPrune } from "./prune.ts";
import { pruneCommand } from "./prune_options.ts";
import { QUANTIZE } from "./quantize.ts";
import { givenOptions, runTrain } from "./train.ts";
import { trainCommand } from "./train_options.ts";

/** A command that has parsed its arguments, ready to run: what `--json` prints of it, `reason` where it can be interrupted. */
export type ReadyVerb = (output: Output) => Promise<{ readonly reason?: string }>;

/** Parses arguments as the command line does, but throws where it would end the program. */
function parse<Parsed extends { exitOverride(): unknown; configureOutput(o: object): unknown }>(
  command: Parsed & { parse(words: readonly string[], from: { from: "user" }): unknown },
  words: readonly string[],
): Parsed {
  command.exitOverride();
  command.configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} });
  command.parse(words, { from: "user" });
  return command;
}

/** Each verb: parses its arguments. Throws CommanderError for those that it does not take. */
const VERBS: Readonly<Record<RecipeVerbName, (words: readonly string[]) => ReadyVerb>> = {
  data(words) {
    const command = parse(new Command("data").argument("<name>").allowExcessArguments(false), words);
    return (output) => fetchSource(command.args[0], output);
  },
  train(words) {
    const command = parse(trainCommand(), words);
    return (output) => runTrain(givenOptions(command.opts(), command), output);
  },
  prune(words) {
    const command = parse(pruneCommand(), words);
    return (output) => runPrune(command.opts(), output);
  },
  quantize(words) {
    const command = parse(compressCommand(QUANTIZE), words);
    return (output) => runCompress(QUANTIZE, command, output);
  },
};

/** A verb with its arguments, parsed. Throws CommanderError for arguments that the verb does not take. */
export function readyVerb(verb: RecipeVerbName, words: readonly string[]): ReadyVerb {
  return VERBS[verb](words);
}

/** The verb `export` with its arguments, parsed. Throws CommanderError for arguments that it does not take. */
export function readyExport(words: readonly string[]): ReadyVerb {
  const command = parse(compressCommand(EXPORT), words);
  return (output) => runCompress(EXPORT, command, output);
}

/** Says in one sentence which argument a verb does not take. */
export const checkOptions: OptionCheck = (verb, words) => {
  try {
    readyVerb(verb, words);
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return sentence(error).replace(/^error: /, "").replace(/\.$/, "");
  }
};
