/**
 * How a model's input takes pictures, and the way from the form in which letterboxes make them: `[N, 3, H, W]`, RGB, floats in 0..1. For a
 * detector the way becomes nodes in front of the graph, for samples it is walked on the host.
 *
 * @module
 */

import {
  FeatherdetError,
  type Graph,
  GraphIndex,
  namesOf,
  type Node,
  traitOf,
  uniqueName,
  withNodes,
} from "../graph/mod.ts";

/** What a network's input holds, where no file can say it. */
export interface InputOptions {
  /** Range of the levels. By default what the first node shows (a division by 255, an input of bytes), else 0..1. */
  readonly inputRange?: "0..1" | "0..255";
  /** Order of the channels. Default `rgb`. */
  readonly inputChannels?: "rgb" | "bgr";
}

const LEVELS = 255;

/** The node that brings 0..255 to 0..1 right behind the input. */
function findScaling(index: GraphIndex, input: string): Node | undefined {
  const [reader, ...others] = index.readersOf(input);
  if (reader === undefined || others.length > 0 || reader.inputs[0] !== input) return undefined;
  const constant = index.constantOf(reader.inputs[1]);
  if (constant === undefined || constant.data.length !== 1) return undefined;
  const factor = reader.op === "Div" ? 1 / constant.data[0] : reader.op === "Mul" ? constant.data[0] : NaN;
  return Math.abs(factor * LEVELS - 1) < 1e-3 ? reader : undefined;
}

/** Whether the nodes behind the input show that it holds levels of 0..255. */
function showsLevels(index: GraphIndex, input: string): boolean {
  const readers = index.readersOf(input);
  return readers.length > 0 && readers.every((node) => {
    if (traitOf(node, "moves") === "place" || node.op === "Cast") {
      return node.outputs.every((out) => showsLevels(index, out));
    }
    const numbers = index.constantOf(node.inputs[1])?.data;
    if (numbers === undefined) return false;
    const all = (holds: (number: number) => boolean) => Array.from(numbers).every(holds);
    switch (node.op) {
      case "Div":
        return all((number) => number >= 30 && number <= 256);
      case "Mul":
        return all((number) => number >= 1 / 256 && number <= 1 / 30);
      case "Sub":
        return all((number) => number >= 20 && number < 255);
      case "QuantizeLinear":
        return all((number) => number >= 0.2 && number < 4);
      default:
        return false;
    }
  });
}

/** Takes nodes away whose output is their input. */
function without(nodes: readonly Node[], passed: readonly Node[]): Node[] {
  const inputOf = new Map(passed.map((node) => [node.outputs[0], node.inputs[0]]));
  return nodes.filter((node) => !passed.includes(node)).map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => inputOf.get(name) ?? name),
  } as Node));
}

/** How an input takes pictures. */
export interface PictureForm {
  /** Name of the input. */
  readonly name: string;
  /** Rows of a picture. */
  readonly height: number;
  /** Columns of a picture. */
  readonly width: number;
  /** Whether channels are the last axis, `[N, H, W, 3]`. */
  readonly channelsLast: boolean;
  /** Whether levels are in 0..255 instead of 0..1. */
  readonly levels: boolean;
  /** Order of the channels. */
  readonly channels: "rgb" | "bgr";
}

/** How the one input of a model takes pictures. Throws FeatherdetError if it has not one picture input. */
export function pictureFormOf(graph: Graph, { inputRange, inputChannels = "rgb" }: InputOptions = {}): PictureForm {
  const [input] = graph.inputs;
  const shape = input?.shape ?? [];
  const channelsLast = shape[1] !== 3 && shape[3] === 3;
  if (graph.inputs.length !== 1 || shape.length !== 4 || (shape[1] !== 3 && !channelsLast)) {
    const inputs = graph.inputs.map(({ name, shape }) => `"${name}" [${shape.join(",")}]`).join(", ");
    throw new FeatherdetError(
      `a detector has one input of pictures, [N,3,H,W] or [N,H,W,3], this model has ${inputs || "none"}`,
      { file: graph.name },
    );
  }
  const { name, dtype } = input;
  const shown = dtype !== "f32" || showsLevels(GraphIndex.of(graph), name);
  const levels = inputRange === undefined ? shown : inputRange === "0..255";
  const [height, width] = channelsLast ? [shape[1], shape[2]] : [shape[2], shape[3]];
  return { name, height, width, channelsLast, levels, channels: inputChannels };
}

