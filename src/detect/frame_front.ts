/**
 * What brings pictures into a network: letterboxes in front of it or, where that is less work, its first convolution itself.
 *
 * @module
 */

import { valuesOf } from "../kernels/kernel.ts";
import type { Kernel } from "../kernels/kernel.ts";
import { convOfPicture, letterbox, type PictureView } from "../kernels/detect/mod.ts";
import type { Dispatch, Plan } from "../plan/plan.ts";

/** The front of a frame, and what follows it. */
export interface FrameFront {
  /** One for each image; their parameters are set for each picture. */
  readonly dispatches: readonly Dispatch[];
  /** Those of the plan behind. */
  readonly network: readonly Dispatch[];
  /** The kernel of an image for what it looks at. */
  kernelOf(image: number, view: PictureView): Kernel;
}

/** Operator of what does nothing but scale pictures. */
export const LETTERBOX = "Letterbox";

/** The one dispatch that reads the network's input, if it is the first. */
function soleReader({ dispatches, graph }: Plan): Dispatch | undefined {
  const [{ name }] = graph.inputs;
  const readers = dispatches.filter(({ kernel }) =>
    kernel.bindings.some((binding) => valuesOf(binding).includes(name))
  );
  return readers.length === 1 && readers[0] === dispatches[0] && !graph.outputs.includes(name) ? readers[0] : undefined;
}

/** The front of a plan's frames, for pictures in the texture of that name. */
export function frameFront(plan: Plan, picture: string): FrameFront {
  const [input] = plan.graph.inputs;
  const { name, shape } = input, [batch, , height, width] = shape;
  const whole: PictureView = { size: { width, height }, geometry: { scale: 1, left: 0, top: 0, width, height } };
  const first = soleReader(plan);
  const read = (view: PictureView) => first && convOfPicture(first.kernel, { ...view, picture, input: name });
  const fused = read(whole);
  if (first && fused) {
    return {
      dispatches: [{ ...first, operator: `${LETTERBOX}+${first.operator}`, kernel: fused }],
      network: plan.dispatches.slice(1),
      kernelOf: (_, view) => read(view)!,
    };
  }
  const output = { value: name, shape, layout: plan.placements.get(name)!.layout };
  const kernelOf = (image: number, view: PictureView) =>
    letterbox({ ...view, picture, output, image, pitch: plan.pitch });
  const kernels = Array.from({ length: batch }, (_, image) => kernelOf(image, whole));
  const dispatches = kernels.map((kernel) => ({ name: kernel.label, operator: LETTERBOX, kernel, macs: 0 }));
  return { dispatches, network: plan.dispatches, kernelOf };
}
