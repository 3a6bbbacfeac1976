/**
 * What a queue of jobs is to those that use it: search, compression and sweeps submit jobs and wait for results, workers take them.
 *
 * @module
 */

import { hashOfData } from "../report/table/recipe.ts";
import type { FileStore } from "./files.ts";

/** Something to be done by whoever has time. */
export interface Job {
  /** Which handler does it. */
  readonly kind: string;
  /** What the handler is told: plain data, as JSON has it. Files are named by their hashes in `JobQueue.files`. */
  readonly input: object;
  /** Jobs of higher priority are taken first; 0 by default. */
  readonly priority?: number;
  /** What people call it. */
  readonly title?: string;
  /** Tells apart jobs of the same kind and input that shall both be done, such as a measurement that is repeated. */
  readonly again?: string;
}

/**
 * `waiting`: nobody has taken it yet, or it is tried again. `running`: a worker has it. `done`: there is a result. `failed`: it is not
 * tried again. `cancelled`: nobody wants it any more.
 */
export type JobState = "waiting" | "running" | "done" | "failed" | "cancelled";

/** What is known of a job. */
export interface JobStatus {
  /** What `submit` returned. */
  readonly id: string;
  /** Which handler does it. */
  readonly kind: string;
  /** What people call it. */
  readonly title?: string;
  /** Where it is on its way. */
  readonly state: JobState;
  /** Jobs of higher priority are taken first. */
  readonly priority: number;
  /** How often it has been tried again. */
  readonly retries: number;
  /** Why it failed, or why it is tried again. */
  readonly error?: string;
  /** Who has done it. */
  readonly worker?: string;
  /** How long the last try took, once it is done. */
  readonly seconds?: number;
}

/** How far a queue is. */
export interface Progress extends Readonly<Record<JobState, number>> {
  /** Every job, in the order in which they were submitted. */
  readonly jobs: readonly JobStatus[];
}

/** A job in the hands of a worker. */
export interface HeldJob {
  /** What `submit` returned. */
  readonly id: string;
  /** Which handler does it. */
  readonly kind: string;
  /** What the handler is told. */
  readonly input: object;
  /** What people call it. */
  readonly title?: string;
  /** How often it has been tried before. */
  readonly retries: number;
  /** Aborted when the worker shall stop, or when the job was given to somebody else. */
  readonly signal: AbortSignal;
}

/**
 * Does a job and returns its result, plain data. Throws FeatherdetError for what trying again would not mend: the job has then failed. After
 * any other error it is tried again.
 */
export type JobHandler = (job: HeldJob) => Promise<unknown>;

/** How a worker works. */
export interface WorkOptions {
  /** Ends it; the job in hand is given back unless its handler finishes. */
  readonly signal?: AbortSignal;
  /** Ends when no job waits or runs. */
  readonly untilEmpty?: boolean;
  /** Told of each job that was taken, and of what became of it. */
  readonly onJob?: (job: HeldJob, became?: "done" | "failed" | "again", error?: string) => void;
}

/**
 * A queue of jobs. Any number of processes use one at the same time.
 *
 * A job is known by its content: submitting it again returns the same id, and its result is not computed twice.
 */
export interface JobQueue extends AsyncDisposable {
  /** Where the queue is, without passwords. */
  readonly where: string;
  /** Files by their content's hash, for jobs and their results. */
  readonly files: FileStore;
  /** Puts a job in and returns its id. One that is there already is not put in again; if it had failed, it is tried anew. */
  submit(job: Job): Promise<string>;
  /** Waits for a job's result. Throws FeatherdetError if it failed or nobody knows it, and the signal's reason if that comes first. */
  result(id: string, options?: { readonly signal?: AbortSignal }): Promise<unknown>;
  /** What is known of all jobs. */
  progress(): Promise<Progress>;
  /** Takes a job out that nobody has begun; the signal of one that runs is aborted at its worker's next sign of life. */
  cancel(id: string): Promise<void>;
  /** Does jobs one after the other, those of highest priority first, until it is told to stop. */
  work(handler: JobHandler, options?: WorkOptions): Promise<void>;
}

/** The id of a job: the first 128 bits of SHA-256 over kind, input and `again`, written as a UUID (version 8 of RFC 9562). */
export function jobId({ kind, input, again }: Job): string {
  const hex = hashOfData({ kind, input, again });
  const variant = (8 + parseInt(hex[16], 16) % 4).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ]
    .join("-");
}
