/** Batches for training: the same whoever makes them, complete, and ended without leftovers. */

import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { join } from "node:path";
import { batchOrder, epochOrder } from "../../../src/data/augment/order.ts";
import { BatchSampler, type BatchSettings } from "../../../src/data/augment/batch_sampler.ts";
import {
  countBoxRows,
  type DatasetBatch,
  DEFAULT_AUGMENTATION,
  openTrainingBatches,
  type TrainingBatchesOptions,
} from "../../../src/data/augment/mod.ts";
import type { Dataset } from "../../../src/data/dataset.ts";
import { openDataset } from "../../../src/data/open.ts";
import { FeatherdetError } from "../../../src/graph/error.ts";
import type { BatchSource } from "../../../src/train/loop/loop.ts";
import type { TrainingBatch } from "../../../src/train/loop/trainer.ts";
import { inFolder } from "../../support/data_folders.ts";
import { demoDataset, writeDemoFolder } from "../../support/demo_dataset.ts";

const OPTIONS: TrainingBatchesOptions = { size: [64, 96], batch: 3, boxes: 24, epochs: 3, closeMosaic: 1, seed: 5 };

const SETTINGS: BatchSettings = {
  size: [64, 96],
  batch: 3,
  epochs: 3,
  closeMosaic: 1,
  seed: 5,
  shuffle: true,
  augment: DEFAULT_AUGMENTATION,
};

async function collect(dataset: Dataset, options: Partial<TrainingBatchesOptions> = {}): Promise<DatasetBatch[]> {
  return await Array.fromAsync(openTrainingBatches(dataset, { workers: 0, ...OPTIONS, ...options }));
}

/** Counts the workers that run and what they answer while `run` is under way. */
async function watchingWorkers<T>(
  run: (seen: { running: number; started: number; images: number; sources: number }) => Promise<T>,
): Promise<T> {
  const { Worker: Original } = globalThis;
  const seen = { running: 0, started: 0, images: 0, sources: 0 };
  globalThis.Worker = class extends Original {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      seen.running++;
      seen.started++;
      this.addEventListener("message", ({ data }: MessageEvent) => {
        if (data.answer?.images) seen.images++;
        if (data.answer?.source) seen.sources++;
      });
    }
    override terminate() {
      super.terminate();
      seen.running--;
    }
  };
  try {
    return await run(seen);
  } finally {
    globalThis.Worker = Original;
  }
}

Deno.test("batches are what training asks for", () => {
  const batches = openTrainingBatches(demoDataset(2), OPTIONS);
  // These two are checked by their types alone.
  const source: BatchSource = batches;
  const stream: AsyncIterable<TrainingBatch> = batches;
  assertEquals([source.stepsPerEpoch, stream], [1, batches]);
});

Deno.test("batches are the same bytes with 0, 1 and 2 workers, from files, with little memory and from any place on", async () => {
  await inFolder(async (folder) => {
    await writeDemoFolder(folder, 7);
    const dataset = await openDataset(folder);
    const expected = await collect(dataset);
    assertEquals(
      expected.map(({ epoch, step }) => [epoch, step]),
      [0, 1, 2].flatMap((e) => [0, 1, 2].map((s) => [e, s])),
    );
    for (const workers of [1, 2]) {
      await watchingWorkers(async (seen) => {
        assertEquals(await collect(dataset, { workers, ahead: 3 }), expected);
        assertEquals(seen, { running: 0, started: workers, images: 9, sources: 7 });
      });
    }
    assertEquals(await collect(dataset, { memory: 0 }), expected);
    await watchingWorkers(async (seen) => {
      assertEquals(await collect(dataset, { memory: 40_000, workers: 1 }), expected);
      assert(seen.sources > 7, "little memory has pictures decoded again");
    });
    for (const [epoch, step] of [[0, 1], [1, 2], [2, 0]]) {
      const rest = await collect(dataset, { start: { epoch, step }, workers: step });
      assertEquals(rest, expected.slice(3 * epoch + step));
    }
    const batches = openTrainingBatches(dataset, { ...OPTIONS, workers: 0 });
    assertEquals(await Array.fromAsync(batches.read({ epoch: 1, step: 3 })), expected.slice(6));
    assertEquals((await collect(dataset, { seed: 6 }))[0].images.length, expected[0].images.length);
    assert((await collect(dataset, { seed: 6 }))[0].images.some((value, i) => value !== expected[0].images[i]));
  });
});

