/**
 * What teachers say of fixed views of the pictures: computed once, kept in a store, and fed to the steps of a run.
 *
 * A store holds `views.json`, which says of what its files are, and a file for each batch: the values in the layout of safetensors, with
 * a checksum over them and the hash of the pictures that the teacher saw. Files are written whole, so that what was interrupted goes on
 * with the batch that is missing. A batch is fed to a step only if its pictures are those of the file.
 *
 * @module
 */

import type { DatasetBatch, TrainingBatches, View } from "../../data/augment/mod.ts";
import { Session } from "../../engine/session.ts";
import { FeatherdetError, type Graph, inferTypes, sizeOf } from "../../graph/mod.ts";
import type { BatchSource } from "../../train/loop/loop.ts";
import { readTensors, type TensorData, writeTensors } from "../../train/loop/safetensors.ts";
import { createMemoryStore, type LargeStore } from "../../train/loop/store.ts";
import type { TrainingBatch } from "../../train/loop/trainer.ts";
import type { FedGraph, TrainingVariant } from "../../train/mod.ts";
import type { RunSettings } from "../run_settings.ts";

/** How what teachers say is kept. */
export interface KeptOptions {
  /** Where the files go; in memory by default. */
  readonly store?: LargeStore;
  /** What numbers are kept as; `f16` by default, half of the bytes of `f32`, in which losses are those of a teacher within the step. */
  readonly precision?: "f16" | "f32";
  /** Told before a teacher looks at anything how much there is. */
  readonly onStart?: (size: KeptSize) => void;
  /** Called after each batch that a teacher has looked at. */
  readonly onBatch?: (done: number, total: number) => void;
}

/** How much a run keeps. */
export interface KeptSize {
  /** Batches of all views. */
  readonly batches: number;
  /** How many of them are there already. */
  readonly there: number;
  /** Bytes of the numbers of all batches. */
  readonly bytes: number;
}

/** What is kept, and of what. */
export interface KeptViews extends Required<Pick<KeptOptions, "store" | "precision">> {
  /** The fed graphs, at the batch of a step. */
  readonly fed: readonly FedGraph[];
  readonly batches: TrainingBatches;
  /** Name of the input of pictures. */
  readonly images: string;
  /** What decides about the values, as plain data: a store of another kind is refused. */
  readonly key: Readonly<Record<string, unknown>>;
}

/**
 * What is kept for a run of a variant that is fed, of which `settings` are what checkpoints hold; undefined where nothing is. Throws FeatherdetError where every epoch has other pictures.
 */
export function keptViewsOf(
  variant: TrainingVariant,
  model: Graph,
  batches: TrainingBatches,
  { views, kept: { store = createMemoryStore(), precision = "f16" } = {}, settings }: {
    readonly views?: number;
    readonly kept?: KeptOptions;
    readonly settings: RunSettings;
  },
): KeptViews | undefined {
  const fed = variant.fed?.(model) ?? [];
  if (fed.length === 0) return undefined;
  if (views === undefined) {
    throw new FeatherdetError("a teacher that is apart looks at fixed views of the pictures: say how many with views");
  }
  const { teacher, features } = settings.distil as { readonly teacher?: unknown; readonly features?: unknown };
  const { dataset, size, seed, augment } = settings;
  const values = fed.flatMap(({ inputs }) => inputs);
  const key = { teacher, features, values, precision, dataset, size, seed, augment, batch: model.inputs[0].shape[0] };
  return { fed, batches, store, precision, images: model.inputs[0].name, key };
}

/** The file that says of what the others are. */
export const VIEWS_FILE = "views.json";

/** Version of the files; those of another are refused. */
const FORMAT = 1;

/** Greatest number that f16 holds. */
const LARGEST_F16 = 65504;

/** The file of a batch. */
export function viewFile({ epoch, step, mosaics }: View): string {
  return `view-${epoch}-${mosaics ? "mosaics" : "plain"}-step-${step}.safetensors`;
}

async function hashOf(images: Float32Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", images)).toHex();
}

/** Bytes of the numbers of a batch. */
function bytesOfBatch({ fed, precision }: Pick<KeptViews, "fed" | "precision">): number {
  const elements = (graph: Graph) => {
    const types = inferTypes(graph);
    return graph.outputs.reduce((sum, name) => sum + sizeOf(types.get(name)!.shape), 0);
  };
  return fed.reduce((sum, { graph }) => sum + elements(graph), 0) * (precision === "f16" ? 2 : 4);
}

/** A part of the key in a few words. */
function partText(value: unknown): string {
  const { name, hash } = (value ?? {}) as Record<string, unknown>;
  return typeof hash === "string" ? `"${name}" (${hash.slice(0, 8)})` : JSON.stringify(value) ?? "none";
}

