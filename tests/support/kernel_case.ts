/**
 * One node computed by its kernels and by the reference, over the same numbers.
 *
 * @module
 */

import { assert } from "@std/assert";
import type { Constant, Shape } from "../../src/graph/graph.ts";
import type { Node, Operator } from "../../src/graph/operators.ts";
import { activationOf, NO_ACTIVATION } from "../../src/kernels/activation.ts";
import type { KernelContext, Operand, OperatorKernels } from "../../src/kernels/context.ts";
import { convContest } from "../../src/kernels/conv.ts";
import type { Target } from "../../src/kernels/target.ts";
import type { Kernel, Layout, StorageForm } from "../../src/kernels/kernel.ts";
import { KERNELS } from "../../src/kernels/table.ts";
import { evaluateNode } from "../../src/reference/evaluate.ts";
import { type ReferenceTensor, referenceTensor } from "../../src/reference/tensor.ts";
import { assertClose, blockedLayout, PITCH, storable } from "./compare.ts";
import { runKernels, type TestTensor } from "./gpu.ts";
import { randomTensor } from "./random.ts";

/** An input of the node. */
export interface CaseInput {
  readonly shape: Shape;
  readonly constant?: boolean;
  /** Range of its seeded numbers; -1 to 1 unless given. */
  readonly range?: readonly [low: number, high: number];
  /** What is made of these numbers. */
  readonly edit?: (data: Float32Array) => Float32Array;
}

/** What the kernels compute after the node. */
export interface CaseEpilogue {
  /** A unary node; its names do not matter. */
  readonly activation?: Node;
  readonly residual?: "before activation" | "after activation";
  /** How often the residual is halved in height and width; its pixels are repeated then. Not at all by default. */
  readonly shift?: number;
}

/** How a case is run. */
export interface CaseForm {
  readonly form: StorageForm;
  /** Layout of all operands; `mixed`: of each as the table's `layouts` says. */
  readonly layout: "blocked" | "plain" | "mixed";
  readonly epilogue?: CaseEpilogue;
  /** Widens the tolerance for long sums. */
  readonly slack?: number;
  /** Kind of adapter that kernels are chosen for. */
  readonly target?: Target;
  /** Whether kernels that compile quickly come first. */
  readonly light?: boolean;
  /** Of a convolution: the candidate, and its variant, that computes it; by default what costs least. */
  readonly option?: { readonly kernel: string; readonly variant: string };
  /** Makes the dispatches of a convolution in place of all that competes. */
  readonly make?: (context: KernelContext<"Conv">) => Kernel[];
}

/** A shape `[N,C,H,W]` whose height and width are halved so often, rounded up. */
function halved(shape: Shape, shift: number): Shape {
  return shape.map((extent, axis) => axis < shape.length - 2 ? extent : Math.ceil(extent / 2 ** shift));
}

function withEpilogue(y: ReferenceTensor, epilogue: CaseEpilogue, r: Float32Array): ReferenceTensor {
  const { shift = 0 } = epilogue,
    [height, width] = y.shape.slice(-2),
    [rows, columns] = halved(y.shape, shift).slice(-2);
  const pixel = (i: number) => {
    const plane = Math.floor(i / (height * width)), row = Math.floor(i / width) % height;
    return (plane * rows + (row >> shift)) * columns + (i % width >> shift);
  };
  const add = (t: ReferenceTensor) => ({ shape: t.shape, data: t.data.map((value, i) => value + r[pixel(i)]) });
  const before = epilogue.residual === "before activation" ? add(y) : y;
  const [active] = epilogue.activation ? evaluateNode(epilogue.activation, [before]) : [before];
  return epilogue.residual === "after activation" ? add(active) : active;
}

/** The dispatches of one option of a convolution's contest. */
function kernelsOf(context: KernelContext<"Conv">, { kernel, variant }: NonNullable<CaseForm["option"]>) {
  const { options } = convContest(context);
  const found = options.find((option) => option.kernel === kernel && option.variant === variant);
  assert(found, `there is no "${kernel} ${variant}" among ${options.map((one) => `"${one.kernel} ${one.variant}"`)}`);
  return found.make(context);
}

