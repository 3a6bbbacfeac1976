/** 40 jobs on two worker processes, one of which is killed, on PostgreSQL that is restarted and on PGlite whose holder is killed. */

import { assert, assertEquals } from "@std/assert";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { sha256Of } from "../../src/data/download/checksum.ts";
import type { JobQueue } from "../../src/queue/job.ts";
import { openJobQueue } from "../../src/queue/job_queue.ts";
import { PostgresServer, WITHOUT_POSTGRES } from "../support/postgres.ts";
import { lockOptions } from "../../src/host/setup/locked.ts";

const WORKER = fileURLToPath(new URL("../support/queue_worker.ts", import.meta.url));

/** Rounds of SHA-256 that a job takes. */
const WORK = 20_000;

/** Jobs in an order that has nothing to do with their priorities. */
const JOBS = Array.from({ length: 40 }, (_, i) => {
  const n = i * 17 % 40;
  return { n, priority: n % 4 };
});

interface Said {
  readonly word: "takes" | "has done";
  readonly n: number;
  readonly priority: number;
}

/** A worker process and what it has said. */
class Worker {
  readonly said: Said[] = [];
  readonly child: Deno.ChildProcess;
  readonly ended: Promise<number>;

  constructor(url: string, onSaid: (worker: Worker, said: Said) => void = () => {}) {
    const child = this.child = new Deno.Command(Deno.execPath(), {
      args: ["run", ...lockOptions(), "-A", "--no-check", WORKER, url],
      ...{ stdin: "null", stdout: "piped", stderr: "inherit" },
    }).spawn();
    const reading = (async () => {
      for await (const line of createInterface({ input: Readable.from(child.stdout) })) {
        const said = JSON.parse(line) as Said;
        this.said.push(said);
        onSaid(this, said);
      }
    })();
    this.ended = Promise.all([this.child.status, reading]).then(([{ code }]) => code);
  }
}

async function submitAll(queue: JobQueue): Promise<string[]> {
  const ids: string[] = [];
  for (const { n, priority } of JOBS) {
    ids.push(await queue.submit({ kind: "square", input: { n, priority, work: WORK }, priority }));
  }
  return ids;
}

/** What a job's file must hold. */
function expectedFile(n: number): string {
  let text = String(n);
  for (let i = 0; i < WORK; i++) text = sha256Of(text);
  return sha256Of(text);
}

/** Checks results, that nothing was lost or done twice for nothing, and the order of priorities. */
async function check(queue: JobQueue, ids: readonly string[], workers: readonly Worker[], lost: number): Promise<void> {
  const { jobs, ...counts } = await queue.progress();
  assertEquals(counts, { waiting: 0, running: 0, done: 40, failed: 0, cancelled: 0 });
  for (const [i, id] of ids.entries()) {
    const { square, file } = await queue.result(id) as { square: number; file: string };
    assertEquals([square, file], [JOBS[i].n ** 2, expectedFile(JOBS[i].n)]);
    assertEquals((await queue.files.get(file)).length, 64);
  }
  assert(jobs[JOBS.findIndex(({ n }) => n === lost)].retries >= 1, "the job of the lost worker was not tried again");
  const seen = new Set<number>();
  for (const { said } of workers) {
    const first = said.filter(({ word, n }) => word === "takes" && !seen.has(n));
    for (const { n } of first) seen.add(n);
    const own = first.filter(({ n }) => jobs[JOBS.findIndex((job) => job.n === n)].retries === 0);
    const priorities = own.map(({ priority }) => priority);
    assertEquals(priorities, priorities.toSorted((a, b) => b - a));
    assert(said.some(({ word }) => word === "has done"), "a worker has done nothing");
  }
  assertEquals(seen.size, 40);
}

/** Two workers; the first is killed with its fifth job in hand. Returns them and the number of that job. */
async function workAndKill(
  url: string,
  onDone: (count: number) => void = () => {},
): Promise<{ workers: Worker[]; lost: number }> {
  let lost: number | undefined, done = 0;
  const workers: Worker[] = [];
  const second = Promise.withResolvers<Worker>();
  const onSaid = (worker: Worker, { word, n }: Said) => {
    // The first one is there already: a folder's database is held by it.
    if (workers.length === 1) {
      workers.push(new Worker(url, onSaid));
      second.resolve(workers[1]);
    }
    if (word === "has done") onDone(++done);
    const taken = worker.said.filter((one) => one.word === "takes").length;
    if (lost !== undefined || word !== "takes" || worker !== workers[0] || taken < 5) return;
    lost = n;
    worker.child.kill("SIGKILL");
  };
  workers.push(new Worker(url, onSaid));
  assertEquals(await Promise.all([workers[0].ended, second.promise.then(({ ended }) => ended)]), [137, 0]);
  return { workers, lost: lost! };
}

Deno.test({
  name: `40 jobs on PostgreSQL: a worker is killed, the server restarted${
    WITHOUT_POSTGRES ? `: ${WITHOUT_POSTGRES}` : ""
  }`,
  ignore: WITHOUT_POSTGRES !== undefined,
  async fn() {
    await using server = await PostgresServer.start();
    await using queue = await openJobQueue(server.url, { heartbeatSeconds: 10 });
    const ids = await submitAll(queue);
    let restarted: Promise<void> | undefined;
    const { workers, lost } = await workAndKill(server.url, (done) => {
      if (done >= 20) restarted ??= server.restart();
    });
    await restarted;
    await check(queue, ids, workers, lost);
    // What took part in that is there again after another restart.
    const large = new Uint8Array(9 * 2 ** 20 + 13).map((_, i) => (i * 2654435761) >>> 13);
    const hash = await queue.files.put(large);
    await server.restart();
    assertEquals(sha256Of(await queue.files.get(hash)), hash);
    assertEquals((await queue.progress()).done, 40);
  },
});

Deno.test("40 jobs on PGlite: the worker that holds the database is killed, the other one takes over", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const url = `pglite:${folder}/queue`;
    const ids = await openJobQueue(url, { heartbeatSeconds: 10 }).then(async (queue) => {
      await using opened = queue;
      return await submitAll(opened);
    });
    const { workers, lost } = await workAndKill(url);
    await using queue = await openJobQueue(url);
    await check(queue, ids, workers, lost);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
