/** Inputs of other orders and ranges: the same squares are found, and samples have the model's own form. */

import { type Detection, Detector, type DetectorOptions } from "../../src/detect/detector.ts";
import { letterboxTensor } from "../../src/detect/host_letterbox.ts";
import { pictureFormOf, toPictureForm, withPictureInput } from "../../src/detect/picture_input.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { verify } from "../../src/graph/verify.ts";
import { runReference } from "../../src/reference/run.ts";
import { referenceTensor } from "../../src/reference/tensor.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import {
  colourDetector,
  type ColourInput,
  COLOURS,
  colourScene,
  SCENE_OBJECTS,
  SIDE,
  type Tail,
} from "../support/colour_detector.ts";
import { gpuTest } from "../support/gpu.ts";
import { countCosts } from "../../src/eval/costs.ts";
import { saveOnnx } from "../../src/onnx/export.ts";
import { importOnnx } from "../../src/onnx/import.ts";
import { Session } from "../../src/engine/session.ts";
import type { RgbImage } from "../../src/image/rgb_image.ts";
import { graphOf } from "../support/tiny_graph.ts";

const toChannelsFirst = (tail: Tail, input: string) => tail.one("Transpose", "first", [input], { perm: [0, 3, 1, 2] });
const by = (op: "Div" | "Mul" | "Sub", number: number) => (tail: Tail, input: string) =>
  tail.both(op, input, tail.fixed([1], () => number));
const NHWC = [1, SIDE, SIDE, 3];
/** Swaps red and blue, as a network does that was trained on BGR. */
const swapped = (tail: Tail, input: string) => {
  const channel = (at: number) =>
    tail.one("Slice", "channel", [input], { starts: [at], ends: [at + 1], axes: [1], steps: [1] });
  return tail.join(1, channel(2), channel(1), channel(0));
};
/** Levels in 0..255 brought to 0..1 in a way that nobody recognises. */
const hidden = (tail: Tail, input: string) =>
  by("Mul", 1 / 51)(tail, tail.both("Mul", input, tail.fixed([1], () => 0.2)));

const INPUTS: readonly {
  name: string;
  input: ColourInput;
  options?: DetectorOptions;
  bytes?: true;
  levels?: boolean;
}[] = [
  { name: "channels last", input: { shape: NHWC, prepare: toChannelsFirst } },
  { name: "divided by 255", input: { prepare: by("Div", 255) }, levels: true },
  { name: "times 1/255", input: { prepare: by("Mul", 1 / 255) }, levels: true },
  {
    name: "divided by 255, twice read",
    input: { prepare: (tail, input) => (tail.both("Add", input, input), by("Div", 255)(tail, input)) },
    levels: true,
  },
  {
    name: "less a mean, divided by a deviation",
    input: {
      prepare: (tail, input) => {
        const centred = tail.both("Sub", input, tail.fixed([1, 3, 1, 1], () => 127.5));
        const scaled = tail.both("Div", centred, tail.fixed([1, 3, 1, 1], () => 127.5));
        return by("Mul", 0.5)(tail, tail.both("Add", scaled, tail.fixed([1], () => 1)));
      },
    },
    levels: true,
  },
  {
    name: "channels last, divided by 255",
    input: { shape: NHWC, prepare: (tail, input) => by("Div", 255)(tail, toChannelsFirst(tail, input)) },
    levels: true,
  },
  { name: "0..255, as the caller says", input: { prepare: hidden }, options: { inputRange: "0..255" } },
  { name: "BGR, as the caller says", input: { prepare: swapped }, options: { inputChannels: "bgr" } },
  {
    name: "BGR in 0..255, channels last",
    input: { shape: NHWC, prepare: (tail, input) => hidden(tail, swapped(tail, toChannelsFirst(tail, input))) },
    options: { inputRange: "0..255", inputChannels: "bgr" },
  },
  {
    name: "bytes, channels last",
    input: {
      shape: NHWC,
      prepare: (tail, input) => {
        const floats = tail.one("Cast", "floats", [input], { to: "f32" });
        return by("Div", 255)(tail, toChannelsFirst(tail, floats));
      },
    },
    bytes: true,
    levels: true,
  },
];

