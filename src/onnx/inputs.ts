/**
 * The inputs of a model: their element types and extents, with what the caller gives for them.
 *
 * @module
 */

import type { onnx } from "npm:onnx-proto@8.0.1";
import { FeatherdetError } from "../graph/error.ts";
import type { GraphInput, Shape } from "../graph/graph.ts";
import { type Integer, toNumber } from "./proto.ts";
import { elementType } from "./tensor.ts";

/**
 * Returns the extents of an input that `shapes` does not name; undefined leaves the input as the file states it. Called in the order of
 * the inputs.
 */
export type ShapeOf = (input: StatedInput, index: number) => Shape | undefined;

/** Extents by input name. */
export type InputShapes = Readonly<Record<string, Shape>>;

/** An input as the file states it. */
export interface StatedInput {
  /** Its name. */
  readonly name: string;
  /** What it is fed: halves and doubles are floats. */
  readonly dtype: "f32" | "u8";
  /** Numbers, or the names of extents left open. */
  readonly extents: readonly (number | string)[];
}

function stated(info: onnx.IValueInfoProto, file: string): StatedInput {
  const name = info.name ?? "";
  const tensor = info.type?.tensorType;
  if (!tensor) throw new FeatherdetError(`input "${name}" is not a dense tensor, not supported`, { file });
  const type = elementType(tensor.elemType);
  // Halves and doubles are computed as f32.
  const dtype = type.dtype === "f64" ? "f32" : type.dtype;
  if (dtype !== "f32" && dtype !== "u8") {
    throw new FeatherdetError(`input "${name}" has elements of ${type.name}; floats and uint8 are supported`, { file });
  }
  if (!tensor.shape) throw new FeatherdetError(`input "${name}" has no stated rank, not supported`, { file });
  const extents = (tensor.shape.dim ?? []).map((dim, axis) => {
    const extent = toNumber(dim.dimValue as Integer | undefined);
    return extent > 0 ? extent : dim.dimParam || `axis ${axis}`;
  });
  return { name, dtype, extents };
}

function checkGiven(input: StatedInput, shape: Shape, file: string): void {
  const valid = shape.length === input.extents.length &&
    shape.every((extent) => Number.isInteger(extent) && extent > 0);
  if (!valid) {
    throw new FeatherdetError(
      `shape [${shape.join(",")}] given for input "${input.name}" does not fit [${input.extents.join(",")}]`,
      { file },
    );
  }
}

/** Inputs as the file was exported for, and as the caller wants them; the same extents where nothing is changed. */
export interface ModelInputs {
  /** Open extents are those that the caller gave. */
  readonly exported: readonly GraphInput[];
  readonly wanted: readonly GraphInput[];
}

/**
 * Reads the inputs that are not initializers.
 *
 * Throws FeatherdetError for other element types than floats and uint8, for open extents that are not given, and for shapes that are
 * given for unknown inputs or do not fit.
 */
export function readInputs(
  graph: onnx.IGraphProto,
  initializers: { has(name: string): boolean },
  shapes: InputShapes,
  file: string,
  shapeOf: ShapeOf = () => undefined,
): ModelInputs {
  const inputs = (graph.input ?? []).filter(({ name }) => !initializers.has(name ?? "")).map((info) =>
    stated(info, file)
  );
  const unknown = Object.keys(shapes).find((name) => !inputs.some((input) => input.name === name));
  if (unknown !== undefined) {
    const names = inputs.map(({ name }) => `"${name}"`).join(", ");
    throw new FeatherdetError(`shapes names "${unknown}", but the inputs are ${names || "none"}`, { file });
  }
  const givens = inputs.map((input, index) => {
    const given = Object.hasOwn(shapes, input.name) ? shapes[input.name] : shapeOf(input, index);
    if (given) checkGiven(input, given, file);
    return given;
  });
  const resolve = (input: StatedInput, given: Shape | undefined, prefer: "exported" | "wanted"): GraphInput => {
    const shape = input.extents.map((extent, axis) => {
      if (typeof extent === "number") return prefer === "exported" ? extent : given?.[axis] ?? extent;
      return given?.[axis] ?? reportOpen(input, file);
    });
    return { name: input.name, dtype: input.dtype, shape };
  };
  return {
    exported: inputs.map((input, i) => resolve(input, givens[i], "exported")),
    wanted: inputs.map((input, i) => resolve(input, givens[i], "wanted")),
  };
}

function reportOpen({ name, extents }: StatedInput, file: string): never {
  const open = extents.filter((extent) => typeof extent === "string");
  const example = extents.map((extent) => typeof extent === "number" ? extent : "?").join(", ");
  throw new FeatherdetError(
    `input "${name}" leaves ${open.join(", ")} of [${extents.join(",")}] open; give its shape as ` +
      `shapes: { ${JSON.stringify(name)}: [${example}] }`,
    { file },
  );
}
