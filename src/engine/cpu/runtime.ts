/**
 * The runtime of the CPU engine, onnxruntime: natively where there are native modules, as WebAssembly in browsers. It is an optional package,
 * imported when it is asked for.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";

/** Version of onnxruntime's packages. */
export const ORT_VERSION = "1.30.0";

/** The data of a tensor of onnxruntime, by the types that graphs have. */
export type OrtData = Float32Array | Uint8Array | Int8Array | Int32Array | BigInt64Array;

/** A tensor of onnxruntime. */
export interface OrtTensor {
  /** Extents. */
  readonly dims: readonly number[];
  /** Elements; there on the CPU. */
  readonly data: OrtData;
}

/** A loaded model of onnxruntime. */
export interface OrtSession {
  /** Runs it on tensors by the names of inputs; gives those of the outputs. */
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
  /** Frees its memory. */
  release(): Promise<void>;
  /** Writes the times of all nodes, where the session was made with `enableProfiling`. */
  endProfiling(): void;
}

/** What onnxruntime is told of a session. */
export interface OrtSessionOptions {
  /** Ways to compute, the first that does is taken. */
  readonly executionProviders: readonly string[];
  /** Threads that share the work of a node; 0 for as many as there are cores. */
  readonly intraOpNumThreads?: number;
  /** 3: errors alone are printed. */
  readonly logSeverityLevel: number;
  /** Times every node. */
  readonly enableProfiling?: boolean;
  /** Where times of nodes are written. */
  readonly profileFilePrefix?: string;
}

/** The part of the module `onnxruntime-node` or `onnxruntime-web` that the CPU engine uses. */
export interface OnnxRuntime {
  /** Makes tensors. */
  readonly Tensor: new (type: string, data: OrtData, dims: readonly number[]) => OrtTensor;
  /** Makes sessions. */
  readonly InferenceSession: {
    /** Loads the bytes of an ONNX file. */
    create(bytes: Uint8Array, options: OrtSessionOptions): Promise<OrtSession>;
  };
}

/** Whether native modules can be loaded, and files of this library be started as workers. */
export function isNative(): boolean {
  return /^Deno\b/.test(globalThis.navigator?.userAgent ?? "");
}

/**
 * Imports the runtime: `npm:onnxruntime-node` in Deno; in browsers `onnxruntime-web`, which an import map, a bundler or the page has to name.
 * Throws FeatherdetError with one sentence that names the package if it cannot be loaded.
 */
export async function importRuntime(native: boolean = isNative()): Promise<OnnxRuntime> {
  // A specifier that is computed is not resolved, and nothing downloaded, before it is needed.
  const specifier: string = native ? `npm:onnxruntime-node@${ORT_VERSION}` : "onnxruntime-web";
  try {
    return await import(specifier);
  } catch (error) {
    const help = native
      ? "it needs the package from npm once, and the permission --allow-ffi"
      : "name it in an import map, or hand the module over as `cpu: { runtime }`";
    throw new FeatherdetError(
      `the CPU engine needs the package ${specifier}, which cannot be loaded (${firstLine(error)}): ${help}`,
    );
  }
}

/** What an error says, its first line. */
export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0];
}
