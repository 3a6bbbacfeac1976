/**
 * Finds numbers that halves cut. Shader: `shaders/tensor/range_check.wgsl`.
 *
 * @module
 */

import { blocked, type BlockedLayout, i32, type Kernel } from "./kernel.ts";
import { linearGroups, stripsOf } from "./linear.ts";

/** The dispatch that writes 1 to the given place of the flags where a value in row memory reaches the greatest half. */
export function rangeCheck(value: string, layout: BlockedLayout, pitch: number, flags: string, slot: number): Kernel {
  return {
    label: "range check",
    shader: "tensor/range_check.wgsl",
    constants: {},
    parameters: { input: blocked(layout), pitch: i32(pitch), slot: i32(slot) },
    bindings: [{ kind: "read", value }, { kind: "write", value: flags }],
    workgroups: linearGroups(stripsOf(layout)),
  };
}
