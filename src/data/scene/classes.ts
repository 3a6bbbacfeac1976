/**
 * The ten kinds of objects. Colour says nothing about them. Groups of them have one outline and differ in their pattern, others
 * have any pattern and differ in a detail of the outline; and the clutter has the same patterns on other outlines and the same
 * outlines without a pattern, so that neither alone decides.
 *
 * @module
 */

import type { OutlineName } from "./shapes.ts";
import type { TextureName } from "./textures.ts";

/** One kind of object. */
export interface SceneClass {
  readonly label: string;
  readonly outline: OutlineName;
  /** Its pattern, or those that it may have where the pattern does not matter. */
  readonly textures: readonly TextureName[];
}

const ANY: readonly TextureName[] = ["plain", "mottled", "stripes", "spots"];

/** The kinds of objects, in the order of their class numbers. */
export const SCENE_CLASSES: readonly SceneClass[] = [
  { label: "striped disc", outline: "disc", textures: ["stripes"] },
  { label: "ringed disc", outline: "disc", textures: ["rings"] },
  { label: "spotted disc", outline: "disc", textures: ["spots"] },
  { label: "striped square", outline: "square", textures: ["stripes"] },
  { label: "checked square", outline: "square", textures: ["checks"] },
  { label: "spotted square", outline: "square", textures: ["spots"] },
  { label: "five-pointed star", outline: "star5", textures: ANY },
  { label: "six-pointed star", outline: "star6", textures: ANY },
  { label: "gear", outline: "gear", textures: ANY },
  { label: "ring", outline: "ring", textures: ANY },
];

/** What lies about without being of any class. */
export const CLUTTER: readonly Omit<SceneClass, "label">[] = [
  { outline: "disc", textures: ["plain", "mottled"] },
  { outline: "square", textures: ["plain", "mottled"] },
  { outline: "triangle", textures: ["plain", "mottled", "stripes", "spots", "checks"] },
  { outline: "triangle", textures: ["plain", "mottled", "stripes", "spots", "rings"] },
  { outline: "bar", textures: ["plain", "mottled", "stripes"] },
];
