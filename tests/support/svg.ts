/**
 * Looking into drawn plots: a DOM of an SVG file's text, and where its marks are.
 *
 * @module
 */

import { DOMParser } from "npm:linkedom@0.18.12";
import { SaxesParser } from "npm:saxes@6.0.0";
import { assert, assertEquals } from "./assert.ts";

/** Parses SVG after checking what every plot has to be: sound XML, of one size, drawn from numbers, the same wherever it is read. */
export function readSvg(svg: string): Element {
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.write(svg).close();
  assertEquals(svg.match(/NaN|undefined|Infinity|currentColor|var\(|\bid=|<style|⚠/g), null);
  const root = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement as unknown as Element;
  const [width, height] = ["width", "height"].map((name) => Number(root.getAttribute(name)));
  assertEquals(root.getAttribute("viewBox"), `0 0 ${width} ${height}`);
  const paper = root.firstElementChild!;
  assertEquals(["width", "height", "fill"].map((name) => paper.getAttribute(name)), [
    `${width}`,
    `${height}`,
    "#ffffff",
  ]);
  assertEquals(root.getAttribute("role"), "img");
  assert(root.getAttribute("aria-label")!.length > 0);
  return root;
}

/** Numbers of an element's attributes. */
export function numbers(element: Element, ...names: readonly string[]): number[] {
  return names.map((name) => Number(element.getAttribute(name)));
}

/** All texts, in the order of the file. */
export function textsOf(root: Element): string[] {
  return [...root.querySelectorAll("text")].map((text) => text.textContent!);
}

/** The group of marks with this label. */
export function marks(root: Element, label: string): Element[] {
  return [...root.querySelectorAll("g")].filter((group) => group.getAttribute("aria-label") === label);
}

/** What a mark says when it is pointed at. */
export function said(element: Element): string {
  return element.querySelector("title")?.textContent ?? "";
}

/** Corners of a path of straight lines. */
export function corners(path: Element): [number, number][] {
  const points: [number, number][] = [];
  for (const [, command, rest] of path.getAttribute("d")!.matchAll(/([MLHV])([^MLHVZ]*)/g)) {
    const values = rest.split(/[ ,]+/).filter((value) => value !== "").map(Number);
    const [x, y] = points.at(-1) ?? [0, 0];
    points.push(command === "H" ? [values[0], y] : command === "V" ? [x, values[0]] : [values[0], values[1]]);
  }
  return points;
}
