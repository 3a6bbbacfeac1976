/** Every form of a head finds the squares of one scene; what cannot be read is refused in a sentence that helps. */

import { Detector, type DetectorOptions } from "../../src/detect/detector.ts";
import { recogniseHead } from "../../src/detect/heads/recognise.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import {
  CELLS,
  colourDetector,
  colourLogits,
  COLOURS,
  colourScene,
  SCENE_OBJECTS,
  SIDE,
} from "../support/colour_detector.ts";
import {
  cornered,
  grid,
  objectness,
  ones,
  parts,
  results,
  threeAPlace,
  usual,
  type Write,
} from "../support/colour_heads.ts";
import { ON_CPU } from "../support/cpu_runtime.ts";
import { gpuTest } from "../support/gpu.ts";

const NAMELESS = {};

/** The squares of the scene, whatever their order; scores are those of the detector. */
async function checkScene(graph: Graph, options: DetectorOptions = {}): Promise<Detector> {
  const detector = await Detector.load(graph, options);
  const found = await detector.detect(colourScene());
  const sorted = found.toSorted((a, b) => a.classId - b.classId);
  assertEquals(sorted.map(({ classId }) => classId), SCENE_OBJECTS.map(({ classId }) => classId));
  SCENE_OBJECTS.forEach(({ box }, at) => {
    box.forEach((edge, k) => assert(Math.abs(edge - sorted[at].box[k]) < 0.05, `${sorted[at].box} is not ${box}`));
    assert(sorted[at].score > 0.99 && sorted[at].score <= 1);
  });
  detector.destroy();
  return detector;
}

const names = { names: COLOURS };

const FORMS: readonly { name: string; write: Write; metadata?: Record<string, string>; options?: DetectorOptions }[] = [
  { name: "scores, anchors last", write: usual },
  { name: "scores, anchors last, no names", write: usual, metadata: NAMELESS },
  { name: "scores, anchors first", write: (tail, head) => tail.swap(usual(tail, head) as string) },
  { name: "objectness, anchors first", write: (tail, head) => tail.swap(objectness(tail, head) as string) },
  { name: "objectness, anchors last", write: objectness },
  { name: "objectness, three anchors a place, no names", write: threeAPlace, metadata: NAMELESS },
  { name: "objectness that is one, no names", write: ones, metadata: NAMELESS },
  {
    name: "objectness, no names, as the caller says",
    write: (tail, head) => tail.swap(objectness(tail, head) as string),
    metadata: NAMELESS,
    options: { head: "objectness" },
  },
  {
    name: "objectness, names of the caller",
    write: (tail, head) => tail.swap(objectness(tail, head) as string),
    metadata: NAMELESS,
    options: { classes: ["red", "green", "blue"] },
  },
  { name: "corners", write: cornered },
  { name: "corners, as the caller says", write: cornered, options: { boxes: "xyxy" } },
  { name: "centres in parts", write: (tail, { centres, scores }) => tail.join(1, parts(tail, centres), scores) },
  {
    name: "corners in parts, anchors first",
    write: (tail, { corners, scores }) => tail.swap(tail.join(1, parts(tail, corners), scores)),
  },
  {
    name: "corners in parts, as the caller says",
    write: (tail, { corners, scores }) => tail.swap(tail.join(1, parts(tail, corners), scores)),
    options: { boxes: "xyxy-normalised" },
  },
  { name: "an axis of one element", write: (tail, head) => tail.shaped(usual(tail, head) as string, [1, 7, 16, 1]) },
  { name: "boxes and scores apart, anchors last", write: (_, { centres, scores }) => [centres, scores] },
  {
    name: "scores and corners apart, anchors first",
    write: (tail, { corners, scores }) => [tail.swap(scores), tail.shaped(tail.swap(corners), [1, CELLS, 1, 4])],
  },
  { name: "boxes last, scores first", write: (tail, { centres, scores }) => [centres, tail.swap(scores)] },
  { name: "results", write: results },
  { name: "results, no names", write: results, metadata: NAMELESS },
  { name: "results, said by metadata", write: results, metadata: { ...names, end2end: "True" } },
  { name: "results without a batch", write: (tail, head) => tail.shaped(results(tail, head), [48, 6]) },
  { name: "YOLOX undecoded", write: grid },
  { name: "YOLOX undecoded, no names", write: grid, metadata: NAMELESS },
  {
    name: "a finished output beside raw maps",
    write: (tail, head) => {
      const finished = tail.swap(objectness(tail, head) as string);
      const maps = [1, 2, 3].map(() => tail.shaped(tail.both("Add", head.logits, head.logits), [1, 3, 4, 4, 1]));
      return [finished, ...maps];
    },
  },
];

