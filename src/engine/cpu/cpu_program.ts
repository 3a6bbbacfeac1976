/**
 * A graph on the CPU: its ONNX bytes in onnxruntime, in a worker where there is the native runtime, else in this thread.
 *
 * @module
 */

import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import { saveOnnx } from "../../onnx/mod.ts";
import type { AdapterRecord } from "../../gpu/adapter.ts";
import { type CarriedTensors, LoadedModel } from "./loaded_model.ts";
import {
  firstLine,
  importRuntime,
  isNative,
  type OnnxRuntime,
  ORT_VERSION,
  type OrtSessionOptions,
} from "./runtime.ts";
import type { WorkerMessage, WorkerOrder, WorkerReply } from "./worker.ts";

/** How the CPU engine computes. */
export interface CpuOptions {
  /** Threads that share the work of a layer. By default onnxruntime chooses: as many as there are cores. */
  readonly threads?: number;
  /**
   * The module `onnxruntime-web` or `onnxruntime-node`, where the caller has imported it: it then computes in the caller's thread. By default
   * Deno imports `npm:onnxruntime-node` in a worker, and browsers import `onnxruntime-web`.
   */
  readonly runtime?: OnnxRuntime;
}

/** Where a model computes. */
interface Host {
  run(inputs: CarriedTensors): Promise<CarriedTensors>;
  end(): void;
}

/** Kept, because onnxruntime-web puts another one in its place where it takes this for Node. */
const WebWorker: typeof Worker = globalThis.Worker;

/** A worker with the native runtime. */
class WorkerHost implements Host {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<CarriedTensors>>();
  #asked = 0;

  private constructor() {
    this.#worker = new WebWorker(new URL("./worker.ts", import.meta.url), { type: "module" });
    this.#worker.addEventListener("message", ({ data }: MessageEvent<WorkerReply>) => {
      const { id, outputs, error, isOwn } = data;
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(outputs ?? {});
      else waiting?.reject(isOwn ? new FeatherdetError(error) : new Error(error));
    });
    this.#worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#drop(new Error(event.message));
    });
  }

  static async start(bytes: Uint8Array<ArrayBuffer>, options: OrtSessionOptions): Promise<WorkerHost> {
    const host = new WorkerHost();
    try {
      await host.#ask({ kind: "load", bytes, options }, [bytes.buffer]);
      return host;
    } catch (error) {
      host.end();
      throw error;
    }
  }

  #ask(order: WorkerOrder, transfer: Transferable[]): Promise<CarriedTensors> {
    const answer = Promise.withResolvers<CarriedTensors>();
    const message: WorkerMessage = { id: this.#asked++, order };
    this.#waiting.set(message.id, answer);
    this.#worker.postMessage(message, { transfer });
    return answer.promise;
  }

  run(inputs: CarriedTensors): Promise<CarriedTensors> {
    return this.#ask({ kind: "run", inputs }, Object.values(inputs).map(({ data }) => data.buffer));
  }

  #drop(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  end(): void {
    this.#worker.terminate();
    this.#drop(new Error("its worker was ended"));
  }
}

/** Loads the model in this thread. */
async function hostHere(runtime: OnnxRuntime, bytes: Uint8Array, options: OrtSessionOptions): Promise<Host> {
  const model = await LoadedModel.load(runtime, bytes, options);
  return { run: (inputs) => model.run(inputs), end: () => void model.release() };
}

/** A graph that was handed to onnxruntime. */
export class CpuProgram {
  /** What computes, for records. */
  readonly adapter: AdapterRecord;
  /** Bytes of the ONNX file that was handed over. */
  readonly fileBytes: number;
  readonly #host: Host;
  readonly #file: string;

  private constructor(host: Host, file: string, adapter: AdapterRecord, fileBytes: number) {
    this.#host = host;
    this.#file = file;
    this.adapter = adapter;
    this.fileBytes = fileBytes;
  }

  /**
   * Writes the graph as ONNX and loads it. Weights of few bits are unpacked by onnxruntime, once.
   *
   * Throws FeatherdetError if the runtime cannot be loaded, and for a graph that cannot be written or that onnxruntime refuses.
   */
  static async create(graph: Graph, { threads, runtime }: CpuOptions = {}): Promise<CpuProgram> {
    if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
      throw new FeatherdetError(`cpu.threads is ${threads}, it must be a whole number of at least 1`);
    }
    const isApart = runtime === undefined && isNative();
    const options: OrtSessionOptions = {
      // Natively and as WebAssembly, this is its name for computing on the CPU.
      executionProviders: ["cpu"],
      ...threads !== undefined && { intraOpNumThreads: threads },
      logSeverityLevel: 3,
    };
    const bytes = new Uint8Array(saveOnnx(graph));
    const fileBytes = bytes.length;
    try {
      const host = isApart
        ? await WorkerHost.start(bytes, options)
        : await hostHere(runtime ?? await importRuntime(false), bytes, options);
      const name = isApart ? `onnxruntime-node ${ORT_VERSION}` : "onnxruntime";
      const shared = threads === undefined ? "" : threads === 1 ? ", one thread" : `, ${threads} threads`;
      const adapter: AdapterRecord = { name: `CPU (${name}${shared})`, vendor: "", architecture: "", software: true };
      return new CpuProgram(host, graph.name, adapter, fileBytes);
    } catch (error) {
      if (error instanceof FeatherdetError) throw error;
      throw new FeatherdetError(`onnxruntime refuses the model: ${firstLine(error)}`, { file: graph.name });
    }
  }

  /** Runs the graph once. The buffers of the inputs may be gone afterwards. Throws FeatherdetError with what onnxruntime says. */
  async run(inputs: CarriedTensors): Promise<CarriedTensors> {
    try {
      return await this.#host.run(inputs);
    } catch (error) {
      throw new FeatherdetError(`onnxruntime failed: ${firstLine(error)}`, { file: this.#file });
    }
  }

  /** Ends it; runs under way fail. */
  end(): void {
    this.#host.end();
  }
}
