/**
 * `demo`: the main job from end to end on an embedded default that needs no download: a seeded synthetic picture and a small
 * detector whose weights are constructed. With `--model` or `--image` it takes real ones.
 *
 * @module
 */

import { SYNTHETIC_CLASSES, syntheticPicture } from "../data/synthetic.ts";
import type { Detection } from "../detect/detector.ts";
import { detectAll, type ImageResult, printDetections, printSpeed, readPicture, writeDrawn } from "./detections.ts";
import { detectorVerb, loadDetector } from "./detection_options.ts";
import { drawTargets } from "./images.ts";
import { integerIn } from "./arguments.ts";
import { deviceAction } from "./verb.ts";

type Box = Detection["box"];

function iou(a: Box, b: Box): number {
  const width = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const height = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const area = (box: Box) => (box[2] - box[0]) * (box[3] - box[1]);
  return (width * height) / (area(a) + area(b) - width * height);
}

/** How many of the picture's objects were found: a detection of the class overlaps by half or more. */
function countFound(detections: readonly Detection[], objects: readonly { classId: number; box: Box }[]): number {
  const free = new Set(detections);
  return objects.filter(({ classId, box }) => {
    const match = [...free].find((one) => one.label === SYNTHETIC_CLASSES[classId].label && iou(one.box, box) >= 0.5);
    if (match !== undefined) free.delete(match);
    return match !== undefined;
  }).length;
}

/** The verb `demo`. */
export const demoVerb = detectorVerb(
  "demo",
  "Detect objects on an embedded picture, or on --image with --model, and draw them.",
  "deno task demo --model yolo11n.onnx --image street.jpg --draw street.png",
)
  .option("--model <model>", "ONNX file, URL, or name; the constructed demo detector by default", "demo")
  .option("--image <file>", "image (JPEG, PNG, WebP); a synthetic picture by default")
  .option("--seed <number>", "seed of the synthetic picture", integerIn(0, 2 ** 31 - 1), 7)
  .option("--draw <file>", "where the picture with boxes and labels goes", "demo.png")
  .action(async (options) => {
    await deviceAction<typeof options>(async (settings, output) => {
      const { image: file, seed } = settings;
      const [target] = drawTargets([file ?? "demo.png"], settings.draw);
      const synthetic = file === undefined ? syntheticPicture({ seed, width: 640, height: 480 }) : undefined;
      const picture = synthetic
        ? { file: `synthetic picture ${seed}`, image: synthetic.image }
        : await readPicture(file!);
      const { detector, load } = await loadDetector(settings.model, settings);
      try {
        output.note(`adapter: ${detector.device.adapter.name}${detector.device.adapter.software ? " (software)" : ""}`);
        const images: ImageResult[] = [];
        const timing = await detectAll(detector, [picture], async (result, image) => {
          images.push(result);
          await writeDrawn(image, result.detections, target);
        });
        const speed = { load, ...timing };
        const { detections } = images[0];
        printDetections(output, images[0]);
        const isDemo = synthetic !== undefined && settings.model === "demo";
        const found = isDemo ? countFound(detections, synthetic.objects) : undefined;
        if (isDemo) output.line(`found ${found} of the ${synthetic.objects.length} objects that are on the picture`);
        output.line(`drawn to ${target}`);
        printSpeed(output, speed);
        return { images, speed, drawn: target, ...(isDemo && { objects: synthetic.objects.length, found }) };
      } finally {
        detector.destroy();
      }
    })(options);
  });
