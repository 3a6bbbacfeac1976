/**
 * Arithmetic on values of a graph, as losses of distillation are written.
 *
 * @module
 */

import type { BinaryOperator, GraphEditor, Pair, Shape, UnaryOperator } from "../../graph/mod.ts";

/** Writes nodes whose names begin with that of a loss. Values are plain tensors of three axes unless said otherwise. */
export class LossWriter {
  constructor(
    /** The graph that is written. */
    readonly editor: GraphEditor,
    /** Beginning of all names. */
    readonly base: string,
  ) {}

  /** A writer of the same graph for another loss. */
  named(base: string): LossWriter {
    return new LossWriter(this.editor, base);
  }

  /** Shape of a value. */
  shapeOf(value: string): Shape {
    return this.editor.shapeOf(value);
  }

  /** A constant of these numbers; one number has no axis. */
  numbers(what: string, data: readonly number[], shape: Shape = []): string {
    return this.editor.constant(this.editor.uniqueName(`${this.base}/${what}`), shape, Float32Array.from(data));
  }

  /** A node of two inputs, the second one a value or a number. */
  binary(op: BinaryOperator, a: string, b: string | number): string {
    const second = typeof b === "number" ? this.numbers("number", [b]) : b;
    return this.editor.one(op, `${this.base}/${op}`, [a, second], {});
  }

  /** A value times a number; itself times 1. */
  scaled(value: string, factor: number): string {
    return factor === 1 ? value : this.binary("Mul", value, factor);
  }

  /** A value over a number, which f32 often holds exactly where it does not hold the reciprocal; itself over 1. */
  divided(value: string, divisor: number): string {
    return divisor === 1 ? value : this.binary("Div", value, divisor);
  }

  /** The square of each element. */
  squared(value: string): string {
    return this.binary("Mul", value, value);
  }

  /** A function of each element without attributes. */
  unary(op: Exclude<UnaryOperator, "LeakyRelu" | "HardSigmoid" | "Clip">, value: string): string {
    return this.editor.one(op, `${this.base}/${op}`, [value], {});
  }

  /** Each element, but no less and no more than these. */
  clamped(value: string, min: number, max = Infinity): string {
    return this.editor.one("Clip", `${this.base}/clamped`, [value], { min, max });
  }

  /** A reduction along one axis, which keeps an extent of 1. */
  reduced(op: "ReduceSum" | "ReduceMean" | "ReduceMax", value: string, axis: number): string {
    return this.editor.one(op, `${this.base}/${op}`, [value], { axes: [axis], keepDims: true });
  }

  /** Sum of all elements, without an axis: along the last axis first, where there are many, so that many threads sum. */
  total(value: string): string {
    const last = this.shapeOf(value).length - 1;
    const axes = Array.from({ length: last + 1 }, (_, axis) => axis);
    const rows = this.reduced("ReduceSum", value, last);
    return this.editor.one("ReduceSum", `${this.base}/total`, [rows], { axes, keepDims: false });
  }

  /** The elements in another shape. */
  reshaped(value: string, shape: Shape): string {
    return this.editor.one("Reshape", `${this.base}/shaped`, [value], { shape });
  }

  /** A part of an axis. */
  part(value: string, axis: number, start: number, end: number): string {
    const attributes = { axes: [axis], starts: [start], ends: [end], steps: [1] };
    return this.editor.one("Slice", `${this.base}/part`, [value], attributes);
  }

  /** Probabilities along an axis. */
  softmax(value: string, axis: number): string {
    return this.editor.one("Softmax", `${this.base}/softmax`, [value], { axis });
  }

  /** A map `[N,C,h,w]` in another size, between whose pixels straight lines are drawn; itself where it has the size. */
  resized(map: string, size: Pair): string {
    const [height, width] = this.shapeOf(map).slice(2);
    if (height === size[0] && width === size[1]) return map;
    return this.editor.one("Resize", `${this.base}/resized`, [map], {
      mode: "linear",
      coordinates: "half_pixel",
      nearest: "round_prefer_floor",
      size,
      scales: [size[0] / height, size[1] / width],
    });
  }

  /** A map `[N,C,h,w]` with its pixels along one axis. */
  flat(map: string): string {
    const [batch, channels, height, width] = this.shapeOf(map);
    return this.reshaped(map, [batch, channels, height * width]);
  }
}
