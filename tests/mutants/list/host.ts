/**
 * Mutants of locks, whole files, signals and workers.
 *
 * @module
 */

import type { Mutant } from "../mutant.ts";

const DATA = "data/faults_test.ts";

/** What keeps processes apart and ends what was asked to end. */
export const HOST_MUTANTS: readonly Mutant[] = [
  {
    id: "lock-on-removed-file",
    file: "src/data/file_lock.ts",
    before: "return ino === own.ino && dev === own.dev;",
    after: "return true;",
    test: DATA,
    filter: "a lock on a file that is gone",
    why: "two hold the lock: one on a file that is gone",
  },
  {
    id: "lock-shared",
    file: "src/data/file_lock.ts",
    before: "if (!open.tryLockSync(true)) {",
    after: "if (!open.tryLockSync(false)) {",
    test: DATA,
    filter: "a lock is held by one",
    why: "two processes work in one run folder",
  },
  {
    id: "write-not-cleared",
    file: "src/data/whole_file.ts",
    before: "await Deno.remove(unfinished).catch(() => {});",
    after: "",
    test: DATA,
    filter: "a file is written whole",
    why: "what could not be written stays beside the file",
  },
  {
    id: "write-copied",
    file: "src/data/whole_file.ts",
    before: "await Deno.rename(unfinished, file);",
    after: "await Deno.copyFile(unfinished, file);",
    test: DATA,
    filter: "a file is written whole",
    why: "a copy that ends in the middle is half a file",
  },
  {
    id: "short-write",
    file: "src/data/whole_file.ts",
    before: "while (bytes.length > 0) bytes = bytes.subarray(await open.write(bytes));",
    after: "await open.write(bytes);",
    test: DATA,
    filter: "a write that takes a part",
    why: "a system that takes a part of the bytes makes half a file",
  },
  {
    id: "journal-of-two",
    file: "src/host/evaluation_file.ts",
    before: "if (!this.#open.tryLockSync(true)) {",
    after: "if (!this.#open) {",
    test: "host/faults_test.ts",
    filter: "a journal that another evaluation writes",
    why: "two evaluations write one journal",
  },
  {
    id: "journal-line-form",
    file: "src/host/evaluation_file.ts",
    before: "if (faultOf(run === undefined ? JOURNAL_FORM : IMAGE_RECORD_FORM, line) !== undefined) break;",
    after: "",
    test: "host/faults_test.ts",
    filter: "lines of a journal count up to",
    why: "a line that was cut counts as a picture's detections",
  },
  {
    id: "hang-done-here",
    file: "src/data/side_worker.ts",
    before: "late.reject(new FeatherdetError(`takes longer than ${late.patience / 1000} s and was given up`));",
    after: "late.resolve(undefined);",
    test: DATA,
    filter: "a worker that hangs is ended",
    why: "what hangs in a worker is done again where nothing can end it",
  },
  {
    id: "aborted-before",
    file: "src/graph/abort.ts",
    before: "if (signal.aborted) stop();",
    after: "",
    test: "graph/abort_test.ts",
    filter: "a signal ends the waiting",
    why: "a signal that was given before is not heard",
  },
  {
    id: "stream-deaf",
    file: "src/detect/ordered_stream.ts",
    before: 'const came = await unlessAborted(Promise.race<Step<Result> | "first">(candidates), signal);',
    after: 'const came = await Promise.race<Step<Result> | "first">(candidates);',
    test: "detect/ordered_stream_test.ts",
    filter: "a signal ends a stream whose source never gives again",
    why: "a stream whose camera is silent cannot be ended",
  },
  {
    id: "finished-results-lost",
    file: "src/detect/ordered_stream.ts",
    before: "while (end === undefined || waiting.length > 0) {",
    after: 'while (end === undefined || end.kind !== "failed" && waiting.length > 0) {',
    test: "detect/ordered_stream_test.ts",
    filter: "what is finished before an error",
    why: "results of the frames before a broken picture are lost",
  },
  {
    id: "source-left-open",
    file: "src/detect/ordered_stream.ts",
    before: "if (!hasSourceEnded) {",
    after: "if (hasSourceEnded) {",
    test: "detect/ordered_stream_test.ts",
    filter: "whoever leaves a stream closes its source",
    why: "cameras and files stay open",
  },
  {
    id: "biased-shuffle",
    file: "src/data/augment/order.ts",
    before: "const other = random.integer(last + 1);",
    after: "const other = random.integer(order.length);",
    test: "data/augment/batches_test.ts",
    filter: "orders of pictures are evenly distributed",
    why: "some orders of pictures come more often than others",
  },
  {
    id: "shuffle-by-neighbours",
    file: "src/data/augment/order.ts",
    before: "const other = random.integer(last + 1);",
    after: "const other = random.integer(last);",
    test: "data/augment/batches_test.ts",
    filter: "orders of pictures are evenly distributed",
    why: "no picture ever stays at its place: a sixth of the orders of three at most comes",
  },
];
