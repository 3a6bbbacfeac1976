/**
 * The text of a kernel's shader: its file, specialised by its constants, by how activations are stored, and by which of its tensors
 * have int8 cells.
 *
 * @module
 */

import { linkShader } from "../gpu/linker.ts";
import type { Kernel, StorageForm } from "./kernel.ts";
import { SHADERS } from "./shaders.ts";

/** Numbers of the bindings whose tensors have int8 cells. */
export function int8Bindings(kernel: Kernel, isInt8: (value: string) => boolean): number[] {
  return kernel.bindings.flatMap((binding, i) => "value" in binding && isInt8(binding.value) ? [i + 1] : []);
}

/** Links the shader of a kernel. Equal kernels in equal form give equal text. */
export function linkKernel(kernel: Kernel, form: StorageForm, isInt8: (value: string) => boolean): string {
  const int8 = int8Bindings(kernel, isInt8).map((binding) => [`INT8_${binding}`, 1] as const);
  return linkShader(SHADERS, kernel.shader, {
    ...kernel.constants,
    ...Object.fromEntries(int8),
    STORAGE: form.storage,
    SCALAR: form.scalar,
    PAGE_SHIFT: form.pageShift,
  });
}
