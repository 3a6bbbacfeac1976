/**
 * Changing input shapes: a model written out for one size and changed must equal the same model written out for the other.
 * The models are functions of their size and compute every baked number themselves.
 */

import { assertEquals, assertThrows } from "@std/assert";
import { FeatherdetError, type Graph, type Shape, verify } from "../../src/graph/mod.ts";
import { changeShapes } from "../../src/passes/sizes/change.ts";
import { focus, levels, model, MODELS, scalar, type Size, table, upsampled } from "../support/sized_models.ts";
import { node, weight } from "../support/tiny_graph.ts";

const OLD: Size = [1, 128, 192];
const SIZES: readonly Size[] = [
  [1, 64, 96],
  [1, 192, 128],
  [3, 128, 192],
  [8, 256, 64],
  [1, 128, 320],
];

for (const [name, build] of Object.entries(MODELS)) {
  Deno.test(`changed input shapes rebuild ${name}`, () => {
    for (const size of SIZES) {
      const [batch, height, width] = size;
      const changed = changeShapes(build(OLD), { images: [batch, 3, height, width] });
      verify(changed);
      assertEquals(changed, build(size), `${OLD} -> ${size}`);
    }
  });
  Deno.test(`a larger batch shrinks to one for ${name}`, () => {
    const [, height, width] = OLD;
    assertEquals(changeShapes(build([3, height, width]), { images: [1, 3, height, width] }), build(OLD));
  });
}

Deno.test("a size that is no multiple of the stride works where the shapes agree", () => {
  for (const name of ["cell centres in pixels", "anchor boxes", "attention with heads of their own"]) {
    assertEquals(changeShapes(MODELS[name](OLD), { images: [2, 3, 104, 136] }), MODELS[name]([2, 104, 136]), name);
  }
});

Deno.test("a map resized to another level's fixed size follows that level", () => {
  const odd: Size = [1, 200, 136];
  for (const size of [[1, 104, 168], [2, 128, 192]] as const) {
    const [batch, height, width] = size;
    assertEquals(changeShapes(upsampled(odd), { images: [batch, 3, height, width] }), upsampled(size));
  }
});

Deno.test("the same shapes give the same graph", () => {
  const graph = focus(OLD);
  assertEquals(changeShapes(graph, { images: [1, 3, 128, 192] }) === graph, true);
});

/** Refusals: a model of one size, and the sentence that changing it ends in. */
function refused(name: string, graph: Graph, shape: Shape, message: string): void {
  Deno.test(`changed input shapes are refused: ${name}`, () => {
    const from = graph.inputs[0].shape.join(",");
    const error = assertThrows(() => changeShapes(graph, { images: shape }), FeatherdetError);
    assertEquals(
      (error as FeatherdetError).message,
      `${message} (when changing input "images" from [${from}] to [${shape.join(",")}])`,
    );
  });
}

const IMAGE: Size = [1, 128, 128];
const HALF: Shape = [1, 3, 64, 64];
const flat = node("Reshape", ["images"], ["flat"], { shape: [1, 3, 128 * 128] });

