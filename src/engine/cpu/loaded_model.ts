/**
 * A model in onnxruntime, in the thread in which it is loaded. Runs are taken one after the other.
 *
 * @module
 */

import type { OnnxRuntime, OrtData, OrtSession, OrtSessionOptions } from "./runtime.ts";

/** A tensor on its way in or out. */
export interface Carried {
  /** Extents, outermost first. */
  readonly shape: readonly number[];
  /** Elements. */
  readonly data: Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;
}

/** Tensors by name. */
export type CarriedTensors = Readonly<Record<string, Carried>>;

/** Numbers as floats; whole numbers of 64 bits too. */
function floatsOf(data: OrtData): Float32Array<ArrayBuffer> {
  if (data instanceof Float32Array) return data as Float32Array<ArrayBuffer>;
  if (data instanceof BigInt64Array) return Float32Array.from(data, Number);
  return Float32Array.from(data);
}

/** A loaded model. */
export class LoadedModel {
  readonly #runtime: OnnxRuntime;
  readonly #session: OrtSession;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(runtime: OnnxRuntime, session: OrtSession) {
    this.#runtime = runtime;
    this.#session = session;
  }

  /** Loads the bytes of an ONNX file. Throws what onnxruntime throws. */
  static async load(runtime: OnnxRuntime, bytes: Uint8Array, options: OrtSessionOptions): Promise<LoadedModel> {
    return new LoadedModel(runtime, await runtime.InferenceSession.create(bytes, options));
  }

  /** Runs the model once; results are floats. Throws what onnxruntime throws. */
  run(inputs: CarriedTensors): Promise<Record<string, Carried>> {
    // onnxruntime-web refuses a run while another one is under way.
    const result = this.#last.then(async () => {
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([name, { shape, data }]) => {
          const type = data instanceof Uint8Array ? "uint8" : "float32";
          return [name, new this.#runtime.Tensor(type, data, shape)];
        }),
      );
      const outputs = await this.#session.run(feeds);
      return Object.fromEntries(
        Object.entries(outputs).map(([name, { dims, data }]) => [name, { shape: [...dims], data: floatsOf(data) }]),
      );
    });
    this.#last = result.catch(() => {});
    return result;
  }

  /** Frees the model's memory once the last run is done. */
  async release(): Promise<void> {
    await this.#last;
    await this.#session.release();
  }
}
