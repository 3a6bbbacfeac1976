/**
 * What a queue costs a job, by database: to put it in, to have it taken, done and answered, and to move a file of 10 MiB.
 *
 * `deno run -A bench/queue.ts --queue pglite: --queue pglite:FOLDER [--queue postgres://user@host:port/database] [--jobs 50] [--out FILE]`
 *
 * Jobs do nothing; submitter and worker are one process. Prints the table in Markdown and writes the record with `--out`.
 *
 * @module
 */

import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { writeWhole } from "../src/host/whole_file.ts";
import { openJobQueue } from "../src/queue/job_queue.ts";

const MEBIBYTE = 2 ** 20;

const { values } = parseArgs({
  options: {
    queue: { type: "string", multiple: true, default: ["pglite:"] },
    jobs: { type: "string", default: "50" },
    out: { type: "string" },
  },
});
const count = Number(values.jobs);

async function timed<Result>(run: () => Promise<Result>): Promise<[Result, number]> {
  const started = performance.now();
  return [await run(), performance.now() - started];
}

const rows = [];
for (const url of values.queue) {
  const [queue, open] = await timed(() => openJobQueue(url));
  await using opened = queue;
  const [ids, submitted] = await timed(async () => {
    const all: string[] = [];
    for (let n = 0; n < count; n++) {
      all.push(await opened.submit({ kind: "nothing", input: { n }, again: crypto.randomUUID() }));
    }
    return all;
  });
  const [, worked] = await timed(() => opened.work(() => Promise.resolve({}), { untilEmpty: true }));
  const [, answered] = await timed(async () => {
    for (const id of ids) await opened.result(id);
  });
  const bytes = new Uint8Array(10 * MEBIBYTE);
  for (let i = 0; i < bytes.length; i += 65_536) crypto.getRandomValues(bytes.subarray(i, i + 65_536));
  const [hash, put] = await timed(() => opened.files.put(bytes));
  const [, get] = await timed(() => opened.files.get(hash));
  rows.push({
    ...{ queue: queue.where, open, submit: submitted / count, work: worked / count, result: answered / count },
    ...{ put10MiB: put, get10MiB: get },
  });
}
const figure = (value: number) => value.toFixed(1);
console.log(
  "| queue | open (ms) | submit (ms a job) | take and do (ms a job) | result (ms a job) | put 10 MiB (ms) | get (ms) |",
);
console.log("| --- | --- | --- | --- | --- | --- | --- |");
for (const { queue, ...figures } of rows) {
  console.log(`| ${queue} | ${Object.values(figures).map(figure).join(" | ")} |`);
}
if (values.out !== undefined) {
  const record = { date: new Date().toISOString(), cpu: cpus()[0]?.model, deno: Deno.version.deno, jobs: count, rows };
  await writeWhole(values.out, `${JSON.stringify(record, null, 2)}\n`);
}
