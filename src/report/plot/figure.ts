/**
 * The frame of every plot: title, legend, panels of Observable Plot below each other, in one SVG that needs nothing else.
 *
 * @module
 */

import { plot, type PlotOptions } from "npm:@observablehq/plot@0.6.17";
import { textWidth, wrapText } from "./measure.ts";
import { document, element, serialize } from "./svg.ts";
import { FAINT, FONTS, INK, PAPER, SIZES } from "./theme.ts";

/** How a legend shows one thing. */
export interface LegendItem {
  /** What it is. */
  readonly label: string;
  /** SVG colour. */
  readonly colour: string;
  /** A filled, hollow or dashed dot, a full or dashed line, stairs, or a box. */
  readonly shape: "dot" | "hollow" | "dashed" | "line" | "dashes" | "stairs" | "box";
}

/** What a figure consists of. */
export interface FigureOptions {
  /** What is shown, in bold. */
  readonly title: string;
  /** Where it comes from: adapter, model, size. */
  readonly subtitle?: string;
  /** Pixels. */
  readonly width: number;
  /** What colours and shapes mean. */
  readonly legend?: readonly LegendItem[];
  /** From top to bottom; a list is a row of equally wide ones. Each needs its `height`. */
  readonly panels: readonly (PlotOptions | readonly PlotOptions[])[];
}

const PADDING = 16;

/** Pixels of a sign of the legend, and between it and its text. */
const SIGN = 18, GAP = 6;

function textBlock(lines: readonly string[], top: number, size: number, attributes: Record<string, string>) {
  const height = Math.round(size * 1.35);
  const elements = lines.map((line, i) =>
    element("text", { x: PADDING, y: top + i * height + size, "font-size": size, ...attributes }, line)
  );
  return { elements, bottom: top + lines.length * height };
}

function sign({ shape, colour }: LegendItem): SVGElement {
  const middle = SIGN / 2;
  const line = { stroke: colour, "stroke-width": 2, fill: "none" };
  switch (shape) {
    case "box":
      return element("rect", { x: 3, y: middle - 6, width: 12, height: 12, fill: colour });
    case "line":
    case "dashes":
      return element("path", {
        d: `M0,${middle}H${SIGN}`,
        ...line,
        "stroke-dasharray": shape === "dashes" ? "4,3" : undefined,
      });
    case "stairs":
      return element("path", { d: `M0,${middle + 4}H${middle}V${middle - 4}H${SIGN}`, ...line, "stroke-width": 1.5 });
    default:
      return element("circle", {
        cx: middle,
        cy: middle,
        r: 4.5,
        fill: shape === "dot" ? colour : PAPER,
        stroke: shape === "dot" ? PAPER : colour,
        "stroke-width": shape === "dot" ? 1 : 2,
        "stroke-dasharray": shape === "dashed" ? "2,2" : undefined,
      });
  }
}

/** Items in rows as long as the figure is wide. */
function legendBlock(items: readonly LegendItem[], top: number, width: number) {
  let left = PADDING, row = top;
  const elements = items.map((item) => {
    const length = SIGN + GAP + textWidth(item.label, SIZES.text);
    if (left > PADDING && left + length > width - PADDING) [left, row] = [PADDING, row + SIGN + 2];
    const label = element("text", { x: SIGN + GAP, y: SIGN / 2, dy: "0.35em", fill: INK }, item.label);
    const group = element("g", { transform: `translate(${left},${row})` }, sign(item), label);
    left += length + 18;
    return group;
  });
  return { elements, bottom: items.length === 0 ? top : row + SIGN + 4 };
}

function panelElement(options: PlotOptions, left: number, top: number, width: number): SVGElement {
  const style = { fontFamily: FONTS, fontSize: `${SIZES.label}px`, fontVariant: "tabular-nums" };
  const made = plot({ ...options, width, document, style });
  if (made.tagName.toLowerCase() !== "svg") throw new Error("a panel has its title and legend in the figure around it");
  const panel = made as unknown as SVGElement;
  panel.removeAttribute("class");
  panel.removeAttribute("style");
  const place = { ...(left > 0 && { x: left }), y: top };
  const attributes = { ...place, color: INK, "font-family": FONTS, "font-size": SIZES.label };
  for (const [name, value] of Object.entries(attributes)) panel.setAttribute(name, String(value));
  return panel;
}

/** Draws a figure as SVG. Equal options give equal text. */
export function figure({ title, subtitle = "", width, legend = [], panels }: FigureOptions): string {
  const inner = width - 2 * PADDING;
  const heading = textBlock(wrapText(title, inner, SIZES.title, true), PADDING, SIZES.title, {
    "font-weight": "bold",
    fill: INK,
  });
  const below = textBlock(wrapText(subtitle, inner, SIZES.text), heading.bottom + 2, SIZES.text, { fill: FAINT });
  const signs = legendBlock(legend, below.bottom + 8, width);
  let bottom = signs.bottom;
  const drawn = panels.flatMap((one) => {
    const row = [one].flat() as PlotOptions[], each = width / row.length;
    const elements = row.map((options, i) => panelElement(options, i * each, bottom, each));
    bottom += Math.max(...row.map(({ height }) => height!));
    return elements;
  });
  const height = bottom + PADDING / 2;
  return serialize(element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "img",
      "aria-label": [title, subtitle].filter((text) => text !== "").join(". "),
      "font-family": FONTS,
      "font-size": SIZES.text,
      "font-variant-numeric": "tabular-nums",
    },
    element("rect", { width, height, fill: PAPER }),
    ...heading.elements,
    ...below.elements,
    ...signs.elements.length === 0 ? [] : [element("g", { "aria-label": "legend" }, ...signs.elements)],
    ...drawn,
  ));
}
