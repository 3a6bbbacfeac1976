/** A convolution that reads a part of a picture through its letterbox, against the host's letterbox, which is OpenCV's to the level, and the reference's convolution. */

import { assertEquals } from "@std/assert";
import type { RgbImage } from "../../src/image/rgb_image.ts";
import { letterboxTensor } from "../../src/detect/host_letterbox.ts";
import { cropped } from "../../src/detect/rectangle.ts";
import { letterboxGeometry, rgbaOf } from "../../src/detect/letterbox.ts";
import { activationOf } from "../../src/kernels/activation.ts";
import { directConv } from "../../src/kernels/conv_direct.ts";
import type { ConvTile } from "../../src/kernels/conv_tile.ts";
import { convOfPicture } from "../../src/kernels/detect/mod.ts";
import type { Kernel, StorageForm } from "../../src/kernels/kernel.ts";
import type { Target } from "../../src/kernels/target.ts";
import { evaluateNode } from "../../src/reference/evaluate.ts";
import { referenceTensor } from "../../src/reference/tensor.ts";
import { assertClose, blockedLayout, formName, FORMS, PITCH, SOME_FORMS, storable } from "../support/compare.ts";
import { gpuTest, runKernels } from "../support/gpu.ts";
import { randomTensor, seededRandom } from "../support/random.ts";
import { node } from "../support/tiny_graph.ts";

interface Case {
  readonly picture: readonly [width: number, height: number];
  readonly input: readonly [height: number, width: number];
  readonly filters: number;
  readonly stride: number;
  readonly tile: ConvTile;
  readonly target?: Target;
}

const CASES: readonly Case[] = [
  // Larger than the input, smaller, of its size, and of one pixel.
  { picture: [37, 23], input: [21, 29], filters: 16, stride: 2, tile: { x: 5, y: 2, outBlocks: 4 } },
  { picture: [13, 31], input: [64, 96], filters: 7, stride: 2, tile: { x: 5, y: 2, outBlocks: 2 } },
  { picture: [96, 13], input: [64, 96], filters: 3, stride: 1, tile: { x: 5, y: 4, outBlocks: 1 }, target: "hardware" },
  { picture: [1, 1], input: [32, 13], filters: 8, stride: 2, tile: { x: 4, y: 2, outBlocks: 2 } },
];

const SILU = node("Silu", ["y"], ["z"], {});
/** Left and top of what is looked at in the picture that goes up. */
const ORIGIN = [3, 5] as const;

const PADS = [1, 1, 1, 1] as const;

function noise(width: number, height: number): RgbImage {
  const random = seededRandom(width + height);
  return { width, height, data: Uint8Array.from({ length: 3 * width * height }, () => Math.floor(random() * 256)) };
}

function convolution({ input, filters, stride, tile, target }: Case, batch = 1, kernel = 3) {
  const shape = [batch, 3, ...input],
    attributes = { strides: [stride, stride], pads: PADS, dilations: [1, 1] } as const;
  const weight = {
    shape: [filters, 3, kernel, kernel],
    data: randomTensor([filters, 3, kernel, kernel], 2, -0.4, 0.4),
  };
  const bias = randomTensor([filters], 3);
  const outputShape = [batch, filters, ...input.map((side) => Math.floor((side + 2 - kernel) / stride) + 1)];
  const layouts = { x: blockedLayout(shape), y: blockedLayout(outputShape, 2, 1) };
  const made = (form: StorageForm) =>
    directConv(
      {
        ...{ name: "conv", attributes: { ...attributes, groups: 1 }, activation: activationOf(SILU)! },
        ...{ weight: { ...weight, data: storable(weight.data, form) }, bias: storable(bias, form) },
        ...{ x: { value: "x", layout: layouts.x }, y: { value: "y", layout: layouts.y } },
      },
      tile,
      PITCH,
      { target },
    )[0];
  return { made, layouts, weight, bias, attributes: { ...attributes, groups: 1 } };
}

function ofPicture(kernel: Kernel, [width, height]: Case["picture"], [inputHeight, inputWidth]: Case["input"]) {
  return convOfPicture(kernel, {
    ...{ picture: "picture", input: "x", size: { width, height }, origin: ORIGIN },
    geometry: letterboxGeometry(width, height, inputWidth, inputHeight),
  });
}

for (const form of SOME_FORMS) {
  gpuTest(`a convolution of a picture computes letterbox and sums at once, ${formName(form)}`, async (_, step) => {
    for (const test of CASES) {
      const { picture: [width, height], input: [inputHeight, inputWidth] } = test, [left, top] = ORIGIN;
      const whole = noise(width + left + 2, height + top + 1);
      await step(`${width}x${height} in ${inputWidth}x${inputHeight}, stride ${test.stride}`, async () => {
        const { made, layouts, weight, bias, attributes } = convolution(test);
        const { shape, data } = letterboxTensor(cropped(whole, { left, top, width, height }), inputWidth, inputHeight);
        const [sums] = evaluateNode(node("Conv", ["x", "w", "b"], ["y"], attributes), [
          referenceTensor(shape, data),
          referenceTensor(weight.shape, storable(weight.data, form)),
          referenceTensor([test.filters], storable(bias, form)),
        ]);
        const [expected] = evaluateNode(SILU, [sums]);
        const kernel = ofPicture(made(form), test.picture, test.input)!;
        const pictures = [{ name: "picture", width: whole.width, height: whole.height, pixels: rgbaOf(whole) }];
        const found = await runKernels([kernel], [{ name: "y", layout: layouts.y }], form, PITCH, pictures);
        assertClose(found.get("y")!, expected.data, form, "the convolution", 2);
      });
    }
  });
}

Deno.test("convolutions that cannot read a picture, or would scale its pixels too often, are left as they are", () => {
  const [test] = CASES, form = FORMS[0];
  const read = (kernel: Kernel) => ofPicture(kernel, test.picture, test.input) !== undefined;
  assertEquals(read(convolution(test).made(form)), true);
  assertEquals(read(convolution(test, 2).made(form)), false);
  assertEquals(read(convolution(test, 1, 1).made(form)), false);
  // Sixteen outputs in groups of four: a pixel would be scaled 5.5 times.
  assertEquals(read(convolution({ ...test, tile: { ...test.tile, outBlocks: 1 } }).made(form)), false);
  const kernel = convolution(test).made(form);
  const other = [{ kind: "read", value: "another" } as const, ...kernel.bindings.slice(1)];
  assertEquals(read({ ...kernel, bindings: other }), false);
});