/** Throws FeatherdetError for a store that holds what is said of other pictures or by another teacher. */
async function checkStore({ store, key }: KeptViews): Promise<void> {
  const wanted: Record<string, unknown> = JSON.parse(JSON.stringify({ format: FORMAT, ...key }));
  const text = await store.read(VIEWS_FILE);
  if (text === undefined) return await store.write(VIEWS_FILE, `${JSON.stringify(wanted, undefined, 2)}\n`);
  const place = { file: store.place };
  let found: Record<string, unknown>;
  try {
    found = JSON.parse(new TextDecoder().decode(text));
  } catch {
    throw new FeatherdetError(`holds a damaged ${VIEWS_FILE}: take another folder, or delete this one`, place);
  }
  const other = Object.keys({ ...wanted, ...found }).find((name) =>
    JSON.stringify(found[name]) !== JSON.stringify(wanted[name])
  );
  if (other === undefined) return;
  throw new FeatherdetError(
    `holds what a teacher says in a run with ${other} ${partText(found[other])}, this run has ${
      partText(wanted[other])
    }: take another folder, or delete this one`,
    place,
  );
}

/** Bytes as people read them. */
export function sizeText(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Values as they are kept. Throws FeatherdetError for numbers that do not fit. */
function kept(name: string, data: Float32Array, precision: KeptViews["precision"], file?: string): TensorData {
  if (precision === "f32") return data;
  const wide = data.find((value) => Math.abs(value) > LARGEST_F16);
  if (wide === undefined) return new Float16Array(data);
  throw new FeatherdetError(`"${name}" is ${wide} once, which f16 does not hold: keep the teacher's values in f32`, {
    file,
  });
}

/** What the graphs say of a batch's pictures, by the inputs that take it. */
async function say(
  sessions: readonly Session[],
  { fed, images: input }: KeptViews,
  images: Float32Array,
): Promise<[string, Float32Array][]> {
  const [{ shape }] = fed[0].graph.inputs;
  const all = await Promise.all(sessions.map((session) => session.run({ [input]: { shape, data: images } })));
  return fed.flatMap(({ graph, inputs }, which) =>
    graph.outputs.map((name, place): [string, Float32Array] => [inputs[place], all[which][name].data])
  );
}

/**
 * Has teachers look at every view that is not in the store yet. Ends early, without an error, where the signal says so: another call goes
 * on.
 *
 * Throws FeatherdetError for a store of another teacher, other pictures or other augmentation, for one without room, and for numbers that
 * its precision does not hold.
 */
export async function keepViews(
  views: KeptViews,
  { onStart, onBatch, signal }: Pick<KeptOptions, "onStart" | "onBatch"> & { readonly signal?: AbortSignal } = {},
): Promise<void> {
  const { store, batches, fed, precision } = views;
  await checkStore(views);
  const all = batches.views, missing: View[] = [];
  for (const view of all) if (!await store.has(viewFile(view))) missing.push(view);
  const each = bytesOfBatch(views), needed = each * missing.length, free = await store.free?.();
  onStart?.({ batches: all.length, there: all.length - missing.length, bytes: each * all.length });
  if (free !== undefined && needed > free) {
    throw new FeatherdetError(
      `what the teacher says of ${missing.length} batches takes ${sizeText(needed)}, and there is room for ${
        sizeText(free)
      }: ask for fewer views, or another folder`,
      { file: store.place },
    );
  }
  if (missing.length === 0 || signal?.aborted) return;
  const sessions: Session[] = [];
  try {
    // Planned as a step is: nodes that share a dispatch may be computed by other kernels, which add in another order.
    for (const { graph } of fed) sessions.push(await Session.create(graph, { separate: true }));
    let done = 0;
    for await (const { images, view } of batches.readAt(missing)) {
      const values = await say(sessions, views, images);
      const file = viewFile(view);
      const arrays = new Map(values.map(([name, data]) => [name, kept(name, data, precision, store.place)]));
      await store.write(file, await writeTensors({ metadata: { pictures: await hashOf(images) }, arrays }));
      onBatch?.(++done, missing.length);
      if (signal?.aborted) return;
    }
  } finally {
    for (const session of sessions) session.destroy();
  }
}

/** The values of a batch. Throws FeatherdetError where they are not there, damaged, or of other pictures. */
async function valuesOf({ store, fed }: KeptViews, { images, view }: DatasetBatch): Promise<TrainingBatch["fed"]> {
  const name = viewFile(view), file = store.place === undefined ? name : `${store.place}/${name}`;
  const bytes = await store.read(name);
  if (bytes === undefined) throw new FeatherdetError("is gone while the run needs it", { file });
  const { metadata, arrays } = await readTensors(bytes, file);
  if (metadata.pictures !== await hashOf(images)) {
    throw new FeatherdetError(
      "holds what the teacher says of other pictures than those of this run: delete the folder, and they are looked at again",
      { file },
    );
  }
  return Object.fromEntries(
    fed.flatMap(({ inputs }) => inputs).map((input) => {
      const data = arrays.get(input);
      if (data === undefined) throw new FeatherdetError(`has no "${input}"`, { file });
      return [input, data instanceof Float32Array ? data : new Float32Array(data)] as const;
    }),
  );
}

/** The batches of a run with what was kept of them; each is shown to `onBatch` before it is handed on. */
export function withKept(views: KeptViews, onBatch?: (batch: DatasetBatch) => void | Promise<void>): BatchSource {
  const { batches } = views;
  return {
    stepsPerEpoch: batches.stepsPerEpoch,
    async *read(start) {
      for await (const batch of batches.read(start)) {
        await onBatch?.(batch);
        yield { ...batch, fed: await valuesOf(views, batch) };
      }
    },
  };
}
