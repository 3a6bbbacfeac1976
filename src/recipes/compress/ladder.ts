/**
 * The ladder of candidates: recipes as data (`data/ladder.json`), filled in with what the targets ask for.
 *
 * A candidate has the options of its verbs with places in them: `{data}`, `{size}`, `{gflops}` and `{bytes}` (what a cut may leave at the
 * candidate's input size), `{epochs:16}` (a number of epochs, times the effort), `{metric}`, `{flipVertical}` (as the original was trained). An option whose place stays empty is left out.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";
import { readText } from "../../data/files.ts";
import { parseJson } from "../../data/json_fields.ts";
import { FeatherdetError } from "../../graph/error.ts";
import { projectFile } from "../../host/project_file.ts";
import { faultOf } from "../../numbers/forms.ts";
import type { RecipeStep } from "../../report/table/mod.ts";
import { shareWanted, type Target, type TargetFigures } from "./targets.ts";

/** The project's own ladder. */
export const LADDER_FILE: string = projectFile("data/ladder.json");

/** In what a candidate's weights are stored. */
export type WeightForm = "float" | "int8" | "ternary";

/** A rung of the ladder, with places in its options. */
export interface Rung {
  readonly id: string;
  readonly title: string;
  readonly weights: WeightForm;
  /** Whether channels go, as many as the targets ask for. */
  readonly cut?: boolean;
  /** Share of the original's input side, or the one with which the target of operations is met; 1 by default. */
  readonly size?: number | "target";
  readonly steps: readonly RecipeStep[];
}

const SHARE = v.pipe(v.number("expected a share"), v.gtValue(0, "expected a share"), v.maxValue(1, "expected a share"));

const RUNG = v.strictObject({
  id: v.pipe(
    v.string("expected text"),
    v.regex(/^[a-z0-9][a-z0-9.-]*$/, "expected small letters, digits, dots and hyphens"),
  ),
  title: v.string("expected text"),
  weights: v.picklist(["float", "int8", "ternary"], "expected float, int8 or ternary"),
  cut: v.optional(v.boolean("expected true or false")),
  size: v.optional(v.union([SHARE, v.literal("target")], `expected a share or "target"`)),
  steps: v.pipe(v.array(v.unknown(), "expected a list of steps"), v.nonEmpty("expected at least one step")),
});

const LADDER = v.strictObject({
  candidates: v.pipe(v.array(RUNG, "expected a list of candidates"), v.nonEmpty("expected at least one candidate")),
});

/** Reads a ladder. Steps are checked with the manifest that is made of it. Throws FeatherdetError that names the file and the field. */
export async function readLadder(file: string = LADDER_FILE): Promise<readonly Rung[]> {
  const value = parseJson(await readText(file), file), wrong = faultOf(LADDER, value);
  if (wrong !== undefined) throw new FeatherdetError(wrong, { file });
  return (value as { candidates: Rung[] }).candidates;
}

/** What is known of the original, in figures and in numbers that files consist of. */
export interface OriginalModel {
  readonly figures: TargetFigures;
  /** Side of its input. */
  readonly size: number;
  readonly parameters: number;
  readonly fileBytes: number;
  /** Probability of top and bottom exchanged with which it was trained, as its history tells. */
  readonly flipVertical?: number;
}

/** What a candidate will probably cost. */
export interface ExpectedCosts {
  /** Shares of the original's. */
  readonly gflops: number;
  readonly bytes: number;
}

/** Room that is left below a target, since what comes out is not exactly what was asked for. */
const ROOM = 0.98;

/** Bytes of a weight by its form. */
const WEIGHT_BYTES: Readonly<Record<WeightForm, number>> = { float: 4, int8: 1, ternary: 0.25 };

/** What a file has besides its weights, in units of what the original's has: scales and zero points, and layers that stay in float. */
const AROUND: Readonly<Record<WeightForm, number>> = { float: 1, int8: 1.5, ternary: 2 };

/** The side of the input of a rung: a multiple of 32. */
export function sizeOf({ size = 1 }: Rung, original: OriginalModel, targets: readonly Target[]): number {
  const share = size === "target"
    ? Math.sqrt(shareWanted(targets, "gflops", original.figures) ?? wantedOfLatency(targets, original) ?? 0.5)
    : size;
  return Math.max(32, Math.floor(share * original.size / 32 + 1e-9) * 32);
}

