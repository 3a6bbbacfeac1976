/**
 * The types of plans, kernels and layouts that signatures of entry points mention.
 *
 * @module
 */

export type { ShaderConstant } from "../gpu/linker.ts";
export type {
  BlockedLayout,
  Int8Cells,
  Kernel,
  KernelBinding,
  Layout,
  PackedInt8Weights,
  PackedWeights,
  ParameterField,
  Parameters,
  PlainLayout,
  StorageForm,
} from "../kernels/kernel.ts";
export type { Target } from "../kernels/target.ts";
export type { BorderLayouts } from "./convert.ts";
export type { Dispatch, MemoryReport, Placement, Plan, PlannedContest, PlannedOption, PlanOptions } from "./plan.ts";
export type { TunedChoice, Tuning } from "./tuning.ts";
