/**
 * Fused self-attention over the pixels of a feature map. Shader: `shaders/attention/self_attention.wgsl`.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { Operand } from "./context.ts";
import { blocked, type BlockedLayout, f32, i32, type Kernel } from "./kernel.ts";

/** One attention core; channels of `qkv` are, head by head, queries, keys and values. */
export interface AttentionStep {
  readonly qkv: Operand;
  /** `[N, heads * valueChannels, H, W]`. */
  readonly output: Operand;
  /** Receives the values as a map of their own. */
  readonly values?: Operand;
  readonly heads: number;
  readonly keyChannels: number;
  readonly valueChannels: number;
  readonly scale: number;
  readonly pitch: number;
}

function layoutOf(operand: Operand): BlockedLayout {
  if (operand.layout.kind !== "blocked") throw new FeatherdetError(`"${operand.value}" is not in row memory`);
  return operand.layout;
}

/** Describes the dispatch. */
export function attentionKernel(step: AttentionStep): Kernel {
  const qkv = layoutOf(step.qkv);
  const workgroup = 16, queries = 2;
  const threads = Math.ceil(qkv.width * qkv.height / queries);
  return {
    label: `attention ${step.heads}x${qkv.height * qkv.width}`,
    shader: "attention/self_attention.wgsl",
    constants: {
      KEY_BLOCKS: step.keyChannels / 4,
      VALUE_BLOCKS: step.valueChannels / 4,
      QUERIES: queries,
      VALUES: step.values ? 1 : 0,
      WORKGROUP: workgroup,
    },
    parameters: {
      qkv: blocked(qkv),
      output: blocked(layoutOf(step.output)),
      values: blocked(layoutOf(step.values ?? step.output)),
      scale: f32(step.scale),
      pitch: i32(step.pitch),
    },
    bindings: [
      { kind: "read", value: step.qkv.value },
      { kind: "write", value: step.output.value },
      ...step.values ? [{ kind: "write", value: step.values.value } as const] : [],
    ],
    workgroups: [Math.ceil(threads / workgroup), step.heads, qkv.batch],
  };
}
