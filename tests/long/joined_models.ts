/** Models whose dispatches are joined find, bit for bit, what they find with a dispatch for each node: f32, f16 and int8, in both storages. */

import { assert, assertEquals } from "@std/assert";
import { Detector } from "../../src/detect/detector.ts";
import { loadModel } from "../../src/host/models.ts";
import { sharedDataTest } from "../support/shared_data.ts";

/** Sides of the input: levels of 7x7 to 28x28, and of 13x13 to 52x52. */
const SIZES = [224, 416];

for (
  const [file, precision] of [["bccd.onnx", "f32"], ["bccd-pruned.onnx", "f16"], [
    "bccd-everything.onnx",
    "int8",
  ]] as const
) {
  sharedDataTest(
    `boxes of ${file} in ${precision} are those of single dispatches`,
    ["bccd/images/BloodImage_00379.jpg"],
    async (picture) => {
      const bytes = await Deno.readFile(picture);
      const model = new URL(`../../data/models/${file}`, import.meta.url).pathname;
      for (const size of SIZES) {
        const graph = await loadModel(model, { size });
        for (const storage of ["texture", "buffer"] as const) {
          const [joined, separate] = [false, true].map((separate) => ({
            precision,
            storage,
            separate,
            confidence: 0.05,
          }));
          const [one, other] = [await Detector.load(graph, joined), await Detector.load(graph, separate)];
          assert(one.dispatches < other.dispatches - 15, `${one.dispatches} and ${other.dispatches} dispatches`);
          const [found, expected] = [await one.detect(bytes), await other.detect(bytes)];
          assert(found.length > 5, `${found.length} boxes`);
          assertEquals(found, expected, `${size} px, ${storage}`);
          one.destroy();
          other.destroy();
        }
      }
    },
  );
}
