/** Tails as exporters spell them: what their outputs mean is read from what they compute. */

import { recogniseHead } from "../../src/detect/heads/recognise.ts";
import type { Graph, Shape } from "../../src/graph/graph.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { Tail } from "../support/colour_detector.ts";

const CLASSES = 5;
const STRIDES = [8, 16, 32] as const;

/** A layer of a network that reads the picture. */
function layer(tail: Tail, picture: string, channels: number, stride: number): string {
  const weights = tail.fixed([channels, 3, 3, 3], (at) => Math.sin(at));
  return tail.one("Conv", "layer", [picture, weights], {
    ...{ strides: [stride, stride], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1 } as const,
  });
}

const sigmoid = (tail: Tail, value: string) => tail.one("Sigmoid", "sigmoid", [value], {});
const split = (tail: Tail, value: string, axis: number, sizes: readonly number[]) =>
  tail.several("Split", "split", [value], { axis, sizes: [...sizes] }, sizes.map((_, i) => `/${i}`));

/** Cell corners of a grid, `[1, h, w, 2]`. */
const cells = (tail: Tail, shape: Shape, width: number, offset: number) =>
  tail.fixed(shape, (at) => {
    const cell = Math.floor(at / 2) % (shape.at(-2)! * shape.at(-3)!);
    return (at % 2 === 0 ? cell % width : Math.floor(cell / width)) + offset;
  });

/** YOLOv5's and YOLOv7's tail: three anchors a place, offsets and extents by Sigmoid. */
function anchors5(tail: Tail, picture: string, side: number): string {
  const rows = 5 + CLASSES;
  const levels = STRIDES.map((stride) => {
    const n = side / stride;
    const maps = tail.shaped(layer(tail, picture, 3 * rows, stride), [1, 3, rows, n, n]);
    const moved = tail.one("Transpose", "moved", [maps], { perm: [0, 1, 3, 4, 2] });
    const [xy, wh, scores] = split(tail, sigmoid(tail, moved), 4, [2, 2, 1 + CLASSES]);
    const two = tail.fixed([1], () => 2);
    const centre = tail.both(
      "Mul",
      tail.both("Add", tail.both("Mul", xy, two), cells(tail, [1, 1, n, n, 2], n, -0.5)),
      tail.fixed([1], () => stride),
    );
    const doubled = tail.both("Mul", wh, two);
    const anchors = tail.fixed([1, 3, 1, 1, 2], (at) => stride * (1 + at));
    const extent = tail.both("Mul", tail.both("Mul", doubled, doubled), anchors);
    return tail.shaped(tail.join(4, centre, extent, scores), [1, 3 * n * n, rows]);
  });
  return tail.join(1, ...levels);
}

/** YOLOX's tail, with decoding and without. */
const yolox = (decoded: boolean) => (tail: Tail, picture: string, side: number): string => {
  const rows = 5 + CLASSES;
  const all = STRIDES.map((stride) => {
    const n = side / stride;
    const parts = [
      layer(tail, picture, 4, stride),
      sigmoid(tail, layer(tail, picture, 1, stride)),
      sigmoid(tail, layer(tail, picture, CLASSES, stride)),
    ];
    return tail.shaped(tail.join(1, ...parts), [1, rows, n * n]);
  });
  const joint = tail.swap(tail.join(2, ...all));
  if (!decoded) return joint;
  const sizes = STRIDES.map((stride) => side / stride);
  const [xy, wh, scores] = split(tail, joint, 2, [2, 2, 1 + CLASSES]);
  const grid = tail.join(1, ...sizes.map((n) => tail.shaped(cells(tail, [1, n, n, 2], n, 0), [1, n * n, 2])));
  const stride = tail.join(1, ...sizes.map((n, i) => tail.fixed([1, n * n, 1], () => STRIDES[i])));
  const centre = tail.both("Mul", tail.both("Add", xy, grid), stride);
  const extent = tail.both("Mul", tail.one("Exp", "exp", [wh], {}), stride);
  return tail.join(2, centre, extent, scores);
};

/** Distances by DFL from the points of a grid: corners or centres, as YOLOv8's and YOLO-NAS's heads decode them. */
function distances(tail: Tail, picture: string, side: number): { corners: string; centres: string; scores: string } {
  const joint = (channels: number) =>
    tail.join(
      2,
      ...STRIDES.map((stride) => {
        const n = side / stride;
        return tail.shaped(layer(tail, picture, channels, stride), [1, channels, n * n]);
      }),
    );
  const sizes = STRIDES.map((stride) => side / stride);
  const total = sizes.reduce((sum, n) => sum + n * n, 0);
  const bins = tail.one("Transpose", "bins", [tail.shaped(joint(64), [1, 4, 16, total])], { perm: [0, 2, 1, 3] });
  const shares = tail.one("Softmax", "shares", [bins], { axis: 1 });
  const mean = tail.one("Conv", "mean", [shares, tail.fixed([1, 16, 1, 1], (at) => at)], {
    ...{ strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 } as const,
  });
  const [near, far] = split(tail, tail.shaped(mean, [1, 4, total]), 1, [2, 2]);
  const points = tail.swap(
    tail.join(1, ...sizes.map((n) => tail.shaped(cells(tail, [1, n, n, 2], n, 0.5), [1, n * n, 2]))),
  );
  const stride = tail.join(2, ...sizes.map((n, i) => tail.fixed([1, 1, n * n], () => STRIDES[i])));
  const [first, second] = [tail.both("Sub", points, near), tail.both("Add", points, far)];
  const half = tail.fixed([1], () => 0.5);
  const centre = tail.both("Mul", tail.both("Add", first, second), half);
  const centres = tail.both("Mul", tail.join(1, centre, tail.both("Sub", second, first)), stride);
  const corners = tail.both("Mul", tail.join(1, first, second), stride);
  return { corners, centres, scores: sigmoid(tail, joint(CLASSES)) };
}

