/** The letterbox: geometry, the kernel against the exact reference and against OpenCV, and the way back. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { decodeImage } from "../../src/image/codec/decode.ts";
import type { RgbImage } from "../../src/image/rgb_image.ts";
import { letterboxTensor } from "../../src/detect/host_letterbox.ts";
import { boxToInput, boxToPicture, letterboxGeometry, rgbaOf } from "../../src/detect/letterbox.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { letterbox } from "../../src/kernels/detect/mod.ts";
import type { StorageForm } from "../../src/kernels/kernel.ts";
import { letterboxReference } from "../../src/reference/detect.ts";
import { formName, FORMS } from "../support/compare.ts";
import { gpuTest, runKernels } from "../support/gpu.ts";
import { seededRandom } from "../support/random.ts";
import { sharedData } from "../support/shared_data.ts";

/** Cells in a row of the arena: more than the widest input here. */
const PITCH = 700;
interface OpenCvCase {
  readonly width: number;
  readonly height: number;
  readonly picture: string;
  readonly inputWidth: number;
  readonly inputHeight: number;
  readonly geometry: ReturnType<typeof letterboxGeometry>;
  readonly output: string;
}

const CASES: readonly OpenCvCase[] = JSON.parse(
  Deno.readTextFileSync(new URL("../fixtures/letterbox_cases.json", import.meta.url)),
);

const bytesOf = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

function noise(width: number, height: number, seed: number): RgbImage {
  const random = seededRandom(seed);
  return { width, height, data: Uint8Array.from({ length: 3 * width * height }, () => Math.floor(random() * 256)) };
}

/** Runs the kernel for the middle one of three images (large ones alone); checks that the others are left as they were. */
async function onDevice(picture: RgbImage, inputWidth: number, inputHeight: number, form: StorageForm) {
  const batch = inputWidth > 200 ? 1 : 3;
  const image = batch >> 1;
  const shape = [batch, 3, inputHeight, inputWidth];
  const columns = Math.min(batch, Math.floor(PITCH / inputWidth));
  const layout = {
    kind: "blocked",
    batch,
    channels: 3,
    height: inputHeight,
    width: inputWidth,
    columns,
    rise: inputHeight + 1,
  } as const;
  const geometry = letterboxGeometry(picture.width, picture.height, inputWidth, inputHeight);
  const kernel = letterbox({
    picture: "picture",
    size: picture,
    geometry,
    output: { value: "images", shape, layout },
    image,
    pitch: PITCH,
  });
  const pictures = [{ name: "picture", width: picture.width, height: picture.height, pixels: rgbaOf(picture) }];
  const results = await runKernels([kernel], [{ name: "images", layout }], form, PITCH, pictures);
  const all = results.get("images")!;
  const size = all.length / batch;
  const others = [...all.subarray(0, image * size), ...all.subarray((image + 1) * size)];
  assert(others.every((value) => value < -1), "another image was written");
  return all.subarray(image * size, (image + 1) * size);
}

/** Largest difference in levels of 1/255. */
function largestDifference(actual: Float32Array, expected: ArrayLike<number>): number {
  return actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]) * 255), 0);
}

Deno.test("letterbox geometry is that of the models' own pre-processing", () => {
  for (const { width, height, inputWidth, inputHeight, geometry } of CASES) {
    assertEquals(letterboxGeometry(width, height, inputWidth, inputHeight), geometry);
  }
  // Half a pixel is rounded to the even neighbour: 2.5 to 2, 3.5 to 4.
  assertEquals(letterboxGeometry(1280, 5, 640, 640).height, 2);
  assertEquals(letterboxGeometry(1280, 7, 640, 640).height, 4);
});

Deno.test("a picture however thin keeps one pixel", () => {
  assertEquals(letterboxGeometry(4000, 1, 640, 640), { scale: 0.16, left: 0, top: 319, width: 640, height: 1 });
});

Deno.test("letterbox geometry refuses sizes that are none", () => {
  assertThrows(() => letterboxGeometry(0, 5, 640, 640), FeatherdetError, "0x5");
  assertThrows(() => letterboxGeometry(3, 5, 640, NaN), FeatherdetError, "640xNaN");
});

Deno.test("boxes come back from the input to where they were, cut at the picture's edges", () => {
  const size = { width: 500, height: 333 };
  const geometry = letterboxGeometry(500, 333, 640, 480);
  const box = [10.5, 20.25, 499, 300] as const;
  const back = boxToPicture(boxToInput(box, geometry, size), geometry, size);
  back.forEach((value, i) => assertAlmostEquals(value, box[i], 1e-9));
  assertEquals(boxToPicture([-50, -50, 9999, 9999], geometry, size), [0, 0, 500, 333]);
});

Deno.test("edges of the scaled picture are edges of the picture, where its extents were rounded too", () => {
  // 90 x 130 becomes 66 x 96 instead of 66.46 x 96, 4000 x 3001 becomes 96 x 72 instead of 96 x 72.02.
  for (const [width, height, scaledWidth, scaledHeight] of [[90, 130, 66, 96], [4000, 3001, 96, 72]]) {
    const geometry = letterboxGeometry(width, height, 96, 96), left = (96 - scaledWidth) / 2;
    const top = (96 - scaledHeight) / 2, inner = [left + 0.25 * scaledWidth, top, left + scaledWidth, 48] as const;
    const found = boxToPicture(inner, geometry, { width, height });
    [0.25 * width, 0, width, height / 2].forEach((edge, k) => assertAlmostEquals(found[k], edge, 1e-9));
  }
});

