/** Decoding of head maps and of finished output tensors against the reference and against recorded outputs. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { readDetections } from "../../src/detect/decode.ts";
import { decodeMaps } from "../../src/detect/host/decode_maps.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import type { Operand } from "../../src/kernels/context.ts";
import {
  anchorsOf,
  decodeHead,
  decodeTensor,
  DETECT_VALUES,
  type HeadLevel,
  suppress,
  yoloOutput,
} from "../../src/kernels/detect/mod.ts";
import type { StorageForm } from "../../src/kernels/kernel.ts";
import { candidatesReference, headOutputReference, suppressReference } from "../../src/reference/detect.ts";
import { type ReferenceTensor, referenceTensor } from "../../src/reference/tensor.ts";
import { blockedLayout, formName, FORMS, PITCH, storable } from "../support/compare.ts";
import { CANDIDATES_SIDE, checkCandidates, plainOperand } from "../support/candidates.ts";
import { detectTensors } from "../support/detect.ts";
import { gpuTest, runKernels, type TestTensor } from "../support/gpu.ts";
import { checkHostCandidates } from "../support/host_candidates.ts";
import { randomTensor } from "../support/random.ts";
import { sharedData } from "../support/shared_data.ts";

/** Height and width of the levels' grids, with their strides. */
const GRIDS = [[13, 9, 8], [7, 5, 16], [1, 3, 32]] as const;

interface Head {
  readonly levels: HeadLevel[];
  readonly tensors: TestTensor[];
  readonly expected: ReferenceTensor;
}

function operand(value: string, shape: readonly number[]): Operand {
  return { value, shape, layout: blockedLayout(shape) };
}

/** A seeded head; `edit` may change the class logits of a level before use. */
function makeHead(
  batch: number,
  classes: number,
  form: StorageForm,
  edit: (logits: Float32Array, level: number) => void = () => {},
  bins = 16,
): Head {
  const made = GRIDS.map(([height, width, stride], i) => {
    const boxes = operand(`boxes${i}`, [batch, 4 * bins, height, width]);
    const labels = operand(`classes${i}`, [batch, classes, height, width]);
    // The last level's are too large for an exponential that is not taken relative to the largest.
    const range = i === 2 ? 150 : 4;
    const boxData = storable(randomTensor(boxes.shape, 10 + i, -range, range), form);
    const labelData = storable(randomTensor(labels.shape, 20 + i, -9, 2), form);
    edit(labelData, i);
    return {
      level: { boxes, classes: labels, stride },
      tensors: [
        { name: boxes.value, layout: boxes.layout, data: boxData },
        { name: labels.value, layout: labels.layout, data: labelData },
      ],
      reference: {
        boxes: referenceTensor(boxes.shape, boxData),
        classes: referenceTensor(labels.shape, labelData),
        stride,
      },
    };
  });
  return {
    levels: made.map(({ level }) => level),
    tensors: made.flatMap(({ tensors }) => tensors),
    expected: headOutputReference(made.map(({ reference }) => reference)),
  };
}

const [FORM] = FORMS;

/** The maps of one image, as they leave a network in plain order. */
function levelMaps(levels: readonly HeadLevel[], tensors: readonly TestTensor[], batch: number, image: number) {
  const ofImage = ({ value }: Operand) => {
    const data = tensors.find(({ name }) => name === value)!.data!, size = data.length / batch;
    return data.subarray(image * size, (image + 1) * size);
  };
  return levels.map(({ boxes, classes, stride }) => {
    const [, , height, width] = classes.shape;
    return { boxes: ofImage(boxes), classes: ofImage(classes), height, width, stride };
  });
}