/** Runs the kernels of a node over seeded inputs and asserts that every output equals the reference's. Returns what they computed. */
export async function checkKernels(
  node: Node,
  inputs: Readonly<Record<string, CaseInput>>,
  run: CaseForm,
): Promise<ReadonlyMap<string, Float32Array>> {
  const { form, layout, epilogue = {} } = run;
  const table = KERNELS[node.op] as unknown as OperatorKernels<Operator>;
  const mixed = layout === "mixed" ? table.mixed!.layouts(node) : undefined;
  const kindOf = (name: string) =>
    layout !== "mixed"
      ? layout
      : mixed!.inputs[node.inputs.indexOf(name)] ?? mixed!.outputs[node.outputs.indexOf(name)];
  const layoutOf = (name: string, shape: Shape, variant: number): Layout =>
    kindOf(name) === "plain" ? { kind: "plain", shape } : blockedLayout(shape, 3 + variant, variant);
  const rounded = (name: string, data: Float32Array) => kindOf(name) === "blocked" ? storable(data, form) : data;
  const data = new Map(
    Object.entries(inputs).map(([name, { shape, range = [-1, 1], edit }], i) => {
      const numbers = randomTensor(shape, i + 1, ...range);
      return [name, rounded(name, edit ? edit(numbers) : numbers)] as const;
    }),
  );
  const expected = evaluateNode(node, node.inputs.map((name) => referenceTensor(inputs[name].shape, data.get(name)!)));
  const residualShape = halved(expected[0].shape, epilogue.shift ?? 0);
  const r = rounded(node.outputs[0], randomTensor(residualShape, 99));
  const results = epilogue.activation || epilogue.residual
    ? [withEpilogue(expected[0], epilogue, r), ...expected.slice(1)]
    : expected;

  const operands = new Map<string, Operand>(
    Object.entries(inputs).map(([name, { shape, constant }], i) => {
      const value: Constant | undefined = constant ? { dtype: "f32", shape, data: data.get(name)! } : undefined;
      return [name, { value: name, shape, layout: layoutOf(name, shape, i), constant: value }];
    }),
  );
  const outputs = node.outputs.map((value, i): Operand => ({
    value,
    shape: results[i].shape,
    layout: layoutOf(value, results[i].shape, 2 * i + 1),
  }));
  const residual: Operand = {
    value: "residual",
    shape: residualShape,
    layout: layoutOf(node.outputs[0], residualShape, 4),
  };
  const context: KernelContext = {
    node,
    inputs: node.inputs.map((name) => operands.get(name)!),
    outputs,
    epilogue: {
      activation: epilogue.activation ? activationOf(epilogue.activation)! : NO_ACTIVATION,
      residual: epilogue.residual &&
        { operand: residual, activateLast: epilogue.residual === "before activation", shift: epilogue.shift ?? 0 },
    },
    pitch: PITCH,
    target: run.target,
    light: run.light,
  };
  if (layout !== "plain") {
    const types = {
      inputs: context.inputs.map(({ shape, constant }) => ({ dtype: "f32", shape, constant } as const)),
      outputs: outputs.map(({ shape }) => ({ dtype: "f32", shape } as const)),
    };
    assert(table[layout]?.applies(node, types), `${node.op} has no ${layout} kernel for this case`);
  }
  const kernels = run.make
    ? run.make(context as unknown as KernelContext<"Conv">)
    : run.option
    ? kernelsOf(context as unknown as KernelContext<"Conv">, run.option)
    : table[layout]!.kernels(context);
  const tensors: TestTensor[] = [
    ...[...operands.values()].filter(({ constant }) => !constant).map(({ value, layout }) => {
      return { name: value, layout, data: data.get(value)! };
    }),
    ...outputs.map(({ value, layout }) => ({ name: value, layout })),
    ...epilogue.residual ? [{ name: "residual", layout: residual.layout, data: r }] : [],
  ];
  const found = await runKernels(kernels, tensors, form, PITCH);
  const exact = { ...form, scalar: "f32" } as const;
  node.outputs.forEach((name, i) =>
    assertClose(
      found.get(name)!,
      results[i].data,
      kindOf(name) === "plain" ? exact : form,
      `${node.op} ${name}`,
      run.slack,
    )
  );
  return found;
}
