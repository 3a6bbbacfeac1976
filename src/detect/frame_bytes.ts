/**
 * The bytes that the frames of a plan take on a device, without the picture.
 *
 * @module
 */

import { programBytes, type WeightMemo } from "../engine/program_bytes.ts";
import { rangeCheckBytes } from "../engine/range_check.ts";
import { bufferBytes } from "../gpu/memory.ts";
import { readbackBytes } from "../gpu/readback.ts";
import { detectBuffers, RESULT_STRIDE } from "../kernels/detect/mod.ts";
import type { Plan } from "../plan/plan.ts";
import { frameDispatches, spaceOf } from "./frame_program.ts";
import type { FrameSettings } from "./frames.ts";
import { TIMES_BYTES } from "./frame_timer.ts";
import type { Head } from "./heads/form.ts";
import { PIXEL_BYTES } from "./picture_texture.ts";

/** Frames on their way at most where memory is limited. */
export const LIMITED_FRAMES = 3;

/** Bytes of a frame program with so many frames on their way; of a plan in f16 with the check of its first frame. */
export function frameBytes(plan: Plan, head: Head, settings: FrameSettings, memo?: WeightMemo): number {
  const space = spaceOf(plan, head, settings);
  const dispatches = frameDispatches({ plan, head, settings });
  const source = { ...plan, dispatches };
  const buffers = detectBuffers(space).reduce((sum, { bytes }) => sum + bufferBytes(bytes), 0);
  // The picture's texture has one pixel before the first picture.
  return programBytes(source, memo).total + rangeCheckBytes(source) + buffers + PIXEL_BYTES +
    readbackBytes(4 * space.batch * RESULT_STRIDE + TIMES_BYTES, LIMITED_FRAMES);
}