for (const form of FORMS) {
  for (const [batch, classes] of [[1, 1], [3, 3], [1, 80], [2, 6]]) {
    const name = `${batch}x${classes} classes, ${formName(form)}`;

    gpuTest(`the output tensor from head maps, ${name}`, async () => {
      const { levels, tensors, expected } = makeHead(batch, classes, form);
      const anchors = expected.shape[2];
      // In row memory the anchors are the pixels of a map, as many as there are. Plans keep halves out of outputs.
      const map = operand("output", [...expected.shape.slice(0, 2), 5, anchors / 5]);
      for (const output of [plainOperand("output", expected.shape), ...form.scalar === "f32" ? [map] : []]) {
        const kernels = yoloOutput({ levels, output, pitch: PITCH });
        const results = await runKernels(kernels, [...tensors, { name: "output", layout: output.layout }], form, PITCH);
        const actual = results.get("output")!;
        assertEquals(actual.length, expected.data.length);
        actual.forEach((value, i) => {
          const row = Math.floor(i / anchors) % expected.shape[1];
          const near = Math.abs(value - expected.data[i]) <= (row < 4 ? 0.002 : 1e-6);
          assert(
            near,
            `${output.layout.kind} row ${row}, anchor ${i % anchors}: ${value}, expected ${expected.data[i]}`,
          );
        });
      }
    });

    for (const multiLabel of [false, true]) {
      gpuTest(`candidates from head maps, ${name}, ${multiLabel ? "every" : "best"} label`, async () => {
        const { levels, tensors, expected } = makeHead(batch, classes, form);
        const space = { batch, anchors: anchorsOf(levels), classes, multiLabel };
        for (const confidence of [0.02, 0.25, 0.95]) {
          const kernels = decodeHead({ levels, space, confidence, pitch: PITCH });
          const found = Array.from(
            { length: batch },
            (_, image) => candidatesReference(expected, image, confidence, multiLabel),
          );
          await checkCandidates(kernels, tensors, space, form, found);
          if (form !== FORM) continue;
          const settings = { anchors: space.anchors, classes, confidence, multiLabel };
          found.forEach((expected, image) =>
            checkHostCandidates(decodeMaps(levelMaps(levels, tensors, batch, image), settings), classes, expected)
          );
        }
      });
    }
  }
}

for (const multiLabel of [false, true]) {
  gpuTest(`candidates from an output tensor, ${multiLabel ? "every" : "best"} label`, async () => {
    for (const [batch, classes] of [[1, 1], [3, 5]]) {
      const { expected } = makeHead(batch, classes, FORM);
      const data = Float32Array.from(expected.data);
      const rounded = referenceTensor(expected.shape, data);
      const output = plainOperand("output", expected.shape);
      const space = { batch, anchors: expected.shape[2], classes, multiLabel };
      const kernels = decodeTensor({ output, space, confidence: 0.25 });
      const found = Array.from({ length: batch }, (_, image) => candidatesReference(rounded, image, 0.25, multiLabel));
      await checkCandidates(kernels, [{ name: "output", layout: output.layout, data }], space, FORM, found);
    }
  });
}

gpuTest("of equal classes the first is the best", async () => {
  const classes = 6;
  const { levels, tensors, expected } = makeHead(1, classes, FORM, (logits, level) => {
    if (level !== 1) return;
    const size = logits.length / classes;
    // Anchors 0, 1, 2: equal classes in one block, in two, and everywhere.
    [[1, 3], [2, 4], [0, 1, 2, 3, 4, 5]].forEach((labels, at) => labels.forEach((c) => logits[c * size + at] = 3));
  });
  const space = { batch: 1, anchors: anchorsOf(levels), classes, multiLabel: false };
  const found = candidatesReference(expected, 0, 0.9, false);
  assertEquals(found.map(({ label }) => label), [1, 2, 0]);
  await checkCandidates(decodeHead({ levels, space, confidence: 0.9, pitch: PITCH }), tensors, space, FORM, [found]);
  const settings = { ...space, confidence: 0.9 };
  checkHostCandidates(decodeMaps(levelMaps(levels, tensors, 1, 0), settings), classes, found);
  const data = Float32Array.from(expected.data), output = plainOperand("output", expected.shape);
  const rounded = candidatesReference(referenceTensor(expected.shape, data), 0, 0.9, false);
  assertEquals(rounded.map(({ label }) => label), [1, 2, 0]);
  const given = [{ name: "output", layout: output.layout, data }];
  await checkCandidates(decodeTensor({ output, space, confidence: 0.9 }), given, space, FORM, [rounded]);
});

