/**
 * `demo`: detects from end to end without a download, on a picture of blood cells (`data/pictures`) with the detector
 * `data/models/bccd.onnx`. `--model` and `--image` replace them; `--model synthetic` detects on a seeded synthetic scene.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { SCENE_CLASSES } from "../data/scene/classes.ts";
import { SYNTHETIC_CLASSES, syntheticPicture } from "../data/synthetic.ts";
import { syntheticScene } from "../data/synthetic_scenes.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import type { Detection } from "../detect/detector.ts";
import { intersectionOverUnion } from "../detect/nms.ts";
import { detectAll, type ImageResult, printDetections, printSpeed, readPicture, writeDrawn } from "./detections.ts";
import { detectorVerb, loadDetector } from "./detection_options.ts";
import { drawTargets, freeName } from "./draw_targets.ts";
import { integerIn } from "./arguments.ts";
import { deviceAction } from "./verb.ts";

type Box = Detection["box"];

/** Where the demo's scenes begin: far from those of every split of the data set. */
const FIRST_SEED = 2 ** 30 + 2 ** 29 + 2 ** 28;

/** A picture with what is on it. */
interface KnownPicture {
  readonly file: string;
  readonly image: RgbImage;
  readonly objects: readonly { readonly label: string; readonly box: Box }[];
}

/** The picture of blood cells, and beside it what is on it. */
const CELLS = new URL("../../data/pictures/blood_cells.jpg", import.meta.url);

/** The detector of blood cells, by its name. */
const CELL_DETECTOR = "bccd";

/** The picture that a model knows the objects of: shapes for the constructed detector, scenes or blood cells for others. */
async function knownPicture(model: string, seed: number): Promise<KnownPicture> {
  if (model === "demo") {
    const { image, objects } = syntheticPicture({ seed, width: 640, height: 480 });
    const known = objects.map(({ classId, box }) => ({ label: SYNTHETIC_CLASSES[classId].label, box }));
    return { file: `synthetic picture ${seed}`, image, objects: known };
  }
  if (model !== "synthetic") {
    const objects = JSON.parse(await Deno.readTextFile(new URL("blood_cells.json", CELLS)));
    return { file: "blood cells", image: (await readPicture(fileURLToPath(CELLS))).image, objects };
  }
  // Seeds that no scene of the training set has.
  const scene = syntheticScene({ seed: FIRST_SEED + seed, width: 480, height: 480 });
  const counted = scene.objects.filter(({ crowd }) => !crowd);
  const known = counted.map(({ classId, box }) => ({ label: SCENE_CLASSES[classId].label, box }));
  return { file: `synthetic scene ${seed}`, image: scene.image, objects: known };
}

/** How many of the picture's objects were found: a detection of the class overlaps by half or more. */
function countFound(detections: readonly Detection[], objects: KnownPicture["objects"]): number {
  const free = new Set(detections);
  return objects.filter(({ label, box }) => {
    const match = [...free].find((one) => one.label === label && intersectionOverUnion(one.box, box) >= 0.5);
    if (match !== undefined) free.delete(match);
    return match !== undefined;
  }).length;
}

/** The verb `demo`. */
export const demoVerb = detectorVerb(
  "demo",
  "Detect blood cells on a picture that is here, or objects on --image with --model, and draw them.",
  "deno task demo --model yolo11n.onnx --image street.jpg --draw street.png",
)
  .option("--model <model>", "ONNX file, URL, or name; a detector of blood cells by default", CELL_DETECTOR)
  .option("--image <file>", "image (JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF, HEIC); blood cells by default")
  .option("--seed <number>", "seed of the scene of --model synthetic", integerIn(0, 2 ** 28 - 1), 7)
  .option("--draw <file>", "where the picture with boxes and labels goes; demo.png by default, or demo-2.png and so on")
  .option("--force", "replace the file of --draw if it exists")
  .action(async (options) => {
    await deviceAction<typeof options>(async (settings, output) => {
      const { image: file, seed } = settings;
      const [target] = drawTargets(
        [{ file: file ?? "demo.png", content: "picture" }],
        settings.draw ?? freeName("demo.png"),
        settings.force ?? false,
      );
      if (file !== undefined && settings.model === CELL_DETECTOR) {
        output.note(`${CELL_DETECTOR} knows blood cells only: name a detector of what is on your picture with --model`);
      }
      const known = file === undefined ? await knownPicture(settings.model, seed) : undefined;
      const picture = known ?? await readPicture(file!);
      const { detector, load } = await loadDetector(settings.model, settings, output);
      try {
        const images: ImageResult[] = [];
        const timing = await detectAll(detector, [picture], async ({ file, image }, detections) => {
          images.push({ file, detections });
          await writeDrawn(image, detections, target, (text) => output.note(text));
        });
        const speed = { load, ...timing };
        const { detections } = images[0];
        printDetections(output, images[0]);
        const isDemo = known !== undefined && ["demo", "synthetic", CELL_DETECTOR].includes(settings.model);
        const found = isDemo ? countFound(detections, known.objects) : undefined;
        if (isDemo) output.line(`found ${found} of the ${known.objects.length} objects that are on the picture`);
        output.line(`drawn to ${target}`);
        printSpeed(output, speed);
        return { images, speed, drawn: target, ...(isDemo && { objects: known.objects.length, found }) };
      } finally {
        detector.destroy();
      }
    })(options);
  });
