/**
 * The DOM that plots are made in, and how it is written down.
 *
 * @module
 */

import { DOMParser } from "npm:linkedom@0.18.12";
import { printable } from "../../graph/error.ts";
import { INK, PAPER } from "./theme.ts";

const NAMESPACE = "http://www.w3.org/2000/svg";

/** The document that all plots are made in; nothing is ever added to it. An XML one, since HTML is escaped otherwise. */
export const document = new DOMParser().parseFromString("<svg/>", "image/svg+xml") as unknown as Document;

/** Makes an element with attributes and what is in it. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number | undefined>> = {},
  ...content: readonly (Node | string)[]
): SVGElement {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(key, String(value));
  for (const one of content) made.append(one);
  return made;
}

/** Attributes that are written with two decimals: beyond those nothing is seen, and machines may differ. */
const NUMERIC = [
  ...["transform", "d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "dx", "dy", "points"],
];

function tidy(root: Element): void {
  for (const one of [root, ...root.querySelectorAll("*")]) {
    for (const name of NUMERIC) {
      const value = one.getAttribute(name);
      const rounded = value?.replaceAll(
        /-?\d+\.\d{3,}(e-\d+)?/g,
        (number) => String(Number(Number(number).toFixed(2))),
      );
      if (rounded !== undefined && rounded !== value) one.setAttribute(name, rounded);
    }
    // Neither is known outside a browser, to programs that draw pictures of SVG.
    for (const name of ["fill", "stroke"]) {
      const value = one.getAttribute(name);
      if (value === "currentColor") one.setAttribute(name, INK);
      else if (value?.startsWith("var(--plot-background")) one.setAttribute(name, PAPER);
    }
  }
  for (const style of root.querySelectorAll("style")) style.remove();
}

/** The element as the text of an SVG file, a line for each mark, so that changes can be seen in a comparison of two files. */
export function serialize(root: SVGElement): string {
  tidy(root);
  // Control characters, which names of classes may hold, are not allowed in XML.
  return `${printable(root.outerHTML, { lines: true }).replaceAll(/>(?=<(?!\/|tspan|title))/g, ">\n")}\n`;
}
