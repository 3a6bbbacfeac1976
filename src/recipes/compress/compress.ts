/**
 * From a model, a data set and targets to a model that meets them: candidates of a ladder are made and measured, the cheapest to make
 * first, until one meets all targets.
 *
 * Candidates are variants of a manifest in the folder, made by `recipes/reproduce/`: their runs go on where they were stopped. What was
 * measured is kept after each model. So the same call goes on wherever it was stopped or killed.
 *
 * @module
 */

import { join } from "node:path";
import { sha256OfFile } from "../../data/download/checksum.ts";
import { kindOf } from "../../data/files.ts";
import { openSharedDevice } from "../../gpu/device.ts";
import type { OptionCheck } from "../../report/table/mod.ts";
import type { RunVerb } from "../reproduce/make.ts";
import type { MakeElsewhere } from "../reproduce/reproduce.ts";
import { openWorkshop, runFolder, variantOf, type Workshop } from "../reproduce/workshop.ts";
import { chainOf, ORIGINAL } from "./candidates.ts";
import { Makers } from "./makers.ts";
import { measureCandidate, type Measured, type MeasureSettings } from "./measure.ts";
import { firstPace, learnedPace } from "./pace.ts";
import { planCandidates, type PlannedCandidate, type PlanOptions, remainingOf } from "./plan.ts";
import { type CompressSubject, prepare, type Prepared } from "./prepare.ts";
import { type CompressState, type MeasuredModel, readState, writeState } from "./state.ts";
import { figureOf, type Target, targetText, unmet, wanted } from "./targets.ts";

