/**
 * What a kernel is: a plain description that the planner makes for one node and the session turns into a dispatch.
 *
 * A kernel names a shader file and the linker constants that specialise it (algorithm, tile, storage); everything that changes
 * with the tensors goes into its parameter block, so that few pipelines serve many layers.
 *
 * @module
 */

import type { ShaderConstant } from "../gpu/linker.ts";

/** How activations are stored: as a texture array or a storage buffer, of f32 or f16 cells. */
export interface StorageForm {
  /** Kind of WebGPU resource that holds the cells. */
  readonly storage: "texture" | "buffer";
  /** Stored type; arithmetic is f32, but for products in `f16-fast`. */
  readonly scalar: "f32" | "f16";
  /** Binary logarithm of the rows of a page; a linker constant of every kernel. */
  readonly pageShift: number;
}

/**
 * How the bytes of an int8 tensor stand for numbers: a byte q in -128..127 for `(q - zero) * scale`. Numbers are stored as the nearest
 * byte, halves as the even one, within `low` and `high`. u8 is stored less 128, so that there is one kind of bytes.
 */
export interface Int8Cells {
  /** Difference of the numbers that neighbouring bytes stand for. */
  readonly scale: number;
  /** The byte that stands for 0; outside -128..127 if none does. */
  readonly zero: number;
  /** Least byte that is stored; -128 unless given. */
  readonly low?: number;
  /** Greatest byte that is stored; 127 unless given. */
  readonly high?: number;
}

/** A tensor in row memory (see `shaders/lib/storage.wgsl`), `[N,C,H,W]`. */
export interface BlockedLayout {
  /** Row memory. */
  readonly kind: "blocked";
  /** Images. */
  readonly batch: number;
  /** Channels; the last block may be filled in part. */
  readonly channels: number;
  /** Rows of a plane. */
  readonly height: number;
  /** Cells in a row of a plane. */
  readonly width: number;
  /** Planes side by side. */
  readonly columns: number;
  /** Rows from one group of planes to the next; at least `height`. */
  readonly rise: number;
  /** Planes that lie before the first one in its group, of a tensor that lies in another; 0 unless given. */
  readonly firstPlane?: number;
  /** Rows of the first page that lie above the first plane; 0 unless given. */
  readonly firstRow?: number;
  /** Present if cells hold four bytes instead of four numbers of the form's scalar. Such tensors lie in an arena of their own. */
  readonly int8?: Int8Cells;
}

/** A tensor in plain row-major order of f32 in a storage buffer. */
export interface PlainLayout {
  /** Row-major. */
  readonly kind: "plain";
  /** Extents, outermost first. */
  readonly shape: readonly number[];
}

/** Memory layout of a value. */
export type Layout = BlockedLayout | PlainLayout;

/** Packed weights of a dispatch: three extents in cells of four values. They are filled when the session uploads them. */
export interface PackedWeights {
  /** Cells in a row. */
  readonly columns: number;
  /** Rows in a layer. */
  readonly rows: number;
  /** Layers. */
  readonly layers: number;
  /** Writes `4 * columns * rows * layers` values. */
  readonly pack: () => Float32Array;
}

/** Packed integer weights: cells of four words of four bytes each, or of anything else that four words hold. */
export interface PackedInt8Weights extends Omit<PackedWeights, "pack"> {
  /** Writes `4 * columns * rows * layers` words. */
  readonly pack: () => Uint32Array;
}

/** One parameter. */
export type ParameterField =
  | { readonly type: "u32" | "i32" | "f32"; readonly value: number }
  | { readonly type: "vec2i"; readonly value: readonly [number, number] }
  | { readonly type: "vec4i"; readonly value: readonly [number, number, number, number] }
  | { readonly type: "blocked"; readonly value: BlockedLayout }
  | { readonly type: "struct"; readonly value: Parameters };

/**
 * A parameter block: the members of the shader's `struct Params` by name and in its order. When a pipeline is made, names, types and
 * places are compared with those of the shader.
 */
export type Parameters = { readonly [name: string]: ParameterField };

/**
 * What stands at binding 1, 2, ... of a kernel (binding 0 is its parameter block). Values of row memory that stand `besides` another are
 * bound with it as one range of pages.
 */
export type KernelBinding =
  | { readonly kind: "read" | "write"; readonly value: string; readonly besides?: readonly string[] }
  | { readonly kind: "weights"; readonly weights: PackedWeights }
  | { readonly kind: "int8 weights"; readonly weights: PackedInt8Weights }
  /** Packed weights that a dispatch of the same program writes and others read, by name. */
  | (Pick<PackedWeights, "columns" | "rows" | "layers"> & {
    readonly kind: "packed";
    readonly name: string;
    readonly access: "read" | "write";
  })
  /** A constant of the graph as plain f32 storage. */
  | { readonly kind: "constant"; readonly data: Float32Array }
  /**
   * Plain storage in which one dispatch of a node leaves numbers for later ones of the same node, which name it alike; what an earlier
   * node left there is overwritten. The planner gives it its first byte in the plan's scratch memory.
   */
  | { readonly kind: "scratch"; readonly name: string; readonly bytes: number; readonly offset?: number };

/** One dispatch. */
export interface Kernel {
  /** Short name for prints and profiles, such as `conv 3x3 s1 5x4x1`. */
  readonly label: string;
  /** Path of the shader below `shaders/`. */
  readonly shader: string;
  /** What specialises the shader when it is linked. */
  readonly constants: Readonly<Record<string, ShaderConstant>>;
  /** Binding 0. */
  readonly parameters: Parameters;
  /** Bindings 1, 2, ... */
  readonly bindings: readonly KernelBinding[];
  /** Workgroups to dispatch. */
  readonly workgroups: readonly [number, number, number];
}

/** The values that a binding reads or writes; none where it binds something else. */
export function valuesOf(binding: KernelBinding, kind?: "read" | "write"): readonly string[] {
  if (binding.kind !== "read" && binding.kind !== "write" || kind !== undefined && binding.kind !== kind) return [];
  return [binding.value, ...binding.besides ?? []];
}

/** Number of channel blocks of a blocked tensor. */
export function blocksOf(layout: Pick<BlockedLayout, "channels">): number {
  return Math.ceil(layout.channels / 4);
}

/** Rows from the top of its first page to the end of a blocked tensor. */
export function rowsOf(layout: BlockedLayout): number {
  const { batch, columns, rise, firstPlane = 0, firstRow = 0 } = layout;
  return firstRow + Math.ceil((firstPlane + blocksOf(layout) * batch) / columns) * rise;
}

/** A parameter of type `i32`. */
export const i32 = (value: number): ParameterField => ({ type: "i32", value });
/** A parameter of type `u32`. */
export const u32 = (value: number): ParameterField => ({ type: "u32", value });
/** A parameter of type `f32`. */
export const f32 = (value: number): ParameterField => ({ type: "f32", value });
/** A parameter of type `vec2i`. */
export const vec2i = (x: number, y: number): ParameterField => ({ type: "vec2i", value: [x, y] });
/** A parameter of type `vec4i`. */
export const vec4i = (value: readonly number[]): ParameterField => ({
  type: "vec4i",
  value: [value[0] ?? 1, value[1] ?? 1, value[2] ?? 1, value[3] ?? 1],
});
/** A parameter of type `Blocked`. */
export const blocked = (value: BlockedLayout): ParameterField => ({ type: "blocked", value });
/** A parameter that is a struct of its own. */
export const struct = (value: Parameters): ParameterField => ({ type: "struct", value });
