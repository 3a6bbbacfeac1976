/**
 * What the time of a dispatch depends on, read from its kernel: which pipeline runs, and how much it has to do.
 *
 * @module
 */

import type { Dispatch, Plan } from "../../plan/plan.ts";
import { scalarBytes } from "../../plan/place.ts";
import { sizeOf } from "../../graph/mod.ts";
import { blocksOf, type Kernel, type ParameterField, type Parameters, valuesOf } from "../../kernels/kernel.ts";
import { WORKGROUP } from "../../kernels/linear.ts";

/**
 * Numbers of a dispatch, in this order. Of a joint dispatch they are sums over its steps.
 *
 * - `dispatches`: 1.
 * - `steps`: nodes that it computes.
 * - `threads`: those of all workgroups, idle ones too: tiles that reach beyond a map count whole.
 * - `products`: of cells of four channels: threads times the cells that each makes, the taps of the window, and the blocks of four input
 *   channels that it goes over. Like threads, they hold what tiles waste.
 * - `pairs`: of queries and keys: threads of attention times the pixels of its map.
 * - `read`, `written`: bytes of the tensors; one that several steps read counts once.
 * - `weights`: bytes of the packed weights.
 * - `macs`: multiply-accumulates.
 */
export const WORK_NAMES = [
  ...["dispatches", "steps", "threads", "products", "pairs", "read", "written", "weights", "macs"] as const,
] as const;

/** A dispatch, as far as its time depends on it. */
export interface DispatchWork {
  /** The pipeline as text: shader, constants, form of storage. Dispatches of one kind differ in their work alone. */
  readonly kind: string;
  /** Path of the shader below `shaders/`. */
  readonly shader: string;
  /** By `WORK_NAMES`. */
  readonly work: readonly number[];
}

/** The plan of a dispatch, as far as it is looked at. */
export type DescribedPlan = Pick<Plan, "form" | "placements" | "types">;

/** One of the steps of a dispatch. */
interface Step {
  readonly workgroups: readonly number[];
  readonly parameters: Parameters;
}

/** The steps of a dispatch; one where it has no room for several. */
function stepsOf({ workgroups, parameters, constants }: Kernel): Step[] {
  if (constants.JOINED_STEPS === undefined) return [{ workgroups, parameters }];
  const total = workgroups.reduce((a, b) => a * b);
  return Object.values(parameters).flatMap((field): Step[] => {
    if (field.type !== "struct") return [];
    const { grid, place, params } = field.value as Record<string, ParameterField>;
    // Room for a step that is never reached lies behind the last workgroup.
    const isReached = place.type === "vec4i" && place.value[2] < total;
    if (!isReached || grid.type !== "vec4i" || params.type !== "struct") return [];
    return [{ workgroups: grid.value.slice(0, 3), parameters: params.value }];
  });
}

/** Blocks of four input channels that a thread goes over: 1 where it computes what it reads, as depthwise layers and sums do. */
function blocksRead({ shader, bindings }: Kernel, { inBlocks, input }: Parameters): number {
  if (inBlocks?.type === "i32") return inBlocks.value;
  const isDense = bindings.some((binding) => "weights" in binding) && !shader.includes("depthwise");
  return isDense && input?.type === "blocked" ? blocksOf(input.value) : 1;
}

/** Products of cells that a thread makes for a block of four input channels. */
function productsOf({ shader, constants }: Kernel): number {
  const constant = (name: string) => Number(constants[name] ?? 1);
  // Six products of each of three rows of weights, for four pixels.
  if (shader.endsWith("winograd.wgsl")) return 6 * 3 * constant("ROWS");
  return constant("K") ** 2 * constant("TILE_X") * constant("TILE_Y") * constant("OUT_BLOCKS");
}

/** Pixels that each thread of attention goes over; 0 of other kernels. */
function keysOf({ qkv }: Parameters): number {
  return qkv?.type === "blocked" ? qkv.value.height * qkv.value.width : 0;
}

/** Bytes of values in plain or row memory; nothing is known of those that lie outside of a plan, such as pictures. */
function bytesOf(values: readonly string[], { form, placements, types }: DescribedPlan): number {
  return values.reduce((sum, value) => {
    const type = types.get(value), layout = placements.get(value)?.layout;
    if (type === undefined || layout === undefined) return sum;
    return sum + sizeOf(type.shape) * (layout.kind === "plain" ? 4 : scalarBytes(form, type.dtype));
  }, 0);
}

/** Describes a dispatch of a plan. */
export function describeDispatch({ kernel, macs }: Dispatch, plan: DescribedPlan): DispatchWork {
  const { storage, scalar } = plan.form;
  // Room for several steps costs next to nothing.
  const { JOINED_STEPS: _, ...constants } = kernel.constants;
  const isInt8 = kernel.bindings.map((binding) => {
    const layout = plan.placements.get(valuesOf(binding)[0])?.layout;
    return layout?.kind === "blocked" && layout.int8 !== undefined ? 1 : 0;
  });
  const group = Number(constants.WORKGROUP ?? WORKGROUP);
  const each = productsOf(kernel);
  let steps = 0, threads = 0, products = 0, pairs = 0;
  for (const step of stepsOf(kernel)) {
    const count = group * step.workgroups.reduce((a, b) => a * b);
    steps += 1;
    threads += count;
    products += count * blocksRead(kernel, step.parameters) * each;
    pairs += count * keysOf(step.parameters);
  }
  const values = (kind: "read" | "write") => bytesOf(kernel.bindings.flatMap((one) => valuesOf(one, kind)), plan);
  const weights = kernel.bindings.reduce((sum, binding) => {
    if (!("weights" in binding)) return sum;
    const { columns, rows, layers } = binding.weights;
    const cell = binding.kind === "int8 weights" ? 16 : 4 * scalarBytes(plan.form, "f32");
    return sum + columns * rows * layers * cell;
  }, 0);
  const words = [
    kernel.shader,
    ...Object.entries(constants).map(([name, value]) => `${name}=${value}`),
    `${storage} ${scalar}${isInt8.includes(1) ? ` int8 ${isInt8.join("")}` : ""}`,
  ];
  const work = [1, steps, threads, products, pairs, values("read"), values("write"), weights, macs];
  return { kind: words.join(" "), shader: kernel.shader, work };
}
