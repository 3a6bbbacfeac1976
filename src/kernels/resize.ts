/**
 * Resize over row memory by a table of source coordinates. Shader: `shaders/tensor/resize.wgsl`.
 *
 * @module
 */

import type { Node } from "../graph/operators.ts";
import type { KernelContext, OperatorKernels } from "./context.ts";
import { blocked, blocksOf, i32, type Kernel } from "./kernel.ts";
import { sameCells } from "./int8/cells.ts";
import { linearGroups } from "./linear.ts";
import { blockedOf, onImages, read, refuseEpilogue, write } from "./operand.ts";

type Attributes = Node<"Resize">["attributes"];

/** Input coordinate of an output index along one axis, by ONNX's rules. */
function sourceCoordinate(
  { coordinates, size, scales }: Attributes,
  axis: 0 | 1,
  index: number,
  extent: number,
): number {
  const last = size[axis] - 1;
  if (coordinates === "asymmetric") return index / scales[axis];
  if (coordinates === "align_corners") return last === 0 ? 0 : index * (extent - 1) / last;
  if (coordinates === "pytorch_half_pixel" && last === 0) return 0;
  return (index + 0.5) / scales[axis] - 0.5;
}

const ROUND: { readonly [K in Attributes["nearest"]]: (x: number) => number } = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
};

/** For each output index along an axis: the lower input index and the share of the one after it. */
export function axisTable(attributes: Attributes, axis: 0 | 1, extent: number): number[] {
  return Array.from({ length: attributes.size[axis] }, (_, index) => {
    const exact = sourceCoordinate(attributes, axis, index, extent);
    const x = attributes.mode === "nearest" ? ROUND[attributes.nearest](exact) : exact;
    const inside = Math.min(Math.max(x, 0), extent - 1);
    return [Math.floor(inside), inside - Math.floor(inside)];
  }).flat();
}

/** Planes that one thread takes; as in the shader. */
const PLANES = 4;
/** Pixels of a strip: whole strips matter less than table entries that serve several planes. */
const STRIP = 4;

function resizeKernel(context: KernelContext<"Resize">): Kernel {
  refuseEpilogue(context);
  const { node: { attributes }, pitch, inputs: [x], outputs: [y] } = context;
  const input = blockedOf(x), output = blockedOf(y);
  const table = Float32Array.from([
    ...axisTable(attributes, 1, input.width),
    ...axisTable(attributes, 0, input.height),
  ]);
  const bundles = Math.ceil(blocksOf(output) * output.batch / PLANES);
  return {
    label: `resize ${attributes.mode}`,
    shader: "tensor/resize.wgsl",
    constants: {
      LINEAR: attributes.mode === "linear" ? 1 : 0,
      BYTES: attributes.mode === "nearest" && sameCells(input, output) ? 1 : 0,
      STRIP,
      PLANES,
    },
    parameters: { input: blocked(input), output: blocked(output), pitch: i32(pitch) },
    bindings: [read(x), write(y), { kind: "constant", data: table }],
    workgroups: linearGroups(Math.ceil(output.width / STRIP) * output.height * bundles),
  };
}

/** Kernels of Resize; in row memory only. */
export const resize: OperatorKernels<"Resize"> = {
  blocked: { applies: onImages, kernels: (context) => [resizeKernel(context)] },
};
