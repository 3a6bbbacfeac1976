/**
 * Decides what a model's output means. Every reading that the shapes allow is a hypothesis; what is known of the model (options, metadata,
 * what its tail computes, numbers of anchors) leaves one of them, or the model is refused.
 *
 * @module
 */

import { FeatherdetError, type Graph, GraphIndex } from "../../graph/mod.ts";
import { findYoloHead } from "../../plan/fuse/yolo_head.ts";
import { planeOf, type RowsView, TailEvidence } from "./evidence.ts";
import { type Head, HEAD_FORMS, type HeadFormName, type HeadOptions } from "./form.ts";
import { pickOutputs } from "./outputs.ts";
import { refuseOtherNumbers, refuseUndecided, refuseUndecoded } from "./refusals.ts";
import { refuseOtherTask } from "./task.ts";
import { constantOutput, studyTail } from "./tail.ts";

/** What is known of a model besides its graph. */
export interface KnownOfModel extends HeadOptions {
  /** Number of class names, where there are some. */
  readonly names?: number;
}

/** One reading of an output. */
export interface Hypothesis {
  /** The form. */
  readonly form: HeadFormName;
  /** Where its boxes are. */
  readonly boxes: RowsView;
  /** Where its scores are, where that is another output. */
  readonly scores?: RowsView;
  /** Numbers of an anchor; of the scores, where they are another output. */
  readonly rows: number;
  /** Anchors, or results. */
  readonly anchors: number;
  /** Classes; undefined where numbers name them. */
  readonly classes?: number;
}

/** Everything that judges look at. */
interface Facts {
  readonly evidence?: TailEvidence;
  readonly known: KnownOfModel;
  readonly metadata: Graph["metadata"];
  /** Height and width of the input. */
  readonly input: readonly [number, number];
}

/** A judge says true (for), false (against) or undefined (nothing) of a reading. */
type Judge = (hypothesis: Hypothesis, facts: Facts) => boolean | undefined;

/** Anchors of an input with one at each place of strides 8, 16, 32, or also 64. */
function gridSizes([height, width]: readonly [number, number]): number[] {
  const sum = (strides: readonly number[]) =>
    strides.reduce((total, stride) => total + Math.ceil(height / stride) * Math.ceil(width / stride), 0);
  return [sum([8, 16, 32]), sum([8, 16, 32, 64])];
}

/** How many anchors each place of the usual levels has; undefined where the number of anchors is another. */
function anchorsOfPlace(anchors: number, input: readonly [number, number]): number | undefined {
  for (const places of gridSizes(input)) {
    if (anchors === places) return 1;
    if (anchors === 3 * places) return 3;
  }
  return undefined;
}

const isTrue = (text: string | undefined) => /^(true|1|yes)$/i.test(text?.trim() ?? "");

/** Whether the rows behind the box can be what the form says: undefined where nothing is known of the tail. */
const byTail: Judge = ({ form, boxes, scores, rows }, { evidence, known }) => {
  if (evidence === undefined) return undefined;
  if (form === "rows") {
    return evidence.unbounded(boxes, 4, 5).length === 0 && evidence.isWhole(boxes, 5) && evidence.areCorners(boxes);
  }
  if (evidence.unbounded(scores ?? boxes, scores ? 0 : 4).length > 0) return false;
  if (scores !== undefined) return true;
  // Whole numbers are no scores: this is what results look like.
  if (rows === 6 && evidence.isWhole(boxes, 5)) return false;
  const undecoded = evidence.isUndecoded(boxes);
  return form === "grid" ? undecoded : !undecoded || known.boxes !== undefined;
};

/** Judges in the order in which they are believed. Each leaves what it speaks for or, where it speaks for none, what it is not against. */
const JUDGES: readonly Judge[] = [
  ({ form }, { known }) => known.head === undefined ? undefined : form === known.head,
  byTail,
  ({ form }, { metadata }) => isTrue(metadata.end2end) || isTrue(metadata.nms) ? form === "rows" : undefined,
  ({ form, classes }, { known: { names } }) => {
    if (names === undefined) return undefined;
    // What has two scores behind the box at most has not more classes.
    return classes === names || form === "rows" && names > 2 ? true : undefined;
  },
  ({ form, anchors }, { input }) => {
    const each = anchorsOfPlace(anchors, input);
    return each === undefined || form === "rows" ? undefined : each === 1 || form === "objectness" || undefined;
  },
  // YOLOv6 has no objectness and writes ones in its place.
  ({ form, boxes }, { evidence }) => evidence?.isOne(boxes, 4) ? form === "objectness" : undefined,
  // Without any other hint: there are more anchors than classes.
  ({ rows, anchors }) => anchors > rows ? true : undefined,
  // YOLOv8 and what came after it has anchors last and no objectness.
  ({ form, boxes }) => form === "scores" && boxes.anchorsLast ? true : undefined,
];

/** The readings that a single output's shape allows. */
function hypothesesOf(value: string, shape: readonly number[], input: readonly [number, number]): Hypothesis[] {
  const plane = planeOf(shape);
  if (plane === undefined) return [];
  const found: Hypothesis[] = [];
  for (const anchorsLast of [true, false]) {
    const [rows, anchors] = anchorsLast ? plane : [plane[1], plane[0]];
    const add = (form: HeadFormName) => {
      const { besideClasses, countsClasses } = HEAD_FORMS[form];
      const classes = countsClasses ? rows - besideClasses : undefined;
      if (classes === undefined ? rows !== besideClasses : classes < 1) return;
      found.push({ form, boxes: { value, anchorsLast }, rows, anchors, classes });
    };
    add("scores");
    add("objectness");
    if (gridSizes(input).includes(anchors)) add("grid");
    add("rows");
  }
  return found;
}