for (const { name, write, metadata = names, options } of FORMS) {
  gpuTest(`the squares are found: ${name}`, async () => {
    const graph = colourDetector(write, metadata);
    await checkScene(graph, options);
    await checkScene(graph, { ...options, ...ON_CPU });
  });
}

gpuTest("the squares are found in f16 and with several labels a box", async () => {
  const graph = colourDetector((tail, head) => tail.swap(objectness(tail, head) as string));
  await checkScene(graph, { precision: "f16" });
  await checkScene(graph, { multiLabel: true });
  await checkScene(graph, { multiLabel: true, ...ON_CPU });
});

gpuTest("a model's own results are not suppressed", async () => {
  const twice = colourDetector((tail, head) => {
    const once = results(tail, head);
    return tail.join(1, once, once);
  });
  for (const options of [{}, ON_CPU]) {
    const detector = await Detector.load(twice, options);
    assertEquals((await detector.detect(colourScene())).length, 2 * SCENE_OBJECTS.length);
    detector.destroy();
  }
});

/** What recognition says of a model. */
const refusal = (write: Write, metadata: Record<string, string> = names): string => {
  const graph = { ...colourDetector(write, metadata), name: "m.onnx" };
  let message = "";
  assertThrows(() => {
    try {
      recogniseHead(graph, { names: "names" in metadata ? 3 : undefined });
    } catch (error) {
      message = (error as Error).message;
      throw error;
    }
  }, FeatherdetError);
  assert(message.startsWith("m.onnx: "), message);
  return message;
};

Deno.test("models of other tasks are refused by the task that their metadata name", () => {
  for (
    const [task, word] of [["pose", "poses"], ["obb", "OBB"], ["segment", "segmentation"], [
      "classify",
      "classification",
    ]]
  ) {
    const message = refusal(usual, { ...names, task });
    assert(message.includes(word) && message.includes(`task=${task}`), message);
  }
  assert(refusal(usual, { ...names, kpt_shape: "[17, 3]" }).includes("kpt_shape=[17, 3]"));
});

Deno.test("key points, angles and logits are no class scores", () => {
  const points = refusal((tail, { centres, scores }) =>
    tail.join(1, centres, scores, tail.both("Mul", centres, centres))
  );
  assert(points.includes("4 of the 7 are not kept within 0..1"), points);
  const angle = refusal((tail, { centres, scores, greatest }) => {
    return tail.join(1, centres, scores, tail.both("Mul", greatest, tail.fixed([1], () => 2)));
  });
  assert(angle.includes("1 of the 4"), angle);
  const logits = refusal((tail, { centres, logits }) => tail.join(1, centres, logits));
  assert(logits.includes("as by a Sigmoid"), logits);
});

Deno.test("what nothing in the file decides is refused with the option that decides", () => {
  const message = refusal((tail, head) => tail.swap(objectness(tail, head) as string), NAMELESS);
  assert(message.includes('"swap" [1,16,8]') && message.includes("--head scores or --head objectness"), message);
});

Deno.test("where a tail is too long to be studied, metadata decide", () => {
  const long: Write = (tail, head) => {
    const zero = tail.fixed([1], () => 0);
    return Array.from({ length: 401 }).reduce<string>((value) => tail.both("Add", value, zero), results(tail, head));
  };
  for (const metadata of [{ end2end: "True" }, { nms: "true" }] as Record<string, string>[]) {
    assertEquals(recogniseHead(colourDetector(long, metadata)).form, "rows");
  }
  // Two scores at most stand behind the box, so three names can only be those of numbered classes.
  assertEquals(recogniseHead(colourDetector(long, names), { names: 3 }).form, "rows");
  assert(refusal(long, NAMELESS).includes("nothing in the file decides"));
});

