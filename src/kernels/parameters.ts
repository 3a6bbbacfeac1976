/**
 * Parameter blocks: a kernel's fields as the bytes of a uniform struct.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { BlockedLayout, ParameterField } from "./kernel.ts";

/** Alignment and size in bytes of each field type by WGSL's rules for the uniform address space. */
const EXTENT: { readonly [K in ParameterField["type"]]: { readonly align: number; readonly size: number } } = {
  u32: { align: 4, size: 4 },
  i32: { align: 4, size: 4 },
  f32: { align: 4, size: 4 },
  vec2i: { align: 8, size: 8 },
  vec4i: { align: 16, size: 16 },
  blocked: { align: 16, size: 48 },
};

const roundUp = (value: number, step: number) => Math.ceil(value / step) * step;

function putBlocked(view: DataView, at: number, layout: BlockedLayout): void {
  const { width, height, channels, batch, columns, rise } = layout;
  const { scale, zero, low = -128, high = 127 } = layout.int8 ?? { scale: 1, zero: 0 };
  [width, height, channels, Math.ceil(channels / 4), batch, columns, rise].forEach((value, i) =>
    view.setInt32(at + 4 * i, value, true)
  );
  [1 / columns, scale, zero, low, high].forEach((value, i) => view.setFloat32(at + 28 + 4 * i, value, true));
}

function put(view: DataView, at: number, field: ParameterField): void {
  switch (field.type) {
    case "u32":
      return view.setUint32(at, field.value, true);
    case "i32":
      return view.setInt32(at, field.value, true);
    case "f32":
      return view.setFloat32(at, field.value, true);
    case "vec2i":
    case "vec4i":
      return field.value.forEach((value, i) => view.setInt32(at + 4 * i, value, true));
    case "blocked":
      return putBlocked(view, at, field.value);
  }
}

/**
 * The bytes of a `struct Params` whose members are the fields in order, laid out by WGSL's uniform rules and padded to a
 * multiple of 16; little-endian.
 *
 * Throws FeatherdetError for a `Blocked` that would not begin at a multiple of 16, since WGSL pads no member to that: such
 * fields stand first.
 */
export function packParameters(fields: readonly ParameterField[]): ArrayBuffer {
  const places: number[] = [];
  let end = 0;
  for (const { type } of fields) {
    const { align, size } = EXTENT[type];
    const at = roundUp(end, align);
    if (type === "blocked" && at !== end) {
      throw new FeatherdetError(`a Blocked parameter begins at byte ${end}, which is no multiple of 16`);
    }
    places.push(at);
    end = at + size;
  }
  const bytes = new ArrayBuffer(Math.max(16, roundUp(end, 16)));
  const view = new DataView(bytes);
  fields.forEach((field, i) => put(view, places[i], field));
  return bytes;
}