function graphFor(input: ColourInput, bytes?: true): Graph {
  const own: ColourInput = bytes ? { ...input, dtype: "u8" } : input;
  return colourDetector((tail, { centres, scores }) => tail.join(1, centres, scores), { names: COLOURS }, own);
}

for (const { name, input, options, bytes, levels } of INPUTS) {
  gpuTest(`the squares are found: ${name}`, async () => {
    const graph = graphFor(input, bytes);
    assertEquals(pictureFormOf(graph, options).levels, levels ?? options?.inputRange === "0..255");
    const detector = await Detector.load(graph, options);
    const found = (await detector.detect(colourScene())).toSorted((a, b) => a.classId - b.classId);
    assertEquals(found.map(({ classId }) => classId), SCENE_OBJECTS.map(({ classId }) => classId));
    found.forEach(({ box, score }, at) => {
      assert(box.every((edge, k) => Math.abs(edge - SCENE_OBJECTS[at].box[k]) < 0.05), String(box));
      assert(score > 0.99);
    });
    detector.destroy();
  });

  Deno.test(`a sample is what the model computes the same from: ${name}`, () => {
    const graph = graphFor(input, bytes);
    const usual = letterboxTensor(colourScene(), SIDE, SIDE);
    const sample = toPictureForm(usual, pictureFormOf(graph, options));
    assertEquals([...sample.shape], [...graph.inputs[0].shape]);
    const adapted = withPictureInput(graph, options);
    verify(adapted);
    const [output] = graph.outputs;
    const own = runReference(graph, { images: referenceTensor(sample.shape, sample.data) }).get(output)!;
    const from = runReference(adapted, { images: referenceTensor(usual.shape, usual.data) }).get(output)!;
    own.data.forEach((value, at) => assert(Math.abs(value - from.data[at]) < 1e-4));
  });
}

/** From bytes to floats in 0..1, as exporters write it. */
const toFloats = (tail: Tail, input: string) => tail.one("Cast", "floats", [input], { to: "f32" });
const dequantized = (tail: Tail, input: string) => {
  const zero = tail.constant("zero", [], Uint8Array.of(0));
  const scale = tail.constant("scale", [], Float32Array.of(1 / 255));
  return tail.one("DequantizeLinear", "floats", [input, scale, zero], { axis: 1 });
};
const BYTE_FILES: readonly { name: string; input: ColourInput; options?: DetectorOptions; rounds?: true }[] = [
  { name: "cast, divided", input: { prepare: (tail, input) => by("Div", 255)(tail, toFloats(tail, input)) } },
  {
    name: "channels last, cast, swapped, multiplied",
    input: {
      shape: NHWC,
      prepare: (tail, input) => by("Mul", 1 / 255)(tail, toChannelsFirst(tail, toFloats(tail, input))),
    },
  },
  {
    name: "channels last, bytes swapped, cast, divided",
    input: {
      shape: NHWC,
      prepare: (tail, input) => by("Div", 255)(tail, toFloats(tail, toChannelsFirst(tail, input))),
    },
  },
  {
    name: "BGR, bytes swapped, less a mean",
    input: {
      prepare: (tail, input) => {
        const centred = by("Sub", 127.5)(tail, toFloats(tail, swapped(tail, input)));
        return by("Div", 2)(tail, tail.both("Add", by("Div", 127.5)(tail, centred), tail.fixed([1], () => 1)));
      },
    },
    options: { inputChannels: "bgr" },
  },
  { name: "dequantized", input: { prepare: dequantized }, rounds: true },
  {
    name: "channels last, dequantized, swapped",
    input: { shape: NHWC, prepare: (tail, input) => toChannelsFirst(tail, dequantized(tail, input)) },
    rounds: true,
  },
];

