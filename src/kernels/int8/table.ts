/**
 * Functions of single bytes by a table of all 256, over row memory. Shader: `shaders/int8/table.wgsl`.
 *
 * @module
 */

import type { Operand } from "../context.ts";
import { blocked, i32, type Kernel, type PackedInt8Weights } from "../kernel.ts";
import { linearGroups, stripsOf } from "../linear.ts";
import { blockedOf, read, write } from "../operand.ts";

/** Bytes there are. */
export const BYTES = 256;

/** Packs a table as the shader's header says; `entries` are the bytes that -128 ... 127 become, as they are stored. */
function packTable(entries: Int8Array): PackedInt8Weights {
  const pack = () => {
    const words = new Uint32Array(4 * BYTES);
    entries.forEach((entry, column) => {
      for (let byte = 0; byte < 4; byte++) words[4 * column + byte] = (entry & 255) << (8 * byte);
    });
    return words;
  };
  return { columns: BYTES, rows: 1, layers: 1, pack };
}

/** The dispatch that makes `y` of `x` by a table of 256 entries: what the stored bytes -128 ... 127 become. */
export function tableKernel(x: Operand, y: Operand, entries: Int8Array, pitch: number): Kernel {
  const output = blockedOf(y);
  const weights = packTable(entries);
  return {
    label: "table",
    shader: "int8/table.wgsl",
    constants: {},
    parameters: {
      input: blocked(blockedOf(x)),
      output: blocked(output),
      pitch: i32(pitch),
      weightColumns: i32(weights.columns),
      weightRows: i32(weights.rows),
    },
    bindings: [read(x), write(y), { kind: "int8 weights", weights }],
    workgroups: linearGroups(stripsOf(output)),
  };
}
