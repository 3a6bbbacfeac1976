/** Decoding of finished outputs in every layout, against plain loops. */

import { readDetections } from "../../src/detect/decode.ts";
import { decodeTensors } from "../../src/detect/host/decode_tensor.ts";
import {
  decodeTensor,
  DETECT_VALUES,
  FAULTS,
  suppress,
  type TensorLayout,
  USUAL_LAYOUT,
} from "../../src/kernels/detect/mod.ts";
import type { Kernel } from "../../src/kernels/kernel.ts";
import type { ReferenceCandidate } from "../../src/reference/detect.ts";
import { assertEquals } from "../support/assert.ts";
import { checkCandidates, plainOperand } from "../support/candidates.ts";
import { FORMS, PITCH } from "../support/compare.ts";
import { detectTensors } from "../support/detect.ts";
import { gpuTest, runKernels } from "../support/gpu.ts";
import { checkHostCandidates } from "../support/host_candidates.ts";
import { randomTensor } from "../support/random.ts";

const [FORM] = FORMS;
const CONFIDENCE = 0.6;

/** Height and width of an input with 84 + 21 + 5 places at strides 8, 16, 32. */
const INPUT = [96, 56] as const;

/** Cells of the levels of `INPUT`, row by row: x, y, stride. */
function places(): [number, number, number][] {
  return [8, 16, 32].flatMap((stride) => {
    const [rows, columns] = INPUT.map((side) => Math.floor(side / stride));
    return Array.from(
      { length: rows * columns },
      (_, at): [number, number, number] => [at % columns, Math.floor(at / columns), stride],
    );
  });
}

/** Corners of the box of four numbers. */
function cornersOf(numbers: readonly number[], anchor: number, { boxes, normalised }: TensorLayout) {
  const [height, width] = INPUT;
  if (boxes === "grid") {
    const [x, y, stride] = places()[anchor];
    const centre = [(x + numbers[0]) * stride, (y + numbers[1]) * stride];
    const half = [Math.exp(numbers[2]) * stride / 2, Math.exp(numbers[3]) * stride / 2];
    return [centre[0] - half[0], centre[1] - half[1], centre[0] + half[0], centre[1] + half[1]] as const;
  }
  const [a, b, c, d] = numbers.map((number, k) => normalised ? number * (k % 2 === 0 ? width : height) : number);
  if (boxes === "corners") return [a, b, c, d] as const;
  return [a - c / 2, b - d / 2, a + c / 2, b + d / 2] as const;
}

/** A seeded output `[batch, anchors, rows]`: boxes that are boxes, then numbers in 0..1, and for results a class number. */
function makeRows(batch: number, anchors: number, extra: number, layout: TensorLayout, classes: number): Float32Array {
  const rows = 4 + extra;
  const out = randomTensor([batch, anchors, rows], 7, 0, 1);
  for (let at = 0; at < batch * anchors; at++) {
    const box = out.subarray(at * rows, at * rows + 4);
    const unit = layout.normalised ? 1 : 64;
    if (layout.boxes !== "grid") box.forEach((value, k) => box[k] = value * unit);
    if (layout.boxes === "corners") box.set([box[0] + box[2], box[1] + box[3]], 2);
    if (layout.boxes === "centre") box.set([box[0] + box[2] / 2, box[1] + box[3] / 2]);
    if (layout.rows) out[at * rows + 5] = Math.floor(out[at * rows + 5] * classes);
  }
  return out;
}

/** `[batch, rows, anchors]` of `[batch, anchors, rows]`, some of the rows. */
function arranged(
  data: Float32Array,
  rows: number,
  anchors: number,
  from: number,
  to: number,
  last: boolean,
): Float32Array {
  const batch = data.length / rows / anchors, count = to - from;
  return Float32Array.from({ length: batch * count * anchors }, (_, at) => {
    const image = Math.floor(at / (count * anchors)), rest = at % (count * anchors);
    const [row, anchor] = last
      ? [Math.floor(rest / anchors), rest % anchors]
      : [rest % count, Math.floor(rest / count)];
    return data[(image * anchors + anchor) * rows + from + row];
  });
}

