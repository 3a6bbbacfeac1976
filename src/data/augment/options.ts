/**
 * Options of the augmentation of pictures, and their usual values.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";

/** Ranges and probabilities of the augmentations. `DEFAULT_AUGMENTATION` has the values of those that are not given. */
export interface AugmentOptions {
  /** Probability that four pictures are put together (Bochkovskiy et al. 2020). */
  readonly mosaic?: number;
  /** Size is multiplied by 1 - this to 1 + this. */
  readonly scale?: number;
  /** The middle is moved by up to this part of the input's width and height. */
  readonly translate?: number;
  /** Greatest turn in degrees, either way. */
  readonly rotate?: number;
  /** Greatest shear in degrees, either way, along each axis. */
  readonly shear?: number;
  /** Probability that left and right are exchanged. */
  readonly flipHorizontal?: number;
  /** Probability that top and bottom are exchanged, for pictures that have no top, such as those of microscopes. */
  readonly flipVertical?: number;
  /** Hue is turned by up to this part of the circle either way. */
  readonly hue?: number;
  /** Saturation is multiplied by 1 - this to 1 + this. */
  readonly saturation?: number;
  /** Value, the largest of red, green and blue, is multiplied by 1 - this to 1 + this. */
  readonly value?: number;
}

/** What YOLO detectors are usually trained with (the published settings of YOLOv5 to YOLO11). */
export const DEFAULT_AUGMENTATION: Required<AugmentOptions> = {
  mosaic: 1,
  scale: 0.5,
  translate: 0.1,
  rotate: 0,
  shear: 0,
  flipHorizontal: 0.5,
  flipVertical: 0,
  hue: 0.015,
  saturation: 0.7,
  value: 0.4,
};

/** Pictures as they are, in the letterbox in which the detector will see them. */
export const NO_AUGMENTATION: Required<AugmentOptions> = {
  mosaic: 0,
  scale: 0,
  translate: 0,
  rotate: 0,
  shear: 0,
  flipHorizontal: 0,
  flipVertical: 0,
  hue: 0,
  saturation: 0,
  value: 0,
};

/** Largest value of each; a scale of 1 would leave nothing of a picture. */
const LARGEST: Required<AugmentOptions> = {
  mosaic: 1,
  scale: 0.95,
  translate: 1,
  rotate: 180,
  shear: 60,
  flipHorizontal: 1,
  flipVertical: 1,
  hue: 0.5,
  saturation: 1,
  value: 1,
};

/**
 * Fills in the usual value of each option that is not given; `false` means no augmentation. Throws FeatherdetError for one out of its
 * range.
 */
export function augmentation(options: AugmentOptions | false = {}): Required<AugmentOptions> {
  if (options === false) return NO_AUGMENTATION;
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    const largest = LARGEST[name as keyof AugmentOptions];
    if (largest === undefined) {
      throw new FeatherdetError(`there is no augmentation "${name}", there are ${Object.keys(LARGEST).join(", ")}`);
    }
    if (!(value >= 0 && value <= largest)) {
      throw new FeatherdetError(`augmentation "${name}" is ${value}, expected 0 to ${largest}`);
    }
  }
  return { ...DEFAULT_AUGMENTATION, ...Object.fromEntries(given) };
}
