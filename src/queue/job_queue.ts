/**
 * A queue of jobs on pg-boss: priorities, tries after failures, and jobs of lost workers given to others are its own.
 *
 * @module
 */

import { hostname } from "node:os";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import type { JobWithMetadata, PgBoss } from "npm:pg-boss@12.38.0";
import { FeatherdetError } from "../graph/error.ts";
import { parseQueueUrl } from "./address.ts";
import { type Connection, isLost, openDatabase } from "./database.ts";
import { databaseFiles, type FileStore, folderFiles } from "./files.ts";
import { type HeldJob, type Job, type JobHandler, jobId, type JobQueue, type JobState } from "./job.ts";
import type { JobStatus, Progress, WorkOptions } from "./job.ts";

/** How a queue is opened. */
export interface QueueSettings {
  /** A worker that gives no sign of life for so long is lost, and its job is given to another; 60 s by default, at least 10 s. */
  readonly heartbeatSeconds?: number;
  /** How often a job is tried again after a failure that trying again may mend, or a lost worker; 5 by default. */
  readonly retries?: number;
  /** Told of what goes wrong in the background. */
  readonly onWarning?: (text: string) => void;
}

/** What is kept of a job as pg-boss's data. */
type Kept = Pick<Job, "kind" | "input" | "title">;

/** What is kept of a result. */
interface Outcome {
  readonly value: unknown;
  readonly worker: string;
  readonly seconds: number;
}

/** The longest that pg-boss lets a job take, and a job wait. */
const DAY = 86_400, LONGEST_WAIT = 365 * DAY;

/** Jobs that are asked for at a time. */
const PAGE = 1000;

/** Between two looks for a job, and for a result, in milliseconds; results are looked for more often at first. */
const LOOK = 500, FIRST_LOOK = 20;

const STATES: Readonly<Record<string, JobState>> = {
  ...{ created: "waiting", retry: "waiting", active: "running", completed: "done" },
  ...{ failed: "failed", cancelled: "cancelled" },
};

/** Why a job failed, from what pg-boss has kept. */
function reasonOf(output: unknown): string | undefined {
  const { message, error } = (output ?? {}) as { message?: unknown; error?: unknown };
  return typeof error === "string" ? error : typeof message === "string" ? message : undefined;
}

function statusOf({ id, data, state, priority, retryCount, output }: JobWithMetadata<Kept>): JobStatus {
  const { worker, seconds } = (state === "completed" ? output : {}) as Partial<Outcome>;
  const error = state === "completed" ? undefined : reasonOf(output);
  return {
    ...{ id, kind: data.kind, ...(data.title !== undefined && { title: data.title }) },
    ...{ state: STATES[state], priority, retries: retryCount },
    ...(error !== undefined && { error }),
    ...(worker !== undefined && { worker, seconds }),
  };
}

class BossQueue implements JobQueue {
  constructor(
    readonly where: string,
    readonly files: FileStore,
    private readonly boss: PgBoss,
    private readonly name: string,
    private readonly connection: Connection,
  ) {}