/** What is found in `[batch, anchors, rows]`, written down plainly. */
function expectedIn(
  data: Float32Array,
  image: number,
  anchors: number,
  extra: number,
  layout: TensorLayout,
  multiLabel: boolean,
): ReferenceCandidate[] {
  const rows = 4 + extra, found: ReferenceCandidate[] = [];
  for (let anchor = 0; anchor < anchors; anchor++) {
    const numbers = [...data.subarray((image * anchors + anchor) * rows, (image * anchors + anchor + 1) * rows)];
    const box = cornersOf(numbers.slice(0, 4), anchor, layout);
    if (layout.rows) {
      if (numbers[4] > CONFIDENCE) found.push({ box, score: numbers[4], label: numbers[5], anchor });
      continue;
    }
    const factor = layout.objectness ? numbers[4] : 1;
    const scores = numbers.slice(layout.objectness ? 5 : 4).map((score) => Math.fround(factor * score));
    const best = scores.indexOf(Math.max(...scores));
    scores.forEach((score, label) => {
      if (score > CONFIDENCE && (multiLabel || label === best)) found.push({ box, score, label, anchor });
    });
  }
  return found;
}

const LAYOUTS: readonly Partial<TensorLayout>[] = [
  {},
  { anchorsLast: false },
  { objectness: true },
  { anchorsLast: false, objectness: true },
  { boxes: "corners" },
  { boxes: "corners", anchorsLast: false, normalised: true },
  { normalised: true },
  { boxes: "grid", objectness: true },
  { boxes: "grid", objectness: true, anchorsLast: false },
  { boxes: "corners", rows: true, anchorsLast: false },
  { boxes: "corners", rows: true },
];

for (const changes of LAYOUTS) {
  const layout: TensorLayout = { ...USUAL_LAYOUT, ...changes };
  gpuTest(`candidates of an output: ${JSON.stringify(changes)}`, async () => {
    for (const [batch, classes, multiLabel] of [[1, 1, false], [3, 5, true], [3, 13, false]] as const) {
      const anchors = layout.boxes === "grid" ? places().length : 127;
      const extra = layout.rows ? 2 : classes + (layout.objectness ? 1 : 0);
      const rows = 4 + extra;
      const data = makeRows(batch, anchors, extra, layout, classes);
      const several = multiLabel && !layout.rows;
      const space = { batch, anchors, classes, multiLabel: several };
      const found = Array.from({ length: batch }, (_, i) => expectedIn(data, i, anchors, extra, layout, several));
      const operandOf = (value: string, count: number, last: boolean) =>
        plainOperand(value, last ? [batch, count, anchors] : [batch, anchors, count]);
      const given = { space, confidence: CONFIDENCE, layout, inputSize: INPUT };

      const output = operandOf("output", rows, layout.anchorsLast);
      const whole = arranged(data, rows, anchors, 0, rows, layout.anchorsLast);
      const tensor = { name: "output", layout: output.layout, data: whole };
      await checkCandidates(decodeTensor({ ...given, output }), [tensor], space, FORM, found);
      const settings = { anchors, classes, confidence: CONFIDENCE, multiLabel: several };
      const ofImage = (all: Float32Array, image: number) =>
        all.subarray(image * all.length / batch, (image + 1) * all.length / batch);
      found.forEach((expected, image) => {
        const boxes = ofImage(whole, image);
        checkHostCandidates(decodeTensors({ boxes, layout, inputSize: INPUT }, settings), classes, expected);
      });

      // The same numbers in two outputs, scores the other way round, with boxes that are fixed.
      const last = !layout.anchorsLast;
      const boxes = operandOf("boxes", 4, layout.anchorsLast), scores = operandOf("scores", extra, last);
      const apart = [
        { name: "boxes", layout: boxes.layout, data: arranged(data, rows, anchors, 0, 4, layout.anchorsLast) },
        { name: "scores", layout: scores.layout, data: arranged(data, rows, anchors, 4, rows, last) },
      ];
      const two = { ...given, layout: { ...layout, scoreAnchorsLast: last }, output: boxes, scores };
      await checkCandidates(decodeTensor(two), apart, space, FORM, found);
      found.forEach((expected, image) => {
        const [boxes, scores] = apart.map(({ data }) => ofImage(data, image));
        const tensors = { boxes, scores, layout: two.layout, inputSize: INPUT };
        checkHostCandidates(decodeTensors(tensors, settings), classes, expected);
      });
      if (batch > 1) continue;
      const fixed = Float32Array.from(apart[0].data);
      await checkCandidates(decodeTensor({ ...two, fixed }), apart.slice(1), space, FORM, found);
    }
  });
}

