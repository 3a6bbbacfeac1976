/**
 * Finds the gates of squeeze-and-excitation and computes them in one dispatch, of a single workgroup an image:
 *
 * x [N,C,H,W] -> mean over H, W -> 1x1 convolution -> activation -> 1x1 convolution -> activation -> gate [N,C',1,1]
 *
 * and the channel gates of CBAM, where the maximum takes the same way as the mean, with the same weights, and both are added before
 * the last activation.
 *
 * The product of map and gate is left to what follows (a convolution takes it along, see `convolution.ts`). Where the mean is read
 * by others too, or the map is so large that many workgroups should sum it, the mean stays a plan node of its own.
 *
 * @module
 */

import type { GraphIndex, Node } from "../../graph/mod.ts";
import { type Activation, activationOf, NO_ACTIVATION } from "../../kernels/activation.ts";
import type { Target } from "../../kernels/target.ts";
import {
  type ChannelProduct,
  excitedTwice,
  squeezeExciteApplies,
  squeezeExciteKernel,
  squeezesAtOnce,
} from "../../kernels/squeeze_excite.ts";
import type { Composite } from "./composites.ts";

/** Finds every pair of such products of the graph. */
export function findSqueezeExcite(index: GraphIndex, target: Target): Composite[] {
  const find = finder(index, target);
  return index.graph.nodes.flatMap((node) => find(node) ?? []);
}

/** A product with the activation behind it. */
interface Layer {
  readonly product: ChannelProduct;
  readonly nodes: readonly Node[];
  readonly output: string;
}

/** What the mean or the maximum of a map becomes. */
interface Branch {
  readonly pooled: string;
  readonly squeeze: Layer;
  readonly excite: Layer;
}

/** A reduction over height and width that keeps both axes. */
function poolOf(node: Node | undefined): "mean" | "maximum" | undefined {
  if (node?.op === "GlobalAveragePool") return "mean";
  if (node?.op !== "ReduceMean" && node?.op !== "ReduceMax") return undefined;
  const { keepDims, axes } = node.attributes;
  return !keepDims || axes.join() !== "2,3" ? undefined : node.op === "ReduceMean" ? "mean" : "maximum";
}

const sameNumbers = (a: Float32Array | undefined, b: Float32Array | undefined) =>
  a === b || a?.length === b?.length && a!.every((value, i) => value === b![i]);

const sameProduct = (a: ChannelProduct, b: ChannelProduct) =>
  sameNumbers(a.weight, b.weight) && sameNumbers(a.bias, b.bias) &&
  (["name", "a", "b"] as const).every((field) => a.activation[field] === b.activation[field]);

function finder(index: GraphIndex, target: Target): (node: Node) => Composite | undefined {
  const { graph } = index;
  const shapeOf = (value: string) => index.shapeOf(value);
  const soleReader = (value: string) => index.soleReader(value);

  /** What follows a value: its activation, where it has one that can be fused. */
  const activated = (value: string): { activation: Activation; nodes: readonly Node[]; output: string } => {
    const next = soleReader(value);
    const activation = next && activationOf(next);
    // Spare channels hold zero before the activation and must stay finite after it.
    if (!next || !activation || activation.name === "Log") {
      return { activation: NO_ACTIVATION, nodes: [], output: value };
    }
    return { activation, nodes: [next], output: next.outputs[0] };
  };

  /** A 1x1 convolution of a map of one pixel. */
  const layerOf = (node: Node | undefined): Layer | undefined => {
    if (node?.op !== "Conv" || node.attributes.groups !== 1) return undefined;
    const [weight, bias] = node.inputs.slice(1).map((name) => graph.constants.get(name)?.data);
    const [outputs, inputs, kh, kw] = shapeOf(node.inputs[1]);
    const pixels = [node.inputs[0], node.outputs[0]].flatMap((value) => shapeOf(value).slice(2));
    if (kh * kw !== 1 || pixels.some((extent) => extent !== 1) || node.attributes.pads.some((pad) => pad !== 0)) {
      return undefined;
    }
    if (!(weight instanceof Float32Array)) return undefined;
    if (node.inputs.length > 2 && !(bias instanceof Float32Array)) return undefined;
    const { activation, nodes, output } = activated(node.outputs[0]);
    return {
      product: { weight, bias: bias as Float32Array | undefined, inputs, outputs, activation },
      nodes: [node, ...nodes],
      output,
    };
  };

  const branchOf = (first: Node): Branch | undefined => {
    const squeeze = layerOf(first);
    const excite = squeeze && layerOf(soleReader(squeeze.output));
    if (!squeeze || !excite || !squeezeExciteApplies(squeeze.product, excite.product)) return undefined;
    return { pooled: first.inputs[0], squeeze, excite };
  };

  /** The branch of the maximum that is added to that of the mean, with what follows the sum. */
  const twin = ({ pooled, squeeze, excite }: Branch) => {
    const add = soleReader(excite.output);
    const x = index.producerOf(pooled)!.inputs[0];
    if (add?.op !== "Add" || excite.product.activation !== NO_ACTIVATION) return undefined;
    const pool = index.readersOf(x).find((node) => poolOf(node) === "maximum");
    const first = pool && soleReader(pool.outputs[0]);
    const other = first && branchOf(first);
    if (!other || soleReader(other.excite.output) !== add || other.excite.output === excite.output) return undefined;
    if (!sameProduct(squeeze.product, other.squeeze.product) || !sameProduct(excite.product, other.excite.product)) {
      return undefined;
    }
    return { ...activated(add.outputs[0]), own: [pool!, ...other.squeeze.nodes, ...other.excite.nodes, add] };
  };

  return (first) => {
    const branch = branchOf(first);
    if (branch === undefined) return undefined;
    const { pooled, squeeze, excite } = branch;
    const pool = index.producerOf(pooled);
    if (poolOf(pool) !== "mean" || graph.constants.has(pool!.inputs[0])) return undefined;
    const [map] = pool!.inputs;
    const atOnce = soleReader(pooled) !== undefined && squeezesAtOnce(shapeOf(map), target);
    const both = atOnce ? twin(branch) : undefined;
    const x = atOnce ? map : pooled;
    const output = both?.output ?? excite.output;
    const products = squeeze.product.weight.length + excite.product.weight.length;
    return {
      nodes: [...atOnce ? [pool!] : [], ...squeeze.nodes, ...excite.nodes, ...both ? [...both.own, ...both.nodes] : []],
      node: {
        name: first.name,
        operator: both ? "SqueezeExcite2" : "SqueezeExcite",
        inputs: [x],
        outputs: [output],
        reads: "blocked",
        writes: "blocked",
        macs: shapeOf(pooled)[0] * products * (both ? 2 : 1),
        kernels: ({ operand, pitch }) => [
          squeezeExciteKernel({
            x: operand(x),
            y: operand(output),
            squeeze: squeeze.product,
            excite: both ? { ...excitedTwice(excite.product), activation: both.activation } : excite.product,
            maxima: both !== undefined,
            pitch,
            target,
          }),
        ],
      },
    };
  };
}