gpuTest("confidence 0 takes every anchor, confidence 1 none", async () => {
  const { levels, tensors, expected } = makeHead(1, 3, FORM);
  const space = { batch: 1, anchors: anchorsOf(levels), classes: 3, multiLabel: false };
  for (const confidence of [0, 1]) {
    const kernels = decodeHead({ levels, space, confidence, pitch: PITCH });
    const found = candidatesReference(expected, 0, confidence, false);
    await checkCandidates(kernels, tensors, space, FORM, [found]);
    checkHostCandidates(decodeMaps(levelMaps(levels, tensors, 1, 0), { ...space, confidence }), 3, found);
  }
});

gpuTest("sides with another number of bins", async () => {
  const { levels, tensors, expected } = makeHead(1, 2, FORM, undefined, 8);
  const space = { batch: 1, anchors: anchorsOf(levels), classes: 2, multiLabel: false };
  const kernels = decodeHead({ levels, space, confidence: 0.5, pitch: PITCH });
  await checkCandidates(kernels, tensors, space, FORM, [candidatesReference(expected, 0, 0.5, false)]);
});

Deno.test("maps that are no head, and outputs of another shape, are refused by name", () => {
  const { levels } = makeHead(1, 3, FORM);
  const space = { batch: 1, anchors: anchorsOf(levels), classes: 3, multiLabel: false };
  const refused = (make: () => unknown, text: string) => assertThrows(make, FeatherdetError, text);
  const odd = { ...levels[0], boxes: operand("odd", [1, 60, 13, 9]) };
  refused(
    () => yoloOutput({ levels: [odd], output: plainOperand("y", [1, 7, 117]), pitch: PITCH }),
    '"odd" [1,60,13,9]',
  );
  refused(() => yoloOutput({ levels, output: plainOperand("y", [1, 7, 5]), pitch: PITCH }), '"y" is plain [1,7,5]');
  refused(
    () => decodeHead({ levels, space: { ...space, classes: 4 }, confidence: 0.5, pitch: PITCH }),
    "1 images of 4 classes",
  );
  refused(() => decodeHead({ levels, space: { ...space, anchors: 7 }, confidence: 0.5, pitch: PITCH }), "155 anchors");
  const flat = { ...levels[0], classes: plainOperand("flat", [1, 3, 13, 9]) };
  refused(() => anchorsOf([flat]), '"flat" [1,3,13,9] is not in row memory');
  refused(
    () => decodeTensor({ output: plainOperand("y", [1, 84, 100]), space, confidence: 0.5 }),
    '"y" is plain [1,84,100]',
  );
});

const recorded = sharedData("reference/397133.output0.f32");
if (recorded) {
  gpuTest("recorded output of yolo11n: the detections that naive suppression finds in it", async () => {
    const shape = [1, 84, 8400];
    const data = new Float32Array(Deno.readFileSync(recorded).buffer);
    const output = plainOperand("output", shape);
    for (const [confidence, multiLabel] of [[0.25, false], [0.001, true]] as const) {
      const space = { batch: 1, anchors: 8400, classes: 80, multiLabel };
      const candidates = candidatesReference(referenceTensor(shape, data), 0, confidence, multiLabel);
      const tensors = [{ name: "output", layout: output.layout, data }, ...detectTensors(space, CANDIDATES_SIDE)];
      const kernels = [...decodeTensor({ output, space, confidence }), suppress({ space, iou: 0.7 })];
      const results = await runKernels(kernels, tensors, FORM, PITCH);
      const { detections, candidates: count } = readDetections(results.get(DETECT_VALUES.result)!);
      assertEquals(count, candidates.length);
      const expected = suppressReference(candidates, 0.7, 300, 30000);
      assertEquals(
        detections.map(({ score, classId }) => [score, classId]),
        expected.map(({ score, label }) => [score, label]),
      );
      assert(detections.length > 5);
    }
  });
} else Deno.test({ name: "recorded output of yolo11n (no ../shared/data)", ignore: true, fn: () => {} });
