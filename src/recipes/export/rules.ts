/**
 * What runtimes that cannot be run here say that they read: operators, and how quantization has to look. Data, each with its source;
 * `check_rules.ts` compares a file with them.
 *
 * @module
 */

/** A type that floats are stored in. */
export type StoredType = "int8" | "uint8" | "int16" | "uint16" | "int32";

/** How quantization has to look. */
export interface QuantizationRules {
  /** Types of values that are computed, as ONNX names them in lower case. */
  readonly activations: readonly StoredType[];
  /** Types of constants: weights and biases. */
  readonly constants: readonly StoredType[];
  /** Whether zero points have to be 0. */
  readonly symmetric: boolean;
  /** The axis that scales of each channel of a convolution's weights may go along; undefined where they may not. */
  readonly weightAxis?: number;
}

/** What a runtime reads. */
export interface RuntimeRules {
  /** What it is. */
  readonly text: string;
  /** Who says so: the page or file, and what version of the runtime it is about. */
  readonly source: string;
  /** First and last operator set. */
  readonly opsets: readonly [first: number, last: number];
  /** Operators of ONNX's own domain. */
  readonly operators: ReadonlySet<string>;
  /** Quantization; undefined where nodes of quantization are refused. */
  readonly quantization?: QuantizationRules;
  /** Whether an operator that is not in the list runs elsewhere (a CPU), slower, instead of being an error. */
  readonly elsewhere: boolean;
}

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Name of a runtime with published rules. */
export type RuledRuntime = "tensorrt" | "qnn" | "nnapi" | "rknn";

/** The rules. */
export const RULES: Readonly<Record<RuledRuntime, RuntimeRules>> = {
  tensorrt: {
    text: "TensorRT, ONNX parser",
    source:
      "github.com/onnx/onnx-tensorrt docs/operators.md (TensorRT 8.5: zero points must be 0, DequantizeLinear of INT8 only); " +
      "docs.nvidia.com TensorRT, Working with Quantized Types (symmetric scheme)",
    opsets: [9, 17],
    operators: words(`
      Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Cast Ceil Celu Clip Concat Constant
      ConstantOfShape Conv ConvTranspose Cos Cosh CumSum DepthToSpace DequantizeLinear Div Dropout Einsum Elu Equal Erf Exp Expand EyeLike
      Flatten Floor Gather GatherElements GatherND Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater GreaterOrEqual GridSample GRU
      HardSwish HardSigmoid Identity If InstanceNormalization IsNaN LeakyRelu Less LessOrEqual Log LogSoftmax Loop LRN LSTM LpNormalization
      LpPool MatMul Max MaxPool Mean MeanVarianceNormalization Min Mod Mul Neg NonMaxSuppression NonZero Not OneHot Or Pad Pow PRelu
      QuantizeLinear RandomNormal RandomNormalLike RandomUniform RandomUniformLike Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum
      ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize ReverseSequence RNN RoiAlign
      Round Scan ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign SpaceToDepth Split
      Sqrt Squeeze Sub Sum Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Upsample Where Xor`),
    quantization: { activations: ["int8"], constants: ["int8"], symmetric: true, weightAxis: 0 },
    elsewhere: false,
  },
  qnn: {
    text: "ONNX Runtime with Qualcomm's QNN (HTP)",
    source:
      "github.com/onnxruntime/onnxruntime-qnn docs/execution_providers/QNN-ExecutionProvider.md (QNN EP 2.x: static shapes, activations of " +
      "uint8 or uint16)",
    opsets: [11, 26],
    operators: words(`
      Abs Add And ArgMax ArgMin Asin Atan AveragePool BatchNormalization Cast Ceil Clip Concat Conv ConvTranspose Cos CumSum DepthToSpace
      DequantizeLinear Div Einsum Elu Equal Exp Expand Flatten Floor Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool
      Greater GreaterOrEqual GridSample GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization Inverse IsNaN LRN LSTM
      LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization MatMul Max MaxPool Mean Min Mod Mul Neg NonZero Not Or
      PRelu Pad Pow QuantizeLinear RandomNormalLike RandomUniformLike Reciprocal ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
      Relu RMSNormalization Reshape Resize RoiAlign Round STFT ScatterElements ScatterND Sigmoid Sign Sin Slice Softmax Softplus SpaceToDepth
      Split Sqrt Squeeze Sub Sum Tan Tanh ThresholdedRelu Tile TopK Transpose Unsqueeze Upsample Where`),
    quantization: {
      activations: ["uint8", "uint16"],
      constants: ["int8", "uint8", "int32"],
      symmetric: false,
      weightAxis: 0,
    },
    elsewhere: true,
  },
  nnapi: {
    text: "ONNX Runtime with Android's NNAPI",
    source:
      "github.com/microsoft/onnxruntime tools/ci_build/github/android/nnapi_supported_ops.md (NNAPI itself is deprecated since Android 15)",
    opsets: [7, 21],
    operators: words(`
      Abs Add AveragePool Cast Clip Concat Conv DepthToSpace DequantizeLinear Div Elu Exp Flatten Floor Gather Gemm GlobalAveragePool
      GlobalMaxPool Identity Log MatMul MaxPool Max Min Mul Neg Pad Pow PRelu QLinearConv QLinearMatMul QuantizeLinear Relu Reshape Resize
      Sigmoid Sin Slice Softmax Sqrt Squeeze Sub Tanh Transpose Unsqueeze`),
    quantization: {
      activations: ["int8", "uint8"],
      constants: ["int8", "uint8", "int32"],
      symmetric: false,
      weightAxis: 0,
    },
    elsewhere: true,
  },
  rknn: {
    text: "Rockchip's RKNN-Toolkit2",
    source: "github.com/airockchip/rknn-toolkit2 doc/RKNNToolKit2_OP_Support-v2.1.0.md (operator sets 12 to 19)",
    opsets: [12, 19],
    operators: words(`
      Add And ArgMax ArgMin AveragePool BatchNormalization Cast Clip Concat Constant ConstantOfShape Conv ConvTranspose Cos DepthToSpace
      DequantizeLinear Div Dropout Elu Equal Erf Exp Expand EyeLike Flatten Floor Gather GatherElements Gemm GlobalAveragePool GlobalMaxPool
      Greater GreaterOrEqual GRU HardSigmoid HardSwish Identity If InstanceNormalization LayerNormalization LeakyRelu Less LessOrEqual Log
      LogSoftmax LpNormalization LRN LSTM MatMul Max MaxPool MaxRoiPool MaxUnpool MeanVarianceNormalization Min Mish Mod Mul Pad Pow PRelu
      QuantizeLinear ReduceMax ReduceMean ReduceMin ReduceSum Relu Reshape Resize ReverseSequence RoiAlign ScatterND Shape Sigmoid Sin Size
      Slice Softmax Softplus SpaceToDepth Split Sqrt Squeeze Sub Tanh Tile Transpose Unsqueeze Where`),
    quantization: {
      activations: ["int8", "uint8"],
      constants: ["int8", "uint8", "int32"],
      symmetric: false,
      weightAxis: 0,
    },
    elsewhere: false,
  },
};