  async #find(id: string): Promise<JobWithMetadata<Kept> | undefined> {
    return (await this.boss.findJobs<Kept>(this.name, { id }))[0];
  }

  async submit(job: Job): Promise<string> {
    const id = jobId(job), { kind, input, title, priority = 0 } = job;
    const kept: Kept = { kind, input, ...(title !== undefined && { title }) };
    if (await this.boss.send(this.name, kept, { id, priority }) !== null) return id;
    const there = await this.#find(id);
    if (there?.state === "failed") await this.boss.retry(this.name, id);
    else if (there?.state === "cancelled") await this.boss.resume(this.name, id);
    return id;
  }

  async result(id: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<unknown> {
    for (let wait = FIRST_LOOK;; wait = Math.min(2 * wait, LOOK)) {
      signal?.throwIfAborted();
      const job = await this.#find(id);
      if (job === undefined) throw new FeatherdetError(`the queue ${this.where} has no job "${id}"`);
      if (job.state === "completed") return (job.output as unknown as Outcome).value;
      if (job.state === "failed" || job.state === "cancelled") {
        const what = `the job "${job.data.title ?? job.data.kind}"`;
        const why = job.state === "failed" ? `failed: ${reasonOf(job.output) ?? "nobody knows why"}` : "was cancelled";
        throw new FeatherdetError(`${what} ${why}`);
      }
      await pause(wait, undefined, { signal }).catch((error) => {
        throw signal?.reason ?? error;
      });
    }
  }

  async progress(): Promise<Progress> {
    const found: JobStatus[] = [];
    let page: JobWithMetadata<Kept>[] = [];
    do {
      const after = page.at(-1)?.id;
      page = await this.boss.findJobs<Kept>(this.name, { limit: PAGE, ...(after !== undefined && { after }) });
      found.push(...page.map(statusOf));
    } while (page.length === PAGE);
    const count = (state: JobState) => found.filter((job) => job.state === state).length;
    return {
      ...{ waiting: count("waiting"), running: count("running"), done: count("done") },
      ...{ failed: count("failed"), cancelled: count("cancelled"), jobs: found },
    };
  }

  async cancel(id: string): Promise<void> {
    await this.boss.cancel(this.name, id);
  }

  async work(handler: JobHandler, { signal, untilEmpty, onJob }: WorkOptions = {}): Promise<void> {
    if (signal?.aborted) return;
    const worker = `${hostname()}:${process.pid}`;
    const own = new AbortController();
    const options = {
      ...{ batchSize: 1, perJobResults: true as const, includeMetadata: true as const },
      pollingIntervalSeconds: LOOK / 1000,
    };
    const id: string = await this.boss.work<Kept, unknown, typeof options>(this.name, options, async ([taken]) => {
      const signals = [taken.signal, ...(signal ? [signal] : [])];
      const held: HeldJob = {
        ...{ id: taken.id, kind: taken.data.kind, input: taken.data.input, title: taken.data.title },
        ...{ retries: taken.retryCount, signal: AbortSignal.any(signals) },
      };
      onJob?.(held);
      const started = performance.now();
      try {
        const value = await handler(held) ?? null;
        const output: Outcome = { value, worker, seconds: (performance.now() - started) / 1000 };
        onJob?.(held, "done");
        return [{ id: taken.id, status: "completed", output }];
      } catch (error) {
        // Nobody mends by trying again what is wrong with the job itself; pg-boss has no other word for that.
        const isFinal = error instanceof FeatherdetError && !held.signal.aborted;
        const message = error instanceof Error ? error.message : String(error);
        onJob?.(held, isFinal ? "failed" : "again", message);
        return [{ id: taken.id, status: isFinal ? "deadletter" : "failed", output: { error: message } }];
      } finally {
        // The next one is looked for at once, not at the next look.
        if (!held.signal.aborted) this.boss.notifyWorker(id);
      }
    });
    const stopped = signal ? AbortSignal.any([signal, own.signal]) : own.signal;
    for (let wait = FIRST_LOOK; !stopped.aborted; wait = Math.min(2 * wait, LOOK)) {
      await pause(wait, undefined, { signal: stopped }).catch(() => {});
      if (untilEmpty && !stopped.aborted) {
        const { waiting, running } = await this.progress();
        if (waiting + running === 0) own.abort();
      }
    }
    await this.boss.offWork(this.name, { id, wait: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.boss.stop({ graceful: true, timeout: 5000 });
    await this.connection.close();
  }
}

/**
 * Opens a queue of jobs by its URL (see `parseQueueUrl`), and makes it where there is none.
 *
 * Throws FeatherdetError for a URL of another form and for a database that cannot be opened.
 */
export async function openJobQueue(url: string, settings: QueueSettings = {}): Promise<JobQueue> {
  const { heartbeatSeconds = 60, retries = 5, onWarning = () => {} } = settings;
  const address = parseQueueUrl(url), connection = await openDatabase(address);
  try {
    const { PgBoss } = await import("npm:pg-boss@12.38.0");
    const seconds = Math.max(1, Math.floor(heartbeatSeconds / 4));

    const boss = new PgBoss({
      db: { executeSql: (text, values) => connection.executeSql(text, values) },
      ...{
        schedule: false,
        superviseIntervalSeconds: seconds,
        monitorIntervalSeconds: seconds,
        registerInstance: false,
      },
      // Rows of a queue are few, and the checks are for many.
      ...{ reindex: false, monitorVacuum: false },
    });
    boss.on("error", (error) => {
      if (!isLost(error)) onWarning(error.message);
    });
    await boss.start();
    const { name } = address;
    const options = {
      ...{ expireInSeconds: DAY, retentionSeconds: LONGEST_WAIT, deleteAfterSeconds: 0, heartbeatSeconds },
      ...{ retryLimit: retries, retryDelay: 1, retryBackoff: true, retryDelayMax: 60 },
    };
    await boss.createQueue(name, options);
    const files = address.files === undefined ? await databaseFiles(connection) : folderFiles(address.files);
    return new BossQueue(address.shown, files, boss, name, connection);
  } catch (error) {
    await connection.close();
    throw error;
  }
}
