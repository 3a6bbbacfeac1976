/**
 * The runtimes that models are exported for: which form each wants, and what of it was checked. One row a target; `export_model.ts` does
 * what a row says.
 *
 * @module
 */

import type { RuledRuntime } from "./rules.ts";

/** How a quantized model is written. */
export interface QdqForm {
  /** Where zero lies. */
  readonly activations: "asymmetric" | "symmetric";
  /** Bytes in which activations are stored. */
  readonly stored: "i8" | "u8";
  /** Biases as int32 behind DequantizeLinear, or as floats. */
  readonly biases: "int32" | "float";
}

/** One target. */
export interface Target {
  /** What it is. */
  readonly text: string;
  /** How int8 gets there: in the file, or by the runtime's own quantizer from a float file. */
  readonly int8: QdqForm | { readonly own: string };
  /** Whether boxes and scores leave in one output or in two. */
  readonly outputs: "joined" | "separate";
  /** Whether detections that are suppressed already can be had (`--nms`); else why not. */
  readonly nms: true | string;
  /** The rules that a file is held against; undefined where it was run instead. */
  readonly rules?: RuledRuntime;
  /**
   * Where class names and sizes are: in the file, or in a file of JSON beside it, because what the runtime loads does not keep them.
   */
  readonly names: "inside" | "beside";
  /**
   * Calibration pictures for the runtime's own quantizer: letterboxed PNG files and their list (`png`) or MNN's configuration (`mnn`), or one
   * array `[pictures, height, width, 3]` of floats and a program that quantizes with it (`nhwc`).
   */
  readonly calibration?: "png" | "mnn" | "nhwc";
  /** How a float file becomes what the runtime loads; one command a line; MODEL stands for the file without its ending, NAME for its name without the folder, WIDTH and HEIGHT for its
   * input. */
  readonly commands: readonly string[];
  /** What was checked by boxes (docs/deployment.md), in the words that `export` prints. */
  readonly checked: {
    readonly state: "boxes" | "float" | "rules" | "failed";
    readonly says: string;
    /** A form of its own that failed, while others passed. */
    readonly fails?: string;
  };
}

/** Name of a target. */
export type TargetName = "ort" | "openvino" | "tensorrt" | "qnn" | "ncnn" | "mnn" | "tflite" | "rknn";

const PLAIN_INT8: QdqForm = { activations: "asymmetric", stored: "i8", biases: "int32" };

