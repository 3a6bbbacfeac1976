/**
 * What a detector says when the machine itself has no memory left for a frame: a program of its own, since it takes its own memory away.
 * Prints three lines of JSON: the error, the boxes of the next picture before and after it. Needs Linux with `prlimit`.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { Detector } from "../../../src/detect/detector.ts";
import { colours, picture } from "./gpu_operations.ts";
import { lockOptions } from "../../../src/host/setup/locked.ts";

/** Memory that is left for what the process does besides. */
const REST = 700e6;

/** A side that adapters take, of which a square texture takes more than the rest. */
const SIDE = 16384;

/** What the program said; undefined where there is no `prlimit`. */
export async function exhaustedReport(): Promise<
  { readonly error: string; readonly before: unknown; readonly after: unknown } | undefined
> {
  const there = await new Deno.Command("prlimit", { args: ["--version"], stdout: "null" }).output().catch(() =>
    undefined
  );
  if (!there?.success) return undefined;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", ...lockOptions(), "-A", "--no-check", fileURLToPath(import.meta.url)],
  }).output();
  const text = new TextDecoder().decode(stdout);
  if (text === "") throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(text);
}

async function run(): Promise<void> {
  const detector = await Detector.load(colours(), { confidence: 0.5 });
  const before = await detector.detect(picture(1));
  const strip = (width: number, height: number) => ({ width, height, data: new Uint8Array(3 * width * height) });
  await detector.detect(strip(SIDE, 1));
  await detector.detect(picture(0));
  const size = 1024 * Number(Deno.readTextFileSync("/proc/self/status").match(/VmSize:\s+(\d+)/)![1]);
  await new Deno.Command("prlimit", { args: ["--pid", String(Deno.pid), `--as=${Math.round(size + REST)}`] }).output();
  const error = await detector.detect(strip(1, SIDE)).then((found) => `no error but ${JSON.stringify(found)}`, String);
  const after = await detector.detect(picture(1)).catch(String);
  console.log(JSON.stringify({ error, before, after }));
}

if (import.meta.main) {
  await run();
  // Drivers have been seen to crash while a process without memory ends.
  Deno.exit(0);
}
