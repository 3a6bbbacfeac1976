/**
 * A chain of maximum poolings in one dispatch. Shader: `shaders/tensor/pool_chain.wgsl`.
 *
 * @module
 */

import type { Operand } from "./context.ts";
import { blocked, i32, type Kernel } from "./kernel.ts";
import { linearGroups, stripsOf } from "./linear.ts";
import { blockedOf, read, write } from "./operand.ts";

/** Pixels of a thread: as many loads for each as by single poolings, where neighbouring windows share theirs. */
const STRIP = 2;

/** Maxima over `window` x `window` pixels, each output of the one before it; two or three outputs, as large as the input. */
export interface PoolChainStep {
  readonly x: Operand;
  readonly outputs: readonly Operand[];
  readonly window: number;
  readonly pitch: number;
}

/** Describes the dispatch. */
export function poolChainKernel({ x, outputs, window, pitch }: PoolChainStep): Kernel {
  const input = blockedOf(x);
  return {
    label: `maxpool ${outputs.map((_, i) => 1 + (i + 1) * (window - 1)).map((side) => `${side}x${side}`).join(" ")} s1`,
    shader: "tensor/pool_chain.wgsl",
    constants: { K: window, COUNT: outputs.length, STRIP },
    parameters: {
      input: blocked(input),
      ...Object.fromEntries(outputs.map((output, i) => [`output${i + 1}`, blocked(blockedOf(output))])),
      pitch: i32(pitch),
    },
    bindings: [read(x), ...outputs.map(write)],
    workgroups: linearGroups(stripsOf(input, STRIP)),
  };
}
