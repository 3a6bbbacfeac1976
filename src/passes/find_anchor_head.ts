/**
 * Finds the detection head of a YOLOv5 (release 6 or 7) by what its tail computes: from a map of each level, for every anchor at every
 * cell, x, y, width, height, objectness and a score for each class. With s a logit's sigmoid:
 *
 *     centre = (2 * s - 0.5 + cell) * stride,   side = (2 * s)^2 * anchor,   scores = s
 *
 * Names and spelling do not matter. Anchors are read from what the tail's constants make of logits of 0.
 *
 * @module
 */

import { ANCHOR_FIELDS } from "../graph/anchor_loss.ts";
import type { GraphIndex } from "../graph/graph_index.ts";
import type { Node } from "../graph/operators.ts";
import { UNARY } from "../graph/unary.ts";
import { pictureShape } from "./find_detection_head.ts";
import { ElementTracer, type TracedElement } from "./trace_element.ts";

/** One level of the pyramid. */
export interface AnchorHeadLevel {
  /** Value `[N, anchors * (5 + classes), h, w]`: logits of x, y, width, height, objectness and classes, anchor by anchor. */
  readonly map: string;
  /** Input pixels from one cell to the next. */
  readonly stride: number;
  /** Width and height of each anchor in input pixels. */
  readonly anchors: readonly (readonly [width: number, height: number])[];
}

/** A head with anchors and objectness, and the nodes of its tail. */
export interface AnchorHead {
  /** Boxes are anchors, moved and scaled. */
  readonly kind: "anchors";
  /** Values that the tail decodes, level by level. */
  readonly maps: readonly string[];
  /** Finest level first. */
  readonly levels: readonly AnchorHeadLevel[];
  readonly classes: number;
  /** The output that the tail makes: `[N, rows, 5 + classes]`, or the last two axes exchanged. */
  readonly output: string;
  /** All nodes of the tail, in order. */
  readonly tail: readonly Node[];
}

/** Most nodes of a tail: more is something else. */
const MOST_NODES = 200;

/** Logits at which the tail is tried, and how far it may be off. */
const PROBES = [-2.5, 0, 0.75, 3], TOLERANCE = 1e-3;

const sigmoid = (x: number) => UNARY.Sigmoid.value(x, {});

/** A map with its place in the pyramid. */
interface Grid {
  readonly map: string;
  readonly width: number;
  readonly height: number;
  readonly stride: number;
  readonly anchors: number;
}

/** Whether a function of a logit is another one. */
function isLike(of: (x: number) => number, expected: (x: number) => number): boolean {
  return PROBES.every((x) => Math.abs(of(x) - expected(x)) <= TOLERANCE * Math.max(1, Math.abs(expected(x))));
}

/** The maps behind an output and the nodes between, in the order of the graph; undefined if something else is there. */
function tailBehind(index: GraphIndex, output: string, isMap: (value: string) => boolean) {
  const nodes = new Set<Node>(), maps = new Set<string>(), open = [output];
  while (open.length > 0) {
    const value = open.pop()!;
    if (index.isConstant(value)) continue;
    if (isMap(value)) {
      maps.add(value);
      continue;
    }
    const node = index.producerOf(value);
    if (node === undefined || nodes.size > MOST_NODES) return undefined;
    if (nodes.has(node)) continue;
    nodes.add(node);
    open.push(...node.inputs);
  }
  return { maps: [...maps], nodes: index.graph.nodes.filter((node) => nodes.has(node)) };
}

/** Reads the rows of an output as predictors of some maps. */
class Rows {
  readonly #tracer: ElementTracer;
  readonly #grids: ReadonlyMap<string, Grid>;
  readonly #place: (row: number, field: number) => number;
  readonly #output: string;
  readonly #fields: number;

  constructor(
    tracer: ElementTracer,
    grids: readonly Grid[],
    output: { readonly name: string; readonly fields: number; readonly place: (row: number, field: number) => number },
  ) {
    this.#tracer = tracer;
    this.#grids = new Map(grids.map((grid) => [grid.map, grid]));
    [this.#output, this.#fields, this.#place] = [output.name, output.fields, output.place];
  }

  #trace(row: number, field: number): TracedElement | undefined {
    return this.#tracer.trace(this.#output, this.#place(row, field));
  }