type Write = (tail: Tail, picture: string, side: number) => string | string[];

function graphOf(write: Write, side: number, metadata: Record<string, string> = {}): Graph {
  const tail = new Tail();
  const written = write(tail, tail.input("images", [1, 3, side, side]), side);
  return { ...tail.finish({ outputs: [written].flat() }), name: "m.onnx", metadata };
}

interface Expected {
  readonly form: string;
  readonly classes: number;
  readonly boxes: string;
  readonly normalised?: boolean;
}

const TAILS: readonly { name: string; write: Write; names?: number; expected: Expected }[] = [
  {
    name: "YOLOv5 without names",
    write: anchors5,
    expected: { form: "objectness", classes: CLASSES, boxes: "centre" },
  },
  {
    name: "YOLOX decoded",
    write: yolox(true),
    names: CLASSES,
    expected: { form: "objectness", classes: CLASSES, boxes: "centre" },
  },
  { name: "YOLOX undecoded", write: yolox(false), expected: { form: "grid", classes: CLASSES, boxes: "grid" } },
  {
    name: "YOLOv8 with anchors first",
    write: (tail, picture, side) => {
      const { centres, scores } = distances(tail, picture, side);
      return tail.swap(tail.join(1, centres, scores));
    },
    names: CLASSES,
    expected: { form: "scores", classes: CLASSES, boxes: "centre" },
  },
  {
    name: "distances to corners",
    write: (tail, picture, side) => {
      const { corners, scores } = distances(tail, picture, side);
      return tail.join(1, corners, scores);
    },
    expected: { form: "scores", classes: CLASSES, boxes: "corners" },
  },
  {
    name: "YOLO-NAS",
    write: (tail, picture, side) => {
      const { corners, scores } = distances(tail, picture, side);
      return [tail.swap(corners), tail.swap(scores)];
    },
    expected: { form: "separate", classes: CLASSES, boxes: "corners" },
  },
  {
    name: "RT-DETR: queries with boxes in parts of the input",
    write: (tail, picture, side) => {
      const n = side / 16;
      const boxes = tail.shaped(sigmoid(tail, layer(tail, picture, 4, 16)), [1, 4, n * n]);
      const scores = tail.shaped(sigmoid(tail, layer(tail, picture, CLASSES, 16)), [1, CLASSES, n * n]);
      return tail.swap(tail.join(1, boxes, scores));
    },
    names: CLASSES,
    expected: { form: "scores", classes: CLASSES, boxes: "centre", normalised: true },
  },
];

for (const { name, write, names, expected } of TAILS) {
  Deno.test(`the output of a tail is read: ${name}`, () => {
    // 64 pixels are studied as they are; a larger input is brought to fewer where its tables can be made again.
    for (const side of [64, 256]) {
      const head = recogniseHead(graphOf(write, side), { names });
      assert(head.form !== "maps");
      const { boxes, normalised } = head.layout;
      assertEquals(
        { form: head.form, classes: head.classes, boxes, normalised },
        { normalised: false, ...expected },
        `at ${side}`,
      );
    }
  });
}

Deno.test("a rotated box's angle and the coefficients of masks are no class scores", () => {
  const withMore = (channels: number, activate: boolean): Write => (tail, picture, side) => {
    const { centres, scores } = distances(tail, picture, side);
    const more = tail.join(
      2,
      ...STRIDES.map((stride) => {
        const n = side / stride;
        const own = layer(tail, picture, channels, stride);
        return tail.shaped(own, [1, channels, n * n]);
      }),
    );
    const last = activate
      ? tail.both(
        "Mul",
        tail.both("Sub", sigmoid(tail, more), tail.fixed([1], () => 0.25)),
        tail.fixed([1], () => Math.PI),
      )
      : more;
    return tail.join(1, centres, scores, last);
  };
  assertThrows(() => recogniseHead(graphOf(withMore(1, true), 64)), Error, "1 of the 6 are not kept within 0..1");
  assertThrows(() => recogniseHead(graphOf(withMore(32, false), 64)), Error, "32 of the 37 are not kept within 0..1");
});
