/**
 * The constants of COCO's protocol for boxes.
 *
 * @module
 */

/**
 * Overlaps from which a detection counts as correct: 0.5 to 0.95. The steps are added up as the field's tools do, to the last bit: an
 * overlap may lie exactly on one of them.
 */
export const IOU_THRESHOLDS: readonly number[] = Array.from({ length: 10 }, (_, i) => 0.5 + i * ((0.95 - 0.5) / 9));

/** Number of the threshold 0.75 in `IOU_THRESHOLDS`. */
export const IOU_75 = 5;

/** Recalls at which precision is read: 0 to 1, to the last bit as the field's tools have them. */
export const RECALL_POINTS: readonly number[] = Array.from({ length: 101 }, (_, i) => i * 0.01);

/** Names of the area ranges, in the protocol's order. */
export const AREA_NAMES = ["all", "small", "medium", "large"] as const;

/** Least and greatest area in square pixels, both included: an object of exactly 32 x 32 is small and medium. */
export const AREA_RANGES: readonly (readonly [least: number, greatest: number])[] = [
  [0, 1e10],
  [0, 32 ** 2],
  [32 ** 2, 96 ** 2],
  [96 ** 2, 1e10],
];

/** Most detections of one class on one picture that are looked at, best first. */
export const MAX_DETECTIONS = [1, 10, 100] as const;

/** Name of one of the twelve figures. */
export type FigureName =
  | "map"
  | "map50"
  | "map75"
  | "mapSmall"
  | "mapMedium"
  | "mapLarge"
  | "mar1"
  | "mar10"
  | "mar100"
  | "marSmall"
  | "marMedium"
  | "marLarge";

/** The figures in the protocol's order. Each is -1 if no class has an object that it is about. */
export const FIGURE_NAMES: readonly FigureName[] = [
  "map",
  "map50",
  "map75",
  "mapSmall",
  "mapMedium",
  "mapLarge",
  "mar1",
  "mar10",
  "mar100",
  "marSmall",
  "marMedium",
  "marLarge",
];

/** The twelve figures: mean average precision (`map...`) and mean average recall (`mar...`) in 0..1. */
export type CocoFigures = Readonly<Record<FigureName, number>>;
