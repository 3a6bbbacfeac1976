/**
 * What is known of a convolution before memory is given out: by it kernels say whether they apply, and what they cost.
 *
 * @module
 */

import type { ConvAttributes, Node } from "../graph/operators.ts";
import type { Candidate, Fusion } from "./candidate.ts";
import type { ContestRequest, KernelContext } from "./context.ts";
import type { MapExtent } from "./conv_tile.ts";
import type { Int8Numbers } from "./int8/conv_numbers.ts";

/** A convolution or a transposed one, without its operands' places. */
export interface ConvForm {
  readonly attributes: ConvAttributes;
  /** `[O,C/groups,kh,kw]`, of a transposed one too. */
  readonly weight: { readonly shape: readonly number[] };
  readonly transposed: boolean;
  /** The weights change from run to run. */
  readonly trained: boolean;
  /**
   * All weights are whole numbers, or steps of a scale that training rounds them to: sums of whole numbers have to be exact then, as products
   * of integers are planned in floats, and a model in training is to compute what its file will.
   */
  readonly whole: boolean;
  /** First channel that is read of the tensor that holds the input. */
  readonly firstChannel: number;
  readonly input: MapExtent;
  /** What is computed; with a shuffle, half of what is stored. */
  readonly output: MapExtent;
  /** Present where input and weights are bytes whose products sum up exactly: then whole numbers are computed. */
  readonly int8?: Int8Numbers;
  /** Share of the blocks of four outputs by four inputs, all taps, in which some weight is not zero; absent where too few are zero to pay. */
  readonly blocksLeft?: number;
}

/** What a convolution's dispatches are made from. */
export type ConvContext = KernelContext<"Conv" | "ConvTranspose">;

/** A kernel of convolutions. */
export type ConvCandidate<V extends object = object> = Candidate<ConvForm, ConvContext, V>;

/** What decides which kernels apply. */
export type ConvShape = Pick<ConvForm, "attributes" | "weight"> & { readonly transposed?: boolean };

/** Shape of a convolution's weight, outputs first, also where it is given as a ConvTranspose's `[C,O/groups,kh,kw]`. */
export function weightShape(node: Node<"Conv" | "ConvTranspose">, given: readonly number[]): readonly number[] {
  const [first, second, kh, kw] = given;
  const { groups } = node.attributes;
  return node.op === "ConvTranspose" ? [second * groups, first / groups, kh, kw] : given;
}

/** The form of a node of either convolution, in floats. */
export function convForm(
  { node, types, firstChannel = 0, rounded = false }: ContestRequest<"Conv" | "ConvTranspose">,
): ConvForm {
  const [x, weight] = types.inputs;
  const [y] = types.outputs;
  const shape = weightShape(node, weight.shape);
  const [batch, , height, width] = x.shape;
  const [, , rows, columns] = y.shape;
  return {
    attributes: node.attributes,
    weight: { shape },
    transposed: node.op === "ConvTranspose",
    trained: weight.constant === undefined,
    whole: rounded || (weight.constant?.data.every((value) => Number.isInteger(Number(value))) ?? false),
    firstChannel,
    input: { batch, channels: shape[1] * node.attributes.groups, height, width },
    output: { batch, channels: shape[0], height: rows, width: columns },
  };
}

/** The plain convolution that a transposed one of stride 1 is, its taps backwards; a plain one itself; undefined for others. */
export function asConvolution<S extends ConvShape>(step: S): S | undefined {
  if (!step.transposed) return step;
  const { strides, dilations, pads } = step.attributes;
  const [kh, kw] = step.weight.shape.slice(2);
  if ([...strides, ...dilations].some((n) => n !== 1)) return undefined;
  const back = [kh - 1, kw - 1, kh - 1, kw - 1].map((most, i) => most - pads[i]) as [number, number, number, number];
  return { ...step, attributes: { ...step.attributes, pads: back } };
}

/** True where nothing is fused but what `shaders/lib/epilogue.wgsl` computes: the `accepts` of kernels that include it. */
export function acceptsEpilogue(fusions: ReadonlySet<Fusion>): boolean {
  return [...fusions].every((fusion) => fusion === "activation" || fusion === "residual");
}

/** As `acceptsEpilogue`, of kernels that may also begin at any channel of constant weights' input. */
export function acceptsChannelRange(
  fusions: ReadonlySet<Fusion>,
  { trained, transposed }: Pick<ConvForm, "trained" | "transposed">,
): boolean {
  const others = new Set([...fusions].filter((fusion) => fusion !== "channel range"));
  return acceptsEpilogue(others) && (others.size === fusions.size || !trained && !transposed);
}

/** Channels of an input block that there are, where the first one read is in lane `firstChannel % 4`: fewer than four of a picture. */
export function inputLanes({ firstChannel, weight }: Pick<ConvForm, "firstChannel" | "weight">): number {
  return Math.min(4, firstChannel % 4 + weight.shape[1]);
}

/** True where kernels that read weights in few bits may do so: of constants that meet whole blocks of channels. */
export function mayHaveFewBits(form: Pick<ConvForm, "trained" | "firstChannel" | "weight">): boolean {
  return !form.trained && inputLanes(form) === 4;
}

/** Of equal numbers one, of others all, joined: `2`, `1x3`. */
const brief = (numbers: readonly number[]) =>
  numbers.every((one) => one === numbers[0]) ? String(numbers[0]) : numbers.join("x");

/** What tuning records call a convolution, such as `3x3 s1 p1 1x64x80x80->64x80x80 residual int8`. */
export function convKey(form: ConvForm, fusions: Iterable<string>): string {
  const { attributes: { strides, pads, dilations, groups }, weight, transposed, input, output, int8, blocksLeft } =
    form;
  const words = [
    ...transposed ? ["transposed"] : [],
    weight.shape.slice(2).join("x"),
    `s${brief(strides)}`,
    ...pads.some((pad) => pad !== 0) ? [`p${brief(pads)}`] : [],
    ...dilations.some((one) => one !== 1) ? [`d${brief(dilations)}`] : [],
    ...groups > 1 ? [`g${groups}`] : [],
    `${input.batch}x${input.channels}x${input.height}x${input.width}->${output.channels}x${output.height}x${output.width}`,
    // Whatever the activation is, it costs little beside the rest.
    ...[...fusions].filter((fusion) => fusion !== "activation").map((fusion) => fusion.replaceAll(" ", "-")),
    // Sums that f32 does not hold exactly leave fewer kinds of arithmetic.
    ...int8 ? [int8.exactInFloat ? "int8" : "int8-wide"] : [],
    // In steps of five in a hundred: nodes of one step are about equal work.
    ...blocksLeft === undefined ? [] : [`blocks-${5 * Math.round(20 * blocksLeft)}%`],
  ];
  return words.join(" ");
}
