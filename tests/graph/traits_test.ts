/**
 * Every trait against the float64 reference, over seeded numbers: what a row claims holds, and what it denies fails somewhere, so that a
 * wrong row is found either way.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { inferNode, type Node, type Operator, sizeOf, stridesOf, traitOf, TRAITS } from "../../src/graph/mod.ts";
import { macsOf } from "../../src/graph/analyze.ts";
import { evaluateNode, type ReferenceTensor, referenceTensor } from "../../src/reference/run.ts";
import { OPERATOR_SAMPLES, type OperatorSample } from "../support/operator_samples.ts";
import { seededRandom } from "../support/random.ts";

/** How many elements are moved one by one. */
const MOVED = 150;

type Data = readonly Float64Array[];

const isWhole = ({ types }: OperatorSample, input: number) => types[input] !== undefined;

/** Seeded numbers for every input. */
function draw(sample: OperatorSample): Data {
  const random = seededRandom(7);
  return sample.shapes.map((shape, input) => {
    const isData = sample.data.includes(input);
    const whole = isWhole(sample, input);
    const [low, high] = isData ? sample.range : sample.positive.includes(input) ? [0.2, 0.5] : whole ? [2, 9] : [-1, 1];
    return Float64Array.from({ length: sizeOf(shape) }, () => {
      const value = low + (high - low) * random();
      if (whole || sample.steps?.includes(input)) return Math.round(value);
      // As a Cast to f32 holds them.
      return Math.fround(isData && sample.positive.includes(input) ? Math.abs(value) + 0.1 : value);
    });
  });
}

function run({ node, shapes, types }: OperatorSample, data: Data): ReferenceTensor[] {
  return evaluateNode(
    node,
    data.map((numbers, input) => referenceTensor(shapes[input], numbers, types[input] ?? "f32")),
  );
}

/** The numbers with each data input passed through a function. */
const mapped = ({ data }: OperatorSample, numbers: Data, change: (value: number) => number): Data =>
  numbers.map((one, input) => data.includes(input) ? one.map(change) : one);

const values = (tensors: readonly ReferenceTensor[]) => tensors.flatMap(({ data }) => [...data]);

const isNear = (a: number, b: number) => a === b || Math.abs(a - b) <= 1e-5 * Math.max(1e-2, Math.abs(a), Math.abs(b));

function indexOf(position: number, shape: readonly number[]): number[] {
  return stridesOf(shape).map((stride, axis) => Math.floor(position / stride) % shape[axis]);
}

/** One element of one data input raised, and what came of it. */
interface Raise {
  readonly input: number;
  readonly position: number;
  readonly before: readonly ReferenceTensor[];
  readonly after: readonly ReferenceTensor[];
}

function raises(sample: OperatorSample): Raise[] {
  const numbers = draw(sample);
  const before = run(sample, numbers);
  const random = seededRandom(11);
  const reach = 0.2 * (sample.range[1] - sample.range[0]);
  return sample.data.flatMap((input) =>
    Array.from({ length: MOVED }, (): Raise => {
      const position = Math.floor(random() * numbers[input].length);
      const by = isWhole(sample, input) ? 1 + Math.floor(random() * reach) : reach * random();
      const after = numbers.map((one, i) => i === input ? one.with(position, one[position] + by) : one);
      return { input, position, before, after: run(sample, after) };
    })
  );
}

/** Whether all changes of outputs are where a predicate wants them. */
function changesOnly(
  { input, position, before, after }: Raise,
  { shapes }: OperatorSample,
  isWanted: (output: readonly number[], input: readonly number[], shape: readonly number[]) => boolean,
): boolean {
  const from = indexOf(position, shapes[input]);
  return before.every(({ shape, data }, output) =>
    data.every((value, at) => value === after[output].data[at] || isWanted(indexOf(at, shape), from, shapes[input]))
  );
}

function readsOf(sample: OperatorSample): "element" | "channel" | "any" {
  const all = raises(sample);
  const isSamePlace = (output: readonly number[], input: readonly number[], shape: readonly number[]) => {
    const aligned = output.slice(output.length - input.length);
    return output.length >= input.length && input.every((index, axis) => shape[axis] === 1 || index === aligned[axis]);
  };
  if (all.every((one) => changesOnly(one, sample, isSamePlace))) return "element";
  // Vectors of channels have one axis.
  const channel = (index: readonly number[]) => index.length === 1 ? index[0] : index[1];
  return all.every((one) => changesOnly(one, sample, (output, input) => channel(output) === channel(input)))
    ? "channel"
    : "any";
}