Deno.test("an epoch has every picture, in an order of its own; the last batch goes on from its beginning", async () => {
  const batches = await collect(demoDataset(7));
  const epochs = [0, 1, 2].map((epoch) => batches.slice(3 * epoch, 3 * epoch + 3).flatMap(({ pictures }) => pictures));
  for (const pictures of epochs) {
    assertEquals(pictures.slice(0, 7).toSorted(), [0, 1, 2, 3, 4, 5, 6]);
    assertEquals(pictures.slice(7), pictures.slice(0, 2));
  }
  assert(new Set(epochs.map(String)).size === 3);
  const [first] = await collect(demoDataset(2), { batch: 5, epochs: 1, shuffle: false });
  assertEquals(first.pictures, [0, 1, 0, 1, 0]);
  // A picture that comes twice is augmented twice.
  const length = first.images.length / 5;
  assert(first.images.subarray(0, length).some((value, i) => value !== first.images[2 * length + i]));
});

Deno.test("orders of pictures are evenly distributed: each of the six of three comes as often as the others", () => {
  const counts = new Map<string, number>(), runs = 6000;
  for (let seed = 0; seed < runs; seed++) {
    for (const order of [epochOrder(3, seed, 0, true), batchOrder(3, seed, 1)]) {
      counts.set(String(order), (counts.get(String(order)) ?? 0) + 1);
    }
  }
  const expected = 2 * runs / 6;
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  // 20.5 is passed once in a thousand times by chance; swaps with any place instead of those left give 150.
  assert(counts.size === 6 && chiSquare < 20.5, `${chiSquare}: ${[...counts]}`);
  assertEquals([...epochOrder(5, 1, 0, false)], [0, 1, 2, 3, 4]);
});

Deno.test("mosaics end where they are to end", () => {
  const batches = new BatchSampler(demoDataset(5), { ...SETTINGS, epochs: 4, closeMosaic: 2 });
  const tiles = [0, 1, 2, 3].map((epoch) =>
    batches.samples({ epoch, step: 0 }).map(({ sample }) => sample.tiles.length)
  );
  assertEquals(tiles, [[4, 4, 4], [4, 4, 4], [1, 1, 1], [1, 1, 1]]);
});

Deno.test("without augmentation, pictures and boxes are those of the letterbox", async () => {
  const dataset = demoDataset(3);
  const [batch] = await collect(dataset, { augment: false, shuffle: false, epochs: 1, size: [190, 226] });
  const { width, height, data } = await dataset.images[2].load();
  const image = batch.images.subarray(2 * 3 * 190 * 226);
  assertEquals([width, height], [226, 190]);
  for (let i = 0; i < width * height; i++) {
    for (let channel = 0; channel < 3; channel++) {
      assertEquals(image[channel * width * height + i], Math.fround(data[3 * i + channel] / 255));
    }
  }
  const rows = dataset.images[2].boxes.map(({ classId, box }) => [classId, ...box]);
  const padding = Array.from({ length: 24 - rows.length }, () => [-1, 0, 0, 0, 0]);
  assertEquals(batch.boxes.slice(2 * 24 * 5), Float32Array.from([...rows, ...padding].flat()));
});

Deno.test("crowds have no boxes; boxes without a row are counted, the largest stay", async () => {
  const { images, ...rest } = demoDataset(1);
  const [image] = images;
  const boxes = [[0, 0, 40, 40], [50, 50, 60, 60], [70, 70, 170, 170], [0, 50, 20, 70], [80, 0, 190, 100]].map((
    box,
    id,
  ) => ({
    ...{ id, classId: id % 3, area: 1, crowd: id === 4 },
    box: box as unknown as readonly [number, number, number, number],
  }));
  const dataset: Dataset = { ...rest, images: [{ ...image, boxes }], warnings: ["all is not well"] };
  const options = { ...OPTIONS, boxes: 2, batch: 1, epochs: 1, augment: false, size: [190, 200], workers: 0 } as const;
  const batches = openTrainingBatches(dataset, options);
  const [batch] = await Array.fromAsync(batches);
  assertEquals([...batch.boxes], [2, 70, 70, 170, 170, 0, 0, 0, 40, 40]);
  assertEquals(batch.dropped, 2);
  const says = "2 boxes left out of pictures with more than the 2 that an input has rows for";
  assertEquals(batches.warnings(), ["all is not well", says]);
  assertEquals(countBoxRows(dataset, false), 8);
});

Deno.test("as many rows as are proposed hold nearly all boxes, with and without mosaics", () => {
  const dataset = demoDataset(9);
  assertEquals(countBoxRows(dataset, false), 8);
  const rows = countBoxRows(dataset);
  assert(rows > 8 && rows <= 24, `${rows}`);
  const batches = new BatchSampler(dataset, { ...SETTINGS, epochs: 50, closeMosaic: 0 });
  let most = 0;
  for (let epoch = 0; epoch < 50; epoch++) {
    for (let step = 0; step < 3; step++) {
      for (const { sample } of batches.samples({ epoch, step })) most = Math.max(most, sample.boxes.length);
    }
  }
  assert(most <= rows && most > rows - 12, `${most} of ${rows}`);
});

