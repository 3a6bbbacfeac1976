/** How a run of training fits into a limit of memory: as many pictures an update, fewer at once. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { FeatherdetError } from "../../src/graph/error.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { type ChosenTraining, fitted } from "../../src/recipes/training_memory.ts";
import { PLAIN } from "../../src/train/mod.ts";
import { gpuTest } from "../support/gpu.ts";

gpuTest(
  "a batch that does not fit is made smaller and accumulated; nothing is said of a run without a limit",
  async () => {
    const model = yolo11({ width: 0.0625, size: 32, classes: 2 });
    const problem = { boxes: 2, boxLoss: "ciou", variant: PLAIN } as const;
    const told: ChosenTraining[] = [];
    const fit = (memoryLimit?: number) =>
      fitted(model, {
        batch: 4,
        accumulate: 3,
        precision: "f32",
        recompute: true,
        memoryLimit,
        onFitted: (chosen) => void told.push(chosen),
      }, problem);
    assertEquals(await fit(), { batch: 4, accumulate: 3, precision: "f32", recompute: true });
    assertEquals(told, []);
    await fit(1e9);
    assertEquals([told[0].batch, told[0].accumulate], [4, 3]);
    const less = await fit(told[0].bytes - 1);
    assertEquals([less.batch, less.accumulate], [2, 6]);
    assert(told[1].bytes < told[0].bytes);
    assertEquals(less.left, told[0].bytes - 1 - told[1].bytes);
    await assertRejects(() => fit(1000), FeatherdetError, "training needs");
  },
);
