/**
 * Spatial attention of CBAM in two dispatches: mean and maximum of each pixel's channels, and a gate made of them. Shaders:
 * `shaders/attention/channel_statistics.wgsl`, `shaders/attention/spatial_gate.wgsl`.
 *
 * @module
 */

import { type Activation, activationConstants, activationParameters } from "./activation.ts";
import type { Operand } from "./context.ts";
import { blocked, f32, i32, type Kernel, type PackedWeights, vec2i } from "./kernel.ts";
import { linearGroups, stripsOf } from "./linear.ts";
import { blockedOf, read, write } from "./operand.ts";

/** Mean and maximum over the channels of a map, which may be gated first. */
export interface StatisticsStep {
  /** `[N, C, H, W]`. */
  readonly x: Operand;
  /** `[N, 2, H, W]`: the mean, then the maximum, or the other way round. */
  readonly statistics: Operand;
  readonly maximumFirst: boolean;
  /** A gate `[N, C, 1, 1]`, and what receives `x` times this gate. */
  readonly gated?: { readonly gate: Operand; readonly output: Operand };
  readonly pitch: number;
}

/** Describes the dispatch of both statistics. */
export function statisticsKernel({ x, statistics, maximumFirst, gated, pitch }: StatisticsStep): Kernel {
  const input = blockedOf(x), output = blockedOf(statistics);
  return {
    label: gated ? "gate and channel statistics" : "channel statistics",
    shader: "attention/channel_statistics.wgsl",
    constants: { GATED: gated ? 1 : 0, MAXIMUM_FIRST: maximumFirst ? 1 : 0 },
    parameters: {
      input: blocked(input),
      statistics: blocked(output),
      gate: blocked(gated ? blockedOf(gated.gate) : input),
      output: blocked(gated ? blockedOf(gated.output) : input),
      factor: f32(1 / input.channels),
      pitch: i32(pitch),
    },
    bindings: [read(x), write(statistics), ...gated ? [read(gated.gate), write(gated.output)] : []],
    workgroups: linearGroups(stripsOf(output)),
  };
}

/** A map times a gate that a convolution of two channels gives. */
export interface SpatialGateStep {
  /** `[N, C, H, W]`. */
  readonly x: Operand;
  /** `[N, 2, H, W]`. */
  readonly statistics: Operand;
  /** As `x`. */
  readonly y: Operand;
  /** `[1, 2, K, K]`, row-major. */
  readonly weight: Float32Array;
  readonly bias: number;
  readonly kernel: number;
  /** Left, top. */
  readonly pad: readonly [number, number];
  readonly activation: Activation;
  readonly pitch: number;
}

/** Packs the weights as the shader's header says. */
function packTaps({ weight, bias, kernel }: SpatialGateStep): PackedWeights {
  const taps = kernel * kernel;
  const pack = () => {
    const packed = new Float32Array(4 * (taps + 1));
    for (let t = 0; t < taps; t++) {
      packed[4 * t] = weight[t];
      packed[4 * t + 1] = weight[taps + t];
    }
    packed[4 * taps] = bias;
    return packed;
  };
  return { columns: taps + 1, rows: 1, layers: 1, pack };
}

/** Describes the dispatch of the gate. */
export function spatialGateKernel(step: SpatialGateStep): Kernel {
  const statistics = blockedOf(step.statistics);
  const weights = packTaps(step);
  return {
    label: `spatial gate ${step.kernel}x${step.kernel}`,
    shader: "attention/spatial_gate.wgsl",
    constants: { K: step.kernel, ...activationConstants(step.activation) },
    parameters: {
      input: blocked(blockedOf(step.x)),
      statistics: blocked(statistics),
      output: blocked(blockedOf(step.y)),
      pad: vec2i(step.pad[0], step.pad[1]),
      pitch: i32(step.pitch),
      weightColumns: i32(weights.columns),
      weightRows: i32(weights.rows),
      ...activationParameters(step.activation),
    },
    bindings: [read(step.x), read(step.statistics), { kind: "weights", weights }, write(step.y)],
    workgroups: linearGroups(stripsOf(statistics)),
  };
}
