/**
 * The forms of detection heads: what a model's output may mean, a row each. `recognise.ts` decides which one it is, `kernels/detect`
 * decodes it.
 *
 * @module
 */

import type { TensorLayout } from "../../kernels/detect/mod.ts";
import type { DetectionHead } from "../../passes/mod.ts";

/** What one form is. */
export interface HeadForm {
  /** What it is, for sentences. */
  readonly text: string;
  /** Numbers of an anchor besides one a class; of separate tensors, of the one with scores. */
  readonly besideClasses: number;
  /** Whether numbers of the anchor stand for one class each. Else a number names the class. */
  readonly countsClasses: boolean;
  /** How its numbers are decoded; boxes as they usually are. */
  readonly layout: Pick<TensorLayout, "boxes" | "objectness" | "rows">;
}

/** Name of a form that is decoded as a finished tensor; see `HEAD_FORMS`. */
export type HeadFormName = "scores" | "objectness" | "grid" | "rows" | "separate";

/** Forms of an output that is decoded as a finished tensor. */
export const HEAD_FORMS: Readonly<Record<HeadFormName, HeadForm>> = {
  /** YOLOv8, YOLO11, RT-DETR. */
  scores: {
    text: "boxes and class scores",
    besideClasses: 4,
    countsClasses: true,
    layout: { boxes: "centre", objectness: false, rows: false },
  },
  /** YOLOv5, YOLOv6, YOLOv7, YOLOX with decoding. */
  objectness: {
    text: "boxes, objectness and class scores",
    besideClasses: 5,
    countsClasses: true,
    layout: { boxes: "centre", objectness: true, rows: false },
  },
  /** YOLOX without decoding. */
  grid: {
    text: "YOLOX's boxes in cells, objectness and class scores",
    besideClasses: 5,
    countsClasses: true,
    layout: { boxes: "grid", objectness: true, rows: false },
  },
  /** End-to-end heads: YOLOv10, YOLO26, exports with suppression inside. */
  rows: {
    text: "results of a box, a score and the number of a class",
    besideClasses: 6,
    countsClasses: false,
    layout: { boxes: "corners", objectness: false, rows: true },
  },
  /** Boxes and scores in outputs of their own. */
  separate: {
    text: "boxes in one output, class scores in another",
    besideClasses: 0,
    countsClasses: true,
    layout: { boxes: "centre", objectness: false, rows: false },
  },
};

/** What the caller knows of the head, where no file can say it. */
export interface HeadOptions {
  /** The form; by default it is recognised. */
  readonly head?: HeadFormName;
  /**
   * How boxes are meant: as centre and size (`xywh`) or as two corners (`xyxy`), in input pixels or, `normalised`, in parts of the input's
   * width and height. What is not said is recognised.
   */
  readonly boxes?: BoxesOption;
}

/** How boxes are meant. */
export type BoxesOption = "xywh" | "xyxy" | "normalised" | "xywh-normalised" | "xyxy-normalised";

/** All values of `boxes`. */
export const BOXES_OPTIONS: readonly BoxesOption[] = [
  "xywh",
  "xyxy",
  "normalised",
  "xywh-normalised",
  "xyxy-normalised",
];

/** A head that kernels decode from the maps before the tail. */
export interface MapsHead {
  /** The tail is replaced. */
  readonly form: "maps";
  /** Its maps. */
  readonly maps: DetectionHead;
  /** Classes of an anchor. */
  readonly classes: number;
  /** Anchors of all levels. */
  readonly anchors: number;
}

/** A head whose finished output is decoded. */
export interface TensorHead {
  /** Which form. */
  readonly form: HeadFormName;
  /** The output with boxes. */
  readonly boxes: string;
  /** Numbers of that output, where they are the same for all pictures. */
  readonly fixedBoxes?: Float32Array<ArrayBuffer>;
  /** The output with scores, where it is another one. */
  readonly scores?: string;
  /** How its numbers are meant. */
  readonly layout: TensorLayout;
  /** Classes of an anchor; for `rows`, an upper bound of their numbers. */
  readonly classes: number;
  /** Anchors, or results. */
  readonly anchors: number;
}

/** A recognised head. */
export type Head = MapsHead | TensorHead;
