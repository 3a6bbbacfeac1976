/**
 * `detect`: finds objects on pictures, prints and draws them.
 *
 * @module
 */

import { detectAll, type ImageResult, printDetections, printSpeed, readPicture, writeDrawn } from "./detections.ts";
import { detectorVerb, loadDetector } from "./detection_options.ts";
import { drawTargets, listImages } from "./images.ts";
import { progressBar } from "./progress.ts";
import { deviceAction } from "./verb.ts";

const isEmpty = ({ detections }: ImageResult) => detections.length === 0;

/** The verb `detect`. */
export const detectVerb = detectorVerb(
  "detect",
  "Detect objects on images.",
  "deno task detect --model yolo11n.onnx --image street.jpg --draw found.png",
)
  .alias("predict")
  .requiredOption("--model <model>", "ONNX file, URL, or name")
  .requiredOption("--image <path...>", "image files (JPEG, PNG, WebP), or folders of them")
  .option("--draw <target>", "draw boxes and labels: a file for one image, a folder for several")
  .action(async (options) => {
    await deviceAction<typeof options>(async (settings, output) => {
      const files = listImages(settings.image);
      const targets = settings.draw === undefined ? [] : drawTargets(files, settings.draw);
      const { detector, load } = await loadDetector(settings.model, settings, output);
      const progress = progressBar(files.length, "images");
      const images: ImageResult[] = [];
      async function* pictures() {
        for (const file of files) yield await readPicture(file);
      }
      try {
        const timing = await detectAll(detector, pictures(), async (result, image) => {
          if (settings.draw !== undefined) await writeDrawn(image, result.detections, targets[images.length]);
          images.push(result);
          progress.step(result.file);
        });
        const speed = { load, ...timing };
        progress.stop();
        for (const result of images) printDetections(output, result);
        if (detector.head !== "maps" && settings.inputRange === undefined && images.every(isEmpty)) {
          output.note(
            "nothing was found: a network that was trained on levels in 0..255 needs --input-range 0..255, one on BGR " +
              "--input-channels bgr; --confidence lowers the least score",
          );
        }
        if (settings.draw !== undefined) output.note(`drawn to ${settings.draw}`);
        printSpeed(output, speed);
        return { images, speed };
      } finally {
        progress.stop();
        detector.destroy();
      }
    })(options);
  });