  /** The predictor whose objectness stands in a row. */
  predictor(row: number): { grid: Grid; anchor: number; cell: number } | undefined {
    const traced = this.#trace(row, 4);
    const grid = traced?.map === undefined ? undefined : this.#grids.get(traced.map);
    if (grid === undefined || traced === undefined || !isLike(traced.of, sigmoid)) return undefined;
    const plane = grid.width * grid.height, channel = Math.floor(traced.at / plane);
    const anchor = Math.floor(channel / this.#fields);
    if (channel % this.#fields !== 4 || anchor >= grid.anchors) return undefined;
    return { grid, anchor, cell: traced.at % plane };
  }

  /** Width and height of the anchor of a row, if all of its fields are what they should be. */
  anchorOf(row: number): readonly [number, number] | undefined {
    const found = this.predictor(row);
    if (found === undefined) return undefined;
    const { grid: { map, width, height, stride }, anchor, cell } = found, plane = width * height;
    const fields = Array.from({ length: this.#fields }, (_, field) => this.#trace(row, field));
    const isThere = fields.every((traced, field) =>
      traced?.map === map && traced.at === (anchor * this.#fields + field) * plane + cell
    );
    if (!isThere) return undefined;
    const functions = fields.map((traced) => traced!.of);
    const corner = [cell % width, Math.floor(cell / width)], sides = [functions[2](0), functions[3](0)] as const;
    const isRight = functions.every((of, field) => {
      if (field < 2) return isLike(of, (x) => (2 * sigmoid(x) - 0.5 + corner[field]) * stride);
      if (field < 4) return isLike(of, (x) => (2 * sigmoid(x)) ** 2 * sides[field - 2]);
      return isLike(of, sigmoid);
    });
    return isRight && sides.every((side) => side > 0) ? sides : undefined;
  }
}

/** The anchors of each map; undefined unless the rows are all predictors of the maps, once each. */
function anchorsOf(rows: Rows, count: number, grids: readonly Grid[]) {
  const seen = new Map(grids.map(({ map, width, height, anchors }) => [map, new Int32Array(anchors * width * height)]));
  for (let row = 0; row < count; row++) {
    const found = rows.predictor(row);
    if (found === undefined) return undefined;
    const { grid: { map, width, height }, anchor, cell } = found;
    const own = seen.get(map)!, at = anchor * width * height + cell;
    if (own[at] !== 0) return undefined;
    own[at] = row + 1;
  }
  const levels: AnchorHeadLevel[] = [];
  for (const { map, width, height, stride, anchors } of grids) {
    const own = seen.get(map)!, plane = width * height;
    const sides: (readonly [number, number])[] = [];
    for (let anchor = 0; anchor < anchors; anchor++) {
      // The corners of the map, and a cell within.
      const cells = [0, width - 1, Math.floor(plane / 2), plane - 1].map((cell) => own[anchor * plane + cell] - 1);
      const found = cells.map((row) => row < 0 ? undefined : rows.anchorOf(row));
      const [first] = found;
      if (first === undefined || found.some((other) => other === undefined || other.join() !== first.join())) {
        return undefined;
      }
      sides.push(first);
    }
    levels.push({ map, stride, anchors: sides });
  }
  return levels;
}

/** The head with anchors that makes an output of a graph, the first unless another is named; undefined if none does. */
export function findAnchorHead(
  index: GraphIndex,
  output: string = index.graph.outputs[0],
): AnchorHead | undefined {
  const input = pictureShape(index.graph);
  if (output === undefined || input?.length !== 4 || !index.has(output) || index.shapeOf(output).length !== 3) {
    return undefined;
  }
  const strideOf = (value: string) => {
    const shape = index.shapeOf(value);
    const stride = input[2] / shape[2];
    return shape.length === 4 && shape[0] === input[0] && input[3] / shape[3] === stride && Number.isInteger(stride)
      ? stride
      : undefined;
  };
  const isMap = (value: string) => strideOf(value) !== undefined;
  const behind = tailBehind(index, output, isMap);
  if (behind === undefined || behind.maps.length === 0) return undefined;
  const tracer = new ElementTracer(index, isMap);
  const shape = index.shapeOf(output);
  for (const axis of [2, 1]) {
    const fields = shape[axis], count = shape[3 - axis];
    if (fields <= ANCHOR_FIELDS) continue;
    const grids = behind.maps.map((map): Grid => {
      const [, channels, height, width] = index.shapeOf(map);
      return { map, width, height, stride: strideOf(map)!, anchors: channels / fields };
    });
    const isWhole = grids.every(({ anchors }) => Number.isInteger(anchors) && anchors === grids[0].anchors);
    const all = grids.reduce((sum, { anchors, width, height }) => sum + anchors * width * height, 0);
    if (!isWhole || all !== count) continue;
    const place = (row: number, field: number) => axis === 2 ? row * fields + field : field * count + row;
    const levels = anchorsOf(new Rows(tracer, grids, { name: output, fields, place }), count, grids);
    if (levels === undefined) continue;
    levels.sort((a, b) => a.stride - b.stride);
    const maps = levels.map(({ map }) => map);
    return { kind: "anchors", maps, levels, classes: fields - ANCHOR_FIELDS, output, tail: behind.nodes };
  }
  return undefined;
}
