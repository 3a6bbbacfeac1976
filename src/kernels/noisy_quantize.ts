/**
 * Kernels of NoisyQuantize: what converters of an analog array give of a tensor, with the array's noise. Shaders:
 * `shaders/tensor/noisy_quantize.wgsl`, `shaders/tensor/plain_noisy_quantize.wgsl`, `shaders/lib/counter_normal.wgsl`.
 *
 * @module
 */

import { sizeOf } from "../graph/graph.ts";
import { scrambledSeed } from "../numbers/counter_normal.ts";
import type { KernelContext, OperatorKernels } from "./context.ts";
import { blocked, f32, i32, type Kernel, type PackedWeights, type Parameters } from "./kernel.ts";
import { linearGroups, stripsOf } from "./linear.ts";
import { blockedOf, onImages, read, refuseEpilogue, write } from "./operand.ts";

type Context = KernelContext<"NoisyQuantize">;

/** Scales of all channels, those of spare channels 1: these are divided by, too. */
function scalesOf({ node: { attributes: { scales } } }: Context, channels: number): Float32Array {
  return Float32Array.from({ length: channels }, (_, c) => scales.length === 1 ? scales[0] : scales[c] ?? 1);
}

function parametersOf({ node: { attributes: { step, low, high, sigma, seed } } }: Context): Parameters {
  return { step: f32(step), low: f32(low), high: f32(high), sigma: f32(sigma), seed: i32(scrambledSeed(seed)) };
}

const constantsOf = ({ node }: Context) => ({ NOISY: node.attributes.sigma > 0 ? 1 : 0 });

function overBlocks(context: Context): Kernel {
  refuseEpilogue(context);
  const { inputs: [x], outputs: [y], pitch } = context, output = blockedOf(y);
  const rows = Math.ceil(output.channels / 4);
  const weights: PackedWeights = { columns: 1, rows, layers: 1, pack: () => scalesOf(context, 4 * rows) };
  return {
    label: "noisy quantize",
    shader: "tensor/noisy_quantize.wgsl",
    constants: constantsOf(context),
    parameters: {
      input: blocked(blockedOf(x)),
      output: blocked(output),
      pitch: i32(pitch),
      weightColumns: i32(1),
      weightRows: i32(rows),
      ...parametersOf(context),
    },
    bindings: [read(x), write(y), { kind: "weights", weights }],
    workgroups: linearGroups(stripsOf(output)),
  };
}

/** Elements that one thread of the plain kernel takes. */
const RUN = 4;

function overPlain(context: Context): Kernel {
  refuseEpilogue(context);
  const { inputs: [x], outputs: [y] } = context, size = sizeOf(y.shape), channels = y.shape[1] ?? 1;
  return {
    label: "noisy quantize",
    shader: "tensor/plain_noisy_quantize.wgsl",
    constants: constantsOf(context),
    parameters: {
      size: i32(size),
      channels: i32(channels),
      plane: i32(sizeOf(y.shape.slice(2))),
      ...parametersOf(context),
    },
    bindings: [read(x), write(y), { kind: "constant", data: scalesOf(context, channels) }],
    workgroups: linearGroups(Math.ceil(size / RUN)),
  };
}

/** Kernels of NoisyQuantize. */
export const noisyQuantize: OperatorKernels<"NoisyQuantize"> = {
  blocked: { applies: onImages, kernels: (context) => [overBlocks(context)] },
  plain: { kernels: (context) => [overPlain(context)] },
};
