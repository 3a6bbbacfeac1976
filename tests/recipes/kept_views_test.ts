/** A teacher that looks at fixed views once: the same run as with the teacher in its steps, what is kept, gone on with, and refused. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { openTrainingBatches } from "../../src/data/augment/mod.ts";
import { openDataset } from "../../src/data/open.ts";
import { FeatherdetError, type Graph } from "../../src/graph/mod.ts";
import { withBatch } from "../../src/passes/mod.ts";
import { keepViews, type KeptViews, viewFile, VIEWS_FILE, withKept } from "../../src/recipes/distill/kept_views.ts";
import { train } from "../../src/recipes/train_detector.ts";
import type { TrainOptions } from "../../src/recipes/train_options.ts";
import { readCheckpoint } from "../../src/train/loop/checkpoint.ts";
import { readTensors, writeTensors } from "../../src/train/loop/safetensors.ts";
import { createMemoryStore, type LargeStore, type MemoryStore } from "../../src/train/loop/store.ts";
import { distilled, type DistilledOptions } from "../../src/train/mod.ts";
import { gpuTest } from "../support/gpu.ts";
import { lively } from "../support/lively.ts";
import { miniYolo11 } from "../support/mini_yolo11.ts";

const dataset = await openDataset("synthetic", { split: "train", limit: 5, size: 64 });

const tiny = (seed = 3, width = 0.125): Graph =>
  lively(miniYolo11({ width, size: 64, classes: dataset.classes, seed }), seed);

const teacher = tiny(7, 0.25);
const ALL: DistilledOptions = {
  losses: [{ loss: "logits", weight: 0.5 }, { loss: "dfl", weight: 0.25 }, { loss: "cwd", weight: 2 }, { loss: "l2" }],
  assigns: true,
};

/** Four epochs: two views, the first again, and a view without mosaics. */
const OPTIONS: TrainOptions = { epochs: 4, batch: 2, closeMosaic: 1, views: 2, workers: 0, seed: 3 };

const last = ({ files }: MemoryStore) => readCheckpoint(files.get("last.ckpt")!, "last.ckpt");

/** A run of two batches an epoch. */
async function run(options: TrainOptions) {
  const store = createMemoryStore(), few = { ...dataset, images: dataset.images.slice(0, 3) };
  const { run: { epochs } } = await train(tiny(), few, { ...OPTIONS, ...options, store });
  return { losses: epochs.map(({ losses }) => losses), state: (await last(store)).state };
}

gpuTest(
  "a run that is fed what the teacher said is that with the teacher in its steps, in f32 to the bit",
  async () => {
    const within = await run({ variants: [distilled(teacher, ALL)] });
    const store = createMemoryStore(), seen: number[] = [];
    const onBatch = (done: number) => seen.push(done);
    const variants = [distilled(teacher, { ...ALL, apart: true })];
    const fed = await run({ variants, kept: { store, precision: "f32", onBatch } });
    assertEquals(seen.length, 6, "two views with mosaics and one without, of two batches");
    assertEquals(fed.losses, within.losses);
    // By names: the difference of arrays so long would take all memory to print.
    const differing = [...within.state.arrays].flatMap(([name, data]) => {
      const other = fed.state.arrays.get(name);
      return other?.length === data.length && data.every((value, i) => Object.is(value, other[i])) ? [] : [name];
    });
    assertEquals(differing, []);
    assertEquals(fed.state.arrays.size, within.state.arrays.size);
    assertEquals(fed.state.updates, within.state.updates);
    // Later epochs of any two runs drift apart.
    const abort = new AbortController(), onEpoch = () => abort.abort();
    const { losses: [short] } = await run({ variants, kept: { precision: "f16" }, signal: abort.signal, onEpoch });
    for (const [name, loss] of Object.entries(short)) {
      const wanted = within.losses[0][name];
      assert(Math.abs(loss - wanted) < 1e-3 * wanted, `${name} is ${loss} in f16, ${wanted} in f32`);
    }
    assert(short["distil cwd"] !== within.losses[0]["distil cwd"], "f16 rounds");
  },
);

/** What is kept of a teacher for a run. */
function keptOf(store: LargeStore, source = teacher, more: Partial<KeptViews> = {}): KeptViews {
  const student = withBatch(tiny(), 2), variant = distilled(source, { ...ALL, apart: true });
  const batches = openTrainingBatches(dataset, {
    ...{ size: [64, 64], batch: 2, boxes: 40, epochs: 3, views: 1, closeMosaic: 0, workers: 0 },
  });
  const { distil: { teacher: told } } = variant.settings as { distil: { teacher: unknown } };
  const key = { teacher: told, batch: 2 };
  return { store, batches, key, precision: "f16", images: "images", fed: variant.fed!(student), ...more };
}

