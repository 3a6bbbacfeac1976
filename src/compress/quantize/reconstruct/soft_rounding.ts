/**
 * A layer whose weights are rounded softly, up or down by a learned share, and what makes these shares 0 or 1 (Nagel et al. 2020, "Up or
 * Down? Adaptive Rounding for Post-Training Quantization", arXiv 2004.10568).
 *
 *     h(v) = clip(1.2 sigmoid(v) - 0.1, 0, 1)              the share of a step, "rectified sigmoid"
 *     w = scale (floor + h(v))
 *     rounding = 1 - mean |2 h(v) - 1|^beta                nothing where all shares are 0 or 1
 *
 * @module
 */

import { type Constant, type Graph, GraphEditor, type Node } from "../../../graph/mod.ts";
import type { WeightGrid } from "./grid.ts";

/** How far the sigmoid is stretched: `h(v) = clip((HIGH - LOW) sigmoid(v) + LOW, 0, 1)`. */
const HIGH = 1.1, LOW = -0.1;

/** What keeps the logarithm of a distance of 0 finite. */
const TINY = 1e-8;

/** A graph whose losses are to become small, and what is learned in it. */
export interface SoftRounding {
  /** The layer and its losses. Inputs: those of the layer, `target` (what the layer should make), `bias` `[O]` and `beta` `[1]`. */
  readonly graph: Graph;
  /** Value of the mean square error. */
  readonly error: string;
  /** Value of the loss that makes shares 0 or 1, from 0 to 1. */
  readonly rounding: string;
  /** Name of the constant that is learned, v. */
  readonly learned: string;
  /** Names of the inputs. */
  readonly target: string;
  readonly bias: string;
  readonly beta: string;
}

/** The share that v stands for. */
export function shareOf(v: number): number {
  return Math.min(1, Math.max(0, (HIGH - LOW) / (1 + Math.exp(-v)) + LOW));
}

/** The v whose share is this one; for 0 and 1 the nearest to zero. */
export function learnedOf(share: number): number {
  const p = (share - LOW) / (HIGH - LOW);
  return Math.log(p / (1 - p));
}

/**
 * Rounds the weights of a convolution softly. `layer` is a graph of the convolution and what belongs to it, of one output, at the batch of a
 * step.
 */
export function softlyRounded(layer: Graph, conv: Node<"Conv">, weight: Constant, grid: WeightGrid): SoftRounding {
  const editor = new GraphEditor(layer);
  const [outputs] = weight.shape, size = weight.data.length / outputs;
  const constant = (base: string, shape: readonly number[], data: Float32Array) =>
    editor.constant(editor.uniqueName(`rounding/${base}`), shape, data);
  const one = constant("one", [1], Float32Array.of(1));
  // As matrices, since maps would be laid out as pictures are.
  const matrix = [outputs, size];
  const learned = constant("v", matrix, grid.rests.map(learnedOf));
  const { share, soft } = editor.before(conv, () => {
    const sigmoid = editor.one("Sigmoid", "rounding/sigmoid", [learned], {});
    const share = editor.one("HardSigmoid", "rounding/share", [sigmoid], { alpha: HIGH - LOW, beta: LOW });
    const steps = editor.one("Add", "rounding/steps", [share, constant("floor", matrix, grid.floors)], {});
    const scaled = editor.one("Mul", "rounding/scaled", [steps, constant("scale", [outputs, 1], grid.scales)], {});
    return { share, soft: editor.one("Reshape", "rounding/weight", [scaled], { shape: weight.shape }) };
  });
  // Kernels want weight and bias both as constants or both as values.
  const bias = editor.input(editor.uniqueName("bias"), [outputs]);
  editor.setInputs(conv, [conv.inputs[0], soft, bias]);

  const [made] = layer.outputs;
  const target = editor.input(editor.uniqueName("target"), editor.shapeOf(made));
  const beta = editor.input(editor.uniqueName("beta"), [1]);
  const meanOf = (base: string, value: string) => {
    const axes = editor.shapeOf(value).map((_, axis) => axis);
    return editor.one("ReduceMean", base, [value], { axes, keepDims: false });
  };
  const off = editor.one("Sub", "rounding/off", [made, target], {});
  const error = meanOf("rounding/error", editor.one("Mul", "rounding/squares", [off, off], {}));
  // |2h - 1|^beta = exp(beta / 2 log((2h - 1)^2)).
  const centred = editor.one(
    "Sub",
    "rounding/centred",
    [editor.one("Add", "rounding/twice", [share, share], {}), one],
    {},
  );
  const square = editor.one("Mul", "rounding/distance", [centred, centred], {});
  const safe = editor.one("Add", "rounding/safe", [square, constant("tiny", [1], Float32Array.of(TINY))], {});
  const half = editor.one("Mul", "rounding/half", [beta, constant("half", [1], Float32Array.of(0.5))], {});
  const exponent = editor.one("Mul", "rounding/exponent", [editor.one("Log", "rounding/log", [safe], {}), half], {});
  const settled = meanOf("rounding/settled", editor.one("Exp", "rounding/power", [exponent], {}));
  const rounding = editor.one("Sub", "rounding/loss", [one, settled], {});
  return { graph: editor.finish({ outputs: [error, rounding] }), error, rounding, learned, target, bias, beta };
}
