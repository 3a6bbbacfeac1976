/**
 * Kernels of both convolutions: the lists of those that compete.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { Node } from "../graph/operators.ts";
import { chooseOption, contestOf, type Fusion, fusionSet, someAccepts } from "./candidate.ts";
import type { Competition, ContestRequest, MixedLayouts, OperandTypes, OperatorKernels } from "./context.ts";
import { depthwiseCandidate } from "./conv_depthwise.ts";
import { directCandidate, directConvApplies } from "./conv_direct.ts";
import { asConvolution, type ConvCandidate, type ConvContext, type ConvForm, convForm, convKey } from "./conv_form.ts";
import { flatCandidate } from "./conv_flat.ts";
import { generalCandidate } from "./conv_general.ts";
import { lightCandidate } from "./conv_light.ts";
import { densePacking, packingSource } from "./conv_packing.ts";
import { MOST_BLOCKS_LEFT, sparseCandidate } from "./conv_sparse.ts";
import { depthwiseTransposedCandidate, transposedCandidate } from "./conv_transposed.ts";
import { winogradCandidate } from "./conv_winograd.ts";
import { sharedCandidate, splitCandidate } from "./conv_workgroup.ts";
import { int8DepthwiseCandidate } from "./int8/conv_depthwise.ts";
import { int8DirectCandidate } from "./int8/conv_direct.ts";
import { int8GeneralCandidate, int8LightCandidate } from "./int8/conv_general.ts";
import { int8Numbers } from "./int8/conv_numbers.ts";
import { int8WinogradCandidate } from "./int8/conv_winograd.ts";
import type { Kernel } from "./kernel.ts";
import { levelsOf } from "./low_bit_weights.ts";
import { constantOf, onImages } from "./operand.ts";
import { shareOfBlocks } from "./sparse_weights.ts";
import type { KernelTarget } from "./target.ts";

/** Kernels of convolutions in floats; of equal cost the first is taken. */
export const CONV_CANDIDATES: readonly ConvCandidate[] = [
  directCandidate,
  transposedCandidate,
  depthwiseTransposedCandidate,
  depthwiseCandidate,
  flatCandidate,
  sparseCandidate,
  winogradCandidate,
  sharedCandidate,
  splitCandidate,
  generalCandidate,
];

/** Kernels of convolutions in whole numbers. They do not compete with those in floats, since their results differ. */
export const INT8_CONV_CANDIDATES: readonly ConvCandidate[] = [
  int8DirectCandidate,
  int8DepthwiseCandidate,
  int8WinogradCandidate,
  int8GeneralCandidate,
];

type Request = ContestRequest<"Conv" | "ConvTranspose">;

/** With the kernel that compiles most quickly among those in floats; nothing costs less, so that it is taken wherever it applies. */
const LIGHT_CANDIDATES: readonly ConvCandidate[] = [lightCandidate, ...CONV_CANDIDATES];

const candidatesOf = ({ int8 }: ConvForm, light = false): readonly ConvCandidate[] =>
  int8 ? light ? [int8LightCandidate] : INT8_CONV_CANDIDATES : light ? LIGHT_CANDIDATES : CONV_CANDIDATES;

/** True where some candidate would read the weights in fewer bits, and they have so few levels. */
function fewLevels({ node, types }: Request, form: ConvForm, fusions: ReadonlySet<Fusion>): boolean {
  const plain = asConvolution(form);
  if (form.int8 || form.trained || !plain) return false;
  if (!someAccepts(CONV_CANDIDATES, form, new Set([...fusions, "low-bit weights"]))) return false;
  const source = packingSource(plain);
  const data = constantOf(node as Node, types.inputs[1], "the weight");
  return levelsOf(densePacking(source, 1, form.firstChannel % 4), data) !== undefined;
}

/** The share of blocks of weights that are not zero, where leaving out the others pays and the direct convolution computes the node. */
function blocksLeft({ node, types }: Request, form: ConvForm): number | undefined {
  const plain = asConvolution(form);
  if (form.int8 || form.trained || !plain || !directConvApplies(plain)) return undefined;
  const packing = densePacking(packingSource(plain), 1, form.firstChannel % 4);
  const share = shareOfBlocks(packing, constantOf(node as Node, types.inputs[1], "the weight"));
  return share <= MOST_BLOCKS_LEFT ? share : undefined;
}

