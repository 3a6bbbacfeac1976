/**
 * What a run of training is held to: the settings of its checkpoint, and the classes of its pictures.
 *
 * @module
 */

import type { Dataset } from "../data/dataset.ts";
import { classNamesOf } from "../detect/class_names.ts";
import { FeatherdetError, type Graph } from "../graph/mod.ts";

/** Settings that make a run what it is, as checkpoints keep them. */
export type RunSettings = Readonly<Record<string, unknown>>;

/** What may change when a run goes on. `epochs` stretches the schedule, so the run is another than one that was asked for so. */
const CHANGEABLE = [
  "epochs",
  "freezeEpochs",
  "closeMosaic",
  "statisticsMomentum",
  "patience",
  "validateEvery",
  "notes",
];

/** How many classes, and the first of them. */
function brief(names: readonly string[]): string {
  return `${names.length} classes (${names.slice(0, 3).join(", ")}${names.length > 3 ? " ..." : ""})`;
}

/** A setting in a few words; undefined for none. */
function settingText(value: unknown): string | undefined {
  const { name, split, pictures, classes } = (value ?? {}) as Record<string, unknown>;
  if (!Array.isArray(classes)) return JSON.stringify(value);
  return `${name}${split === undefined ? "" : ` (${split})`}, ${pictures} pictures, ${brief(classes)}`;
}

/** Throws FeatherdetError for a checkpoint of a run with other settings than those that may change. */
export function checkResumed(kept: RunSettings, asked: RunSettings): void {
  for (const key of Object.keys({ ...kept, ...asked })) {
    const [before, now] = [kept[key], asked[key]];
    if (JSON.stringify(before) === JSON.stringify(now) || CHANGEABLE.includes(key)) continue;
    throw new FeatherdetError(
      `the checkpoint is of a run with ${key} ${settingText(before) ?? "not set"}, asked for is ${
        settingText(now) ?? "none"
      }`,
    );
  }
}

/** Throws FeatherdetError for a model whose classes are not those of a data set; `what` says what that is for. */
export function checkClasses(model: Graph, dataset: Dataset, what: string): void {
  const names = classNamesOf(model);
  if (names !== undefined && names.join("\n") !== dataset.classes.join("\n")) {
    throw new FeatherdetError(
      `"${model.name}" is for ${brief(names)}, ${what} "${dataset.name}" has ${
        brief(dataset.classes)
      }: build it for them, or ` +
        "see withClasses",
    );
  }
}
