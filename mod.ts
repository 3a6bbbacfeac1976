/**
 * Featherdet makes YOLO11 small and fast and shows what every step costs and gains. All heavy arithmetic runs in WGSL compute
 * shaders over WebGPU, in Deno and in browsers.
 *
 * This page leads from a model's file to boxes. Six more pages hold the rest, one concern each: `compress.ts`, `train.ts`,
 * `eval.ts`, `engine.ts`, `data.ts` and `report.ts`.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector, Detector, syntheticPicture } from "./mod.ts";
 *
 * const { image, objects } = syntheticPicture({ seed: 7, width: 320, height: 240, objects: 3, sizes: [40, 80] });
 * const detector = await Detector.load(demoDetector({ size: 320 })); // or a path, a URL or the bytes of an ONNX file
 * const found = await detector.detect(image); // or the bytes of a JPEG, PNG or WebP file
 * detector.destroy();
 *
 * const classes = (boxes: readonly { classId: number }[]) => boxes.map(({ classId }) => classId).sort();
 * assert.deepEqual(classes(found), classes(objects));
 * ```
 *
 * @module
 */

export {
  type ExternalData,
  type ImportOptions,
  type InputShapes,
  loadOnnx,
  readClassNames,
  saveOnnx,
  type SaveOptions,
  type ShapeOf,
  type StatedInput,
} from "./src/onnx/mod.ts";
export {
  type Detection,
  type DetectOptions,
  Detector,
  type DetectorOptions,
  type DetectorSettings,
  type FrameSpeed,
  type Picture,
  type StreamOptions,
  type Tiles,
  type TileSettings,
} from "./src/detect/detector.ts";
export { Session } from "./src/engine/session.ts";
export { openDevice } from "./src/gpu/device.ts";
export { type PsaKind, yolo11, type Yolo11Options, type Yolo11Scale } from "./src/models/yolo11.ts";
export { type HeadName, type NeckName, yolo11Lite, type Yolo11LiteOptions } from "./src/models/yolo11_lite.ts";
export { demoDetector, type DemoDetectorOptions } from "./src/models/demo_detector.ts";
export { analyze, type AnalyzeOptions } from "./src/graph/analyze.ts";
export { printGraph } from "./src/graph/print.ts";
export { COCO_SETTINGS, evaluate, type EvaluateOptions, type Evaluation } from "./src/eval/evaluate.ts";
export { decodeImage, type DecodeOptions } from "./src/image/codec/decode.ts";
export { encodeJpeg, encodePng } from "./src/image/codec/encode.ts";
export { drawDetections, type DrawnDetection } from "./src/report/draw/draw.ts";
export {
  type SyntheticObject,
  type SyntheticOptions,
  type SyntheticPicture,
  syntheticPicture,
} from "./src/data/synthetic.ts";
export { FeatherdetError } from "./src/graph/error.ts";
export type { Dataset, DatasetImage, GroundTruth, TrueBox } from "./src/data/dataset.ts";
export type { BoxesOption, HeadFormName, HeadOptions } from "./src/detect/heads/form.ts";
export type { InputOptions } from "./src/detect/picture_input.ts";
export type { DeviceStages, FrameStages } from "./src/detect/frame_timer.ts";
export type {
  ClassResult,
  CocoCurves,
  CocoDetection,
  CocoFigures,
  CocoResult,
  ConfidencePoint,
  FigureName,
} from "./src/eval/coco.ts";
export type { EvaluationJournal, EvaluationRun, ImageRecord } from "./src/eval/journal.ts";
export type { EvaluationSpeed, StageTimes } from "./src/eval/speed.ts";
export type { BitWidths } from "./src/graph/analyze_bits.ts";
export type { Analysis, Cost, LayerCost, SparseAnalysis, Sparsity } from "./src/graph/analyze_cost.ts";
export type { RgbImage } from "./src/image/rgb_image.ts";
export type { AttentionKind, CbamOptions, SimamOptions } from "./src/models/attention.ts";
export type { AttentionPlace, PlacedAttention } from "./src/models/attention_places.ts";
export type { EfficientNetLiteScale } from "./src/models/backbones/efficientnet_lite.ts";
export type { BackboneName, LightBackboneName } from "./src/models/backbones/features.ts";
export type { MobileNetV3Scale } from "./src/models/backbones/mobilenetv3.ts";
export type { ShuffleNetV2Scale } from "./src/models/backbones/shufflenetv2.ts";
export type { DetectorModelOptions } from "./src/models/detector_options.ts";
export type * from "./src/engine/public_types.ts";
export type * from "./src/graph/public_types.ts";
export type * from "./src/plan/public_types.ts";