function movesOf(sample: OperatorSample): "place" | "value" | "no" {
  const numbers = draw(sample);
  const commutes = (change: (value: number) => number) => {
    const first = values(run(sample, mapped(sample, numbers, change))), last = values(run(sample, numbers)).map(change);
    return first.every((value, i) => value === last[i]);
  };
  // In float32, so that a Cast to it changes nothing.
  const folded = (value: number) => Math.fround(30 * (Math.sin(5 * value) + 2)),
    rising = (value: number) => value * 2 + 3;
  const whole = sample.types[0] !== undefined ? Math.round : Math.fround;
  if (commutes((value) => whole(folded(value)))) return "place";
  return commutes((value) => whole(rising(value))) &&
      values(run(sample, numbers)).every((value) => sample.data.some((input) => numbers[input].includes(value)))
    ? "value"
    : "no";
}

function zeroOf(sample: OperatorSample): "all" | "any" | "first" | "no" {
  const numbers = draw(sample);
  const isZero = (inputs: readonly number[]) =>
    values(run(sample, numbers.map((one, input) => inputs.includes(input) ? one.map(() => 0) : one)))
      .every((value) => value === 0);
  if (!isZero(sample.data)) {
    // What two zeros make is not asked where the others may not be 0.
    return isZero(sample.data.slice(0, 1)) ? "first" : "no";
  }
  if (sample.data.length === 1) return "all";
  return sample.data.every((input) => isZero([input])) ? "any" : isZero(sample.data.slice(0, 1)) ? "first" : "all";
}

function isMonotone(sample: OperatorSample): boolean {
  return raises(sample).every(({ before, after }) =>
    before.every(({ data }, output) => data.every((value, at) => after[output].data[at] >= value - 1e-12))
  );
}

function isHomogeneous(sample: OperatorSample): boolean {
  const numbers = draw(sample);
  const first = values(run(sample, mapped(sample, numbers, (value) => 3 * value)));
  const last = values(run(sample, numbers)).map((value) => 3 * value);
  return first.every((value, i) => isNear(value, last[i]));
}

const describe = (node: Node) => `${node.op} ${JSON.stringify(node.attributes, (_, v) => v === Infinity ? "inf" : v)}`;

for (const op of Object.keys(TRAITS) as Operator[]) {
  Deno.test(`traits of ${op} are what the reference shows`, () => {
    for (const sample of OPERATOR_SAMPLES[op]) {
      const { node, data } = sample;
      if (data.length === 0) continue;
      const claimed = {
        reads: traitOf(node, "reads"),
        moves: traitOf(node, "moves"),
        zero: traitOf(node, "zero"),
        monotone: traitOf(node, "monotone"),
        homogeneous: traitOf(node, "homogeneous"),
      };
      const found = {
        reads: readsOf(sample),
        moves: movesOf(sample),
        zero: zeroOf(sample),
        monotone: isMonotone(sample),
        homogeneous: isHomogeneous(sample),
      };
      assertEquals(claimed, found, describe(node));
    }
  });
}

Deno.test("layers are what multiplies and adds up, and nothing that does is cheap", () => {
  for (const { node, shapes, types } of Object.values(OPERATOR_SAMPLES).flat()) {
    const inputs = shapes.map((shape, input) => ({ shape, dtype: types[input] ?? "f32" }));
    const outputs = inferNode(node, inputs);
    const macs = macsOf(node, shapes, outputs[0].shape);
    // The gradient of a weight is part of no model.
    if (node.op !== "ConvWeightGradient") assertEquals(traitOf(node, "layer") !== "no", macs > 0, node.op);
    assert(!(traitOf(node, "cheap") && macs > 0), node.op);
    const integers = [...inputs, ...outputs].some(({ dtype }) => dtype !== "f32");
    // Places of elements are no numbers of few levels.
    const places = ["Cast", "TopK", "GatherElements"].includes(node.op);
    if (integers && !places) assert(traitOf(node, "quantized"), node.op);
  }
});

Deno.test("what rounds floats, so that a second time changes nothing, is called quantized", () => {
  for (const sample of Object.values(OPERATOR_SAMPLES).flat()) {
    if (sample.data.length !== 1 || sample.types[0] !== undefined || sample.node.op === "Cast") continue;
    // To whole numbers and signs models round without storing anything in fewer bits.
    if (["Sign", "Floor", "Ceil", "Round"].includes(sample.node.op)) continue;
    const numbers = draw(sample), [first] = run(sample, numbers);
    if (String(first.shape) !== String(sample.shapes[0]) || first.dtype !== "f32") continue;
    const [second] = run(sample, [first.data, ...numbers.slice(1)]);
    const isSettled = second.data.every((value, i) => isNear(value, first.data[i]));
    // The greatest weight may be a level itself.
    const kept = first.data.filter((value) => numbers[0].includes(value)).length;
    const isRounded = isSettled && kept < first.data.length / 10;
    assertEquals(traitOf(sample.node, "quantized"), isRounded, describe(sample.node));
  }
});
