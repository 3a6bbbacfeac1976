/**
 * Pictures as kernels read them: through their letterbox. A kernel of its own writes a letterboxed picture into a network's input, or the
 * first convolution reads it in the place of that input. Shaders: `shaders/lib/picture.wgsl`, `shaders/detect/letterbox.wgsl`,
 * `shaders/conv/direct.wgsl`.
 *
 * @module
 */

import type { LetterboxGeometry } from "../../image/letterbox_geometry.ts";
import { FeatherdetError } from "../../graph/error.ts";
import type { Operand } from "../context.ts";
import { blocked, i32, type Kernel, type Parameters, vec2i } from "../kernel.ts";

const WORKGROUP = 64;
const ROWS = 4;

/** What of a texture is looked at, and how it is scaled. */
export interface PictureView {
  /** The picture's own size in pixels. */
  readonly size: { readonly width: number; readonly height: number };
  /** Left and top of the picture in the texture; its corner by default. */
  readonly origin?: readonly [left: number, top: number];
  /** Where it lies in the letterboxed one. */
  readonly geometry: LetterboxGeometry;
}

/** The members of `shaders/lib/picture_params.wgsl`. */
function viewParameters({ size, origin = [0, 0], geometry }: PictureView): Parameters {
  return {
    origin: vec2i(...origin),
    picture: vec2i(size.width, size.height),
    scaled: vec2i(geometry.width, geometry.height),
    corner: vec2i(geometry.left, geometry.top),
  };
}

/**
 * Writes one image of a blocked `[N, 3, H, W]` input from the picture bound as `picture`, an `rgba8unorm` texture that holds what the view
 * says (see `rgbaOf`). What differs from frame to frame is in the parameters only.
 *
 * Throws FeatherdetError if the output is no such input.
 */
export function letterbox(
  { picture, output, image, pitch, ...view }: PictureView & {
    /** Name of the texture. */
    readonly picture: string;
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
      ...viewParameters(view),
      image: i32(image),
      pitch: i32(pitch),
    },
    bindings: [{ kind: "read", value: picture }, { kind: "write", value }],
    workgroups: [Math.ceil(layout.width / WORKGROUP), Math.ceil(layout.height / ROWS), 1],
  };
}

/**
 * Times that a pixel of the letterboxed picture may be computed where convolutions read it: at 2.75 times the two dispatches together took
 * 0.8 of their time on llvmpipe, at 5.5 times more than before.
 */
const MOST_SAMPLES = 3;

/** How often a convolution computes each pixel of a picture that it reads through its letterbox: its tiles overlap, and each group of outputs has its own. */
export function samplesOf({ constants, workgroups, parameters }: Kernel): number {
  const [K, S, x, y] = ["K", "S", "TILE_X", "TILE_Y"].map((name) => Number(constants[name]));
  const { layers } = parameters;
  const groups = layers.type === "i32" ? layers.value : workgroups[1];
  return ((x - 1) * S + K) * ((y - 1) * S + K) * groups / (x * y * S * S);
}

/**
 * A convolution that reads the picture bound as `picture` through its letterbox, in the place of a kernel that reads the letterboxed picture
 * `input`: it gives the same numbers, and nobody stores what lies between. Undefined where the kernel cannot, or where tiles are so small
 * that pixels would be scaled too often.
 */
export function convOfPicture(
  kernel: Kernel,
  { picture, input, samples = MOST_SAMPLES, ...view }: PictureView & {
    /** Name of the texture. */
    readonly picture: string;
    /** Name of the letterboxed picture. */
    readonly input: string;
    /** How often a pixel may be computed at most (see `samplesOf`); what is worth it on llvmpipe by default. */
    readonly samples?: number;
  },
): Kernel | undefined {
  const { shader, constants, bindings: [read, ...bindings], parameters } = kernel;
  const { input: tensor } = parameters;
  const reads = shader === "conv/direct.wgsl" && read.kind === "read" && read.value === input &&
    constants.JOINED_STEPS === undefined && tensor.type === "blocked" && tensor.value.channels === 3;
  // Channels of a picture have no gate, and their weights are in floats.
  if (!reads || tensor.value.batch > 1 || constants.K === 1 || constants.GATED !== 0 || constants.SPARSE === 1) {
    return undefined;
  }
  if (samplesOf(kernel) > samples) return undefined;
  return {
    ...kernel,
    label: `${kernel.label} of a picture`,
    constants: { ...constants, PICTURE: 1 },
    parameters: { ...parameters, ...viewParameters(view) },
    bindings: [{ kind: "read", value: picture }, ...bindings],
  };
}