refused(
  "a learned table of positions",
  model(IMAGE, "y", [flat, node("Add", ["flat", "positions"], ["y"], {})], { positions: weight([1, 3, 128 * 128]) }),
  HALF,
  `Add "make_y": constant "positions" [1,3,16384] would have to become [1,3,4096] for this input size, but its values are ` +
    `neither a cell grid nor the same over each feature level`,
);
refused(
  "cell centres as shares of the image",
  model(IMAGE, "y", [node("Add", ["images", "centres"], ["y"], {})], {
    centres: table([128, 128], (_, x) => (x + 0.5) / 128),
  }),
  HALF,
  `Add "make_y": constant "centres" [128,128] would have to become [64,64] for this input size, but its values are ` +
    `neither a cell grid nor the same over each feature level`,
);
refused(
  "strides as shares of the image",
  model(IMAGE, "y", [node("Mul", ["images", "strides"], ["y"], {})], { strides: table([128, 128], () => 8 / 128) }),
  HALF,
  `Mul "make_y": constant "strides" [128,128] would have to become [64,64] for this input size, but its values are ` +
    `neither a cell grid nor the same over each feature level`,
);
refused(
  "one wrong cell in a grid",
  model(IMAGE, "y", [node("Add", ["images", "grid"], ["y"], {})], {
    grid: table([1, 1, 128, 128], (_, __, y, x) => y === 77 && x === 99 ? 98 : x),
  }),
  HALF,
  `Add "make_y": constant "grid" [1,1,128,128] would have to become [1,1,64,64] for this input size, but its values are ` +
    `neither a cell grid nor the same over each feature level`,
);
refused(
  "cells numbered through",
  model(IMAGE, "y", [node("Add", ["images", "grid"], ["y"], {})], {
    grid: table([1, 1, 128, 128], (_, __, y, x) => 128 * y + x),
  }),
  HALF,
  `Add "make_y": constant "grid" [1,1,128,128] would have to become [1,1,64,64] for this input size, but its values are ` +
    `neither a cell grid nor the same over each feature level`,
);
refused(
  "boxes in shares of the image",
  model(IMAGE, "y", [node("Mul", ["images", "size"], ["y"], {})], { size: scalar(1 / 128) }),
  HALF,
  `Mul "make_y": computes with ${Math.fround(1 / 128)}, which is or comes from the exported input size 128 and 128`,
);
refused(
  "boxes clipped to the image",
  model(IMAGE, "y", [node("Clip", ["images"], ["y"], { min: 0, max: 128 })]),
  HALF,
  `Clip "make_y": computes with 128, which is or comes from the exported input size 128 and 128`,
);
refused(
  "windows of a fixed number of cells",
  model(IMAGE, "y", [node("Reshape", ["images"], ["y"], { shape: [1, 3, 16, 8, 16, 8] })]),
  HALF,
  `Reshape "make_y": nothing says how the fixed shape [1,3,16,8,16,8] of input [1,3,128,128] changes for input [1,3,64,64]`,
);
refused(
  "part of an axis",
  model(IMAGE, "y", [node("Slice", ["images"], ["y"], { axes: [3], starts: [0], ends: [64], steps: [1] })]),
  HALF,
  `Slice "make_y": nothing says how the part 0:64 of axis 3 changes with its extent (128 -> 64)`,
);
refused(
  "uneven parts of an axis",
  model(IMAGE, "a", [node("Split", ["images"], ["a", "b"], { axis: 2, sizes: [100, 28] })]),
  HALF,
  `Split "make_a": nothing says how the sizes [100,28] change with axis 2 (128 -> 64)`,
);
refused(
  "a fixed size in no proportion",
  model(IMAGE, "y", [
    node("Resize", ["images"], ["y"], {
      mode: "linear",
      coordinates: "half_pixel",
      nearest: "floor",
      size: [100, 128],
      scales: [99.7 / 128, 1],
    }),
  ]),
  [1, 3, 65, 128],
  `Resize "make_y": nothing says how the fixed size 100 changes with the input's extent (128 -> 65)`,
);
refused(
  "a fully connected layer over all cells",
  model(IMAGE, "y", [
    node("Reshape", ["images"], ["row"], { shape: [1, 3 * 128 * 128] }),
    node("MatMul", ["row", "w"], ["y"], {}),
  ], { w: weight([3 * 128 * 128, 2]) }),
  HALF,
  `MatMul "make_y": inner extents of [1,12288] and [49152,2] differ`,
);
refused(
  "other channels",
  model(IMAGE, "p5", levels(IMAGE).nodes, levels(IMAGE).constants),
  [1, 4, 128, 128],
  `Conv "make_p3": weight [6,3,9,9] with 1 groups does not fit the 4 channels of input [1,4,128,128]`,
);

Deno.test("shapes for unknown inputs and of another rank are refused", () => {
  const graph = focus(IMAGE);
  const message = (shapes: Record<string, number[]>) =>
    (assertThrows(() => changeShapes(graph, shapes), FeatherdetError) as FeatherdetError).message;
  assertEquals(
    message({ picture: [1, 3, 64, 64] }),
    'shape [1,3,64,64] for input "picture" does not fit the inputs "images" [1,3,128,128]',
  );
  assertEquals(
    message({ images: [3, 64, 64] }),
    'shape [3,64,64] for input "images" does not fit the inputs "images" [1,3,128,128]',
  );
  assertEquals(
    message({ images: [1, 3, 64.5, 0] }),
    'shape [1,3,64.5,0] for input "images" does not fit the inputs "images" [1,3,128,128]',
  );
});
