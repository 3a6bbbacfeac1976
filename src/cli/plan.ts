/**
 * `plan`: how a model is run, dispatch by dispatch.
 *
 * @module
 */

import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import { planModel, planWithin } from "../detect/plan_model.ts";
import { megabytes } from "../engine/memory_limit.ts";
import { withBatch } from "../passes/mod.ts";
import { printPlan } from "../plan/print.ts";
import { checkPrecision } from "../engine/setup.ts";
import { inputSize, integerIn } from "./arguments.ts";
import { chosenPrecisionOption, memoryLimitOption } from "./detection_options.ts";
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
  .option("--batch <number>", "images that are run together; the model's own by default", integerIn(1, 1024))
  .addOption(chosenPrecisionOption())
  .addOption(memoryLimitOption())
  .addOption(
    new Option("--storage <kind>", "how activations are stored: texture as on software adapters, buffer as on others")
      .choices(["texture", "buffer"] as const).default("buffer" as const),
  )
  .option("--place", "measure this machine's engines and say which part of the model should run on which one")
  .addOption(enginesOption())
  .addOption(framesOption())
  .action(async (options) => {
    if (options.place) shareCores();
    await action<typeof options>(async (settings, output) => {
      const { model, size, batch, precision, storage, memoryLimit, place, engines, frames } = settings;
      if (place) return await placeAndPrint({ model, size, engines, frames }, output);
      output.note(`reading ${modelSource(model)}`);
      const loaded = await loadModel(model, { size, untrained: true });
      const graph = batch === undefined ? loaded : withBatch(loaded, batch);
      checkPrecision(graph, precision);
      const { plan, dispatches, bytes, text } = memoryLimit === undefined
        ? { ...planModel(graph, { precision: precision ?? "f32", storage }), text: undefined }
        : planWithin(graph, { precision, storage, memoryLimit });
      output.line(printPlan({ ...plan, dispatches }));
      const within = memoryLimit === undefined ? "" : `, within ${megabytes(memoryLimit)}: ${text}`;
      output.line(`device memory ${megabytes(bytes)} with weights and what comes back${within}`);
      return {
        steps: dispatches.map(({ name, operator, kernel, macs }) => {
          return { name, operator, kernel: kernel.label, workgroups: kernel.workgroups, macs };
        }),
        dispatches: dispatches.length,
        memory: plan.memory,
        bytes,
        ...(memoryLimit !== undefined && { memoryLimit, chosen: text }),
      };
    })(options);
  });
