/**
 * SimAM in one dispatch. Shader: `shaders/attention/simam.wgsl`.
 *
 * @module
 */

import type { Operand } from "./context.ts";
import type { Target } from "./target.ts";
import { blocked, f32, i32, type Kernel } from "./kernel.ts";
import { blockedOf, read, write } from "./operand.ts";
import { teamsOf } from "./team.ts";

/** `y = x * sigmoid(d / (scale * sum of d + shift) + offset)`, where d is the square of x less its channel's mean. */
export interface SimamStep {
  readonly x: Operand;
  readonly y: Operand;
  readonly scale: number;
  readonly shift: number;
  readonly offset: number;
  readonly pitch: number;
  readonly target: Target;
}

/** Describes the dispatch. */
export function simamKernel({ x, y, scale, shift, offset, pitch, target }: SimamStep): Kernel {
  const input = blockedOf(x), output = blockedOf(y);
  const { constants, workgroups } = teamsOf(input, target);
  return {
    label: "simam",
    shader: "attention/simam.wgsl",
    constants,
    parameters: {
      input: blocked(input),
      output: blocked(output),
      factor: f32(1 / (input.width * input.height)),
      scale: f32(scale),
      shift: f32(shift),
      offset: f32(offset),
      pitch: i32(pitch),
    },
    bindings: [read(x), write(y)],
    workgroups,
  };
}