function contest(request: Request, target: KernelTarget) {
  const { node } = request;
  const int8 = node.op === "Conv" ? int8Numbers(request as ContestRequest<"Conv">) : undefined;
  const dense: ConvForm = { ...convForm(request), int8 };
  const form: ConvForm = { ...dense, blocksLeft: blocksLeft(request, dense) };
  const fusions = new Set(request.fusions);
  const light = target.light === "trained" ? form.trained : target.light;
  // The kernel of first runs reads floats.
  const readsWords = !target.floatWeights && !light;
  if (readsWords && fewLevels(request, form, fusions)) fusions.add("low-bit weights");
  const key = convKey(form, fusions), step = { key: target.halfProducts ? `${key} f16 products` : key, form, fusions };
  return contestOf<ConvForm, ConvContext>(candidatesOf(form, light), step, { ...target, light }, () => {
    const words = [...fusions].join(", ");
    return new FeatherdetError(`no kernel takes along: ${words}`, { node: node.name, operator: node.op });
  });
}

const competition: Competition<"Conv" | "ConvTranspose"> = {
  accepts: (request) => someAccepts(CONV_CANDIDATES, convForm(request), request.fusions),
  contest,
};

/** What competes for a node whose operands are placed already. */
export function convContest(context: ConvContext): ReturnType<typeof contest> {
  const { node, inputs, outputs, epilogue, gate, firstChannel } = context;
  const { activation, residual, interleaved } = epilogue;
  const fusions = fusionSet({
    activation: activation.name !== "None",
    residual: residual !== undefined,
    gate: gate !== undefined,
    "channel range": firstChannel !== undefined && firstChannel > 0,
    "channel shuffle": interleaved !== undefined,
  });
  const cells = ({ layout }: ConvContext["inputs"][number]) => layout.kind === "blocked" ? layout.int8 : undefined;
  const typed = (operand: ConvContext["inputs"][number]) => ({ ...operand, dtype: operand.dtype ?? "f32" as const });
  return contest({
    node,
    types: { inputs: inputs.map(typed), outputs: outputs.map(typed) },
    fusions,
    activation,
    firstChannel,
    cells: { input: cells(inputs[0]), output: cells(outputs[0]) },
  }, {
    adapter: context.target ?? "software",
    packedDot: context.packedDot ?? false,
    floatWeights: context.floatWeights ?? false,
    light: context.light,
  });
}

/** The dispatches of a node by the kernel that costs least. */
function convKernels(context: ConvContext): Kernel[] {
  return chooseOption(convContest(context)).make(context);
}

/** True where the weights, all of them, are constants, or values. */
const withWeights = (kind: "constant" | "value") => (node: Node, types: OperandTypes): boolean =>
  onImages(node, { ...types, inputs: types.inputs.slice(0, 1) }) &&
  types.inputs.slice(1).every(({ constant }) => (constant ? "constant" : "value") === kind);

/** Operands of a convolution whose weights change from run to run. */
const withTrainedWeights = (node: Node): MixedLayouts => ({
  inputs: node.inputs.map((_, i) => i === 0 ? "blocked" : "plain"),
  outputs: ["blocked"],
});

/** Kernels of Conv, over maps in row memory. */
export const conv: OperatorKernels<"Conv"> = {
  competition: competition as Competition<"Conv">,
  blocked: { applies: withWeights("constant"), kernels: convKernels },
  mixed: { applies: withWeights("value"), layouts: withTrainedWeights, kernels: convKernels },
};

/** Kernels of ConvTranspose, over maps in row memory. */
export const convTranspose: OperatorKernels<"ConvTranspose"> = {
  competition: competition as Competition<"ConvTranspose">,
  blocked: { applies: withWeights("constant"), kernels: convKernels },
  mixed: { applies: withWeights("value"), layouts: withTrainedWeights, kernels: convKernels },
};
