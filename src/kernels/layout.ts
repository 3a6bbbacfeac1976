/**
 * Copies between plain tensors and row memory. Shaders: `shaders/tensor/to_blocked.wgsl`, `shaders/tensor/to_plain.wgsl`.
 *
 * @module
 */

import { NO_ACTIVATION } from "./activation.ts";
import type { Operand } from "./context.ts";
import { blocked, i32, type Kernel } from "./kernel.ts";
import { linearGroups, stripsOf } from "./linear.ts";
import { unaryBlocked } from "./unary.ts";
import { blockedOf, read, write } from "./operand.ts";

/** Copies plain `x` into row memory `y`, both `[N,C,H,W]` (or `[N,C,L]`, laid out as `[N,C,1,L]`). */
export function toBlocked(x: Operand, y: Operand, pitch: number): Kernel {
  const output = blockedOf(y);
  return {
    label: "to blocked",
    shader: "tensor/to_blocked.wgsl",
    constants: {},
    parameters: { output: blocked(output), pitch: i32(pitch) },
    bindings: [read(x), write(y)],
    workgroups: linearGroups(stripsOf(output)),
  };
}

/** Copies `x` of row memory into plain `y`, both `[N,C,H,W]` (or `[N,C,L]`, laid out as `[N,C,1,L]`). */
export function toPlain(x: Operand, y: Operand, pitch: number): Kernel {
  const input = blockedOf(x);
  return {
    label: "to plain",
    shader: "tensor/to_plain.wgsl",
    constants: {},
    parameters: { input: blocked(input), pitch: i32(pitch) },
    bindings: [read(x), write(y)],
    workgroups: linearGroups(stripsOf(input)),
  };
}

/** Copies `x` to `y`, both in row memory and of one shape. */
export function copyBlocked(x: Operand, y: Operand, pitch: number): Kernel {
  return unaryBlocked("copy", x, y, NO_ACTIVATION, pitch);
}