/** Every target. */
export const TARGETS: Readonly<Record<TargetName, Target>> = {
  ort: {
    text: "ONNX Runtime",
    int8: PLAIN_INT8,
    outputs: "joined",
    nms: true,
    names: "inside",
    commands: [],
    checked: { state: "boxes", says: "float and int8 checked by boxes" },
  },
  openvino: {
    text: "OpenVINO",
    int8: { ...PLAIN_INT8, stored: "u8", biases: "float" },
    outputs: "joined",
    nms: true,
    names: "inside",
    commands: [],
    checked: { state: "boxes", says: "float, f16 and int8 checked by boxes" },
  },
  tensorrt: {
    text: "TensorRT",
    int8: { ...PLAIN_INT8, activations: "symmetric", biases: "float" },
    outputs: "joined",
    nms: true,
    rules: "tensorrt",
    names: "inside",
    commands: ["trtexec --onnx=MODEL.onnx --saveEngine=MODEL.engine"],
    checked: { state: "rules", says: "not run: its nodes are held against the published rules only" },
  },
  qnn: {
    text: "ONNX Runtime with Qualcomm's QNN",
    int8: { ...PLAIN_INT8, stored: "u8" },
    outputs: "separate",
    nms: "not checked there",
    rules: "qnn",
    names: "inside",
    commands: [],
    checked: { state: "rules", says: "not run: its nodes are held against the published rules only" },
  },
  ncnn: {
    text: "ncnn, by pnnx",
    int8: { own: "ncnn2table and ncnn2int8 on the param and bin files" },
    outputs: "joined",
    nms: "not checked there",
    names: "beside",
    calibration: "png",
    commands: [
      "pnnx MODEL.onnx",
      "ncnn2table MODEL.ncnn.param MODEL.ncnn.bin MODEL_calibration/list.txt MODEL.table mean=[0,0,0] norm=[0.0039216,0.0039216,0.0039216] shape=[WIDTH,HEIGHT,3] pixel=RGB method=kl 2> MODEL.log",
      // Weights as they are there, but activations up to the most that was seen: what `kl` cuts off, small models miss.
      "awk 'NR == FNR { if ($3 == \"max\") most[$1] = $5; next } $1 in most { print $1, 127 / most[$1]; next } 1' MODEL.log MODEL.table > MODEL_most.table",
      // The convolution that weighs the bins of a box's side stays in float.
      "awk '/^Convolution/ && / 0=1 / {print $2}' MODEL.ncnn.param | grep -vf - MODEL_most.table > MODEL_kept.table",
      "ncnn2int8 MODEL.ncnn.param MODEL.ncnn.bin MODEL_int8.param MODEL_int8.bin MODEL_kept.table",
    ],
    checked: { state: "boxes", says: "float, f16 and int8 of its own checked by boxes, int8 of YOLO11-Lite not" },
  },
  mnn: {
    text: "MNN",
    int8: { own: "the converter's --weightQuantBits 8 (weights), or mnnquant (activations too)" },
    outputs: "joined",
    nms: "not checked there",
    names: "beside",
    calibration: "mnn",
    commands: [
      "mnnconvert -f ONNX --modelFile MODEL.onnx --MNNModel MODEL_w8.mnn --weightQuantBits 8 --bizCode featherdet",
      "mnnconvert -f ONNX --modelFile MODEL.onnx --MNNModel MODEL.mnn --bizCode featherdet",
      // The package's own `mnnquant` hands names to a function that wants a list of them, and crashes on every model.
      "python -c \"import _tools; _tools.mnnquant(['mnnquant', 'MODEL.mnn', 'MODEL_int8.mnn', 'MODEL_calibration/mnnquant.json'])\"",
    ],
    checked: { state: "boxes", says: "float, f16, 8-bit weights and int8 of its own checked by boxes" },
  },
  tflite: {
    text: "LiteRT (TensorFlow Lite), by onnx2tf",
    int8: { own: "onnx2tf -odrqt (weights), or ai-edge-quantizer with calibration pictures (activations too)" },
    outputs: "separate",
    nms: "not checked there",
    names: "beside",
    calibration: "nhwc",
    commands: [
      "onnx2tf -i MODEL.onnx -o MODEL_tflite -odrqt",
      "onnx2tf -i MODEL.onnx -o MODEL_tflite",
      "python MODEL_calibration/quantize_litert.py MODEL_tflite/NAME_float32.tflite MODEL_int8.tflite",
    ],
    checked: {
      state: "boxes",
      says: "float, f16, 8-bit weights and int8 of its own (tail in float) checked by boxes",
      fails:
        "int8 of YOLO11-Lite (untrained): its boxes are elsewhere; int8 by onnx2tf itself (-oiqt), tail too: mAP of YOLO11n is 0.046 below float",
    },
  },
  rknn: {
    text: "Rockchip's RKNN",
    int8: { own: "rknn.build(do_quantization=True) with calibration pictures" },
    outputs: "separate",
    nms: "its operators (rules.ts) have no TopK",
    rules: "rknn",
    names: "beside",
    calibration: "png",
    commands: [
      "python -c \"from rknn.api import RKNN; r = RKNN(); r.config(target_platform='rk3588'); r.load_onnx('MODEL.onnx'); " +
      "r.build(do_quantization=True, dataset='MODEL_calibration/list.txt'); r.export_rknn('MODEL.rknn')\"",
    ],
    checked: { state: "rules", says: "not run: its nodes are held against the published rules only" },
  },
};

/** Names of all targets. */
export const TARGET_NAMES = Object.keys(TARGETS) as readonly TargetName[];
