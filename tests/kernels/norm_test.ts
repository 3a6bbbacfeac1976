/** Kernels of batch normalisation in training and of its gradient, against the reference. */

import type { ActivationAttributes, Node } from "../../src/graph/operators.ts";
import { formName, FORMS, SOME_FORMS } from "../support/compare.ts";
import { gpuTest } from "../support/gpu.ts";
import { type CaseInput, checkKernels } from "../support/kernel_case.ts";
import { node } from "../support/tiny_graph.ts";
import { ACTIVATION_CASES } from "../support/unary_cases.ts";

const OUTPUTS = ["y", "mean", "inverse", "newMean", "newVariance"];

const training = (activation?: ActivationAttributes): Node =>
  node("BatchNormTraining", ["x", "scale", "bias", "oldMean", "oldVariance"], OUTPUTS, {
    epsilon: 1e-3,
    momentum: 0.03,
    ...activation && { activation },
  });

const gradient = (activation?: ActivationAttributes): Node =>
  node(
    "BatchNormGradient",
    ["x", "scale", "mean", "inverse", "dy", ...activation ? ["bias"] : []],
    ["dx", "dScale", "dBias"],
    activation ? { activation } : {},
  );

const apply = (activation?: ActivationAttributes): Node =>
  node("BatchNormApply", ["x", "scale", "bias", "mean", "inverse"], ["y"], activation ? { activation } : {});

type Range = readonly [number, number];

function trainingInputs(shape: readonly number[], range: Range = [-1, 1]): Record<string, CaseInput> {
  const vector = [shape[1]];
  return {
    x: { shape, range },
    scale: { shape: vector, range: [0.5, 2] },
    bias: { shape: vector },
    oldMean: { shape: vector },
    oldVariance: { shape: vector, range: [0.1, 2] },
  };
}

function gradientInputs(shape: readonly number[], range: Range = [-1, 1]): Record<string, CaseInput> {
  const vector = [shape[1]];
  const middle = (range[0] + range[1]) / 2;
  return {
    x: { shape, range },
    scale: { shape: vector, range: [0.5, 2] },
    bias: { shape: vector },
    mean: { shape: vector, range: [middle - 0.2, middle + 0.2] },
    inverse: { shape: vector, range: [0.5, 2] },
    dy: { shape },
  };
}

const without = (inputs: Record<string, CaseInput>, { inputs: names }: Node) =>
  Object.fromEntries(names.map((name) => [name, inputs[name]]));

/** A part of a test, which gives nothing. */
async function check(...kernelCase: Parameters<typeof checkKernels>): Promise<void> {
  await checkKernels(...kernelCase);
}

const TARGETS = ["software", "hardware"] as const;

const SHAPES: readonly (readonly number[])[] = [[3, 6, 13, 127], [1, 1, 5, 13], [3, 9, 1, 2], [2, 1, 64, 37]];

const SILU: ActivationAttributes = { activation: "Silu" };

for (const form of SOME_FORMS) {
  gpuTest(`BatchNormTraining, ${formName(form)}`, async (_, step) => {
    const run = { form, layout: "mixed" } as const;
    const shapes = form === FORMS[0] ? SHAPES : SHAPES.slice(0, 1);
    for (const target of TARGETS) {
      for (const shape of shapes) {
        await step(
          `[${shape}] for ${target}`,
          () => check(training(), trainingInputs(shape), { ...run, target }),
        );
      }
    }
    const activations = ACTIVATION_CASES.filter(({ activation: one }) =>
      form === FORMS[0] || one.activation === "Silu"
    );
    for (const { what, activation } of activations) {
      await step(
        `with ${what}`,
        () => check(training(activation), trainingInputs([2, 5, 9, 6]), run),
      );
    }
    await step(
      "with an activation that the planner fuses",
      () =>
        check(training(), trainingInputs([2, 5, 9, 6]), {
          ...run,
          epilogue: { activation: node("Silu", ["y"], ["z"], {}) },
        }),
    );
    // A mean of 1000 has an error of 3e-5 in f32, which is what remains of it in y.
    await step(
      "far from zero",
      () => check(training(), trainingInputs([2, 3, 31, 33], [998, 1002]), { ...run, slack: 20 }),
    );
  });

  gpuTest(`BatchNormApply, ${formName(form)}`, async (_, step) => {
    const run = { form, layout: "mixed" } as const;
    for (const target of TARGETS) {
      for (const shape of form === FORMS[0] ? SHAPES : SHAPES.slice(0, 1)) {
        const one = apply(), inputs = without(gradientInputs(shape), one);
        await step(`[${shape}] for ${target}`, () => check(one, inputs, { ...run, target }));
      }
    }
    const silu = apply(SILU);
    await step("with Silu", () => check(silu, without(gradientInputs([2, 5, 9, 6]), silu), run));
  });

  gpuTest(`BatchNormGradient, ${formName(form)}`, async (_, step) => {
    const run = { form, layout: "mixed", slack: 4 } as const;
    const shapes = form === FORMS[0] ? SHAPES : SHAPES.slice(0, 1);
    for (const target of TARGETS) {
      for (const shape of shapes) {
        const one = gradient(), inputs = without(gradientInputs(shape), one);
        await step(`[${shape}] for ${target}`, () => check(one, inputs, { ...run, target }));
      }
    }
    const activations = ACTIVATION_CASES.filter(({ activation: one }) =>
      form === FORMS[0] || one.activation === "Silu"
    );
    for (const { what, activation } of activations) {
      const one = gradient(activation);
      await step(
        `through ${what}`,
        () => check(one, without(gradientInputs([2, 5, 9, 6]), one), run),
      );
    }
    const silu = gradient(SILU);
    await step(
      "far from zero",
      () => check(silu, without(gradientInputs([2, 3, 31, 33], [998, 1002]), silu), { ...run, slack: 20 }),
    );
  });
}
