/**
 * The types of plans, kernels and layouts that signatures of entry points mention.
 *
 * @module
 */

export type { ShaderConstant } from "../gpu/linker.ts";
export type { ConvTile } from "../kernels/conv_direct.ts";
export type { Target } from "../kernels/conv_tile.ts";
export type {
  BlockedLayout,
  Int8Cells,
  Kernel,
  KernelBinding,
  Layout,
  PackedInt8Weights,
  PackedWeights,
  ParameterField,
  PlainLayout,
  StorageForm,
} from "../kernels/kernel.ts";
export type { BorderLayouts } from "./convert.ts";
export type { MemoryReport, Placement, Plan, PlanOptions, Step } from "./plan.ts";
export type { Tuning } from "./tuning.ts";
