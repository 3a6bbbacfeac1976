/**
 * Channel shuffle over row memory, where no convolution can write shuffled channels itself. Shader:
 * `shaders/tensor/shuffle.wgsl`.
 *
 * @module
 */

import type { Operand } from "./context.ts";
import { blocked, i32, type Kernel } from "./kernel.ts";
import { linearGroups, stripsOf } from "./linear.ts";
import { blockedOf, read, write } from "./operand.ts";

/** Deals the channels of `x` out: channel `g * C / groups + i` becomes channel `i * groups + g` of `y`, of the same shape. */
export function channelShuffleKernel(x: Operand, y: Operand, groups: number, pitch: number): Kernel {
  const output = blockedOf(y);
  return {
    label: `shuffle ${groups}`,
    shader: "tensor/shuffle.wgsl",
    constants: {},
    parameters: {
      input: blocked(blockedOf(x)),
      output: blocked(output),
      groups: i32(groups),
      perGroup: i32(output.channels / groups),
      pitch: i32(pitch),
    },
    bindings: [read(x), write(y)],
    workgroups: linearGroups(stripsOf(output)),
  };
}
