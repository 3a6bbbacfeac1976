/**
 * One kernel of an operator that is computed in several.
 *
 * @module
 */

import type { Kernel, KernelBinding, Parameters } from "../kernel.ts";

/** Makes the kernels of one operator by the ends of their names: of labels as words, of shaders as files. */
export function kernelSteps(label: string, shader: string) {
  return (
    name: string,
    parameters: Parameters,
    bindings: readonly KernelBinding[],
    { constants = {}, workgroups = [1, 1, 1] }: Partial<Pick<Kernel, "constants" | "workgroups">>,
  ): Kernel => ({
    label: `${label}${name.replaceAll("_", " ")}`,
    shader: `${shader}${name}.wgsl`,
    constants,
    parameters,
    bindings,
    workgroups,
  });
}
