/**
 * Finds SimAM (Yang et al. 2021) and computes it in one dispatch:
 *
 * d = (x - mean over H, W)^2;  x * Sigmoid(d / (a * sum of d + b) + c)
 *
 * with any constants a, b, c, in as many additions and multiplications as they are spelt.
 *
 * @module
 */

import type { GraphIndex, Node } from "../../graph/mod.ts";
import type { Target } from "../../kernels/target.ts";
import { simamKernel } from "../../kernels/simam.ts";
import type { Composite } from "./composites.ts";

/** A value that is `scale * value + shift`. */
interface Affine {
  readonly value: string;
  readonly scale: number;
  readonly shift: number;
}

/** Finds every SimAM block of the graph. */
export function findSimam(index: GraphIndex, target: Target): Composite[] {
  const find = finder(index, target);
  return index.graph.nodes.flatMap((node) => find(node) ?? []);
}

function finder(index: GraphIndex, target: Target): (node: Node) => Composite | undefined {
  /** The number that all elements of a constant are. */
  const scalar = (name: string): number | undefined => {
    const data = index.constantOf(name)?.data;
    return data?.every((one) => one === data[0]) ? data[0] : undefined;
  };
  const shapeText = (value: string) => index.shapeOf(value).join();

  return (mul) => {
    if (mul.op !== "Mul") return undefined;
    const nodes: Node[] = [mul];
    const made = <K extends Node["op"]>(value: string, op: K): Extract<Node, { op: K }> | undefined => {
      const node = index.producerOf(value);
      if (node?.op !== op) return undefined;
      nodes.push(node);
      return node as Extract<Node, { op: K }>;
    };
    /** Follows a value back through additions, products and quotients with single numbers. */
    const affine = (value: string): Affine => {
      const node = index.producerOf(value);
      if (node?.op !== "Add" && node?.op !== "Mul" && node?.op !== "Div") return { value, scale: 1, shift: 0 };
      const [a, b] = node.inputs.map(scalar);
      const factor = a ?? b;
      // A number over a value is no such map.
      if (factor === undefined || node.op === "Div" && b === undefined) return { value, scale: 1, shift: 0 };
      const before = node.inputs[a === undefined ? 0 : 1];
      if (shapeText(node.outputs[0]) !== shapeText(before)) return { value, scale: 1, shift: 0 };
      nodes.push(node);
      const inner = affine(before);
      if (node.op === "Add") return { ...inner, shift: inner.shift + factor };
      const scale = node.op === "Mul" ? factor : 1 / factor;
      return { value: inner.value, scale: inner.scale * scale, shift: inner.shift * scale };
    };
    /** The value whose mean or sum over height and width this is, and the factor on the sum. */
    const pooled = (value: string): { x: string; factor: number } | undefined => {
      const node = index.producerOf(value);
      const isSum = node?.op === "ReduceSum";
      if (node?.op !== "GlobalAveragePool") {
        if (node?.op !== "ReduceMean" && node?.op !== "ReduceSum") return undefined;
        if (!node.attributes.keepDims || node.attributes.axes.join() !== "2,3") return undefined;
      }
      nodes.push(node);
      const [, , height, width] = index.shapeOf(node.inputs[0]);
      return { x: node.inputs[0], factor: isSum ? 1 : 1 / (height * width) };
    };

    const sigmoidAt = mul.inputs.findIndex((value) => index.producerOf(value)?.op === "Sigmoid");
    const x = mul.inputs[1 - sigmoidAt];
    const sigmoid = sigmoidAt < 0 ? undefined : made(mul.inputs[sigmoidAt], "Sigmoid");
    if (sigmoid === undefined || index.isConstant(x) || index.shapeOf(x).length !== 4) return undefined;
    const energy = affine(sigmoid.inputs[0]);
    const ratio = made(energy.value, "Div");
    if (ratio === undefined || energy.scale !== 1) return undefined;
    const divisor = affine(ratio.inputs[1]);
    const total = pooled(divisor.value);
    const squares = made(ratio.inputs[0], "Mul");
    if (total?.x !== ratio.inputs[0] || squares === undefined || squares.inputs[0] !== squares.inputs[1]) {
      return undefined;
    }
    const deviation = made(squares.inputs[0], "Sub");
    const mean = deviation && pooled(deviation.inputs[1]);
    // A sum in the place of the mean is not what the kernel computes, unless there is one pixel.
    const [, , height, width] = index.shapeOf(x);
    if (deviation?.inputs[0] !== x || mean?.x !== x || mean.factor !== 1 / (height * width)) return undefined;
    const [output] = mul.outputs;
    return {
      nodes,
      node: {
        name: mul.name,
        operator: "SimAM",
        inputs: [x],
        outputs: [output],
        reads: "blocked",
        writes: "blocked",
        macs: 0,
        kernels: ({ operand, pitch }) => [
          simamKernel({
            x: operand(x),
            y: operand(output),
            scale: divisor.scale * total.factor,
            shift: divisor.shift,
            offset: energy.shift,
            pitch,
            target,
          }),
        ],
      },
    };
  };
}