const wantedOfLatency = (targets: readonly Target[], { figures }: OriginalModel) =>
  shareWanted(targets, "latency", figures);

/**
 * Shares that a cut may leave of the original, at the candidate's input size; undefined for what nobody asks for. What is cut becomes int8
 * later, by which bytes are counted.
 */
export function cutShares(rung: Rung, original: OriginalModel, targets: readonly Target[]): Partial<ExpectedCosts> {
  const area = (sizeOf(rung, original, targets) / original.size) ** 2, { parameters, fileBytes, figures } = original;
  const gflops = shareWanted(targets, "gflops", figures) ?? wantedOfLatency(targets, original);
  const bytes = shareWanted(targets, "bytes", figures), few = shareWanted(targets, "parameters", figures);
  const around = AROUND.int8 * Math.max(0, fileBytes - 4 * parameters);
  const weights = bytes && Math.max(0, bytes * ROOM * fileBytes - around) / (WEIGHT_BYTES.int8 * parameters);
  const left = [weights, few && few * ROOM].filter((one) => one !== undefined);
  const shares = {
    ...(gflops !== undefined && { gflops: Math.min(1, gflops * ROOM / area) }),
    ...(left.length > 0 && { bytes: Math.min(1, ...left) }),
  };
  // Without any cost to meet a cut still has to leave something out.
  return Object.keys(shares).length > 0 ? shares : { gflops: 0.5 };
}

/** What a candidate will probably cost, in shares of the original. */
export function expectedCosts(rung: Rung, original: OriginalModel, targets: readonly Target[]): ExpectedCosts {
  const area = (sizeOf(rung, original, targets) / original.size) ** 2, { parameters, fileBytes } = original;
  const { gflops = 1, bytes = gflops } = rung.cut ? cutShares(rung, original, targets) : { gflops: 1, bytes: 1 };
  const around = AROUND[rung.weights] * Math.max(0, fileBytes - 4 * parameters);
  return { gflops: gflops * area, bytes: (bytes * parameters * WEIGHT_BYTES[rung.weights] + around) / fileBytes };
}

/** Cost targets that a candidate cannot meet by what it will probably cost. */
export function outOfReach(rung: Rung, original: OriginalModel, targets: readonly Target[]): readonly Target[] {
  const expected = expectedCosts(rung, original, targets);
  return targets.filter((target) => {
    if (target.kind !== "gflops" && target.kind !== "bytes") return false;
    return expected[target.kind] > shareWanted([target], target.kind, original.figures)! * 1.02;
  });
}

/** The steps of a rung with everything in its place. Throws FeatherdetError for places that nobody knows. */
export function filledSteps(
  rung: Rung,
  original: OriginalModel,
  targets: readonly Target[],
  { data, effort, metric }: { readonly data: string; readonly effort: number; readonly metric: string },
): readonly RecipeStep[] {
  const cut = cutShares(rung, original, targets);
  const rounded = (share: number | undefined) =>
    share === undefined ? undefined : Math.max(0.001, Math.floor(share * 1000) / 1000);
  const places: Readonly<Record<string, string | number | undefined>> = {
    ...{ data, metric, size: sizeOf(rung, original, targets), flipVertical: original.flipVertical },
    ...{ gflops: rounded(cut.gflops), bytes: rounded(cut.bytes) },
  };
  const filled = (value: unknown): unknown => {
    if (typeof value !== "string") return value;
    const [, epochs] = /^\{epochs:(\d+)\}$/.exec(value) ?? [];
    if (epochs !== undefined) return Math.max(1, Math.round(Number(epochs) * effort));
    const [, name] = /^\{(.*)\}$/.exec(value) ?? [];
    if (name === undefined) return value;
    if (!Object.hasOwn(places, name)) {
      throw new FeatherdetError(
        `candidate "${rung.id}": nobody knows what {${name}} is, there are ${Object.keys(places).join(", ")}, epochs:N`,
      );
    }
    return places[name];
  };
  return rung.steps.map((step) => {
    const options = Object.entries(step.options ?? {}).map(([name, value]) => [name, filled(value)] as const);
    return { ...step, options: Object.fromEntries(options.filter(([, value]) => value !== undefined)) } as RecipeStep;
  });
}
