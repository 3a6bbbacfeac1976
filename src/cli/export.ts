/**
 * `export`: a model in the form that another runtime reads, and what was checked of it there.
 *
 * @module
 */

import { basename } from "node:path";
import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import { pictureInput } from "../recipes/compress_model.ts";
import { stem, writeBeside } from "../recipes/export/beside.ts";
import { type ExportReport, isQdq, isQuantized, listExportPasses, targetOf } from "../recipes/export/export_steps.ts";
import { type Target, TARGET_NAMES } from "../recipes/export/targets.ts";
import { numberIn } from "./arguments.ts";
import { type CompressCommand, compressionJob, type CompressVerb, compressVerb, picturesOf } from "./compress_verb.ts";

function exportOptions(command: CompressCommand) {
  return command
    .addOption(
      new Option("--target <name>", "the runtime that reads the file").choices(TARGET_NAMES).makeOptionMandatory(),
    )
    .addOption(
      new Option("--outputs <form>", "boxes and scores in one output or in two; as the target takes them by default")
        .choices(["joined", "separate"] as const),
    )
    .option("--reduced-range", "weights of 63 levels, for x86 without VNNI where sums are cut off at 16 bits")
    .option("--nms", "detections [1,300,6] that are suppressed already: corners, score, class")
    .option("--confidence <score>", "with --nms: scores above it count", numberIn(0, 1), 0.25)
    .option("--iou <overlap>", "with --nms: what overlaps a better box by more is left out", numberIn(0, 1), 0.7);
}

/** Reports of the export's own passes. */
function isReport(report: unknown): report is ExportReport {
  return report !== null && typeof report === "object" && "breaches" in report;
}

/** A target's commands for a file. */
function commandsFor({ commands }: Target, file: string, shape: readonly number[]): string[] {
  const [, , height, width] = shape, model = stem(file);
  const words = { MODEL: model, NAME: basename(model), WIDTH: String(width), HEIGHT: String(height) };
  const all = new RegExp(Object.keys(words).join("|"), "g");
  return commands.map((line) => line.replace(all, (word) => words[word as keyof typeof words]));
}

/** What of `export` is its own. */
export const EXPORT: CompressVerb<ReturnType<ReturnType<typeof exportOptions>["opts"]>> = {
  name: "export",
  summary: "Write a model for another runtime; with --calibrate in int8, or with calibration pictures beside it.",
  example: "deno task export --model yolo11n.onnx --target openvino --calibrate coco --out yolo11n_openvino.onnx",
  options: exportOptions,
  job(settings) {
    const target = targetOf(settings.target);
    const { confidence, iou } = settings;
    const options = {
      target: settings.target,
      outputs: settings.outputs,
      reducedRange: settings.reducedRange === true,
      nms: settings.nms ? { confidence, iou } : undefined,
    };
    const notes: string[] = [];
    return compressionJob({
      compact: false,
      pictures: picturesOf(settings),
      steps: ({ graph, pictures }) => listExportPasses(graph, options, pictures !== undefined),
      told({ graph, reports }) {
        const ours = reports.filter(isReport);
        notes.push(...ours.flatMap((report) => report.notes));
        const isInt8 = isQuantized(graph);
        const { state, says, fails } = target.checked;
        const failures = [...state === "failed" ? [says] : [], ...fails === undefined ? [] : [fails]];
        const form = isInt8 ? "quantized" : "float";
        const commands = isInt8 ? [] : commandsFor(target, settings.out, graph.inputs[0].shape);
        if (!isInt8 && isQdq(target.int8) === false) {
          notes.push(`int8 is made by ${(target.int8 as { own: string }).own}`);
        }
        return {
          lines: [
            `target       ${target.text}, ${form}`,
            ...state === "failed" ? [] : [`checked      ${says}`],
            ...failures.map((text) => `FAILED       ${text}`),
            ...notes.map((note) => `note         ${note}`),
            ...commands.map((line) => `then         ${line}`),
          ],
          warnings: failures.map((text) => `${target.text} failed the check by boxes: ${text}`),
          json: { target: settings.target, form, notes, commands, checked: target.checked },
        };
      },
      async measured({ graph, file }, { graph: source, pictures }) {
        const shown = pictures && { samples: pictures.samples, input: pictureInput(source).name };
        const beside = await writeBeside(file.name, graph, target, shown);
        return { files: [file.name, ...beside] };
      },
    });
  },
};

/** The verb `export`. */
export const exportVerb = compressVerb(EXPORT);
