/**
 * Detectors of every form of head through every job: what finds the squares goes on finding them, what needs a head that is trained
 * names the one that is there and what helps.
 */

import { join } from "node:path";
import { calibrate, quantizeFromCalibration } from "../../src/compress/quantize/mod.ts";
import { openDataset } from "../../src/data/open.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { Detector } from "../../src/detect/detector.ts";
import { pictureFormOf } from "../../src/detect/picture_input.ts";
import { createSessionRunner } from "../../src/engine/session_runner.ts";
import { takeCalibrationSamples } from "../../src/eval/calibration.ts";
import { evaluate } from "../../src/eval/evaluate.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { importOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { pruneOn } from "../../src/recipes/prune/one_shot.ts";
import { trainModel } from "../../src/recipes/starting_model.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "../support/assert.ts";
import { colourDetector, COLOURS, SIDE, type Tail } from "../support/colour_detector.ts";
import { grid, objectness, results, usual, type Write } from "../support/colour_heads.ts";
import { writeScenes } from "../support/colour_scenes.ts";
import { inFolder } from "../support/data_folders.ts";
import { gpuTest } from "../support/gpu.ts";

/** Each form, and what the sentence says that helps. */
const FORMS: readonly { readonly form: string; readonly write: Write; readonly helps: string }[] = [
  { form: "scores", write: (tail, head) => tail.swap(usual(tail, head) as string), helps: "anchors last" },
  {
    form: "objectness",
    write: (tail, head) => tail.swap(objectness(tail, head) as string),
    helps: "not made of anchors as a YOLOv5's are",
  },
  { form: "grid", write: grid, helps: "train a YOLOv5, YOLOv8 or YOLO11" },
  { form: "rows", write: results, helps: "end2end=False" },
  { form: "separate", write: (_, { corners, scores }) => [corners, scores], helps: "in one output" },
];

/** Channels of a layer in front of the detector: the colours twice, and then some that are worth little. */
const CHANNELS = 16;

/** Copies the colours by way of more channels, so that something can be pruned. */
function detour(tail: Tail, picture: string): string {
  const layer = (x: string, inputs: number, outputs: number, of: (out: number, input: number) => number) => {
    const weight = tail.fixed([outputs, inputs, 1, 1], (at) => of(Math.floor(at / inputs), at % inputs));
    return tail.one("Conv", "detour", [x, weight, tail.fixed([outputs], () => 0)], {
      ...{ strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 } as const,
    });
  };
  const wide = layer(picture, 3, CHANNELS, (out, input) => out % 3 !== input ? 0 : out < 6 ? 0.5 : 1e-3);
  return layer(
    tail.one("Relu", "kept", [wide], {}),
    CHANNELS,
    3,
    (out, input) => input < 6 && input % 3 === out ? 1 : 0,
  );
}

const detectorOf = (write: Write) => colourDetector(write, { names: COLOURS }, { prepare: detour });

async function mapOf(graph: Graph, dataset: Dataset, form: string, precision: "f32" | "int8" = "f32"): Promise<number> {
  // What a user has is a file.
  const detector = await Detector.load(importOnnx(saveOnnx(graph)), { precision });
  assertEquals(detector.head, form);
  const { map } = await evaluate(detector, dataset, { workers: 0 });
  detector.destroy();
  return map;
}

gpuTest(
  "every form of head is evaluated, quantized and pruned by weights or maps; training names it",
  () =>
    inFolder(async (folder) => {
      const dataset = await openDataset(await writeScenes(join(folder, "set"), 2));
      for (const { form, write, helps } of FORMS) {
        const model = detectorOf(write), { nodes } = model;
        assertEquals(await mapOf(model, dataset, form), 1, form);

        const { name: input, height, width, ...picture } = pictureFormOf(model);
        const samples = takeCalibrationSamples(dataset, { size: [height, width], input, form: picture });
        const runner = createSessionRunner();
        const calibrated = await calibrate(model, samples, { runner });
        const { graph: int8 } = quantizeFromCalibration(calibrated, { float: "none" });
        runner.destroy();
        assert(int8.nodes.some(({ op }) => op === "QuantizeLinear"));
        assert(await mapOf(int8, dataset, form, "int8") > 0.9, form);

        for (const pictures of [undefined, dataset]) {
          const how = { budget: { parameters: 0.7 }, criterion: "l2", multiple: 1, floor: 0, pictures: 2 } as const;
          const { graph } = await pruneOn(model, pictures, how);
          assert(graph.constants.get(nodes[0].inputs[1])!.shape[0] < CHANNELS);
          assertEquals(await mapOf(graph, dataset, form), 1, form);
        }

        const file = join(folder, `${form}.onnx`);
        await Deno.writeFile(file, saveOnnx(model));
        const refused = [
          () => pruneOn(model, dataset, { budget: { parameters: 0.7 } }),
          () => trainModel({ model: file, size: SIDE, seed: 0 }, dataset, () => {}),
        ];
        for (const run of refused) {
          const { message } = await assertRejects(run, FeatherdetError);
          assertStringIncludes(message, `(${form})`);
          assertStringIncludes(message, helps);
        }
      }
    }),
);
