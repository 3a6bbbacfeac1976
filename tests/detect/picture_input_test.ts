/** Inputs of other orders and ranges: the same squares are found, and samples have the model's own form. */

import { Detector, type DetectorOptions } from "../../src/detect/detector.ts";
import { letterboxTensor } from "../../src/detect/host_letterbox.ts";
import { pictureFormOf, toPictureForm, withPictureInput } from "../../src/detect/picture_input.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { verify } from "../../src/graph/verify.ts";
import { runReference } from "../../src/reference/run.ts";
import { referenceTensor } from "../../src/reference/tensor.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
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
  const graph = colourDetector((tail, { centres, scores }) => tail.join(1, centres, scores), { names: COLOURS }, input);
  return bytes ? { ...graph, inputs: [{ ...graph.inputs[0], dtype: "u8" }] } : graph;
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
