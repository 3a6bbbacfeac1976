/**
 * From what `Detector.load` is given to a model that can be planned: the graph at the wanted size, how its output is read, its labels.
 *
 * @module
 */

import type { Graph } from "../graph/mod.ts";
import { MAX_DETECTIONS } from "../kernels/detect/mod.ts";
import { loadOnnx } from "../onnx/mod.ts";
import { checkFraction, checkInputSize, resized } from "./checks.ts";
import { classNamesOf } from "./class_names.ts";
import type { Head } from "./heads/form.ts";
import { recogniseHead } from "./heads/recognise.ts";
import { labelsOf } from "./labels.ts";
import { openExtents } from "./open_extents.ts";
import type { DetectorOptions, DetectorSettings } from "./options.ts";
import { withPictureInput } from "./picture_input.ts";
import { tileGridOf } from "./tiles/grid.ts";

/** A model that a detector runs. */
export interface DetectionModel {
  /** For one picture. */
  readonly graph: Graph;
  readonly head: Head;
  readonly labels: readonly string[];
  readonly settings: DetectorSettings;
  /** What is doubtful, a sentence each. */
  readonly warnings: readonly string[];
  /** What errors call the model. */
  readonly file: string;
}

/** Opens a model. Throws FeatherdetError as `Detector.load` does. */
export async function openModel(
  source: string | URL | Uint8Array | Graph,
  options: DetectorOptions,
): Promise<DetectionModel> {
  checkFraction("confidence", options.confidence);
  checkFraction("iou", options.iou);
  checkInputSize(options.inputSize);
  const isGraph = typeof source === "object" && "nodes" in source;
  const loaded = isGraph
    ? source
    : await loadOnnx(source, { leaveOutSuppression: true, shapeOf: openExtents(options.inputSize) });
  const file = options.file ?? (typeof source === "string" || source instanceof URL ? String(source) : loaded.name);
  // Errors call the model by its file, journals by its own name.
  const named = withPictureInput({ ...loaded, name: file }, options);
  const graph = resized({ ...named, name: loaded.name }, options.inputSize);
  const [, , height, width] = graph.inputs[0].shape;
  const { tiles } = options;
  if (tiles !== undefined) tileGridOf(tiles, [height, width]);
  const names = options.classes ?? classNamesOf(graph);
  const head = recogniseHead({ ...graph, name: file }, { ...options, names: names?.length });
  const { confidence = 0.25, iou = 0.7, maxDetections = MAX_DETECTIONS, multiLabel = false } = options;
  const settings = { confidence, iou, maxDetections, multiLabel, ...(tiles !== undefined && { tiles }) };
  const { labels, warnings } = labelsOf(head, names, graph.metadata, options);
  return { graph, head, labels, settings, warnings, file };
}
