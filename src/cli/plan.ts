/**
 * `plan`: how a model is run, dispatch by dispatch.
 *
 * @module
 */

import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import { planModel } from "../detect/plan_model.ts";
import { printPlan } from "../plan/print.ts";
import { checkPrecision } from "../engine/setup.ts";
import { inputSize } from "./arguments.ts";
import { detectorPrecisionOption } from "./detection_options.ts";
import { loadModel, modelSource } from "../host/models.ts";
import { enginesOption, framesOption, placeAndPrint, shareCores } from "./place.ts";
import { action, verb } from "./verb.ts";

/** The verb `plan`. */
export const planVerb = verb(
  "plan",
  "Print how a model is run: dispatches, kernels, where values lie in memory.",
  "deno task plan --model yolo11n.onnx --size 320 --precision f16",
)
  .requiredOption("--model <model>", "ONNX file, URL, or name")
  .option("--size <pixels>", "side of the square input; the model's own by default", inputSize)
  .addOption(detectorPrecisionOption())
  .addOption(
    new Option("--storage <kind>", "how activations are stored: texture as on software adapters, buffer as on others")
      .choices(["texture", "buffer"] as const).default("buffer" as const),
  )
  .option("--place", "measure this machine's engines and say which part of the model should run on which one")
  .addOption(enginesOption())
  .addOption(framesOption())
  .action(async (options) => {
    if (options.place) shareCores();
    await action<typeof options>(async ({ model, size, precision, storage, place, engines, frames }, output) => {
      if (place) return await placeAndPrint({ model, size, engines, frames }, output);
      output.note(`reading ${modelSource(model)}`);
      const graph = await loadModel(model, { size, untrained: true });
      checkPrecision(graph, precision);
      const { plan, dispatches } = planModel(graph, { precision, storage });
      output.line(printPlan({ ...plan, dispatches }));
      return {
        steps: dispatches.map(({ name, operator, kernel, macs }) => {
          return { name, operator, kernel: kernel.label, workgroups: kernel.workgroups, macs };
        }),
        dispatches: dispatches.length,
        memory: plan.memory,
      };
    })(options);
  });
