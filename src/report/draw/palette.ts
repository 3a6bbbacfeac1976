/**
 * Colours of classes: far apart for neighbouring class numbers, the same in every picture.
 *
 * @module
 */

/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

/** Part of the colour circle between one class and the next: the golden ratio never comes back to where it was. */
const STEP = 0.618033988749895;

function fromHsl(hue: number, saturation: number, lightness: number): Rgb {
  const chroma = saturation * Math.min(lightness, 1 - lightness);
  const channel = (offset: number) => {
    const sector = (offset + hue * 12) % 12;
    return Math.round(255 * (lightness - chroma * Math.max(-1, Math.min(sector - 3, 9 - sector, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** The colour of a class. */
export function classColour(classId: number): Rgb {
  // Every second turn is darker, so that hues that do come close still differ.
  return fromHsl((0.85 + classId * STEP) % 1, 0.85, classId % 4 < 2 ? 0.56 : 0.44);
}

/** Relative luminance of a colour, 0 to 1, as WCAG defines it. */
export function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Black or white, whichever reads better on the given colour. */
export function textColour(background: Rgb): Rgb {
  return luminance(background) > 0.3 ? [0, 0, 0] : [255, 255, 255];
}
