/**
 * Training with a teacher, as a job asks for it: the teacher is found by its name and made ready for the student's pictures.
 *
 * @module
 */

import { basename, join } from "node:path";
import { DISTIL_LOSSES } from "../../compress/distill/mod.ts";
import { withPictureInput } from "../../detect/picture_input.ts";
import { FeatherdetError } from "../../graph/error.ts";
import type { Graph, Shape } from "../../graph/graph.ts";
import { findModel, loadModel } from "../../host/models.ts";
import { folderStore } from "../../host/run_folder.ts";
import { changeShapes } from "../../passes/mod.ts";
import { distilled, type DistilledOptions, type DistilTerm, type TrainingVariant } from "../../train/mod.ts";
import { type KeptOptions, type KeptSize, sizeText } from "./kept_views.ts";

/** Who teaches, and what. */
export interface DistilRequest {
  /** Name of the teacher, ONNX file, checkpoint or URL. */
  readonly teacher?: string;
  /** Side of its input; the student's by default. */
  readonly teacherSize?: number;
  /** Whether it says which anchors learn which box of the labels; false by default. */
  readonly teacherAssigns?: boolean;
  /** Losses; the usual ones by default. */
  readonly distil?: readonly DistilTerm[];
  /** Temperature of all losses that have one and state none. */
  readonly temperature?: number;
  /** False where the teacher alone teaches. */
  readonly labels?: boolean;
  /** Fixed views of each picture that the teacher looks at once, before the training; in every step by default. */
  readonly teacherViews?: number;
  /** Folder of what it says of them. */
  readonly teacherCache?: string;
  /** What its numbers are kept as. */
  readonly teacherPrecision?: "f16" | "f32";
  /** Maps to compare, of the student and of the teacher; those that enter the heads by default. */
  readonly distilMaps?: DistilledOptions["features"];
}

/** What is taught where nobody says: probabilities, distances, and where channels are active, each a small part of the labels' losses. */
export const USUAL_LOSSES: readonly DistilTerm[] = [
  { loss: "logits", weight: 0.5 },
  { loss: "dfl", weight: 0.25 },
  { loss: "cwd", weight: 5 },
];

/** The same for a teacher of another input size, whose bins stand for other distances. */
const USUAL_RESIZED: readonly DistilTerm[] = USUAL_LOSSES.map((term) =>
  term.loss === "dfl" ? { loss: "box", weight: 2.5 } : term
);

/** Whether a loss has a temperature; of an unknown one its own check tells. */
const hasTemperature = ({ loss }: DistilTerm) => DISTIL_LOSSES[loss]?.temperature !== undefined;

/** Throws FeatherdetError for options of teaching without a teacher. */
export function checkDistil(request: DistilRequest): void {
  for (const [name, flag] of [["teacherCache", "teacher-cache"], ["teacherPrecision", "teacher-precision"]] as const) {
    if (request[name] === undefined || request.teacherViews !== undefined) continue;
    throw new FeatherdetError(
      `--${flag} is for a teacher that looks at fixed views: say how many with --teacher-views`,
    );
  }
  if (request.labels === false && request.teacherAssigns) {
    throw new FeatherdetError(
      "--teacher-assigns says who learns which box of the labels, and --no-labels leaves them out",
    );
  }
  if (request.teacher !== undefined) return;
  if (request.labels === false) {
    throw new FeatherdetError("--no-labels is for training with a teacher: name one with --teacher");
  }
  const flags = {
    distil: "distil",
    temperature: "temperature",
    teacherSize: "teacher-size",
    teacherViews: "teacher-views",
    distilMaps: "distil-maps",
    teacherAssigns: "teacher-assigns",
  };
  for (const [name, flag] of Object.entries(flags)) {
    if (request[name as keyof typeof flags] === undefined) continue;
    throw new FeatherdetError(`--${flag} is for training with a teacher: name one with --teacher`);
  }
}

/** Folder of what a teacher says of fixed views, in that of the run. */
const VIEWS_FOLDER = "teacher";

/** How what a teacher says of fixed views is kept by a run in a folder; `say` is told how much that is. */
export async function keptIn(
  folder: string,
  { teacherCache = join(folder, VIEWS_FOLDER), teacherPrecision: precision }: DistilRequest,
  { say, onTaught }: { readonly say: (line: string) => void; readonly onTaught?: KeptOptions["onBatch"] },
): Promise<KeptOptions> {
  const onStart = ({ batches, there, bytes }: KeptSize) =>
    say(`teacher: ${batches} batches of views take ${sizeText(bytes)} in ${teacherCache}, ${there} are there`);
  return { store: await folderStore(teacherCache), precision, onStart, onBatch: onTaught };
}

/** What a teacher is called: its file may lie in another folder when a run goes on. */
const nameOf = (teacher: string) => basename(teacher).replace(/\.(onnx|ckpt)$/i, "");

/**
 * The teacher of a job, for pictures `[N,3,h,w]` unless the job says another size; undefined where it has none. Throws
 * FeatherdetError for a name without a file of trained weights, and as `loadModel` does.
 */
export async function loadTeacher(
  { teacher, teacherSize }: DistilRequest,
  [, , height, width]: Shape,
): Promise<Graph | undefined> {
  if (teacher === undefined) return undefined;
  if ("build" in findModel(teacher)) {
    throw new FeatherdetError(`${teacher} would be built with random weights, which teach nothing: name a file`);
  }
  // It is shown the student's pictures.
  const ready = (loaded: Graph): Graph => withPictureInput({ ...loaded, name: nameOf(teacher) });
  if (teacherSize !== undefined || height === width) {
    return ready(await loadModel(teacher, { size: teacherSize ?? width, batch: 1 }));
  }
  const source = ready(await loadModel(teacher, { batch: 1 }));
  const [{ name, shape }] = source.inputs, wanted = [...shape.slice(0, 2), height, width];
  return wanted.join() === shape.join() ? source : changeShapes(source, { [name]: wanted });
}

/**
 * The variant of a teacher for a student that reads pictures `[N,3,h,w]`; none without one. Throws FeatherdetError for a temperature that
 * no loss has, and as `distilled` does.
 */
export function teacherVariants(
  teacher: Graph | undefined,
  request: DistilRequest,
  pictures: Shape,
  seed = 0,
): TrainingVariant[] {
  if (teacher === undefined) return [];
  const isResized = teacher.inputs[0].shape.slice(2).join() !== pictures.slice(2).join();
  const { distil = isResized ? USUAL_RESIZED : USUAL_LOSSES, temperature, distilMaps: features } = request;
  if (temperature !== undefined && !distil.some(hasTemperature)) {
    throw new FeatherdetError(`--temperature is for logits, and ${distil.map(({ loss }) => loss).join(", ")} has none`);
  }
  const losses = distil.map((term): DistilTerm =>
    temperature === undefined || !hasTemperature(term)
      ? term
      : { ...term, temperature: term.temperature ?? temperature }
  );
  const { teacherAssigns: assigns, teacherViews } = request;
  return [distilled(teacher, { losses, features, seed, assigns, apart: teacherViews !== undefined })];
}
