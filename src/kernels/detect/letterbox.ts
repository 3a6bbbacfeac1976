/**
 * The kernel that scales a picture into a network's input. Shader: `shaders/detect/letterbox.wgsl`.
 *
 * @module
 */

import type { LetterboxGeometry } from "../../image/letterbox_geometry.ts";
import { FeatherdetError } from "../../graph/error.ts";
import type { Operand } from "../context.ts";
import { blocked, i32, type Kernel, vec2i } from "../kernel.ts";

const WORKGROUP = 64;
const ROWS = 4;

/**
 * Writes one image of a blocked `[N, 3, H, W]` input from the picture bound as `picture`, an `rgba8unorm` texture of at least the
 * picture's size with the picture in its corner (see `rgbaOf`), or at `origin`: a part of what is there. What differs from frame to frame is in the parameters only.
 *
 * Throws FeatherdetError if the output is no such input.
 */
export function letterbox(
  { picture, size, origin = [0, 0], geometry, output, image, pitch }: {
    /** Name of the texture. */
    readonly picture: string;
    /** The picture's own size in pixels. */
    readonly size: { readonly width: number; readonly height: number };
    /** Left and top of the picture in the texture; its corner by default. */
    readonly origin?: readonly [left: number, top: number];
    readonly geometry: LetterboxGeometry;
    readonly output: Operand;
    /** Image of the output's batch that is written. */
    readonly image: number;
    /** Cells in a row of the arena. */
    readonly pitch: number;
  },
): Kernel {
  const { layout, shape, value } = output;
  if (layout.kind !== "blocked" || layout.channels !== 3 || !(image >= 0 && image < layout.batch)) {
    throw new FeatherdetError(
      `image ${image} of "${value}", ${layout.kind} [${shape}], cannot take a picture of 3 channels`,
    );
  }
  return {
    label: `letterbox ${layout.height}x${layout.width}`,
    shader: "detect/letterbox.wgsl",
    constants: { WORKGROUP, ROWS },
    parameters: {
      output: blocked(layout),
      origin: vec2i(...origin),
      picture: vec2i(size.width, size.height),
      scaled: vec2i(geometry.width, geometry.height),
      corner: vec2i(geometry.left, geometry.top),
      image: i32(image),
      pitch: i32(pitch),
    },
    bindings: [{ kind: "read", value: picture }, { kind: "write", value }],
    workgroups: [Math.ceil(layout.width / WORKGROUP), Math.ceil(layout.height / ROWS), 1],
  };
}
