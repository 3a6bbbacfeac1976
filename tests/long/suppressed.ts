/** YOLO11n with suppression inside finds on photographs what the Detector finds with its own. */

import { assert, assertEquals } from "@std/assert";
import { Detector } from "../../src/detect/detector.ts";
import { importOnnx, loadOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { withBatch, withSuppression } from "../../src/passes/mod.ts";
import { sharedDataTest } from "../support/shared_data.ts";

/** Photographs that are looked at. */
const PICTURES = 12;

sharedDataTest(
  "detections of a model with suppression inside are those of the Detector",
  ["models/yolo11n_320.onnx", "coco/val/images"],
  async (model, images) => {
    const plain = withBatch(await loadOnnx(model), 1);
    const inside = importOnnx(saveOnnx(withSuppression(plain)));
    const [own, ready] = [await Detector.load(plain), await Detector.load(inside)];
    const files = [...Deno.readDirSync(images)].map(({ name }) => name).sort().slice(0, PICTURES);
    let found = 0;
    for (const file of files) {
      const bytes = await Deno.readFile(new URL(`images/${file}`, new URL("./", images)));
      const [expected, made] = [await own.detect(bytes), await ready.detect(bytes)];
      assertEquals(made.map(({ label }) => label), expected.map(({ label }) => label), file);
      made.forEach(({ box, score }, i) => {
        const most = Math.max(...box.map((side, k) => Math.abs(side - expected[i].box[k])));
        assert(most < 0.05 && Math.abs(score - expected[i].score) < 1e-3, `${file}: ${most} px, ${score}`);
      });
      found += made.length;
    }
    assert(found > PICTURES, `${found}`);
    own.destroy();
    ready.destroy();
  },
);