gpuTest("faults are noted for the image that has them, exchanged corners counted, and all is cleared", async () => {
  const anchors = 13, classes = 2;
  const good = [10, 10, 20, 20, 0.9, 0.6], exchanged = [30, 10, 20, 20, 0.9, 0.6], faint = [30, 10, 20, 20, 0.1, 0.2];
  const all = (row: readonly number[]) => Array.from({ length: anchors }, () => row);
  const { score, box } = FAULTS;
  // Rows of an image, faults, share of exchanged corners, and anchors with candidates.
  const images: [(readonly number[])[], number, number, number][] = [
    [all(good), 0, 0, 13],
    [all([10, 10, 20, 20, 1.5, 0.6]), score, 0, 13],
    [all(exchanged), 0, 1, 0],
    [all(good).with(5, exchanged), 0, 1 / 13, 12],
    // Boxes of scores that are too low may be anything; a corner that rounding has moved is none that is exchanged.
    [
      all(faint).with(2, good).with(3, [10, 20, 20.1, 19.9, 0.6, 0.7]).with(12, [10, 30, 20, 20, 0.6, 0.7]),
      0,
      1 / 3,
      2,
    ],
    [all([10, 10, 20, 20, NaN, 0.6]), score, 0, 13],
    [all([NaN, 10, 20, 20, 0.9, -3]), score | box, 0, 0],
  ];
  const batch = images.length;
  const data = Float32Array.from(images.flatMap(([rows]) => rows.flat()));
  const output = plainOperand("output", [batch, anchors, 6]);
  for (const multiLabel of [false, true]) {
    const space = { batch, anchors, classes, multiLabel };
    const layout: TensorLayout = { ...USUAL_LAYOUT, boxes: "corners", anchorsLast: false };
    const decode = decodeTensor({ output, space, confidence: 0.5, layout });
    const last = suppress({ space, iou: 0.5 });
    const tensors = [{ name: "output", layout: output.layout, data }, ...detectTensors(space, 64)];
    const run = async (...kernels: Kernel[]) => {
      const results = await runKernels([...decode, ...kernels], tensors, FORM, PITCH);
      const result = results.get(DETECT_VALUES.result)!;
      return images.map((_, image) => readDetections(result, image));
    };
    const found = await run(last);
    assertEquals(found.map(({ faults }) => faults), images.map(([, faults]) => faults));
    assertEquals(found.map(({ exchanged }) => exchanged), images.map(([, , share]) => Math.fround(share)));
    // A score that is no number is over no threshold.
    const labels = images.map(([rows, , , there]) => there * (multiLabel && !Number.isNaN(rows[0][4]) ? 2 : 1));
    assertEquals(found.map(({ candidates }) => candidates), labels, `image by image, ${multiLabel}`);
    const settings = { anchors, classes, confidence: 0.5, multiLabel };
    for (const [image, { faults, exchanged, candidates }] of found.entries()) {
      const boxes = data.subarray(image * anchors * 6, (image + 1) * anchors * 6);
      const { scores, ...host } = decodeTensors({ boxes, layout, inputSize: INPUT }, settings);
      assertEquals(
        [host.faults, host.exchanged, scores.length],
        [faults, exchanged, candidates],
        `on the host, ${image}`,
      );
    }
    for (const { faults, exchanged, candidates } of await run(last, last)) {
      assertEquals([faults, exchanged, candidates], [0, 0, 0]);
    }
  }
});
