/**
 * Sentences on outputs that cannot be read as detections, each with the option that helps.
 *
 * @module
 */

import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import type { TailEvidence } from "./evidence.ts";
import { HEAD_FORMS, type HeadFormName } from "./form.ts";
import { showOutputs } from "./outputs.ts";
import type { Hypothesis } from "./recognise.ts";

interface Shown {
  readonly value: string;
  readonly shape: readonly number[];
}

/** What the numbers of an anchor are in a reading. */
function readingText({ form, boxes, classes, rows, anchors, scores }: Hypothesis): string {
  const what = form === "rows"
    ? `${anchors} results`
    : `${anchors} anchors with ${HEAD_FORMS[form].text}, ${classes} classes`;
  return `${what} (--head ${form}${
    scores || rows === anchors ? `, anchors ${boxes.anchorsLast ? "last" : "first"}` : ""
  })`;
}

/** Throws: several readings are left. */
export function refuseUndecided(graph: Graph, outputs: readonly Shown[], left: readonly Hypothesis[]): never {
  const forms = new Set(left.map(({ form }) => form));
  const help = forms.size > 1
    ? `say which with --head ${[...forms].join(" or --head ")} (option "head"), or give the model class names`
    : "give the model class names (metadata key names, or option classes)";
  throw new FeatherdetError(
    `output ${showOutputs(outputs)} can be read as ${
      left.map(readingText).join(" or as ")
    }, and nothing in the file decides: ${help}`,
    { file: graph.name },
  );
}

/** Throws: boxes are the numbers of a layer as they are. */
export function refuseUndecoded(graph: Graph, value: string): never {
  throw new FeatherdetError(
    `the boxes of output "${value}" are what a layer makes, undecoded: export the model with decoding, or say how they are ` +
      `meant with --boxes (option "boxes")`,
    { file: graph.name },
  );
}

/** Throws: the numbers are no detections. */
export function refuseOtherNumbers(
  graph: Graph,
  outputs: readonly Shown[],
  wanted: HeadFormName | undefined,
  evidence?: TailEvidence,
  closest?: Hypothesis,
): never {
  const shown = showOutputs(outputs);
  const place = { file: graph.name };
  if (wanted !== undefined) {
    throw new FeatherdetError(`output ${shown} cannot be ${HEAD_FORMS[wanted].text} (--head ${wanted})`, place);
  }
  if (evidence === undefined || closest === undefined) {
    throw new FeatherdetError(
      `a detector has an output [1, 4 + classes, anchors] or alike (docs/architecture.md lists the forms), this model has ${shown}`,
      place,
    );
  }
  const { boxes, scores, form, rows } = closest;
  if (form !== "grid" && scores === undefined && evidence.isUndecoded(boxes)) refuseUndecoded(graph, boxes.value);
  const first = scores ? 0 : 4, total = rows - first;
  const odd = evidence.unbounded(scores ?? boxes, first);
  const why = odd.length === total
    ? "none of them is kept within 0..1, as by a Sigmoid: export the model with its activation"
    : `${odd.length} of the ${total} are not kept within 0..1: key points, angles or mask coefficients of another task are no ` +
      "class scores";
  if (rows === 7 && evidence.isWhole(boxes, 0) && [5, 6].some((row) => evidence.isWhole(boxes, row))) {
    throw new FeatherdetError(
      `output ${shown} looks like results with a picture's number before each box: export the model without suppression inside ` +
        "(YOLOv7: without --end2end)",
      place,
    );
  }
  throw new FeatherdetError(
    `output ${shown} has no class scores behind its boxes, ${why} (if they are scores all the same, say --head scores or ` +
      `--head objectness)`,
    place,
  );
}
