/**
 * A start: one process that goes from a model file and a picture file to boxes, once, and prints what each stage took.
 *
 * It is a program of its own because a process that has run a model before holds its pipelines. `measureStart` runs it.
 *
 * @module
 */

import { cpuUsage } from "node:process";
import { fileURLToPath } from "node:url";
import { FeatherdetError } from "../../graph/error.ts";
import type { Precision } from "../../engine/session.ts";
import { runDeno } from "../../host/run_deno.ts";
import type { Engine } from "./record.ts";
import { lockOptions } from "../../host/setup/locked.ts";

/** What a start is measured of. */
export interface StartRequest {
  readonly engine: Engine;
  readonly model: string;
  readonly picture: string;
  readonly size: number;
  readonly precision: Precision;
}

/** Milliseconds of a start. */
export interface StartRecord {
  /** Loading and compiling the engine's own code; not part of the sum. */
  readonly import: number;
  /** From the model file to a loaded model: reading, planning, uploading, what is compiled then. */
  readonly load: number;
  /** From the picture file to the first boxes. */
  readonly first: number;
  /** The sum: from the two files to boxes. */
  readonly toBoxes: number;
  /** Time of processors in that sum, of all threads: it tells about the same where others compute, too. */
  readonly cpu?: number;
  /** How many boxes there were, of a confidence of 0.25 and more. */
  readonly boxes: number;
}

/** Where the drivers of Mesa and NVIDIA keep what they compiled. */
const CACHE_VARIABLES = ["MESA_SHADER_CACHE_DIR", "__GL_SHADER_DISK_CACHE_PATH"] as const;

/** Runs a start in a process of its own, with the driver's shader cache in a folder of its own where one is given. */
export async function measureStart(request: StartRequest, cache?: string): Promise<StartRecord> {
  const { stdout, stderr } = await runDeno([
    "run",
    ...lockOptions(),
    "-A",
    fileURLToPath(import.meta.url),
    JSON.stringify(request),
  ], {
    env: cache === undefined ? {} : Object.fromEntries(CACHE_VARIABLES.map((name) => [name, cache])),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const text = new TextDecoder();
  const last = (bytes: Uint8Array) => text.decode(bytes).trim().split("\n").at(-1) ?? "";
  // The report is the last thing said, whatever a driver does while the process ends (Mesa's has been seen to crash then).
  if (last(stdout) === "") throw new FeatherdetError(`the start of ${request.engine} failed: ${last(stderr)}`);
  return JSON.parse(last(stdout));
}

async function start(request: StartRequest): Promise<StartRecord> {
  const began = performance.now();
  const engine = request.engine.startsWith("featherdet")
    ? (await import("./start_ours.ts")).prepare
    : (await import("./start_peer.ts")).prepare;
  const load = await engine(request);
  const imported = performance.now(), used = cpuUsage();
  const detect = await load();
  const loaded = performance.now();
  const boxes = await detect();
  const done = performance.now(), { user, system } = cpuUsage(used);
  return {
    import: imported - began,
    load: loaded - imported,
    first: done - loaded,
    toBoxes: done - imported,
    cpu: (user + system) / 1000,
    boxes,
  };
}

if (import.meta.main) {
  console.log(JSON.stringify(await start(JSON.parse(Deno.args[0]))));
  // A device that is still there need not be waited for.
  Deno.exit(0);
}