/** Squares of every shade: scores tell levels apart. `side` is that of a square in the picture. */
function shades(side: number, across: number, down: number): RgbImage {
  const data = new Uint8Array(3 * side * across * side * down);
  for (let at = 0; at < data.length; at++) {
    const pixel = Math.floor(at / 3), row = Math.floor(pixel / (side * across)), column = pixel % (side * across);
    const square = Math.floor(row / side) * across + Math.floor(column / side);
    data[at] = (square * 53 + (at % 3) * 101 + (row + column) % 7) % 256;
  }
  return { width: side * across, height: side * down, data };
}

/** Fails unless what one list holds with a clear score is in the other, both ways. */
function assertSame(found: readonly Detection[], wanted: readonly Detection[], tolerance: number, name: string): void {
  for (const [these, those] of [[found, wanted], [wanted, found]]) {
    for (const { box, score, classId } of these.filter(({ score }) => score > 0.05)) {
      const twin = those.find((other) =>
        other.classId === classId && other.box.every((edge, k) => Math.abs(edge - box[k]) < 0.01)
      );
      assert(twin && Math.abs(twin.score - score) < tolerance, `${name}: ${box} ${score}, ${twin?.score}`);
    }
  }
}

gpuTest("files whose input is uint8 find what their twin of floats finds", async () => {
  const options = { confidence: 0.01, iou: 1 };
  const twin = await Detector.load(graphFor({}), options);
  // Of the input's own size; letterboxed, with levels between the whole ones.
  const whole = shades(16, 4, 4), boxed = shades(11, 4, 3);
  const wanted = { whole: await twin.detect(whole), boxed: await twin.detect(boxed) };
  assert(wanted.whole.length > 6 && wanted.boxed.length > 4);
  for (const { name, input, options: own, rounds } of BYTE_FILES) {
    const detector = await Detector.load(saveOnnx(graphFor(input, true)), { ...options, ...own });
    assertSame(await detector.detect(whole), wanted.whole, 1e-3, name);
    // Half a level before a slope of 18 / 255 and a sigmoid.
    assertSame(await detector.detect(boxed), wanted.boxed, rounds ? 0.01 : 1e-3, name);
    detector.destroy();
  }
  twin.destroy();
});

gpuTest("a session takes bytes where the input is uint8", async () => {
  const graph = importOnnx(saveOnnx(graphFor(BYTE_FILES[2].input, true)));
  assertEquals(graph.inputs[0].dtype, "u8");
  const { data } = shades(16, 4, 4), shape = graph.inputs[0].shape;
  assert(countCosts(graph).dispatches > 0);
  const session = await Session.create(graph);
  const [output] = graph.outputs;
  const wanted = runReference(graph, { images: referenceTensor(shape, data) }).get(output)!;
  for (const given of [Uint8Array.from(data), Float32Array.from(data)]) {
    const found = (await session.run({ images: { shape, data: given } }))[output];
    found.data.forEach((value, at) => assert(Math.abs(value - wanted.data[at]) < 1e-4));
  }
  const odd = Float32Array.from(data).fill(0.5, 3, 4);
  await assertRejects(
    () => session.run({ images: { shape, data: odd } }),
    FeatherdetError,
    "uint8 and cannot hold 0.5",
  );
  session.destroy();
});

Deno.test("the range of bytes is not to be chosen", () => {
  const graph = graphFor(BYTE_FILES[0].input, true);
  assertThrows(() => withPictureInput(graph, { inputRange: "0..1" }), FeatherdetError, '"images" is uint8');
});

Deno.test("a usual input stays as it is", () => {
  const graph = graphFor({});
  assertEquals(withPictureInput(graph) === graph, true);
  const input = letterboxTensor(colourScene(), SIDE, SIDE);
  assertEquals(toPictureForm(input, pictureFormOf(graph)).data === input.data, true);
});

Deno.test("inputs that take no pictures are refused by their shapes", () => {
  for (const shape of [[1, 1, 32, 32], [1, 16], [1, 32, 32, 4]]) {
    assertThrows(() => withPictureInput(graphOf({ x: shape }, ["x"], [])), FeatherdetError, `"x" [${shape}]`);
  }
});
