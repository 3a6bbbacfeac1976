/**
 * Options of training with a teacher, which `train`, `distil` and `prune` share.
 *
 * @module
 */

import { InvalidArgumentError } from "npm:commander@15.1.0";
import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import { DISTIL_LOSS_NAMES, type DistilLossName } from "../compress/distill/mod.ts";
import type { DistilTerm } from "../train/mod.ts";
import { inputSize, integerIn, numberIn } from "./arguments.ts";

/** A number from 0, or an error that says what is expected. */
function weight(text: string, of: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError(`Expected a number of at least 0 in "${of}".`);
}

/** One loss, `cwd`, `cwd:2` or `cwd:2@0/0@30`: a weight, or weights at epochs. */
function term(text: string): DistilTerm {
  const [name, weights, ...rest] = text.split(":");
  const loss = DISTIL_LOSS_NAMES.find((one) => one === name.trim());
  if (loss === undefined || rest.length > 0) {
    throw new InvalidArgumentError(`Expected losses as cwd:1,dfl:0.5, of ${DISTIL_LOSS_NAMES.join(", ")}.`);
  }
  if (weights === undefined) return { loss };
  if (!weights.includes("@")) return { loss, weight: weight(weights, text) };
  const points = weights.split("/").map((point) => {
    const [value, epoch, ...more] = point.split("@");
    if (epoch === undefined || more.length > 0) {
      throw new InvalidArgumentError(`Expected weights at epochs as cwd:2@0/0@30 instead of "${text}".`);
    }
    return [weight(epoch, text), weight(value, text)] as const;
  });
  return { loss, weight: points };
}

/** Losses with their weights: `cwd:1,dfl:0.5`; `none` for a teacher that does something else. */
export function distilTerms(text: string): readonly DistilTerm[] {
  if (text.trim() === "none") return [];
  const terms = text.split(",").map(term), names = new Set<DistilLossName>();
  for (const { loss } of terms) {
    if (names.has(loss)) throw new InvalidArgumentError(`"${loss}" is there twice.`);
    names.add(loss);
  }
  return terms;
}

/** Pairs of maps: `STUDENT=TEACHER,STUDENT=TEACHER`. */
export function mapPairs(text: string): readonly (readonly [student: string, teacher: string])[] {
  return text.split(",").map((pair) => {
    const [student, teacher, ...rest] = pair.split("=").map((name) => name.trim());
    if (student && teacher && rest.length === 0) return [student, teacher] as const;
    throw new InvalidArgumentError(`Expected pairs of values as STUDENT=TEACHER instead of "${pair}".`);
  });
}

/** The options, one a call, so that each verb may put them where it wants. */
export const distilOptions = {
  teacher: () =>
    new Option("--teacher <model>", "name, ONNX file or URL of a detector to learn from, beside the labels"),
  teacherSize: () =>
    new Option("--teacher-size <pixels>", "side of the teacher's input; the student's by default").argParser(inputSize),
  teacherAssigns: () =>
    new Option(
      "--teacher-assigns",
      "the teacher says which anchors learn which box of the labels, and with what target score; alone with --distil none",
    ),
  teacherViews: () =>
    new Option(
      "--teacher-views <number>",
      "views of each picture that come again and again: the teacher looks at them once, before the training, and what it says is kept on disk",
    ).argParser(integerIn(1, 1e6)),
  teacherCache: () =>
    new Option("--teacher-cache <folder>", "where that is kept; the folder teacher of the run's by default"),
  teacherPrecision: () =>
    new Option("--teacher-precision <name>", "what its numbers are kept as; f16 by default").choices(
      ["f16", "f32"] as const,
    ),
  distil: () =>
    new Option(
      "--distil <losses>",
      `what is learned of the teacher, with weights, or weights at epochs: cwd:5,dfl:1@0/0@30; of ${
        DISTIL_LOSS_NAMES.join(", ")
      }`,
    ).argParser(distilTerms),
  temperature: () =>
    new Option("--temperature <number>", "by which logits are divided; 1 (logits), 2 (softmax-logits, cwd), 10 (dfl)")
      .argParser(numberIn(1e-3, 1e3)),
  distilMaps: () =>
    new Option(
      "--distil-maps <pairs>",
      "maps that cwd, l2 and pkd compare, STUDENT=TEACHER,...; those that enter the heads by default",
    ).argParser(mapPairs),
} as const;
