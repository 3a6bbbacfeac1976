/**
 * The record of a measurement: the machine, the versions and the results. `bench/README.md` describes it.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { writeWhole } from "../../host/whole_file.ts";
import type { AdapterRecord } from "../../gpu/device.ts";
import type { Latency } from "../../eval/latency.ts";
import type { MemoryReport } from "../../plan/plan.ts";
import type { StartRecord } from "./start.ts";
import config from "../../../deno.json" with { type: "json" };

/** Which implementation a result is of. */
export type Engine =
  | "featherdet"
  | "featherdet/cpu"
  | "onnxruntime-web/webgpu"
  | "onnxruntime-web/wasm"
  | "onnxruntime-node/webgpu";

/** One row of the profile: a dispatch. */
export interface ProfileRow {
  readonly name: string;
  readonly operator: string;
  readonly kernel: string;
  /** Median GPU time. */
  readonly milliseconds: number;
  readonly macs: number;
  /** 2 * macs over the time, in units of 10^9. */
  readonly gflopsPerSecond: number;
  /** Part of the frame's GPU time, 0..1. */
  readonly share: number;
}

/** How much longer a peer takes than Featherdet on the same file, size and input: above 1, Featherdet is faster. */
export interface Ratios {
  /** Precision of the Featherdet result compared with. */
  readonly precision: string;
  /** Tensor in, tensors out; both measured in turn. */
  readonly run: number;
  /** From the model file to the first boxes in a fresh process, driver cache empty. */
  readonly coldStart?: number;
  /** The same with a filled driver cache. */
  readonly warmStart?: number;
}

/** Bytes of GPU memory. */
export interface MemoryUse {
  /** Weights as they are stored on the device. */
  readonly weights: number;
  /** Activations of a session that gives the output tensors back. */
  readonly run: MemoryReport;
  /** Activations of a detector, which stops at the head's maps and gives boxes back. */
  readonly detect: MemoryReport;
  /** Everything that the detector holds on the device. */
  readonly total: number;
}

/** One engine with one model, size and precision. Times are milliseconds, bytes are bytes. */
export interface BenchResult {
  readonly engine: Engine;
  readonly model: string;
  readonly size: number;
  readonly precision: string;
  /** How activations are stored: `texture` or `buffer`. */
  readonly storage?: string;
  /** Kernels were chosen by `deno task tune` on this adapter, not by estimated costs. */
  readonly tuned?: boolean;
  /** The device's name as the engine's own device reports it; null for one that computes without. */
  readonly adapter: string | null;
  /** Reading and checking the model file, planning, and uploading weights and compiling pipelines. */
  readonly load: { readonly read?: number; readonly plan?: number; readonly create: number };
  /** The first run of a session, pipelines compiled before. */
  readonly firstRun: number;
  /** A process of its own from the file to boxes, by state of the driver's shader cache. */
  readonly start: { readonly cold?: StartRecord; readonly warm?: StartRecord };
  /** Tensor in, tensors out, end to end. */
  readonly run: Latency;
  /** The middle half of the samples of `run`. */
  readonly middle?: readonly [low: number, high: number];
  /** Decoded picture in, boxes out, end to end. */
  readonly detect?: Latency;
  /** GPU time of a frame by timestamps, letterbox to suppression. */
  readonly gpu?: Latency;
  /** Frames a second with several in flight. */
  readonly stream?: number;
  readonly dispatches?: { readonly run: number; readonly detect: number };
  readonly memory?: MemoryUse;
  readonly parameters?: number;
  readonly gflops?: number;
  readonly profile?: readonly ProfileRow[];
  readonly ratios?: Ratios;
}

/** A whole measurement. */
export interface BenchRecord {
  readonly schema: 1;
  /** ISO 8601, UTC. */
  readonly date: string;
  readonly adapter: AdapterRecord;
  /** The adapter computes on the CPU: its times say little about GPUs. */
  readonly software: boolean;
  readonly machine: {
    readonly os: string;
    readonly arch: string;
    readonly cores: number;
    /** Processes that were running or waiting for a core in the minute before, on average; others disturb the times. */
    readonly load: number;
  };
  readonly versions: Readonly<Record<string, string>>;
  /** Commit of the checkout, with `+` where files differ from it; null outside of git. */
  readonly commit: string | null;
  /** Name of the picture that was measured on. */
  readonly picture: string;
  readonly results: readonly BenchResult[];
  /** Peers that could not run here, each with the reason. */
  readonly leftOut?: readonly { readonly engine: Engine; readonly size: number; readonly reason: string }[];
}

async function git(...args: string[]): Promise<string | null> {
  try {
    const cwd = new URL(".", import.meta.url);
    const { success, stdout } = await new Deno.Command("git", { args, cwd, stdout: "piped", stderr: "null" }).output();
    return success ? new TextDecoder().decode(stdout).trim() : null;
  } catch {
    return null;
  }
}

/** The commit of the checkout; a checkout with changes is marked. */
export async function commitHash(): Promise<string | null> {
  const hash = await git("rev-parse", "--short=12", "HEAD");
  if (hash === null) return null;
  return hash + (await git("status", "--porcelain", "--untracked-files=no") ? "+" : "");
}

/** What a record says of where it was made; `load` is that before the measurement, now by default. */
export async function recordHeader(
  adapter: AdapterRecord,
  picture: string,
  peers: Readonly<Record<string, string>> = {},
  load: number = Deno.loadavg()[0],
): Promise<Omit<BenchRecord, "results">> {
  return {
    schema: 1,
    date: new Date().toISOString(),
    adapter,
    software: adapter.software,
    machine: { os: Deno.build.os, arch: Deno.build.arch, cores: navigator.hardwareConcurrency, load },
    versions: { featherdet: config.version, deno: Deno.version.deno, ...peers },
    commit: await commitHash(),
    picture,
  };
}

/** `2026-01-31T12-00-00-llvmpipe-llvm-15-0-6.json`: when and on what. */
export function recordName({ date, adapter }: Pick<BenchRecord, "date" | "adapter">): string {
  const name = adapter.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "");
  return `${date.slice(0, 19).replaceAll(":", "-")}-${name}.json`;
}

/** Writes the record into a folder and returns the file's path. */
export async function writeRecord(record: BenchRecord, folder: URL): Promise<URL> {
  await Deno.mkdir(folder, { recursive: true });
  const file = new URL(recordName(record), folder);
  await writeWhole(fileURLToPath(file), `${JSON.stringify(record, null, 1)}\n`);
  return file;
}
