/** Crops that the letterbox takes on the device are those that the host cuts out before. */

import { assert } from "@std/assert";
import { letterboxGeometry, rgbaOf } from "../../../src/detect/letterbox.ts";
import { cropped } from "../../../src/detect/rectangle.ts";
import { letterbox } from "../../../src/kernels/detect/mod.ts";
import { letterboxReference } from "../../../src/reference/detect.ts";
import { formName, FORMS, PITCH } from "../../support/compare.ts";
import { gpuTest, runKernels } from "../../support/gpu.ts";
import { seededRandom } from "../../support/random.ts";

const random = seededRandom(8);
const PICTURE = { width: 127, height: 61, data: Uint8Array.from({ length: 3 * 127 * 61 }, () => random() * 256) };

/** Left, top, width, height: in every corner, at no edge, one pixel. */
const CROPS = [[0, 0, 40, 30], [87, 0, 40, 30], [3, 31, 13, 30], [100, 20, 27, 41], [50, 13, 61, 7], [126, 60, 1, 1]];

for (const form of FORMS.filter(({ scalar }) => scalar === "f32")) {
  gpuTest(`crops on the device are the reference's of crops on the host, ${formName(form)}`, async () => {
    const [height, width] = [32, 48], batch = 3;
    for (let first = 0; first < CROPS.length; first += batch) {
      const shape = [batch, 3, height, width];
      const layout = { kind: "blocked", batch, channels: 3, height, width, columns: 2, rise: height + 1 } as const;
      const crops = CROPS.slice(first, first + batch).map(([left, top, w, h]) => ({ left, top, width: w, height: h }));
      const kernels = crops.map((crop, image) =>
        letterbox({
          picture: "picture",
          size: crop,
          origin: [crop.left, crop.top],
          geometry: letterboxGeometry(crop.width, crop.height, width, height),
          output: { value: "images", shape, layout },
          image,
          pitch: PITCH,
        })
      );
      const pictures = [{ name: "picture", width: 127, height: 61, pixels: rgbaOf(PICTURE) }];
      const all = (await runKernels(kernels, [{ name: "images", layout }], form, PITCH, pictures)).get("images")!;
      crops.forEach((crop, image) => {
        const geometry = letterboxGeometry(crop.width, crop.height, width, height);
        const exact = letterboxReference(cropped(PICTURE, crop), geometry, width, height).data;
        const size = 3 * height * width;
        const off = all.subarray(image * size, (image + 1) * size).reduce(
          (most, value, i) => Math.max(most, 255 * Math.abs(value - exact[i])),
          0,
        );
        assert(off <= 1.5, `crop ${JSON.stringify(crop)} is off by ${off} levels`);
      });
    }
  });
}
