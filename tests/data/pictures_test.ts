/** Folders of pictures without labels, where pictures alone will do. */

import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { openDataset } from "../../src/data/open.ts";
import { openTrainingPart, openValidationPart } from "../../src/data/parts.ts";
import { decodeAhead } from "../../src/eval/decode_ahead.ts";
import { withoutLabels } from "../../src/data/pictures.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { inFolder, putCoco, putPictures, putVoc, putYolo, TINY } from "../support/data_folders.ts";

const SIZES = TINY.pictures.map(({ name, width, height }) => [name, width, height]);

Deno.test("a folder of pictures is a data set without classes where labels are not asked for, with splits or without", () =>
  inFolder(async (folder) => {
    for (const place of ["", "images"]) {
      const own = join(folder, `bare ${place}`);
      await putPictures(join(own, place), TINY);
      await assertRejects(() => openDataset(own), FeatherdetError, "no annotations that are read");
      const set = await openTrainingPart(own, { labels: false });
      assertEquals(set.images.map(({ name, width, height }) => [name, width, height]), SIZES);
      assertEquals([set.classes.length, set.split, set.images.flatMap(({ boxes }) => boxes).length], [0, undefined, 0]);
      assertEquals((await openTrainingPart(own, { labels: false, limit: 2 })).images.length, 2);
      assertEquals(await openValidationPart(own, set, { labels: false }), undefined);
    }
    for (const place of ["images/train", "train/images", "train"]) {
      const own = join(folder, `split ${place.replace("/", " ")}`);
      await putPictures(join(own, place), TINY);
      const set = await openTrainingPart(own, { labels: false });
      assertEquals([set.split, set.images.length], ["train", SIZES.length]);
      const { width, height } = await set.images[0].load();
      assertEquals([width, height], SIZES[0].slice(1));
      assertEquals(await openValidationPart(own, set, { labels: false }), undefined);
    }
    await Deno.mkdir(join(folder, "nothing"));
    await assertRejects(
      () => openTrainingPart(join(folder, "nothing"), { labels: false }),
      FeatherdetError,
      "no data set",
    );
  }));

Deno.test("a data set with labels is read with them all the same, and the pictures alone have other classes and no box", () =>
  inFolder(async (folder) => {
    await putYolo(folder, TINY);
    const set = await openDataset(folder, { labels: false });
    assertEquals(set.classes, TINY.classes);
    const bare = withoutLabels(set, ["one", "two", "three"]);
    assertEquals([bare.classes.length, bare.categoryIds], [3, [1, 2, 3]]);
    assertEquals(bare.images.map(({ id, name }) => [id, name]), set.images.map(({ id, name }) => [id, name]));
    assertEquals(bare.images.flatMap(({ boxes }) => boxes), []);
    assertEquals((await bare.images[2].load()).data, (await set.images[2].load()).data);
    assertEquals(await bare.images[2].bytes(), await set.images[2].bytes());
  }));

Deno.test("folders that are COCO sets of their own stay splits, whatever their names, where labels are not asked for", () =>
  inFolder(async (folder) => {
    for (const split of ["train", "val", "extra"]) await putCoco(join(folder, split), TINY);
    for (const split of ["train", "extra", "train+extra"]) {
      const [bare, labelled] = [false, true].map((labels) => openTrainingPart(folder, { split, labels }));
      assertEquals((await bare).images.map(({ name }) => name), (await labelled).images.map(({ name }) => name), split);
      assertEquals([(await bare).split, (await bare).classes], [split, TINY.classes]);
    }
  }));

Deno.test("pictures of more pixels than are wanted are refused by name in every form, and those of just as many read", () =>
  inFolder(async (folder) => {
    const sizes = TINY.pictures.map(({ width, height }) => width * height), most = Math.max(...sizes);
    const largest = TINY.pictures[sizes.indexOf(most)].name;
    const bare = (own: string) => putPictures(own, TINY);
    for (const [form, write] of Object.entries({ putCoco, putVoc, putYolo, bare })) {
      const own = join(folder, form);
      await write(own, TINY);
      const open = (maxPixels: number) => openDataset(own, { labels: form !== "bare", maxPixels });
      const { message } = await assertRejects(() => open(most - 1), FeatherdetError);
      assertEquals(
        [message.includes(`${largest}: the image is `), message.includes("more than the")],
        [true, true],
        message,
      );
      const set = await open(most);
      // In a worker and here.
      const decoded = await Array.fromAsync(decodeAhead(set.images, { workers: 1 }));
      for (const [at, image] of set.images.entries()) assertEquals(decoded[at].image, await image.load());
      assertEquals(withoutLabels(set, ["one"]).images.map(({ maxPixels }) => maxPixels), set.images.map(() => most));
    }
  }));