Deno.test("three bytes a pixel become four, whatever the length and alignment", () => {
  for (const [width, height] of [[1, 1], [3, 1], [5, 7], [4, 4]]) {
    const { data } = noise(width, height, 5);
    for (const offset of [0, 1]) {
      const moved = new Uint8Array(data.length + offset);
      moved.set(data, offset);
      const bytes = new Uint8Array(rgbaOf({ width, height, data: moved.subarray(offset) }).buffer);
      assertEquals([...bytes].filter((_, i) => i % 4 < 3), [...data]);
    }
  }
});

const SIZES: readonly (readonly [number, number, number, number])[] = [
  [1, 1000, 640, 640],
  [1000, 1, 640, 640],
  [13, 127, 640, 640],
  [640, 640, 640, 640],
  [1920, 1080, 640, 640],
  [127, 13, 320, 192],
  [500, 375, 96, 160],
  [3, 3, 127, 13],
  [1, 1, 32, 32],
];

const EXACT_FORMS = FORMS.filter(({ scalar }) => scalar === "f32");

for (const form of EXACT_FORMS) {
  gpuTest(`letterbox is within 1.5/255 of exact bilinear scaling, ${formName(form)}`, async () => {
    for (const [i, [width, height, inputWidth, inputHeight]] of SIZES.entries()) {
      const picture = noise(width, height, i + 1);
      const geometry = letterboxGeometry(width, height, inputWidth, inputHeight);
      const exact = letterboxReference(picture, geometry, inputWidth, inputHeight).data;
      const difference = largestDifference(await onDevice(picture, inputWidth, inputHeight, form), exact);
      assert(difference <= 1.5, `${width}x${height} in ${inputWidth}x${inputHeight}: off by ${difference} levels`);
    }
  });
}

for (const form of FORMS) {
  gpuTest(`letterbox gives the levels that OpenCV gives, ${formName(form)}`, async () => {
    let other = 0, total = 0;
    for (const { width, height, picture, inputWidth, inputHeight, output } of CASES) {
      const actual = await onDevice({ width, height, data: bytesOf(picture) }, inputWidth, inputHeight, form);
      const pixels = inputWidth * inputHeight;
      const expected = bytesOf(output);
      actual.forEach((value, i) => {
        const level = expected[3 * (i % pixels) + Math.floor(i / pixels)];
        // Stored as f16, a level is off by a tenth at most.
        assert(
          Math.abs(255 * value - level) <= 1.1,
          `${width}x${height}, element ${i}: ${255 * value}, OpenCV ${level}`,
        );
        if (Math.abs(255 * value - level) > 0.5) other++;
      });
      total += actual.length;
    }
    assert(other <= total / 1000, `${other} of ${total} levels differ`);
  });
}

Deno.test("the host's letterbox gives the levels that OpenCV gives", () => {
  let other = 0, total = 0;
  for (const { width, height, picture, inputWidth, inputHeight, output } of CASES) {
    const { data, shape } = letterboxTensor({ width, height, data: bytesOf(picture) }, inputWidth, inputHeight);
    assertEquals(shape, [1, 3, inputHeight, inputWidth]);
    const pixels = inputWidth * inputHeight, expected = bytesOf(output);
    data.forEach((value, i) => {
      const level = expected[3 * (i % pixels) + Math.floor(i / pixels)];
      assert(
        Math.abs(255 * value - level) <= 1.01,
        `${width}x${height}, element ${i}: ${255 * value}, OpenCV ${level}`,
      );
      if (Math.abs(255 * value - level) > 0.5) other++;
    });
    total += data.length;
  }
  assert(other <= total / 1000, `${other} of ${total} levels differ`);
});

gpuTest("the host's letterbox and the kernel give the same levels everywhere", async () => {
  for (const [i, [width, height, inputWidth, inputHeight]] of SIZES.entries()) {
    const picture = noise(width, height, i + 1);
    const { data } = letterboxTensor(picture, inputWidth, inputHeight);
    const difference = largestDifference(data, await onDevice(picture, inputWidth, inputHeight, FORMS[0]));
    assert(difference < 0.01, `${width}x${height} in ${inputWidth}x${inputHeight}: off by ${difference} levels`);
  }
});

const reference = sharedData("reference/397133.images.f32");
const photograph = sharedData("coco/val/images/000000397133.jpg");
if (reference && photograph) {
  gpuTest("the photograph of the reference is letterboxed as the reference", async () => {
    const expected = new Float32Array(Deno.readFileSync(reference).buffer);
    const actual = await onDevice(await decodeImage(Deno.readFileSync(photograph)), 640, 640, FORMS[0]);
    // Most of it is the JPEG decoder's.
    assert(largestDifference(actual, expected) <= 1.5, `off by ${largestDifference(actual, expected)} levels`);
  });
} else Deno.test({ name: "the photograph of the reference (no ../shared/data)", ignore: true, fn: () => {} });
