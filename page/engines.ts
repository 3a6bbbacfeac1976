/**
 * What a browser can run models on: the graphics processor through WebGPU, or the CPU through onnxruntime-web.
 *
 * @module
 */

import type { EngineChoice } from "../src/engine/choose_engine.ts";
import type { OnnxRuntime } from "../src/engine/cpu/runtime.ts";
import type { PageData, PageModel } from "../src/host/page/page_data.ts";

/** One way to run models. */
export interface Engine {
  readonly id: "webgpu" | "cpu";
  /** What the choice is called. */
  readonly title: string;
  /** What takes long the first time, as a sentence. */
  readonly first: string;
  /** Why it cannot be used here, as a sentence; undefined where it can. */
  readonly why?: string;
  /** Whether it computes in a model's precision. */
  runs(model: PageModel): boolean;
  /** What detectors are told; loads what the engine needs, once. Rejects with an error in one sentence. */
  options(): Promise<EngineChoice>;
}

/** The part of the module that says where its WebAssembly is. */
interface WebRuntime extends OnnxRuntime {
  readonly env: { readonly wasm: { wasmPaths?: string; proxy?: boolean } };
}

async function whyNoWebGpu(): Promise<string | undefined> {
  // Older browsers do not have the property that the types promise.
  const gpu = (navigator as Partial<Navigator>).gpu;
  if (gpu === undefined) return "This browser has no WebGPU.";
  const adapter = await gpu.requestAdapter().catch(() => null);
  return adapter === null ? "This browser has WebGPU, but found no graphics adapter for it." : undefined;
}

async function importRuntime(module: string): Promise<OnnxRuntime> {
  const url = new URL(module, location.href).href;
  let runtime: WebRuntime;
  try {
    runtime = await import(url);
  } catch {
    throw new Error("The CPU engine could not be loaded.");
  }
  // In a worker of its own: the page stays usable while a model computes.
  Object.assign(runtime.env.wasm, { wasmPaths: new URL(".", url).href, proxy: true });
  return runtime;
}

/** The engines, the one that is taken by itself first. */
export async function findEngines({ cpu }: PageData): Promise<Engine[]> {
  let runtime: Promise<OnnxRuntime> | undefined;
  const size = cpu === undefined ? "" : ` (loads ${(cpu.bytes / 1e6).toFixed(0)} MB)`;
  return [
    {
      id: "webgpu",
      title: "graphics processor (WebGPU)",
      first: "The first run compiles its shaders, which takes longest.",
      why: await whyNoWebGpu(),
      runs: () => true,
      options: () => Promise.resolve({ engine: "webgpu" }),
    },
    {
      id: "cpu",
      title: `CPU${size}`,
      first: "The first one loads the CPU engine, which takes longest.",
      why: cpu === undefined ? "The CPU engine was left out of this page." : undefined,
      runs: ({ precision }) => precision !== "f16",
      async options() {
        runtime ??= importRuntime(cpu!.module);
        // Whoever chooses it again tries again.
        runtime.catch(() => runtime = undefined);
        return { engine: "cpu", cpu: { runtime: await runtime } };
      },
    },
  ];
}
