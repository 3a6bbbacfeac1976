/**
 * `noop`: copies a model and says what it saw of it. The verb that new ones of its kind begin from.
 *
 * @module
 */

import { noopPass } from "../compress/noop.ts";
import { passStep } from "../compress/pass.ts";
import { compressionJob, compressVerb, picturesOf } from "./compress_verb.ts";

/** The verb `noop`. */
export const noopVerb = compressVerb({
  name: "noop",
  summary: "Copy a model and say what was seen of it; with --calibrate also which ranges its outputs have.",
  example: "deno task noop --model yolo11n.onnx --calibrate coco --limit 16 --out copy.onnx",
  options: (command) => command,
  job: (settings) =>
    compressionJob({
      pictures: picturesOf(settings),
      steps: ({ pictures }) => [passStep(noopPass, { look: pictures !== undefined })],
      told({ reports: [report] }) {
        const { nodes, parameters, bytes, samples, outputs } = report;
        return {
          lines: [
            `model        ${nodes} nodes, ${parameters} parameters, ${(bytes / 1e6).toFixed(2)} MB`,
            ...outputs.map(({ name, range: [low, high] }) =>
              `output       ${name}: ${low} to ${high} in ${samples} pictures`
            ),
          ],
          json: { bytes, report },
        };
      },
    }),
});
