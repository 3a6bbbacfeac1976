/**
 * What gradient rules write with: nodes and constants beside those of a graph, shapes known as they are added.
 *
 * @module
 */

import { GraphEditor, type Shape, sizeOf } from "../../graph/mod.ts";

/** An editor with the steps that gradient rules have in common. */
export class GradientContext extends GraphEditor {
  /** A constant of equal elements; equal ones are made once. */
  full(shape: Shape, value: number): string {
    return this.shared(
      `gradient/${value}[${shape.join(",")}]`,
      shape,
      () => new Float32Array(sizeOf(shape)).fill(value),
    );
  }

  /** A constant; `name` must say what it holds, since what has that name already is taken to be the same. */
  shared(name: string, shape: Shape, make: () => Float32Array): string {
    return this.has(name) ? name : this.constant(name, shape, make());
  }

  /** A value in another shape; itself where the shape is that already. */
  reshape(base: string, value: string, shape: Shape): string {
    const same = this.shapeOf(value).join() === shape.join();
    return same ? value : this.one("Reshape", base, [value], { shape });
  }

  /** A part of one axis, `start` to `end`, taken in steps; itself where that is the whole axis. */
  slice(base: string, value: string, axis: number, start: number, end: number, step = 1): string {
    const whole = start === 0 && step === 1 && end === this.shapeOf(value)[axis];
    return whole
      ? value
      : this.one("Slice", base, [value], { axes: [axis], starts: [start], ends: [end], steps: [step] });
  }

  /** A value with zeros before and behind it along one axis; itself without any. */
  pad(base: string, value: string, axis: number, before: number, behind: number): string {
    if (before === 0 && behind === 0) return value;
    const rank = this.shapeOf(value).length;
    const pads = new Array<number>(2 * rank).fill(0);
    pads[axis] = before;
    pads[rank + axis] = behind;
    return this.one("Pad", base, [value], { mode: "constant", pads, value: 0 });
  }

  /** Repeats a value along its axes of extent 1 up to the shape, times a factor. */
  expand(base: string, value: string, shape: Shape, factor = 1): string {
    const from = this.shapeOf(value);
    const repeated = shape.map((extent, axis) => from[axis] === extent ? 1 : extent);
    if (factor === 1 && repeated.every((extent) => extent === 1)) return value;
    return this.one("Mul", base, [value, this.full(repeated, factor)], {});
  }

  /** Undoes a broadcast: sums over the axes along which a value of `shape` was repeated. */
  unbroadcast(base: string, value: string, shape: Shape): string {
    const from = this.shapeOf(value);
    const lead = from.length - shape.length;
    const axes = from.flatMap((extent, axis) => axis < lead || (shape[axis - lead] === 1 && extent > 1) ? [axis] : []);
    // An axis of extent 1 needs no sum, only to be dropped.
    const summed = axes.filter((axis) => from[axis] > 1);
    const sum = summed.length === 0 ? value : this.one("ReduceSum", base, [value], { axes: summed, keepDims: true });
    return this.reshape(`${base}/shape`, sum, shape);
  }
}
