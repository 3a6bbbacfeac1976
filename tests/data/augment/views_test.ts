/** Fixed views: what comes again, in which order, and that a run of as many views as epochs is a run without. */

import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { type DatasetBatch, openTrainingBatches, type TrainingBatchesOptions } from "../../../src/data/augment/mod.ts";
import { FeatherdetError } from "../../../src/graph/error.ts";
import { demoDataset } from "../../support/demo_dataset.ts";

const OPTIONS: TrainingBatchesOptions = {
  ...{ size: [32, 32], batch: 2, boxes: 24, epochs: 6, closeMosaic: 2, seed: 5, workers: 0 },
};

const collect = (more: Partial<TrainingBatchesOptions>): Promise<DatasetBatch[]> =>
  Array.fromAsync(openTrainingBatches(demoDataset(7), { ...OPTIONS, ...more }));

const shown = ({ images, boxes, pictures }: DatasetBatch) => ({ images, boxes, pictures });

Deno.test("batches of the first epochs come again in another order; the end of the run has views of its own", async () => {
  const plain = await collect({}), fixed = await collect({ views: 2 });
  const place = (epoch: number, step: number) => 4 * epoch + step;
  for (const { epoch, step, view } of fixed) {
    const expected = { epoch: epoch < 4 ? epoch % 2 : epoch, mosaics: epoch < 4 };
    assertEquals({ epoch: view.epoch, mosaics: view.mosaics }, expected);
    assertEquals(shown(fixed[place(epoch, step)]), shown(plain[place(view.epoch, view.step)]));
  }
  const steps = (epoch: number) => fixed.filter((batch) => batch.epoch === epoch).map(({ view }) => view.step);
  for (const epoch of [0, 1, 4, 5]) assertEquals(steps(epoch), [0, 1, 2, 3]);
  for (const epoch of [2, 3]) assertEquals(steps(epoch).toSorted(), [0, 1, 2, 3]);
  assert([2, 3].some((epoch) => steps(epoch).join() !== "0,1,2,3"), "shuffled");
  assertNotEquals(shown(plain[place(2, 0)]), shown(plain[place(0, 0)]));
});

Deno.test("a run of as many views as epochs is one without; views are listed and read by themselves", async () => {
  assertEquals((await collect({ views: 6 })).map(shown), (await collect({})).map(shown));
  const batches = openTrainingBatches(demoDataset(7), { ...OPTIONS, views: 1 });
  const views = batches.views;
  assertEquals(views.map(({ epoch, step }) => [epoch, step]), [0, 4].flatMap((e) => [0, 1, 2, 3].map((s) => [e, s])));
  const [some] = await Array.fromAsync(batches.readAt(views.slice(5, 6)));
  const all = await Array.fromAsync(batches);
  assertEquals([some.view, shown(some)], [views[5], shown(all[4 * 4 + 1])]);
  const from = await Array.fromAsync(batches.read({ epoch: 3, step: 2 }));
  assertEquals(from.map(shown), all.slice(14).map(shown));
  assertThrows(
    () => openTrainingBatches(demoDataset(2), { ...OPTIONS, views: 0 }),
    FeatherdetError,
    '"views" of a training input is 0',
  );
});