gpuTest("what was interrupted goes on with the batch that is missing, and equals what was not", async () => {
  const [part, whole] = [createMemoryStore(), createMemoryStore()];
  await keepViews(keptOf(whole));
  const abort = new AbortController();
  await keepViews(keptOf(part), { signal: abort.signal, onBatch: (done) => done === 2 && abort.abort() });
  assertEquals(part.files.size, 3, "two batches and what they are of");
  const sizes: unknown[] = [], done: number[][] = [];
  await keepViews(keptOf(part), { onStart: (size) => sizes.push(size), onBatch: (...step) => done.push(step) });
  // 8 and 4 rows and columns: 80 anchors of 10 classes and 64 bins, maps of 32 channels.
  const elements = 80 * (10 + 64) + 64 * 32 + 16 * 32;
  assertEquals([sizes, done], [[{ batches: 3, there: 2, bytes: 3 * 2 * 2 * elements }], [[1, 1]]]);
  assertEquals(part.files, whole.files);
  const fed = [];
  for await (const { fed: values } of withKept(keptOf(part)).read({ epoch: 0, step: 0 })) fed.push(values!);
  assertEquals(fed.length, 9);
  const file = viewFile({ epoch: 0, step: 0, mosaics: true });
  const { arrays } = await readTensors(part.files.get(file)!, file);
  for (const [name, data] of arrays) assertEquals(fed[0][name], new Float32Array(data));
});

/** The store as if it had room for so many bytes. */
const withRoom = (store: LargeStore, bytes: number): LargeStore => ({
  ...store,
  place: "values",
  free: () => Promise.resolve(bytes),
});

Deno.test("stores of another teacher, without room, or damaged are refused before anybody looks at a picture", async () => {
  const store = createMemoryStore();
  const refused = (views: KeptViews, says: string) => assertRejects(() => keepViews(views), FeatherdetError, says);
  await refused(
    keptOf(withRoom(store, 1000)),
    "batches takes 0.1 MB, and there is room for 0.0 MB: ask for fewer views",
  );
  assertEquals([...store.files.keys()], [VIEWS_FILE]);
  await refused(keptOf(store, tiny(8, 0.25)), 'holds what a teacher says in a run with teacher "mini" (');
  const key = { ...keptOf(store).key, batch: 4 };
  await refused(
    keptOf(store, teacher, { key }),
    "with batch 2, this run has 4: take another folder, or delete this one",
  );
  await store.write(VIEWS_FILE, "{");
  await refused(keptOf(store), "holds a damaged views.json");
  const file = viewFile({ epoch: 0, step: 0, mosaics: true });
  const read = async () => {
    for await (const _ of withKept(keptOf(store)).read({ epoch: 0, step: 0 }));
  };
  await assertRejects(read, FeatherdetError, `${file}: is gone while the run needs it`);
  await store.write(file, new Uint8Array(3));
  await assertRejects(read, FeatherdetError, `${file}: is no file of arrays`);
});

Deno.test("values are fed with the pictures that they are of, and f16 does not take what it cannot hold", async () => {
  const store = createMemoryStore();
  const file = viewFile({ epoch: 0, step: 0, mosaics: true });
  await store.write(file, await writeTensors({ metadata: { pictures: "0".repeat(64) }, arrays: new Map() }));
  await assertRejects(
    async () => {
      for await (const _ of withKept(keptOf(store)).read({ epoch: 0, step: 0 }));
    },
    FeatherdetError,
    "of other pictures than those of this run",
  );
});

gpuTest("a teacher that is apart needs fixed views, and its numbers have to fit", async () => {
  const variants = [distilled(teacher, { ...ALL, apart: true })];
  const error = "looks at fixed views of the pictures: say how many with views";
  await assertRejects(() => train(tiny(), dataset, { ...OPTIONS, views: undefined, variants }), FeatherdetError, error);
  const name = [...teacher.constants.keys()].find((one) => one.endsWith("cv3.0.2.bias"))!;
  const bias = teacher.constants.get(name)!;
  const loud = { ...bias, data: new Float32Array(bias.data.length).fill(1e5) };
  const source = { ...teacher, constants: new Map([...teacher.constants, [name, loud]]) };
  const wide = keepViews(keptOf(createMemoryStore(), source));
  await assertRejects(() => wide, FeatherdetError, "which f16 does not hold: keep the teacher's values in f32");
});
