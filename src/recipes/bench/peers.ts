/**
 * The peers, inside this process: onnxruntime-web's WebGPU and WebAssembly providers, and the WebGPU provider of onnxruntime's native code,
 * which transformers.js 4 runs in Deno. They are downloaded and imported only if the benchmark runs peers.
 *
 * @module
 */

import { adapterOf } from "../../gpu/device.ts";
import { ORT_VERSION } from "../../engine/cpu/runtime.ts";
import type { Tensor } from "../../engine/session.ts";
import type { Engine } from "./record.ts";

/** Ways of onnxruntime to compute. */
export type Provider = "webgpu" | "wasm";

/** Engines that are peers. */
export type PeerEngine = Exclude<Engine, `featherdet${string}`>;

/** The part of the runtime that is used here; its own types would be downloaded by whoever checks this repository. */
interface Runtime {
  readonly env: { logLevel: string; readonly webgpu: { readonly device?: GPUDevice | Promise<GPUDevice> } };
  readonly Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => object;
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: { executionProviders: readonly Provider[] }): Promise<RuntimeSession>;
  };
}

interface RuntimeSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, object>>): Promise<Record<string, RuntimeTensor>>;
  release(): Promise<void>;
}

interface RuntimeTensor {
  readonly dims: readonly number[];
  getData(): Promise<Float32Array>;
}

/** A loaded model of a peer. */
export interface PeerSession {
  /** Name of the adapter of the device that the peer itself reports; null where it uses none. */
  readonly adapter: string | null;
  run(input: Tensor): Promise<Tensor>;
  release(): Promise<void>;
}

/** Whether a peer is native code, which has a device of its own. */
const isNative = (engine: PeerEngine) => engine.startsWith("onnxruntime-node");

/** Imports the runtime of a peer. */
export async function importPeer(engine: PeerEngine): Promise<Runtime> {
  // A specifier that is computed is not resolved before it is needed.
  const specifier = isNative(engine)
    ? `npm:onnxruntime-node@${ORT_VERSION}`
    : `npm:onnxruntime-web@${ORT_VERSION}/webgpu`;
  const found: Runtime & { readonly default?: Runtime } = await import(specifier);
  const runtime = isNative(engine) ? found.default ?? found : found;
  runtime.env.logLevel = "error";
  return runtime;
}

async function adapterName(given: GPUDevice | Promise<GPUDevice> | undefined): Promise<string> {
  const device = await given;
  return device ? adapterOf(device).name : "unknown";
}

/** Loads ONNX bytes of a model with one input and one output. Rejects where the peer cannot run here, with what it says. */
export async function loadPeer(bytes: Uint8Array, engine: PeerEngine): Promise<PeerSession> {
  const provider = engine.split("/")[1] as Provider, runtime = await importPeer(engine);
  const session = await runtime.InferenceSession.create(bytes, { executionProviders: [provider] });
  const [input] = session.inputNames, [output] = session.outputNames;
  return {
    adapter: provider === "wasm"
      ? null
      : isNative(engine)
      ? "the adapter that Dawn chose"
      : await adapterName(runtime.env.webgpu.device),
    async run({ shape, data }) {
      const result = (await session.run({ [input]: new runtime.Tensor("float32", data, shape) }))[output];
      return { shape: result.dims, data: await result.getData() };
    },
    release: () => session.release(),
  };
}