Deno.test("maps, masks and counted results are refused by what they are", () => {
  const maps: Write = (tail, { logits }) =>
    [0, 1].map(() => tail.shaped(tail.both("Add", logits, logits), [1, 3, 4, 4]));
  assert(refusal(maps).includes("nobody has decoded"));
  const masks: Write = (tail, head) => [
    usual(tail, head) as string,
    tail.shaped(tail.both("Add", head.logits, head.logits), [1, 3, 4, 4]),
  ];
  assert(refusal(masks).includes("segmentation"));
  const classes: Write = (tail, { greatest }) => tail.shaped(greatest, [1, 16]);
  assert(refusal(classes).includes("classification"));
  const four: Write = (
    tail,
    { centres, greatest, scores },
  ) => [tail.swap(centres), greatest, scores, tail.swap(scores)];
  assert(refusal(four).includes("without nms=True"));
  const numbered: Write = (tail, head) => tail.join(2, tail.fixed([1, 48, 1], () => 0), results(tail, head));
  assert(refusal(numbered).includes("without --end2end"), refusal(numbered));
});

Deno.test("undecoded boxes of other heads than YOLOX's are refused", () => {
  const raw: Write = (tail, { logits, scores, picture }) => {
    const other = tail.shaped(colourLogits(tail, picture, 16), [1, 3, CELLS]);
    const box = tail.one("Slice", "four", [tail.join(1, logits, other)], {
      starts: [0],
      ends: [4],
      axes: [1],
      steps: [1],
    });
    return tail.join(1, box, scores);
  };
  assert(refusal(raw).includes("undecoded"), refusal(raw));
});

gpuTest("numbers that no head can mean are refused when they come", async () => {
  const rejected = async (write: Write, options: DetectorOptions, text: string) => {
    const detector = await Detector.load(colourDetector(write), options);
    await assertRejects(() => detector.detect(colourScene()), FeatherdetError, text);
    // The next picture's faults are its own.
    const black = { width: SIDE, height: SIDE, data: new Uint8Array(3 * SIDE * SIDE) };
    if (text !== "scores outside 0..1") assertEquals(await detector.detect(black), []);
    detector.destroy();
  };
  await rejected(
    (tail, { centres, logits }) => tail.join(1, centres, logits),
    { head: "scores" },
    "scores outside 0..1",
  );
  await rejected(usual, { boxes: "xyxy" }, "--boxes xywh");
  const between: Write = (tail, { corners, greatest }) =>
    tail.join(2, tail.swap(corners), tail.swap(greatest), tail.swap(greatest));
  await rejected(between, { head: "rows" }, "class numbers that are none");
  const beyond: Write = (tail, { corners, greatest }) =>
    tail.join(2, tail.swap(corners), tail.swap(greatest), tail.fixed([1, CELLS, 1], () => 90));
  await rejected(beyond, { head: "rows" }, "names class 90 where the model has 3 classes");
});

gpuTest(
  "a box with exchanged corners is left out among others; where they are half of all, the output is refused",
  async () => {
    const more = (rows: number): Write => (tail, head) => {
      const row = [40, 20, 30, 36, 0.9, 1];
      return tail.join(1, results(tail, head), tail.fixed([1, rows, 6], (at) => row[at % 6]));
    };
    const objects = SCENE_OBJECTS.length;
    for (const options of [{}, { precision: "f16" }, { multiLabel: true }] as const) {
      await checkScene(colourDetector(more(objects - 1)), options);
      const detector = await Detector.load(colourDetector(more(objects)), options);
      await assertRejects(() => detector.detect(colourScene()), FeatherdetError, "second corner lies before the first");
      detector.destroy();
    }
  },
);

gpuTest("a count of names that is not the head's is said once, in a warning", async () => {
  const names = `[${Array.from({ length: 20 }, (_, k) => `"n${k}"`).join(", ")}]`;
  const many = await checkScene(colourDetector(usual, { names }));
  assertEquals(many.warnings, ["the model's head has 3 classes and 20 names are given: the first are used"]);
  assertEquals(many.labels, ["n0", "n1", "n2"]);
  const few = await checkScene(colourDetector(usual, { names: "red" }));
  assertEquals(few.labels, ["red", "class 1", "class 2"]);
  assertEquals(few.warnings.length, 1);
  // One name less than classes is as many as there would be behind objectness.
  const [doubt] = (await Detector.load(colourDetector(usual, { names: "red\ngreen" }))).warnings;
  assert(doubt.includes("2 names are given: if it has 3 classes and no objectness, say --head scores"), doubt);
});
