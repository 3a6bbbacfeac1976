/**
 * How a model's input takes pictures, and the way from the form in which letterboxes make them: `[N, 3, H, W]`, RGB, floats in 0..1. For a
 * detector the way becomes nodes in front of the graph, for samples it is walked on the host.
 *
 * @module
 */

import {
  type Constant,
  FeatherdetError,
  type Graph,
  GraphIndex,
  namesOf,
  type Node,
  roundHalfEven,
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

/** All values of `inputRange`. */
export const INPUT_RANGES: readonly NonNullable<InputOptions["inputRange"]>[] = ["0..1", "0..255"];

/** All values of `inputChannels`. */
export const INPUT_CHANNELS: readonly NonNullable<InputOptions["inputChannels"]>[] = ["rgb", "bgr"];

const LEVELS = 255;

/** The node that brings 0..255 to 0..1 behind the input, before anything else computes. */
function findScaling(index: GraphIndex, input: string): Node | undefined {
  const [reader, ...others] = index.readersOf(input);
  if (reader === undefined || others.length > 0 || reader.inputs[0] !== input || index.isOutput(input)) {
    return undefined;
  }
  if (reader.op === "Transpose") return findScaling(index, reader.outputs[0]);
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
  /** Whether it holds bytes, whose levels are whole numbers. */
  readonly bytes: boolean;
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
  const bytes = dtype === "u8";
  if (bytes && inputRange === "0..1") {
    throw new FeatherdetError(`input "${name}" is uint8, whose levels are 0..255: leave --input-range out`, {
      file: graph.name,
    });
  }
  const levels = bytes ||
    (inputRange === undefined ? showsLevels(GraphIndex.of(graph), name) : inputRange === "0..255");
  const [height, width] = channelsLast ? [shape[1], shape[2]] : [shape[2], shape[3]];
  return { name, height, width, channelsLast, levels, bytes, channels: inputChannels };
}

/** A letterboxed picture `[1, 3, H, W]`, RGB in 0..1, as an input takes it. */
export function toPictureForm(
  { shape, data }: { readonly shape: readonly number[]; readonly data: Float32Array<ArrayBuffer> },
  { channelsLast, levels, bytes, channels }: Omit<PictureForm, "name" | "height" | "width">,
): { shape: [number, number, number, number]; data: Float32Array<ArrayBuffer> } {
  const [, , height, width] = shape;
  if (!channelsLast && !levels && channels === "rgb") return { shape: [1, 3, height, width], data };
  const plane = height * width;
  const out = new Float32Array(data.length);
  const factor = levels ? LEVELS : 1;
  for (let channel = 0; channel < 3; channel++) {
    const from = (channels === "bgr" ? 2 - channel : channel) * plane;
    const [first, step] = channelsLast ? [channel, 3] : [channel * plane, 1];
    for (let at = 0; at < plane; at++) {
      const level = data[from + at] * factor;
      out[first + at * step] = bytes ? roundHalfEven(level) : level;
    }
  }
  return { shape: channelsLast ? [1, height, width, 3] : [1, 3, height, width], data: out };
}

/** The same model with an input of floats in the place of bytes that nodes only move and cast to floats; undefined if they do more. */
function withFloatInput(graph: Graph): Graph | undefined {
  const [input] = graph.inputs;
  const index = GraphIndex.of(graph);
  const casts: Node[] = [];
  const open = [input.name];
  while (open.length > 0) {
    const value = open.pop()!;
    if (index.isOutput(value)) return undefined;
    for (const node of index.readersOf(value)) {
      // Other inputs of a node that moves are places, or bytes too.
      if (node.inputs.some((read) => read !== value && index.types.get(read)!.dtype === "u8")) return undefined;
      if (node.op === "Cast" && node.attributes.to === "f32") casts.push(node);
      else if (traitOf(node, "moves") === "place" && node.op !== "Cast") open.push(...node.outputs);
      else return undefined;
    }
  }
  if (casts.some(({ outputs }) => index.isOutput(outputs[0]))) return undefined;
  return withNodes({ ...graph, inputs: [{ ...input, dtype: "f32" }] }, without(graph.nodes, casts));
}

/** Writes what makes the input as the model takes it of pictures in `[N, 3, H, W]`, RGB in 0..1. */
class Front {
  readonly nodes: Node[] = [];
  readonly constants: Map<string, Constant>;
  readonly #names: Set<string>;
  readonly #name: string;
  /** The last value. */
  value: string;

  constructor(graph: Graph) {
    this.#names = namesOf(graph);
    this.constants = new Map(graph.constants);
    this.#name = graph.inputs[0].name;
    this.value = this.#name;
  }

  #add(op: Node["op"], inputs: readonly string[], attributes: object): void {
    const output = uniqueName(this.#names, `${this.#name}/as_exported`);
    this.nodes.push({ op, name: output, inputs, outputs: [output], attributes } as Node);
    this.value = output;
  }

  #constant(what: string, constant: Constant): string {
    const name = uniqueName(this.#names, `${this.#name}/${what}`);
    this.constants.set(name, constant);
    return name;
  }

  swapRedAndBlue(): void {
    const parts = ["r", "g", "b"].map((channel) => uniqueName(this.#names, `${this.#name}/${channel}`));
    const name = uniqueName(this.#names, `${this.#name}/channels`);
    const attributes = { axis: 1, sizes: [1, 1, 1] };
    this.nodes.push({ op: "Split", name, inputs: [this.value], outputs: parts, attributes } as Node);
    this.#add("Concat", parts.toReversed(), { axis: 1 });
  }

  toLevels(): void {
    const factor = this.#constant("levels", { dtype: "f32", shape: [1], data: Float32Array.of(LEVELS) });
    this.#add("Mul", [this.value, factor], {});
  }

  toBytes(): void {
    const scale = this.#constant("scale", { dtype: "f32", shape: [], data: Float32Array.of(1 / LEVELS) });
    const zero = this.#constant("zero_point", { dtype: "u8", shape: [], data: Uint8Array.of(0) });
    this.#add("QuantizeLinear", [this.value, scale, zero], { axis: 1 });
  }

  channelsLast(): void {
    this.#add("Transpose", [this.value], { perm: [0, 2, 3, 1] });
  }
}

/**
 * The same model with an input `[N, 3, H, W]` of RGB in 0..1 under the same name. Bytes that the model only casts to floats are floats then;
 * a model that computes with them gets them rounded.
 *
 * Throws FeatherdetError if the model has not one picture input.
 */
export function withPictureInput(given: Graph, options: InputOptions = {}): Graph {
  const { channelsLast, levels, bytes, channels } = pictureFormOf(given, options);
  if (!channelsLast && channels === "rgb" && !levels) return given;
  const floats = bytes ? withFloatInput(given) : given;
  const graph = floats ?? given;
  const [{ name, shape }] = graph.inputs;
  const scaling = levels && floats ? findScaling(GraphIndex.of(graph), name) : undefined;
  // What divides by 255 goes away; nothing then has to multiply.
  const passed = scaling && !graph.outputs.includes(scaling.outputs[0]) ? [scaling] : [];
  const front = new Front(graph);
  if (channels === "bgr") front.swapRedAndBlue();
  if (!floats) front.toBytes();
  else if (levels && passed.length === 0) front.toLevels();
  if (channelsLast) front.channelsLast();
  const behind = without(graph.nodes, passed).map((node) => ({
    ...node,
    inputs: node.inputs.map((read) => read === name ? front.value : read),
  } as Node));
  const wanted = channelsLast ? [shape[0], 3, shape[1], shape[2]] : shape;
  const inputs = [{ name, dtype: "f32", shape: wanted } as const];
  return withNodes({ ...graph, inputs, constants: front.constants }, [...front.nodes, ...behind]);
}
