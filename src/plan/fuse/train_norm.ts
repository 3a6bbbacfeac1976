/**
 * Activations behind a batch normalisation in training, forward and backward: `BatchNormTraining` takes its activation along, and
 * `BatchNormGradient` the derivative before it, computing the normalised value anew. So of conv, norm and activation only two maps
 * are stored, the convolution's and the activated one, and no gradient of the normalised value.
 *
 * @module
 */

import {
  type ActivationAttributes,
  type ActivationOperator,
  consumers,
  type Graph,
  isActivation,
  type Node,
  unaryRow,
  withNodes,
} from "../../graph/mod.ts";

const isActivationNode = (node: Node): node is Node<ActivationOperator> => isActivation(node.op);

/** True for the gradient of this very activation, computed from `value`. */
function isDerivative(
  node: Node,
  activation: Node<ActivationOperator>,
  value: string,
): node is Node<"ActivationGradient"> {
  if (node.op !== "ActivationGradient" || node.inputs[0] !== value) return false;
  const attributes: Readonly<Record<string, unknown>> = node.attributes;
  return attributes.activation === activation.op &&
    Object.entries(activation.attributes).every(([name, number]) => attributes[name] === number);
}

/** The one node of a list, if it is one. */
const single = <T>(list: readonly T[]): T | undefined => list.length === 1 ? list[0] : undefined;

/** A normalisation with what follows it. */
interface Found {
  readonly norm: Node<"BatchNormTraining">;
  readonly activation: Node<ActivationOperator>;
  /** The gradients of both, where the graph has them. */
  readonly backward?: { readonly derivative: Node<"ActivationGradient">; readonly gradient: Node<"BatchNormGradient"> };
}

/** The activation of a normalisation and the gradients of both, where nothing else reads a value in between. */
function find(
  norm: Node<"BatchNormTraining">,
  graph: Graph,
  readers: ReadonlyMap<string, readonly Node[]>,
): Found | undefined {
  const [normalised, mean, inverse] = norm.outputs;
  if (norm.attributes.activation || graph.outputs.includes(normalised)) return undefined;
  const activation = single(readers.get(normalised)!.filter(isActivationNode));
  if (!activation) return undefined;
  const value = unaryRow(activation.op).derivative.from === "input" ? normalised : activation.outputs[0];
  const derivatives = readers.get(value)!.flatMap((node) => isDerivative(node, activation, value) ? [node] : []);
  const others = readers.get(normalised)!.filter((node) =>
    node !== activation && !derivatives.some((one) => one === node)
  );
  if (others.length > 0 || derivatives.length > 1) return undefined;
  if (derivatives.length === 0) return { norm, activation };
  const [derivative] = derivatives;
  const [dy] = derivative.outputs;
  const gradient = single(readers.get(dy)!);
  const expected = [...norm.inputs.slice(0, 2), mean, inverse, dy];
  const fits = gradient?.op === "BatchNormGradient" && gradient.inputs.join("\n") === expected.join("\n") &&
    !graph.outputs.includes(dy);
  if (fits) return { norm, activation, backward: { derivative, gradient } };
  // A derivative that is computed from the activation's output can stay; one from its input needs the normalised value.
  return value === normalised ? undefined : { norm, activation };
}

/**
 * The graph with such activations as attributes of the normalisations and of their gradients. Values and their names stay, but for those
 * that are no longer computed.
 */
export function fuseNormActivationGradient(graph: Graph): Graph {
  const readers = consumers(graph);
  const replaced = new Map<Node, Node | undefined>();
  for (const node of graph.nodes) {
    const found = node.op === "BatchNormTraining" ? find(node, graph, readers) : undefined;
    if (!found) continue;
    const { norm, activation, backward } = found;
    const own = { activation: activation.op, ...activation.attributes } as ActivationAttributes;
    const outputs = [activation.outputs[0], ...norm.outputs.slice(1)];
    replaced.set(norm, { ...norm, outputs, attributes: { ...norm.attributes, activation: own } });
    replaced.set(activation, undefined);
    if (!backward) continue;
    const { derivative, gradient } = backward;
    const [x, scale, mean, inverse] = gradient.inputs;
    const inputs = [x, scale, mean, inverse, derivative.inputs[1], norm.inputs[2]];
    replaced.set(gradient, { ...gradient, inputs, attributes: { activation: own } });
    replaced.set(derivative, undefined);
  }
  if (replaced.size === 0) return graph;
  return withNodes(graph, graph.nodes.flatMap((node) => replaced.has(node) ? replaced.get(node) ?? [] : [node]));
}
