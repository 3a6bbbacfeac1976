/**
 * What brings pictures into a network: letterboxes in front of it or, where that is less work, its first convolution itself.
 *
 * @module
 */

import { FeatherdetError } from "../graph/mod.ts";
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

/** A picture of the input's own size. */
function wholeView([, , height, width]: readonly number[]): PictureView {
  return { size: { width, height }, geometry: { scale: 1, left: 0, top: 0, width, height } };
}

/** Whether a kernel that alone reads a network's input can read the picture instead. */
export function readsPicture(kernel: Kernel, input: string): boolean {
  return convOfPicture(kernel, { ...wholeView([1, 3, 1, 1]), picture: "", input }) !== undefined;
}

/** The front of frames that `planFrameNetwork` has planned, for pictures in the texture of that name. */
export function frameFront(plan: Plan, picture: string): FrameFront {
  const [input] = plan.graph.inputs;
  const { name, shape } = input, whole = wholeView(shape);
  const { layout, extent } = plan.placements.get(name)!;
  if (extent === 0) {
    const [first] = plan.dispatches;
    const read = (view: PictureView) => convOfPicture(first.kernel, { ...view, picture, input: name });
    const fused = read(whole);
    if (fused === undefined) {
      throw new FeatherdetError(`the plan has no memory for "${name}", which "${first.name}" reads`);
    }
    return {
      dispatches: [{ ...first, operator: `${LETTERBOX}+${first.operator}`, kernel: fused }],
      network: plan.dispatches.slice(1),
      kernelOf: (_, view) => read(view)!,
    };
  }
  const output = { value: name, shape, layout };
  const kernelOf = (image: number, view: PictureView) =>
    letterbox({ ...view, picture, output, image, pitch: plan.pitch });
  const kernels = Array.from({ length: shape[0] }, (_, image) => kernelOf(image, whole));
  const dispatches = kernels.map((kernel) => ({ name: kernel.label, operator: LETTERBOX, kernel, macs: 0 }));
  return { dispatches, network: plan.dispatches, kernelOf };
}