Deno.test("workers end with the stream, with whoever stops early, and with a signal", async () => {
  const dataset = demoDataset(4);
  await watchingWorkers(async (seen) => {
    for await (const _ of openTrainingBatches(dataset, { ...OPTIONS, workers: 2 })) {
      assertEquals(seen.running, 2);
      break;
    }
    assertEquals(seen.running, 0);
    const iterator = openTrainingBatches(dataset, { ...OPTIONS, workers: 1 })[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.return();
    assertEquals([seen.running, seen.started], [0, 3]);

    const stop = new AbortController();
    // A picture that never comes.
    const stuck: Dataset = {
      ...dataset,
      images: dataset.images.map((image) => ({ ...image, load: () => new Promise(() => {}) })),
    };
    const waiting = collect(stuck, { workers: 1, signal: stop.signal });
    stop.abort(new Error("enough"));
    await assertRejects(() => waiting, Error, "enough");
    await assertRejects(() => collect(dataset, { workers: 1, signal: stop.signal }), Error, "enough");
    assertEquals(seen.running, 0);

    const between = new AbortController();
    await assertRejects(async () => {
      for await (const _ of openTrainingBatches(dataset, { ...OPTIONS, workers: 1, signal: between.signal })) {
        between.abort();
      }
    }, DOMException);
    assertEquals(seen.running, 0);
  });
});

Deno.test("without workers that work, batches are made here", async () => {
  const { Worker: Original } = globalThis;
  const dataset = demoDataset(4);
  const expected = await collect(dataset);
  try {
    globalThis.Worker = class {
      constructor() {
        throw new Error("forbidden");
      }
    } as unknown as typeof Worker;
    assertEquals(await collect(dataset, { workers: 2 }), expected);
  } finally {
    globalThis.Worker = Original;
  }
});

Deno.test("a picture that is broken, gone or of another size is named, and leaves no workers", async () => {
  await inFolder(async (folder) => {
    await writeDemoFolder(folder, 4);
    const dataset = await openDataset(folder);
    const file = join(folder, "images", `${dataset.images[2].id}.png`);
    const other = join(folder, "images", `${dataset.images[1].id}.png`);
    const spoils: [() => Promise<void>, RegExp][] = [
      [() => Deno.copyFile(other, file), /: the image is \d+x190 now, it was \d+x190 when the data set was read$/],
      [() => Deno.writeTextFile(file, "text"), /: not an image/],
      [() => Deno.remove(file), /: no such file$/],
    ];
    for (const [spoil, says] of spoils) {
      await spoil();
      for (const workers of [0, 1]) {
        await watchingWorkers(async (seen) => {
          const { message } = await assertRejects(() => collect(dataset, { workers }), FeatherdetError);
          assert(message.startsWith(file), message);
          assertMatch(message, says);
          assertEquals([message.includes("\n"), seen.running], [false, 0]);
        });
      }
    }
  });
});

Deno.test("data sets and options that cannot be are refused in one sentence", async () => {
  const good = demoDataset(2);
  const says = (dataset: Dataset, options: Partial<TrainingBatchesOptions>) =>
    assertThrows(() => openTrainingBatches(dataset, { ...OPTIONS, ...options }), FeatherdetError).message;
  assertEquals(says({ ...good, images: [] }, {}), "the data set demo holds no pictures");
  assertEquals(says({ ...good, split: "val", images: [] }, {}), "the data set demo (val) holds no pictures");
  assertEquals(says(good, { batch: 0 }), `"batch" of a training input is 0, expected a whole number from 1`);
  assertEquals(says(good, { size: [64, 0.5] }), `"width" of a training input is 0.5, expected a whole number from 1`);
  assertEquals(says(good, { workers: -1 }), `"workers" of a training input is -1, expected a whole number from 0`);
  assertEquals(
    says(good, { start: { epoch: 0, step: 2 } }),
    "a training input cannot start at step 2 of an epoch that has 1 steps",
  );
  assertEquals(says(good, { augment: { mosaic: 2 } }), `augmentation "mosaic" is 2, expected 0 to 1`);
  assertMatch(says(good, { augment: { mixup: 1 } as never }), /^there is no augmentation "mixup", there are mosaic, /);
  assertEquals(says(good, { seed: 0.5 }).includes(`"seed"`), true);
  const [first, second] = good.images;
  const outside = { ...second, boxes: [{ ...second.boxes[0], id: 9, box: [1, 2, 300, 20] as const }] };
  await assertRejects(
    () => collect({ ...good, images: [first, outside] }),
    FeatherdetError,
    "seed 2: box 9 from (1, 2) to (300, 20) is not inside its image of 213x190",
  );
  const classless = { ...second, boxes: [{ ...second.boxes[0], id: 9, classId: 3 }] };
  await assertRejects(
    () => collect({ ...good, images: [classless] }),
    FeatherdetError,
    "seed 2: box 9 is of class 3, there are 3",
  );
});
