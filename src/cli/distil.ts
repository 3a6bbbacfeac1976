/**
 * `distil`: trains a student with a teacher. It is `train` with a teacher, by the words of distillation.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { distilOptions } from "./distil_options.ts";
import { givenOptions, runTrainVerb } from "./train.ts";
import { type CommandOfDevice, trainingOptions } from "./train_options.ts";
import { deviceVerb } from "./verb.ts";

const EXAMPLES = `deno task distil --student yolo11n --width 0.125 --teacher bccd --data bccd --out runs/student
  deno task distil --student small.onnx --teacher bccd --data pictures --no-labels --out runs/student
  deno task distil --resume runs/student`;

/** Says what the options do not. */
const MORE = `
The teacher is any detector of the same classes: of floats or in int8, of another width, family or input size. It is frozen.
Without --distil the losses are logits:0.5,dfl:0.25,cwd:5 beside those of the labels, with box:2.5 instead of dfl for a
teacher of another input size. With --teacher-views it looks at so many fixed views of each picture once, and steps read
from disk what it said. Log, curves and checkpoints show them as "distil cwd" and so on. A run that is resumed has
the same teacher. All else is as for train; see docs/distillation.md.`;

function command() {
  const own = deviceVerb("distil", "Train a small detector with a larger one as its teacher.", EXAMPLES)
    .option("--student <model>", "name, ONNX file or URL of the detector to train; needed unless the run is resumed")
    .addOption(distilOptions.teacher());
  return trainingOptions(own as CommandOfDevice).addHelpText("after", MORE);
}

/** The verb `distil`. */
export const distilVerb = command().action(async (options, verb) => {
  await runTrainVerb(options, () => {
    const { student, ...given } = givenOptions(options, verb) as ReturnType<typeof givenOptions> & { student?: string };
    if (given.resume === undefined) {
      const missing = student === undefined ? "student" : given.teacher === undefined ? "teacher" : undefined;
      if (missing !== undefined) throw new FeatherdetError(`--${missing} is needed, or --resume`);
    }
    return { ...given, ...(student !== undefined && { model: student }) };
  });
});
