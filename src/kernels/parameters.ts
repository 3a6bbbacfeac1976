/**
 * Parameter blocks: a kernel's parameters as the bytes of a uniform struct, and the check that the shader's struct is the same.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { type BlockedLayout, f32, i32, type Kernel, type ParameterField, type Parameters } from "./kernel.ts";

/** Alignment and size in bytes of what a struct is made of, by WGSL's rules. */
const EXTENT: Readonly<Record<string, { readonly align: number; readonly size: number }>> = {
  u32: { align: 4, size: 4 },
  i32: { align: 4, size: 4 },
  f32: { align: 4, size: 4 },
  vec2i: { align: 8, size: 8 },
  vec4i: { align: 16, size: 16 },
};

/** A number or vector of a struct, inner structs written out. */
interface Leaf {
  /** Its name, with those of the structs around it, such as `input.width`. */
  readonly name: string;
  /** Type in WGSL. */
  readonly type: string;
  /** First byte. */
  readonly offset: number;
}

/** Takes a leaf and what it holds. */
type TakeLeaf = (name: string, type: string, offset: number, value: number | readonly number[]) => void;

const roundUp = (value: number, step: number) => Math.ceil(value / step) * step;

/** The members of a `Blocked` (`shaders/lib/storage.wgsl`). */
function blockedMembers(layout: BlockedLayout): Parameters {
  const { width, height, channels, batch, columns, rise, firstPlane = 0, firstRow = 0 } = layout;
  const { scale, zero, low = -128, high = 127 } = layout.int8 ?? { scale: 1, zero: 0 };
  return {
    width: i32(width),
    height: i32(height),
    channels: i32(channels),
    blocks: i32(Math.ceil(channels / 4)),
    batch: i32(batch),
    columns: i32(columns),
    rise: i32(rise),
    inverseColumns: f32(1 / columns),
    scale: f32(scale),
    zero: f32(zero),
    low: f32(low),
    high: f32(high),
    firstPlane: i32(firstPlane),
    firstRow: i32(firstRow),
    spareA: i32(0),
    spareB: i32(0),
  };
}

/** Members of the struct that a field is, if it is one. */
function membersOf(field: ParameterField): Parameters | undefined {
  return field.type === "blocked" ? blockedMembers(field.value) : field.type === "struct" ? field.value : undefined;
}

/** Hands on the leaves of parameters from a byte on; returns the byte behind them. It makes no list, since every frame packs some. */
function visitLeaves(parameters: Parameters, take: TakeLeaf, from = 0, prefix = ""): number {
  let end = from;
  for (const name in parameters) {
    const field = parameters[name], members = membersOf(field);
    if (members) {
      if (end % 16 !== 0) {
        throw new FeatherdetError(`the struct "${prefix}${name}" begins at byte ${end}, which is no multiple of 16`);
      }
      end = roundUp(visitLeaves(members, take, end, `${prefix}${name}.`), 16);
    } else {
      const { align, size } = EXTENT[field.type];
      const offset = roundUp(end, align);
      take(`${prefix}${name}`, field.type, offset, field.value as number | readonly number[]);
      end = offset + size;
    }
  }
  return end;
}

/**
 * The bytes of a `struct Params` whose members are the parameters in order, laid out by WGSL's uniform rules and padded to a
 * multiple of 16; little-endian.
 *
 * Throws FeatherdetError for an inner struct that would not begin at a multiple of 16, since WGSL pads no member to that: such
 * parameters stand first.
 */
export function packParameters(parameters: Parameters): ArrayBuffer {
  const bytes = new ArrayBuffer(Math.max(16, roundUp(visitLeaves(parameters, () => {}), 16)));
  const view = new DataView(bytes);
  visitLeaves(parameters, (_, type, offset, value) => {
    if (typeof value !== "number") value.forEach((one, i) => view.setInt32(offset + 4 * i, one, true));
    else if (type === "f32") view.setFloat32(offset, value, true);
    else if (type === "u32") view.setUint32(offset, value, true);
    else view.setInt32(offset, value, true);
  });
  return bytes;
}

/** Members of each struct of a linked shader, in order. */
function structsOf(code: string): ReadonlyMap<string, readonly (readonly [name: string, type: string])[]> {
  const plain = code.replaceAll(/\/\/.*$/gm, "");
  return new Map([...plain.matchAll(/\bstruct\s+(\w+)\s*\{([^}]*)\}/g)].map(([, name, body]) => {
    const members = [...body.matchAll(/(?:@[^:]*?\)\s*)?(\w+)\s*:\s*([\w<>, ]+?)\s*(?:,|$)/g)];
    return [name, members.map(([, member, type]) => [member, type] as const)];
  }));
}

/** What a shader's uniform struct at binding 0 is made of; undefined if the shader has none. */
export function uniformLeaves(code: string): readonly Leaf[] | undefined {
  const uniform = /@binding\(0\)\s+var<uniform>\s+\w+\s*:\s*(\w+)/.exec(code);
  if (uniform === null) return undefined;
  const structs = structsOf(code);
  const leaves: Leaf[] = [];
  const layOut = (name: string, from: number, prefix: string): { readonly align: number; readonly end: number } => {
    let end = from, widest = 1;
    for (const [member, type] of structs.get(name) ?? []) {
      if (structs.has(type)) {
        const inner = layOut(type, roundUp(end, 16), `${prefix}${member}.`);
        [end, widest] = [inner.end, Math.max(widest, inner.align)];
        continue;
      }
      const { align, size } = EXTENT[type] ?? { align: 4, size: 4 };
      const offset = roundUp(end, align);
      leaves.push({ name: `${prefix}${member}`, type, offset });
      [end, widest] = [offset + size, Math.max(widest, align)];
    }
    return { align: widest, end: roundUp(end, widest) };
  };
  layOut(uniform[1], 0, "");
  return leaves;
}

const described = (leaf: Leaf | undefined) => leaf ? `"${leaf.name}: ${leaf.type}" at byte ${leaf.offset}` : "nothing";

/**
 * Throws FeatherdetError if the struct of parameters of a linked shader (its `uniformLeaves`) is not what the kernel fills: another
 * name, order, type or place.
 */
export function checkParameters({ label, shader, parameters }: Kernel, uniform: readonly Leaf[] | undefined): void {
  const leaves: Leaf[] = [];
  visitLeaves(parameters, (name, type, offset) => leaves.push({ name, type, offset }));
  const expected = uniform ?? [];
  const count = Math.max(leaves.length, expected.length);
  for (let i = 0; i < count; i++) {
    const [ours, theirs] = [leaves[i], expected[i]];
    if (ours && theirs && ours.name === theirs.name && ours.type === theirs.type && ours.offset === theirs.offset) {
      continue;
    }
    throw new FeatherdetError(
      `parameter ${i + 1} of the kernel "${label}" is ${described(ours)}, its shader has ${described(theirs)}`,
      { file: `shaders/${shader}` },
    );
  }
}
