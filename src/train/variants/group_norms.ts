/**
 * Squares of coupling groups as a part of a graph: for every group the sum of the squares of all that is trained of it.
 *
 * @module
 */

import type { ChannelBundle } from "../../graph/channels/mod.ts";
import type { Graph, GraphEditor } from "../../graph/mod.ts";

/** Which slices of one constant belong to the groups of a bundle: a list for each group. */
interface BundleSlices {
  readonly constant: string;
  readonly axis: number;
  readonly indices: readonly (readonly number[])[];
}

/** Neighbours in a list that are equally far apart. */
interface Run {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** A list as runs of ascending indices. */
function runsOf(indices: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (let at = 0; at < indices.length;) {
    const start = indices[at], next = indices[at + 1] - start;
    const step = next > 0 ? next : 1;
    let count = 1;
    while (indices[at + count] === start + count * step) count++;
    runs.push({ start, step, count });
    at += count;
  }
  return runs;
}

/** What of a bundle is trained: each slice once, also where several nodes read it. */
function trainedSlices({ groups }: ChannelBundle, isTrained: (constant: string) => boolean): BundleSlices[] {
  const found = new Map<string, BundleSlices>();
  groups[0].members.forEach(({ constant, axis }, at) => {
    if (!isTrained(constant)) return;
    const indices = groups.map(({ members }) => members[at].indices);
    found.set(`${constant} ${axis} ${indices.join(";")}`, { constant, axis, indices });
  });
  return [...found.values()];
}

/** Writes the squares of bundles into a graph. */
export class GroupSquares {
  readonly #written = new Map<string, string>();

  constructor(
    private readonly editor: GraphEditor,
    private readonly graph: Graph,
    /** Beginning of the names of all nodes. */
    private readonly base: string,
  ) {}

  /**
   * A vector with a number for each group of the bundle: the sum of squares of its trained slices. An element that lies in a row and in a
   * column of its group counts as both. Undefined where nothing of the bundle is trained.
   */
  ofBundle(bundle: ChannelBundle, isTrained: (constant: string) => boolean): string | undefined {
    const parts = trainedSlices(bundle, isTrained).map((slices) => this.#gathered(slices));
    if (parts.length === 0) return undefined;
    return parts.reduce((sum, part) => this.editor.one("Add", `${this.base}/sum`, [sum, part], {}));
  }

  /** Sums of squares of the slices of a constant along an axis: one vector, whoever asks for it. */
  #along(constant: string, axis: number): string {
    return this.#once(`${constant} ${axis}`, () => {
      const { shape } = this.graph.constants.get(constant)!;
      if (shape.length === 1) return this.#squares(constant);
      // Both axes of a weight begin with the sums over its window.
      const matrix = shape.length === 2 ? this.#squares(constant) : this.#overWindow(constant);
      if (axis > 1) return this.#reduced(`${constant}/axis_${axis}`, this.#squares(constant), shape.length, axis);
      return this.#reduced(`${constant}/axis_${axis}`, matrix, 2, axis);
    });
  }

  #overWindow(constant: string): string {
    return this.#once(`${constant} window`, () => {
      const { shape } = this.graph.constants.get(constant)!;
      const axes = shape.map((_, at) => at).slice(2);
      const attributes = { axes, keepDims: false };
      return this.editor.one("ReduceSum", `${this.base}/${constant}/window`, [this.#squares(constant)], attributes);
    });
  }

  #squares(constant: string): string {
    return this.#once(constant, () => {
      return this.editor.one("Mul", `${this.base}/${constant}/squares`, [constant, constant], {});
    });
  }

  #reduced(name: string, value: string, rank: number, axis: number): string {
    const axes = Array.from({ length: rank }, (_, at) => at).filter((at) => at !== axis);
    return this.editor.one("ReduceSum", `${this.base}/${name}`, [value], { axes, keepDims: false });
  }

  #once(key: string, write: () => string): string {
    const known = this.#written.get(key);
    if (known !== undefined) return known;
    const value = write();
    this.#written.set(key, value);
    return value;
  }

  /** For each group the sum over its indices of the vector along an axis. */
  #gathered({ constant, axis, indices }: BundleSlices): string {
    const vector = this.#along(constant, axis), extent = this.graph.constants.get(constant)!.shape[axis];
    const [{ length }] = indices, flat = indices.flat();
    const name = `${this.base}/${constant}/axis_${axis}`;
    const isTogether = flat.every((index, at) => index === flat[0] + at);
    if (length > 1 && isTogether) {
      // Whole heads: neighbours belong to one group.
      const part = this.#sliced(name, vector, extent, { start: flat[0], step: 1, count: flat.length });
      const rows = this.editor.one("Reshape", `${name}/rows`, [part], { shape: [indices.length, length] });
      return this.editor.one("ReduceSum", `${name}/heads`, [rows], { axes: [1], keepDims: false });
    }
    const columns = indices[0].map((_, column) => {
      const parts = runsOf(indices.map((list) => list[column])).map((run) => this.#sliced(name, vector, extent, run));
      return parts.length === 1 ? parts[0] : this.editor.one("Concat", `${name}/runs`, parts, { axis: 0 });
    });
    return columns.reduce((sum, column) => this.editor.one("Add", `${name}/columns`, [sum, column], {}));
  }

  #sliced(name: string, vector: string, extent: number, { start, step, count }: Run): string {
    if (start === 0 && step === 1 && count === extent) return vector;
    const ends = [start + (count - 1) * step + 1];
    return this.editor.one("Slice", `${name}/slice`, [vector], { axes: [0], starts: [start], ends, steps: [step] });
  }
}
