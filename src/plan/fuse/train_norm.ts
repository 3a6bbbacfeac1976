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
  type Graph,
  GraphEditor,
  GraphIndex,
  isActivation,
  type Node,
  unaryRow,
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
function find(norm: Node<"BatchNormTraining">, index: GraphIndex): Found | undefined {
  const [normalised, mean, inverse] = norm.outputs;
  if (norm.attributes.activation || index.isOutput(normalised)) return undefined;
  const activation = single(index.readersOf(normalised).filter(isActivationNode));
  if (!activation) return undefined;
  const value = unaryRow(activation.op).derivative.from === "input" ? normalised : activation.outputs[0];
  const derivatives = index.readersOf(value).flatMap((node) => isDerivative(node, activation, value) ? [node] : []);
  const others = index.readersOf(normalised).filter((node) =>
    node !== activation && !derivatives.some((one) => one === node)
  );
  if (others.length > 0 || derivatives.length > 1) return undefined;
  if (derivatives.length === 0) return { norm, activation };
  const [derivative] = derivatives;
  const [dy] = derivative.outputs;
  const gradient = index.soleReader(dy);
  const expected = [...norm.inputs.slice(0, 2), mean, inverse, dy];
  const fits = gradient?.op === "BatchNormGradient" && gradient.inputs.join("\n") === expected.join("\n");
  if (fits) return { norm, activation, backward: { derivative, gradient } };
  // A derivative that is computed from the activation's output can stay; one from its input needs the normalised value.
  return value === normalised ? undefined : { norm, activation };
}

/**
 * The graph with such activations as attributes of the normalisations and of their gradients. Values and their names stay, but for those
 * that are no longer computed.
 */
export function fuseNormActivationGradient(graph: Graph): Graph {
  const index = GraphIndex.of(graph), editor = new GraphEditor(graph);
  let found = 0;
  for (const node of graph.nodes) {
    const fused = node.op === "BatchNormTraining" ? find(node, index) : undefined;
    if (!fused) continue;
    found++;
    const { norm, activation, backward } = fused;
    const own = { activation: activation.op, ...activation.attributes } as ActivationAttributes;
    const outputs = [activation.outputs[0], ...norm.outputs.slice(1)];
    editor.replace(activation, []);
    editor.replace(norm, [{ ...norm, outputs, attributes: { ...norm.attributes, activation: own } }]);
    if (!backward) continue;
    const { derivative, gradient } = backward;
    const [x, scale, mean, inverse] = gradient.inputs;
    const inputs = [x, scale, mean, inverse, derivative.inputs[1], norm.inputs[2]];
    editor.replace(derivative, []);
    editor.replace(gradient, [{ ...gradient, inputs, attributes: { activation: own } }]);
  }
  return found === 0 ? graph : editor.finish();
}
