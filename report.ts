/**
 * Plots and tables of what was measured, and `compress`, which makes a model that meets targets and writes the report of it. For programs
 * on Deno, since they name files; `mod.ts` alone serves browsers.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector, Detector } from "./mod.ts";
 * import { drawProfile } from "./report.ts";
 *
 * const detector = await Detector.load(demoDetector({ size: 64 }));
 * const svg = drawProfile(await detector.profile(1), { title: "Demo detector", subtitle: detector.device.adapter.name });
 * detector.destroy();
 * assert.ok(svg.startsWith("<svg")); // `Deno.writeTextFile("profile.svg", svg)` keeps it
 * ```
 *
 * @module
 */

export * from "./src/report/plot/mod.ts";
export * from "./src/report/table/mod.ts";
export {
  compress,
  type CompressedModel,
  type CompressOptions,
  type CompressResult,
  type PlannedModel,
} from "./src/cli/compress_program.ts";
export { loadModel, type LoadModelOptions } from "./src/host/models.ts";
export { openDataset, type OpenOptions } from "./src/data/open.ts";
export type { Dataset, DatasetImage, GroundTruth, TrueBox } from "./src/data/dataset.ts";
export type { DetectorOptions, DetectorSettings, Tiles, TileSettings } from "./src/detect/detector.ts";
export type { BoxesOption, HeadFormName, HeadOptions } from "./src/detect/heads/form.ts";
export type { InputOptions } from "./src/detect/picture_input.ts";
export type { CocoCurves, CocoDetection, ConfidencePoint, ConfusionMatrix } from "./src/eval/coco.ts";
export type { ClassCount, CountGrid, LabelStatistics } from "./src/eval/label_statistics.ts";
export type { FrameSplit } from "./src/eval/frame_split.ts";
export type { EvaluationJournal, EvaluationRun, ImageRecord } from "./src/eval/journal.ts";
export type { Latency } from "./src/eval/latency.ts";
export type { LatencyMemory, LatencyReport } from "./src/eval/measure_latency.ts";
export type { TimeRatio } from "./src/eval/time_ratio.ts";
export type { LayerCosts, PruneCosts, PrunedLayer, PruneReport } from "./src/compress/prune/mod.ts";
export type { RgbImage } from "./src/image/rgb_image.ts";
export type { NamedOptions } from "./src/models/named.ts";
export type * from "./src/engine/public_types.ts";
export type * from "./src/graph/public_types.ts";
export type * from "./src/plan/public_types.ts";
