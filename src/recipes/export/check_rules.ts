/**
 * Compares the nodes of an ONNX file with what a runtime says that it reads.
 *
 * @module
 */

import type { onnx } from "npm:onnx-proto@8.0.1";
import { decodeModel, toNumber } from "../../onnx/proto.ts";
import type { RuntimeRules } from "./rules.ts";

/** What a file has that a runtime does not read. */
export interface RuleBreach {
  /** The node; undefined for the file as a whole. */
  readonly node?: string;
  /** Its operator. */
  readonly operator?: string;
  /** What is wrong, in a few words. */
  readonly what: string;
  /** Whether the node runs elsewhere instead of being an error. */
  readonly elsewhere: boolean;
}

/** ONNX's numbers of the types that quantization has. */
const TYPES: Readonly<Record<number, string>> = { 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32" };

/** Operators whose weights may have a scale for each channel. */
const CONVOLUTIONS = ["Conv", "ConvTranspose"];

const isZero = ({ rawData }: onnx.ITensorProto) => (rawData ?? new Uint8Array()).every((byte) => byte === 0);

/** The breaches of one node of quantization. */
function quantizationBreaches(
  node: onnx.INodeProto,
  { quantization }: RuntimeRules,
  tensors: ReadonlyMap<string, onnx.ITensorProto>,
  readers: ReadonlyMap<string, readonly onnx.INodeProto[]>,
  typeOf: (value: string) => number | undefined,
): string[] {
  if (quantization === undefined) return ["quantization is refused, the runtime has a quantizer of its own"];
  const [value, scale, zero] = node.input ?? [], found: string[] = [];
  const point = zero ? tensors.get(zero) : undefined;
  const number = point?.dataType ?? (node.opType === "DequantizeLinear" ? typeOf(value) : 2);
  const type = TYPES[number ?? 0] ?? "unknown";
  const allowed: readonly string[] = tensors.has(value) ? quantization.constants : quantization.activations;
  if (!allowed.includes(type)) found.push(`type ${type}`);
  if (quantization.symmetric && point && !isZero(point)) found.push("a zero point that is not 0");
  if (zero && !point || !tensors.has(scale)) found.push("a scale or zero point that is computed");
  const perChannel = (tensors.get(scale)?.dims ?? []).length > 0 && toNumber(tensors.get(scale)!.dims![0]) > 1;
  const axis = toNumber((node.attribute ?? []).find(({ name }) => name === "axis")?.i ?? 1);
  const weighs = (readers.get(node.output![0]) ?? []).some(({ opType }) => CONVOLUTIONS.includes(opType ?? ""));
  const isWeight = tensors.has(value) && (tensors.get(value)!.dims ?? []).length > 1;
  if (perChannel && isWeight && weighs && axis !== quantization.weightAxis) found.push(`scales along axis ${axis}`);
  if (perChannel && !tensors.has(value)) found.push("scales of each channel on an activation");
  return found;
}

/**
 * What a file has that a runtime does not read, node by node; none where it reads all. Throws FeatherdetError for bytes that are no ONNX
 * model.
 */
export function checkRules(bytes: Uint8Array, rules: RuntimeRules, file = "model.onnx"): RuleBreach[] {
  const { opset, graph } = decodeModel(bytes, file);
  const tensors = new Map((graph.initializer ?? []).map((tensor) => [tensor.name!, tensor]));
  const readers = new Map<string, onnx.INodeProto[]>(), types = new Map<string, number>();
  for (const node of graph.node ?? []) {
    for (const name of node.input ?? []) readers.set(name, [...readers.get(name) ?? [], node]);
    if (node.opType !== "QuantizeLinear") continue;
    // Without a zero point the result is of unsigned bytes.
    types.set(node.output![0], (node.input![2] ? tensors.get(node.input![2])?.dataType : undefined) ?? 2);
  }
  const typeOf = (value: string) => tensors.get(value)?.dataType ?? types.get(value);
  const breaches: RuleBreach[] = [];
  const [first, last] = rules.opsets;
  if (opset < first || opset > last) {
    breaches.push({ what: `operator set ${opset}, ${first} to ${last} are read`, elsewhere: false });
  }
  for (const { name, type } of graph.input ?? []) {
    const dims = type?.tensorType?.shape?.dim ?? [];
    if (dims.some(({ dimValue, dimParam }) => dimParam || !(toNumber(dimValue) > 0))) {
      breaches.push({ what: `input "${name}" has extents that are not fixed`, elsewhere: false });
    }
  }
  for (const node of graph.node ?? []) {
    const operator = node.opType ?? "", place = { node: node.name || node.output![0], operator };
    const isQuantizing = operator === "QuantizeLinear" || operator === "DequantizeLinear";
    if (node.domain && node.domain !== "ai.onnx" || !rules.operators.has(operator)) {
      breaches.push({ ...place, what: "operator is not in the list", elsewhere: rules.elsewhere });
    } else if (isQuantizing) {
      for (const what of quantizationBreaches(node, rules, tensors, readers, typeOf)) {
        breaches.push({ ...place, what, elsewhere: false });
      }
    }
  }
  return breaches;
}

/** Breaches in a few lines: each kind once, with how often and where first. */
export function breachLines(breaches: readonly RuleBreach[]): string[] {
  const kinds = Map.groupBy(breaches, ({ operator, what }) => operator === undefined ? what : `${operator}: ${what}`);
  return [...kinds].map(([kind, all]) => {
    const [{ node, elsewhere }] = all;
    const where = node === undefined ? "" : all.length === 1 ? ` (${node})` : ` (${all.length} nodes, first ${node})`;
    return `${kind}${where}${elsewhere ? "; it runs on the CPU" : ""}`;
  });
}
