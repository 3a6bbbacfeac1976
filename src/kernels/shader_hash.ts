/**
 * Hashes of shaders, by which measurements are told from those of an earlier version. They guard against mistakes, not against
 * malice: 53 bits are plenty.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { ShaderLibrary } from "../gpu/linker.ts";
import { SHADERS } from "./shaders.ts";

/** A hash of a text, 14 hexadecimal digits (two rounds of 32 bits mixed by multiplication, after Bryc's cyrb53). */
export function textHash(text: string): string {
  let a = 0xdeadbeef, b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (4294967296 * (2097151 & b) + (a >>> 0)).toString(16).padStart(14, "0");
}

/** The files that a shader is linked from: itself and all that it includes, in any case of its conditions. */
function filesOf(library: ShaderLibrary, path: string, files = new Set<string>()): Set<string> {
  if (files.has(path)) return files;
  const source = library[path];
  if (source === undefined) throw new FeatherdetError(`there is no shader "${path}"`);
  files.add(path);
  for (const [, included] of source.matchAll(/^\s*#include\s+"([^"]+)"/gm)) filesOf(library, included, files);
  return files;
}

/** A hash of the files that a shader is linked from. Throws FeatherdetError if there is no such shader. */
export function hashShader(library: ShaderLibrary, path: string): string {
  return textHash([...filesOf(library, path)].map((file) => `${file}\n${library[file]}`).join("\n"));
}

const known = new Map<string, string>();

/** The hash of one of the program's own shaders, computed once. */
export function shaderHash(path: string): string {
  let hash = known.get(path);
  if (hash === undefined) known.set(path, hash = hashShader(SHADERS, path));
  return hash;
}