/** A letterboxed picture `[1, 3, H, W]`, RGB in 0..1, as an input takes it. */
export function toPictureForm(
  { shape, data }: { readonly shape: readonly number[]; readonly data: Float32Array<ArrayBuffer> },
  { channelsLast, levels, channels }: Omit<PictureForm, "name" | "height" | "width">,
): { shape: [number, number, number, number]; data: Float32Array<ArrayBuffer> } {
  const [, , height, width] = shape;
  if (!channelsLast && !levels && channels === "rgb") return { shape: [1, 3, height, width], data };
  const plane = height * width;
  const out = new Float32Array(data.length);
  const factor = levels ? LEVELS : 1;
  for (let channel = 0; channel < 3; channel++) {
    const from = (channels === "bgr" ? 2 - channel : channel) * plane;
    const [first, step] = channelsLast ? [channel, 3] : [channel * plane, 1];
    for (let at = 0; at < plane; at++) out[first + at * step] = data[from + at] * factor;
  }
  return { shape: channelsLast ? [1, height, width, 3] : [1, 3, height, width], data: out };
}

/**
 * The same model with an input `[N, 3, H, W]` of RGB in 0..1 under the same name.
 *
 * Throws FeatherdetError if the model has not one picture input, or reads bytes in a way that floats cannot stand in for.
 */
export function withPictureInput(graph: Graph, options: InputOptions = {}): Graph {
  const { channelsLast, levels, channels } = pictureFormOf(graph, options);
  const [{ name, shape, dtype }] = graph.inputs;
  const index = GraphIndex.of(graph);
  const casts = dtype === "f32" ? [] : index.readersOf(name);
  if (casts.some((node) => node.op !== "Cast" || node.attributes.to !== "f32" || index.isOutput(node.outputs[0]))) {
    throw new FeatherdetError(`input "${name}" is ${dtype} and not only cast to floats, which is not supported`, {
      file: graph.name,
    });
  }
  if (!channelsLast && channels === "rgb" && !levels && dtype === "f32") return graph;
  const scaling = levels && dtype === "f32" ? findScaling(index, name) : undefined;

  // What divides by 255 goes away; nothing then has to multiply.
  const passed = [...casts, ...scaling && !index.isOutput(scaling.outputs[0]) ? [scaling] : []];
  const names = namesOf(graph);
  const constants = new Map(graph.constants);
  const front: Node[] = [];
  let value = name;
  const add = (make: (output: string) => Node) => {
    const output = uniqueName(names, `${name}/as_exported`);
    front.push(make(output));
    value = output;
  };
  if (channels === "bgr") {
    const parts = ["r", "g", "b"].map((channel) => uniqueName(names, `${name}/${channel}`));
    const split = { op: "Split", name: uniqueName(names, `${name}/channels`), inputs: [value], outputs: parts };
    front.push({ ...split, attributes: { axis: 1, sizes: [1, 1, 1] } } as Node);
    add((output) =>
      ({ op: "Concat", name: output, inputs: parts.toReversed(), outputs: [output], attributes: { axis: 1 } }) as Node
    );
  }
  if (levels && !passed.includes(scaling!)) {
    const factor = uniqueName(names, `${name}/levels`);
    constants.set(factor, { dtype: "f32", shape: [1], data: Float32Array.of(LEVELS) });
    add((output) => ({ op: "Mul", name: output, inputs: [value, factor], outputs: [output], attributes: {} }) as Node);
  }
  if (channelsLast) {
    add((output) =>
      ({
        op: "Transpose",
        name: output,
        inputs: [value],
        outputs: [output],
        attributes: { perm: [0, 2, 3, 1] },
      }) as Node
    );
  }
  const behind = without(graph.nodes, passed).map((node) => ({
    ...node,
    inputs: node.inputs.map((read) => read === name ? value : read),
  } as Node));
  const wanted = channelsLast ? [shape[0], 3, shape[1], shape[2]] : shape;
  return withNodes({ ...graph, inputs: [{ name, dtype: "f32", shape: wanted }], constants }, [...front, ...behind]);
}
