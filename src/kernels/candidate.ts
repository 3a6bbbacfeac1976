/**
 * Kernels that compete: an operator has a list of candidates, each of which says for what it serves, what it takes along, in which
 * variants it comes and what these cost. The planner takes the cheapest by estimate, or the one that was measured to be fastest.
 *
 * The unit of cost is the time in which a software adapter multiplies a cell of four channels by four by four weights (16
 * multiply-adds) in registers; a load of a cell from memory costs `LOAD_COST` of them. Only comparisons matter, so that candidates for
 * one node agree on the unit and nothing else depends on it.
 *
 * @module
 */

import type { FeatherdetError } from "../graph/error.ts";
import type { Kernel } from "./kernel.ts";
import { shaderHash, textHash } from "./shader_hash.ts";
import type { KernelTarget } from "./target.ts";

/** What a dispatch may compute besides its operator, or read in another form than plain floats. */
export type Fusion =
  | "activation"
  /** A tensor of the output's shape is added. */
  | "residual"
  /** The channels of the input are multiplied by `[N, C, 1, 1]` first. */
  | "gate"
  /** The input is a range of the channels of a tensor. */
  | "channel range"
  /** The channels of another tensor take turns with those of the result. */
  | "channel shuffle"
  /** Weights of few levels are read in one, two or four bits. */
  | "low-bit weights";

/** The fusions of a node out of what is known of each, in the order of the type. */
export function fusionSet(has: Readonly<Partial<Record<Fusion, boolean>>>): ReadonlySet<Fusion> {
  const all: Readonly<Record<Fusion, true>> = {
    "activation": true,
    "residual": true,
    "gate": true,
    "channel range": true,
    "channel shuffle": true,
    "low-bit weights": true,
  };
  return new Set((Object.keys(all) as Fusion[]).filter((fusion) => has[fusion]));
}

/** The variants in which a kernel comes for one form. */
export interface Variants<V> {
  /** Those that the estimate chooses from: none, or few, since each is a pipeline to compile. */
  readonly usual: readonly V[];
  /** Those that only measuring considers: a pipeline more pays where the choice is kept. */
  readonly measured?: readonly V[];
}

/**
 * One kernel of an operator. `Form` is what is known of a node before memory is given out (shapes, attributes), `Context` what its
 * dispatches are made from, `V` a variant: a plain record of numbers and words, such as a tile.
 *
 * Members are methods so that candidates of different variants stand in one list.
 */
export interface Candidate<Form, Context, V extends object = object> {
  /** Tells it from the other candidates of the operator, in tuning records too. */
  readonly name: string;
  /** Shaders that it dispatches, below `shaders/`; a measurement is forgotten when one of them changes. */
  readonly shaders: readonly string[];
  /** Whether it computes such a node. */
  applies(form: Form): boolean;
  /** True where it takes all of these along. */
  accepts(fusions: ReadonlySet<Fusion>, form: Form): boolean;
  /** Its variants. For every node some candidate has a usual one. */
  variants(form: Form, target: KernelTarget): Variants<V>;
  /** Estimated cost of the node, in the unit of this module. */
  cost(form: Form, variant: V, target: KernelTarget): number;
  /** Its dispatches. Scratch memory that they name is given out by the planner. */
  kernels(form: Form, context: Context, variant: V, target: KernelTarget): Kernel[];
}

/** One variant of one candidate, ready to be chosen for a node. */
export interface KernelOption<Context> {
  /** The candidate's name. */
  readonly kernel: string;
  /** The variant's name (see `variantName`). */
  readonly variant: string;
  /** Only measuring may choose it. */
  readonly measured: boolean;
  /** Estimated cost, in the unit of this module. */
  readonly cost: number;
  /** Makes its dispatches. */
  readonly make: (context: Context) => Kernel[];
}

/** All that competes for a node. */
export interface Contest<Context> {
  /** What tuning records call the node: nodes of one key are equal work. */
  readonly key: string;
  /** Changes when a candidate, a variant or a shader does, so that earlier measurements say nothing any more. */
  readonly revision: string;
  /** At least one, in the order of the list of candidates. */
  readonly options: readonly KernelOption<Context>[];
}

/** The name of a variant: its members in order, such as `x=5 y=2 outBlocks=2`. */
export function variantName(variant: object): string {
  return Object.entries(variant).map(([key, value]) => `${key}=${value}`).join(" ") || "only";
}

/** The candidates that compute a form with all that is fused. */
function entrants<Form, Context>(
  candidates: readonly Candidate<Form, Context>[],
  form: Form,
  fusions: ReadonlySet<Fusion>,
): Candidate<Form, Context>[] {
  return candidates.filter((candidate) => candidate.applies(form) && candidate.accepts(fusions, form));
}

/** True where some candidate computes a form with all that is fused. */
export function someAccepts<Form, Context>(
  candidates: readonly Candidate<Form, Context>[],
  form: Form,
  fusions: ReadonlySet<Fusion>,
): boolean {
  return entrants(candidates, form, fusions).length > 0;
}

/** What competes for a node. Throws FeatherdetError, made by `refuse`, where nothing does. */
export function contestOf<Form, Context>(
  candidates: readonly Candidate<Form, Context>[],
  step: { readonly key: string; readonly form: Form; readonly fusions: ReadonlySet<Fusion> },
  target: KernelTarget,
  refuse: () => FeatherdetError,
): Contest<Context> {
  const { key, form, fusions } = step;
  const options: KernelOption<Context>[] = [];
  const revisions: string[] = [];
  for (const candidate of entrants(candidates, form, fusions)) {
    const { usual, measured = [] } = candidate.variants(form, target);
    const add = (only: boolean) => (variant: object) => {
      const name = variantName(variant);
      if (options.some((option) => option.kernel === candidate.name && option.variant === name)) return;
      options.push({
        kernel: candidate.name,
        variant: name,
        measured: only,
        cost: candidate.cost(form, variant, target),
        make: (context) => candidate.kernels(form, context, variant, target),
      });
    };
    usual.forEach(add(false));
    measured.forEach(add(true));
    revisions.push(candidate.name, ...candidate.shaders.map(shaderHash));
  }
  if (options.length === 0) throw refuse();
  const variants = options.map((option) => `${option.kernel} ${option.variant}`);
  return { key, options, revision: textHash([...revisions, ...variants].join("\n")) };
}

/** What measuring found for a node. */
export interface Measured {
  /** Name of the candidate. */
  readonly kernel: string;
  /** Name of its variant. */
  readonly variant: string;
  /** The contest's revision when it was measured. */
  readonly revision: string;
}

/** The option that was measured to be fastest, unless something has changed since; otherwise the cheapest, of equals the first. */
export function chooseOption<Context>(
  { options, revision }: Pick<Contest<Context>, "options" | "revision">,
  measured?: Measured,
): KernelOption<Context> {
  const found = measured?.revision === revision
    ? options.find(({ kernel, variant }) => kernel === measured.kernel && variant === measured.variant)
    : undefined;
  return found ?? options.filter((option) => !option.measured).reduce((best, one) => one.cost < best.cost ? one : best);
}