/** The readings of two outputs: one has four numbers an anchor. */
function separateHypotheses(outputs: readonly { value: string; shape: readonly number[] }[]): Hypothesis[] {
  const found: Hypothesis[] = [];
  for (const [a, b] of [[0, 1], [1, 0]]) {
    const [first, second] = [planeOf(outputs[a].shape), planeOf(outputs[b].shape)];
    if (!first || !second) continue;
    for (const boxesLast of [true, false]) {
      for (const scoresLast of [true, false]) {
        const [numbers, anchors] = boxesLast ? first : [first[1], first[0]];
        const [classes, others] = scoresLast ? second : [second[1], second[0]];
        if (numbers !== 4 || anchors !== others) continue;
        const boxes = { value: outputs[a].value, anchorsLast: boxesLast };
        const scores = { value: outputs[b].value, anchorsLast: scoresLast };
        found.push({ form: "separate", boxes, scores, rows: classes, anchors, classes });
      }
    }
  }
  return found;
}

/** The reading that the judges leave. */
function decide(hypotheses: readonly Hypothesis[], facts: Facts): readonly Hypothesis[] {
  return JUDGES.reduce((left, judge) => {
    if (left.length < 2) return left;
    const verdicts = left.map((hypothesis) => judge(hypothesis, facts));
    const [agreed, open] = [true, undefined].map((verdict) => left.filter((_, i) => verdicts[i] === verdict));
    return agreed.length > 0 ? agreed : open.length > 0 ? open : left;
  }, hypotheses);
}

/** Boxes of a reading: what the caller says, else what the tail shows, else what the form usually has. */
function boxesOf({ form, boxes }: Hypothesis, { known, evidence }: Facts, graph: Graph) {
  const said = known.boxes ?? "";
  const usual = HEAD_FORMS[form].layout.boxes;
  if (usual === "grid") return { boxes: usual, normalised: false } as const;
  const given = said.startsWith("xyxy") ? "corners" : said.startsWith("xywh") ? "centre" : undefined;
  if (said === "" && evidence?.isUndecoded(boxes)) refuseUndecoded(graph, boxes.value);
  const corners = evidence?.areCorners(boxes);
  const shown = corners === undefined ? undefined : corners ? "corners" : "centre";
  if (form === "separate" && given === undefined && shown === undefined) {
    throw new FeatherdetError(
      `nothing shows whether the boxes of output "${boxes.value}" are centres and sizes or corners: say --boxes xywh or ` +
        `--boxes xyxy (option "boxes")`,
      { file: graph.name },
    );
  }
  const normalised = said.endsWith("normalised") || (evidence?.areParts(boxes) ?? false);
  // Results of an end-to-end head are sorted by a score, not by where they are: a probe of few tells little.
  return { boxes: given ?? (form === "rows" ? usual : shown ?? usual), normalised };
}

/** More than the classes of any data set: class numbers of results lie below it. */
const MOST_CLASSES = 4096;

/**
 * Recognises the head of a detector with one picture input of batch 1.
 *
 * Throws FeatherdetError for models of other tasks, for outputs that are no finished detections, and for outputs of which nothing says
 * which of several forms they have. The sentence names the option that helps.
 */
export function recogniseHead(graph: Graph, known: KnownOfModel = {}): Head {
  refuseOtherTask(graph);
  const index = GraphIndex.of(graph);
  const maps = known.head === undefined && known.boxes === undefined ? findYoloHead(index) : undefined;
  if (maps) {
    const anchors = index.shapeOf(maps.output)[2];
    return { form: "maps", maps, classes: maps.classes, anchors };
  }
  const outputs = pickOutputs(graph).map((value) => ({ value, shape: index.shapeOf(value) }));
  const [, , height, width] = graph.inputs[0].shape;
  const hypotheses = outputs.length === 2
    ? separateHypotheses(outputs)
    : hypothesesOf(outputs[0].value, outputs[0].shape, [height, width]);
  const allowed = hypotheses.filter(({ form }) => known.head === undefined || form === known.head);
  if (allowed.length === 0) refuseOtherNumbers(graph, outputs, known.head);
  const study = studyTail(graph, outputs.map(({ value }) => value));
  const evidence = study && new TailEvidence(study);
  const facts: Facts = { evidence, known, metadata: graph.metadata, input: [height, width] };
  const left = decide(allowed, facts);
  const [found] = left;
  if (evidence && known.head === undefined && left.every((one) => byTail(one, facts) === false)) {
    refuseOtherNumbers(graph, outputs, undefined, evidence, found);
  }
  if (left.length > 1) refuseUndecided(graph, outputs, left);
  const { form, boxes, scores, classes = Math.max(known.names ?? 0, MOST_CLASSES), anchors } = found;
  const { objectness, rows } = HEAD_FORMS[form].layout;
  const layout = {
    anchorsLast: boxes.anchorsLast,
    scoreAnchorsLast: scores?.anchorsLast,
    objectness,
    rows,
    ...boxesOf(found, facts, graph),
  };
  const fixedBoxes = scores && constantOutput(graph, boxes.value);
  return { form, boxes: boxes.value, fixedBoxes, scores: scores?.value, layout, classes, anchors };
}
