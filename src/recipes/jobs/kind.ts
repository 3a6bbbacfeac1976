/**
 * What a kind of job is: the form of its input, and what a worker does with it.
 *
 * @module
 */

import { join } from "node:path";
import * as v from "npm:valibot@1.5.0";
import { FeatherdetError } from "../../graph/error.ts";
import { makeFolder } from "../../host/table_files.ts";
import { writeWhole } from "../../host/whole_file.ts";
import type { FileStore } from "../../queue/files.ts";
import { faultOf } from "../../numbers/forms.ts";
import type { RunVerb } from "../reproduce/make.ts";

/** What a worker has for a job. */
export interface JobContext {
  /** Files of jobs and results by their hashes. */
  readonly files: FileStore;
  /** A folder of this job on this machine, which a further try on the same machine finds again. */
  readonly folder: string;
  /** Aborted when the worker shall stop or has lost the job. */
  readonly signal: AbortSignal;
  /** Runs a verb as the command line does. */
  readonly run: RunVerb;
  /** Tells people how it goes. */
  readonly say: (line: string) => void;
}

/** A kind of job. */
export interface JobKind {
  /** What it does, in a few words. */
  readonly does: string;
  /** Does it and returns its result, plain data. Throws FeatherdetError for inputs of another form. */
  run(input: object, context: JobContext): Promise<unknown>;
}

/** A kind whose inputs have a form. */
export function jobKind<Input extends object>(
  does: string,
  form: v.GenericSchema<unknown, Input>,
  run: (input: Input, context: JobContext) => Promise<unknown>,
): JobKind {
  return {
    does,
    async run(input, context) {
      const fault = faultOf(form, input);
      if (fault !== undefined) throw new FeatherdetError(`the job's input: ${fault}`);
      return await run(v.parse(form, input), context);
    },
  };
}

/** A name of a file without a folder. */
export const FILE_NAME: v.GenericSchema<string> = v.pipe(
  v.string("expected the name of a file"),
  v.regex(/^(?!\.)[\w.-]{1,100}$/, "expected the name of a file"),
);

/** Puts a stored file into a folder and returns its path. */
export async function placeFile(
  { files }: Pick<JobContext, "files">,
  hash: string,
  folder: string,
  name: string,
): Promise<string> {
  await makeFolder(folder);
  const path = join(folder, name);
  await writeWhole(path, await files.get(hash));
  return path;
}

/** What ends a job whose verb was interrupted: it goes on when it is tried again. */
export function interrupted(): Error {
  return new Error("interrupted");
}