/** What is compressed, how far, and by whom. */
export interface CompressOptions extends CompressSubject, PlanOptions {
  /** Runs a verb, and knows its options. */
  readonly run: RunVerb;
  readonly checkOptions?: OptionCheck;
  /** Makes candidates elsewhere, all at the same time; they are judged in the same order. Here, one after the other, by default. */
  readonly elsewhere?: MakeElsewhere;
  /** Whether computing takes as long as on a software adapter; the adapter says so by default. */
  readonly software?: boolean;
  /** Measures a candidate; `measureCandidate` by default. */
  readonly measure?: (id: string, settings: MeasureSettings) => Promise<Measured>;
  readonly onPlan?: (plan: readonly PlannedCandidate[]) => void;
  /** Told before a candidate is made, with the seconds that it and all that may follow take. */
  readonly onCandidate?: (candidate: PlannedCandidate, remaining: number) => void;
  /** Told when a model is measured. */
  readonly onMeasured?: (model: CompressedCandidate) => void;
  readonly say?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** A model that was made, measured against the targets. */
export interface CompressedCandidate extends MeasuredModel {
  readonly id: string;
  readonly title: string;
  readonly size: number;
  readonly precision: "f32" | "int8";
  readonly file: string;
  /** Figures over the original's. */
  readonly shares: Readonly<Record<string, number>>;
  /** Targets that it does not meet, as text. */
  readonly unmet: readonly string[];
}

/** What a compression made. */
export interface Compression {
  /** `met`: a model meets all targets. `front`: none does. */
  readonly reason: "met" | "front" | "interrupted" | "dry run";
  /** Id of the model that meets all targets, or comes nearest to that; null while there is none. */
  readonly chosen: string | null;
  /** The original, then all that was made, in that order. */
  readonly models: readonly CompressedCandidate[];
  readonly plan: readonly PlannedCandidate[];
  /** Figures of the original and the chosen model on the part that nothing was chosen by, by their ids. */
  readonly tested: CompressState["tested"];
  /** Seconds that all calls have taken. */
  readonly spent: number;
  readonly state: CompressState;
  readonly targets: readonly Target[];
  /** The manifest of the candidates, and what is open of it. */
  readonly manifest: string;
  readonly shop: Workshop;
  readonly images: { readonly judged: number; readonly tested: number | null };
}

/** How far a model is off the targets that it does not meet: the greatest part of one that is missing. */
function distance(targets: readonly Target[], model: CompressedCandidate, original: CompressedCandidate): number {
  return unmet(targets, model.figures, original.figures).reduce((most, target) => {
    const own = model.figures[figureOf(target)],
      limit = wanted(target, original.figures);
    return Math.max(most, own === undefined ? Infinity : Math.abs(own / limit - 1));
  }, 0);
}

/** What was made, measured against the targets. */
function modelsOf(prepared: Prepared, state: CompressState, out: string): CompressedCandidate[] {
  const { targets, candidates, original: { size } } = prepared, first = state.models[ORIGINAL]?.figures ?? {};
  return Object.entries(state.models).map(([id, model]) => {
    const own = candidates.find((one) => one.id === id) ?? { title: "original", size, precision: "f32" as const };
    const shares = Object.entries(model.figures).flatMap(([name, value]) =>
      first[name] ? [[name, value! / first[name]] as const] : []
    );
    return {
      ...{
        id,
        title: own.title,
        size: own.size,
        precision: own.precision,
        ...model,
        shares: Object.fromEntries(shares),
      },
      file: id === ORIGINAL ? join(out, "recipe", "models", `${id}.onnx`) : join(out, "models", `${id}.onnx`),
      unmet: unmet(targets, model.figures, first).map(targetText),
    };
  });
}

/**
 * Makes a model that meets all targets, or as many as the ladder has and the front of them. Relative targets are shares of the original's
 * figures; those of accuracy are judged on the split `val`, and figures of `test` are told at the end of the original and the chosen one.
 *
 * Throws FeatherdetError for targets, models and ladders that cannot be, as the verbs do, and for a folder that holds a compression of
 * something else.
 */
export async function compress(options: CompressOptions): Promise<Compression> {
  const { out, signal, say, run, checkOptions, onMeasured, dryRun } = options, started = performance.now();
  const prepared = await prepare(options), { candidates, targets, request, manifest, data, validated, seed } = prepared;
  const software = dryRun || (options.software ?? (await openSharedDevice()).adapter.software);
  let state = await readState(out, request);
  const before = state.spent, spent = () => before + (performance.now() - started) / 1000;
  const basis = firstPace(software);
  const pace = () => learnedPace(basis, Object.values(state.models));
  const planNow = () => planCandidates(prepared, state, { pace: pace(), basis }, options, spent());
  const plan = planNow();
  options.onPlan?.(plan);
  const shop = dryRun
    ? { variants: [], manifest, records: new Map() }
    : await openWorkshop({ manifest, checkOptions, out });
  const images = { judged: validated.images.length, tested: prepared.tested?.images.length ?? null };
  const result = (reason: Compression["reason"], chosen: string | null = null): Compression => ({
    ...{
      reason,
      chosen,
      models: modelsOf(prepared, state, out),
      plan: planNow(),
      tested: state.tested,
      spent: spent(),
    },
    ...{ state, targets, manifest, shop, images },
  });
  if (dryRun) return result("dry run");
  const keep = async (change: Partial<CompressState>) => {
    state = { ...state, ...change, spent: spent() };
    await writeState(out, state);
  };
  const settings: MeasureSettings = {
    manifest,
    folder: out,
    dataset: validated,
    targets,
    original: variantOf(shop, ORIGINAL),
    say,
  };
  const measured = async (id: string, on: MeasureSettings): Promise<Measured> =>
    await (options.measure?.(id, on) ??
      measureCandidate(variantOf(shop, id), { ...on, journal: join(out, `${id}-${on.dataset.split}`) }));
  const measureModel = async (id: string, told: Pick<MeasuredModel, "sha256" | "seconds">) => {
    const { figures, counted, storage } = await measured(id, settings);
    const expected = candidates.find((one) => one.id === id)?.seconds(basis) ?? 0;
    await keep({ storage, models: { ...state.models, [id]: { ...told, figures, counted, expected } } });
    onMeasured?.(modelsOf(prepared, state, out).at(-1)!);
  };
  if (!state.models[ORIGINAL]) await measureModel(ORIGINAL, { sha256: request.model, seconds: null });
  /** What of a candidate and its parents an earlier call has begun. */
  const begunBefore = async (id: string): Promise<ReadonlySet<string>> => {
    const begun = new Set<string>();
    for (const one of chainOf(candidates, id)) {
      const folder = await runFolder(shop, variantOf(shop, one.id), seed);
      if (folder !== undefined && kindOf(folder) !== undefined) begun.add(one.id);
    }
    return begun;
  };
  const meets = () => modelsOf(prepared, state, out).find((one) => one.id !== ORIGINAL && one.unmet.length === 0);
  const hasEnd = () => !options.all && meets() !== undefined;
  const makers = new Makers({ data, manifest, checkOptions, out, run, elsewhere: options.elsewhere, signal });
  const open = () => planNow().filter(({ action }) => action === "make");
  try {
    for (let next; !hasEnd() && ([next] = open(), next);) {
      if (signal?.aborted) return result("interrupted");
      options.onCandidate?.(next, remainingOf(prepared, planNow(), state, pace()));
      const begun = await begunBefore(next.id);
      makers.begin(open().map(({ id }) => id));
      const { made, reason } = await makers.make(next.id);
      if (reason === "interrupted") {
        await keep({});
        return result("interrupted");
      }
      for (const { id } of chainOf(candidates, next.id)) {
        if (state.models[id]) continue;
        const file = made.find((one) => one.variant === id);
        const sha256 = file?.sha256 ?? await sha256OfFile(join(out, "models", `${id}.onnx`));
        // Of what another call has begun only a part was made in this one: no pace follows from it.
        const isWhole = file?.seconds !== undefined && !begun.has(id);
        await measureModel(id, { sha256, seconds: isWhole ? file.seconds! : null });
        if (signal?.aborted) return result("interrupted");
      }
    }
  } finally {
    await makers.end(signal?.aborted ?? false);
  }
  const all = modelsOf(prepared, state, out), others = all.filter(({ id }) => id !== ORIGINAL);
  const nearest = [...others].sort((a, b) => distance(targets, a, all[0]) - distance(targets, b, all[0]))[0];
  const chosen = meets() ?? nearest;
  for (const id of [ORIGINAL, chosen?.id]) {
    if (id === undefined || !prepared.tested || state.tested[id]) continue;
    const { figures } = await measured(id, { ...settings, dataset: prepared.tested, targets: [] });
    await keep({ tested: { ...state.tested, [id]: figures } });
  }
  await keep({});
  return result(meets() ? "met" : "front", chosen?.id ?? null);
}
