/**
 * Mutants of int8: rounding, zero points, scales, folding before it.
 *
 * @module
 */

import type { Mutant } from "../mutant.ts";

const LAYERS = "compress/quantize/layers_test.ts", OBSERVERS = "compress/quantize/observers_test.ts";
const KERNELS = { test: "kernels/int8_test.ts", filter: "convolutions of bytes beside floats of 16 bits" };

/** Numbers of quantized networks, and BatchNormalization folded into weights. */
export const QUANTIZATION_MUTANTS: readonly Mutant[] = [
  {
    id: "halves-up",
    file: "src/graph/quantized_value.ts",
    before: "return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;",
    after: "return rest < 0.5 ? floor : floor + 1;",
    test: "reference/fake_quantize_test.ts",
    filter: "FakeQuantize rounds halves to even",
    why: "halves are rounded otherwise than by every runtime",
  },
  {
    id: "not-saturated",
    file: "src/graph/quantized_value.ts",
    before: "return Math.min(Math.max(roundHalfEven(steps) + zeroPoint, least), most);",
    after: "return Math.max(roundHalfEven(steps) + zeroPoint, least);",
    test: "reference/fake_quantize_test.ts",
    filter: "FakeQuantize rounds halves to even",
    why: "numbers beyond the range wrap around",
  },
  {
    id: "zero-point-sign",
    file: "src/compress/quantize/quantization_parameters.ts",
    before: "const zeroPoint = Math.min(GREATEST, Math.max(LEAST, roundHalfEven(LEAST - low / scale)));",
    after: "const zeroPoint = Math.min(GREATEST, Math.max(LEAST, roundHalfEven(LEAST + low / scale)));",
    test: OBSERVERS,
    filter: "scales and zero points, worked by hand",
    why: "zero is no zero in int8",
  },
  {
    id: "zero-point-cut",
    file: "src/compress/quantize/quantization_parameters.ts",
    before: "const zeroPoint = Math.min(GREATEST, Math.max(LEAST, roundHalfEven(LEAST - low / scale)));",
    after: "const zeroPoint = Math.min(GREATEST, Math.max(LEAST, Math.trunc(LEAST - low / scale)));",
    test: OBSERVERS,
    filter: "scales and zero points, worked by hand",
    why: "zero is off by up to a step",
  },
  {
    id: "symmetric-levels",
    file: "src/compress/quantize/quantization_parameters.ts",
    before: "if (symmetric) return { scale: storable(Math.max(-low, high) / GREATEST), zeroPoint: 0 };",
    after: "if (symmetric) return { scale: storable(Math.max(-low, high) / -LEAST), zeroPoint: 0 };",
    test: OBSERVERS,
    filter: "scales and zero points, worked by hand",
    why: "the greatest number is clipped",
  },
  {
    id: "channels-mixed-up",
    file: "src/compress/quantize/weights.ts",
    before: "const channelOf = (i: number) => Math.floor(i / inner) % channels;",
    after: "const channelOf = (i: number) => i % channels;",
    test: LAYERS,
    filter: "weights: a scale for each channel",
    why: "weights are stored with the scales of other channels",
  },
  {
    id: "reduced-range",
    file: "src/compress/quantize/weights.ts",
    before: "const GREATEST_WEIGHT = { full: GREATEST, reduced: 63 } as const;",
    after: "const GREATEST_WEIGHT = { full: GREATEST, reduced: 64 } as const;",
    test: LAYERS,
    filter: "weights: a reduced range",
    why: "sums of two products do not fit in 16 bits on the devices that reduced ranges are for",
  },
  {
    id: "bias-cut",
    file: "src/compress/quantize/weights.ts",
    before:
      "return { data: Int32Array.from(bias, (value, channel) => roundHalfEven(value / scales[channel])), scales };",
    after: "return { data: Int32Array.from(bias, (value, channel) => value / scales[channel]), scales };",
    test: LAYERS,
    filter: "biases: the nearest whole steps",
    why: "biases are off by up to a step, all towards zero",
  },
  {
    id: "bias-corrected-twice",
    file: "src/compress/quantize/integers.ts",
    before: "if (errors) bias = errors.map((error, channel) => (bias?.[channel] ?? 0) - error);",
    after: "if (errors) bias = errors.map((error, channel) => (bias?.[channel] ?? 0) + error);",
    test: "compress/quantize/quantize_test.ts",
    filter: "bias correction takes off the mean error",
    why: "bias correction doubles the error that it is for",
  },
  {
    id: "input-zero-point",
    file: "src/kernels/int8/conv_numbers.ts",
    before: "const first = Math.fround(biases[o] - zero * sum);",
    after: "const first = Math.fround(biases[o]);",
    ...KERNELS,
    why: "every sum of an int8 convolution is off",
  },
  {
    id: "one-weight-scale",
    file: "src/kernels/int8/conv_numbers.ts",
    before:
      "const units = Array.from({ length: outputs }, (_, o) => scale * weightScale[weightScale.length === 1 ? 0 : o]);",
    after: "const units = Array.from({ length: outputs }, () => scale * weightScale[0]);",
    ...KERNELS,
    why: "scales by channel are those of the first",
  },
  {
    id: "sums-not-exact",
    file: "src/kernels/int8/conv_numbers.ts",
    before: "exactInFloat &&= 128 * magnitude < 2 ** 24;",
    after: "exactInFloat &&= 128 * magnitude < 2 ** 28;",
    test: "kernels/int8_test.ts",
    filter: "sums beyond what f32 knows",
    why: "large sums lose their last bits",
  },
  {
    id: "requantized-down",
    file: "shaders/lib/requantize.wgsl",
    before: "let steps = round(sum * scale) + params.output.zero;",
    after: "let steps = floor(sum * scale) + params.output.zero;",
    test: "kernels/int8_test.ts",
    filter: "convolutions of bytes, texture f32",
    why: "every output of an int8 convolution is half a step too small",
  },
  {
    id: "moving-average-first",
    file: "src/compress/quantize/observers/moving_average.ts",
    before: "return values.reduce((mean, value) => mean + MOMENTUM * (value - mean));",
    after: "return values.reduce((mean, value) => mean + MOMENTUM * (value - mean), 0);",
    test: OBSERVERS,
    filter: "min-max and moving average",
    why: "ranges begin at nothing and are too small",
  },
  {
    id: "percentile-one-side",
    file: "src/compress/quantize/observers/percentile.ts",
    before: "const cut = (1 - share) / 2 * histogram.total;",
    after: "const cut = (1 - share) * histogram.total;",
    test: OBSERVERS,
    filter: "percentile: the sorted data's",
    why: "twice as much is clipped as was asked for",
  },
  {
    id: "fold-epsilon",
    file: "src/passes/fold_batch_normalization.ts",
    before: "(_, o) => scale.data[o] / Math.sqrt(variance.data[o] + node.attributes.epsilon),",
    after: "(_, o) => scale.data[o] / Math.sqrt(variance.data[o]),",
    test: "passes/fold_batch_normalization_test.ts",
    filter: "takes its BatchNormalization along",
    why: "channels of little variance become too large",
  },
  {
    id: "fold-bias",
    file: "src/passes/fold_batch_normalization.ts",
    before:
      "const moved = Float32Array.from(factors, (f, o) => shift.data[o] + ((bias?.data[o] ?? 0) - mean.data[o]) * f);",
    after: "const moved = Float32Array.from(factors, (f, o) => shift.data[o] - mean.data[o] * f);",
    test: "passes/fold_batch_normalization_test.ts",
    filter: "takes its BatchNormalization along",
    why: "the bias of a convolution is lost when it is folded",
  },
];
