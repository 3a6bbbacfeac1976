/**
 * Makes batches in workers that share the pictures' memory, or in the calling thread if there are no workers. The result is the same.
 *
 * @module
 */

import type { RgbImage } from "../../image/rgb_image.ts";
import { FeatherdetError } from "../../graph/error.ts";
import type { DatasetImage } from "../dataset.ts";
import { DECODE_TIMEOUT } from "../../image/codec/decode_there.ts";
import { SideWorker, transferable } from "../../image/side_worker.ts";
import type { SamplePixels } from "./sample.ts";
import { type Source, sourceOf } from "./source.ts";
import { SourceStore } from "./source_store.ts";
import type { InputSize } from "./tile.ts";
import { render, type RenderOrder, type WorkAnswer, type WorkOrder } from "./work.ts";

/** What batches are made of and with. */
export interface WorkshopOptions {
  readonly images: readonly DatasetImage[];
  readonly input: InputSize;
  /** None where memory cannot be shared. */
  readonly workers: number;
  /** Bytes of pictures that are kept. */
  readonly memory: number;
}

function startWorker(): Worker {
  return new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
}

/** Its pixels; whatever goes wrong names the picture. */
async function load(image: DatasetImage): Promise<RgbImage> {
  try {
    return await image.load();
  } catch (error) {
    if (error instanceof FeatherdetError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new FeatherdetError(reason, { file: image.name }, { cause: error });
  }
}

/** Makes the pictures of batches. */
export class Workshop {
  readonly #pool: SideWorker<WorkOrder, WorkAnswer>[];
  readonly #store: SourceStore;
  #closed = false;

  /** Starts the workers. */
  constructor(private readonly options: WorkshopOptions) {
    // Pages that are not isolated from other origins have no shared memory.
    const count = typeof SharedArrayBuffer === "undefined" ? 0 : options.workers;
    this.#pool = Array.from({ length: count }, () => new SideWorker(startWorker));
    this.#store = new SourceStore((picture) => this.#source(picture), options.memory);
  }

  /** `[samples, 3, height, width]`. Throws FeatherdetError for a picture that cannot be read. */
  async pictures(samples: readonly SamplePixels[]): Promise<Float32Array<ArrayBuffer>> {
    const shown = [...new Set(samples.flatMap(({ tiles }) => tiles.map(({ picture }) => picture)))];
    const sources = new Map(
      await Promise.all(shown.map(async (picture) => {
        return [picture, await this.#store.get(picture)] as const;
      })),
    );
    const order: RenderOrder = { kind: "render", samples, sources, input: this.options.input };
    const answer = await this.#idlest()?.ask(order);
    this.#checkOpen();
    return answer?.images ?? render(order);
  }

  /** Ends the workers, and whatever is under way with an error. */
  close(): void {
    this.#closed = true;
    for (const worker of this.#pool) worker.close();
  }

  /** What workers have left undone must not be done here when nobody waits for it any more. */
  #checkOpen(): void {
    if (this.#closed) throw new FeatherdetError("the stream of batches has ended");
  }

  #idlest(): SideWorker<WorkOrder, WorkAnswer> | undefined {
    return this.#pool.reduce<SideWorker<WorkOrder, WorkAnswer> | undefined>(
      (best, worker) => best && best.pending <= worker.pending ? best : worker,
      undefined,
    );
  }

  async #source(picture: number): Promise<Source> {
    const image = this.options.images[picture];
    const source = await this.#sourceThere(image);
    this.#checkOpen();
    return source ?? sourceOf(await load(image), this.options.input, this.#pool.length > 0);
  }

  /** Undefined where no worker can do it, or to have the error told in full. */
  async #sourceThere(image: DatasetImage): Promise<Source | undefined> {
    // Pictures without files are made by what `load` does, which cannot be sent elsewhere.
    if (image.file === undefined || this.#pool.length === 0) return undefined;
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = await image.bytes();
    } catch {
      return undefined;
    }
    const order = { kind: "decode", bytes, maxPixels: image.maxPixels, input: this.options.input } as const;
    const how = { transfer: transferable(bytes), patience: DECODE_TIMEOUT };
    const answer = await this.#idlest()!.ask(order, how).catch((error) => {
      throw error instanceof FeatherdetError ? error.at({ file: image.file }) : error;
    });
    const source = answer?.source;
    return source?.width === image.width && source.height === image.height ? source : undefined;
  }
}
