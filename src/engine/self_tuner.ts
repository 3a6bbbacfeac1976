/**
 * Tuning without being asked: kernels are measured beside the frames of a model that runs, one contest at a time, within bounds.
 *
 * @module
 */

import type { Device } from "../gpu/device.ts";
import type { Plan, PlannedContest, PlannedOption } from "../plan/plan.ts";
import type { TunedChoice, Tuning } from "../plan/tuning.ts";
import { measureChoice, tuningOf } from "./tune.ts";

/** How kernels are measured beside the frames of a model. */
export interface SelfTuning {
  /** Told what was measured so far, behind each contest: to be kept, and given as `tuning` to the next engine. It must not throw. */
  readonly onTuned: (tuning: Tuning) => void;
  /** Most milliseconds of measuring, compiling included. Default 20,000. */
  readonly budget?: number;
  /** Most that measuring takes of the time since the model was loaded: frames are hardly slower by it. Default 0.1. */
  readonly share?: number;
  /** Kernels of a contest that are measured, the cheapest by estimate; the chosen one is among them. Default 6. */
  readonly options?: number;
  /** Timed rounds of a contest. Default 3. */
  readonly runs?: number;
}

/** The milliseconds of a clock that never goes back. */
export type Clock = () => number;

/** The cheapest options by estimate, and the one that the plan has. */
function likely({ options, chosen }: PlannedContest, count: number): PlannedOption[] {
  const cheapest = options.toSorted((a, b) => a.cost - b.cost).slice(0, count);
  return cheapest.includes(chosen) ? cheapest : [chosen, ...cheapest.slice(0, count - 1)];
}

/** The contests of a plan that a record does not decide, the greatest by estimated cost first. */
function undecided(plan: Plan, known: Tuning | undefined): PlannedContest[] {
  return [...plan.contests.values()].filter(({ key, revision, options }) => {
    return options.length > 1 && known?.choices[key]?.revision !== revision;
  }).sort((a, b) => b.count * b.chosen.cost - a.count * a.chosen.cost);
}

/**
 * Measures the contests of a plan that no record has decided, the greatest by estimated cost first, one behind a frame: whenever the time
 * spent is less than its share of the time since the start. It ends at its budget, with the last contest, when it is destroyed, and at the
 * first error, which concerns nobody: the estimate's kernels go on running. Without timestamp queries nothing is measured.
 */
export class SelfTuner {
  readonly #device: Device;
  readonly #planOf: () => Plan;
  readonly #known: Tuning | undefined;
  readonly #settings: Required<SelfTuning>;
  readonly #clock: Clock;
  readonly #started: number;
  /** Contests that are left, and their plan: that of the first frame, which may have turned from f16 to f32. */
  #left: { readonly plan: Plan; readonly contests: PlannedContest[] } | undefined;
  readonly #choices: Record<string, TunedChoice> = {};
  #spent = 0;
  #isEnded: boolean;
  #measuring: Promise<void> | undefined;

  /** `known` is what decides already; `clock` is that of the process by default. */
  constructor(
    device: Device,
    planOf: () => Plan,
    { settings, known, clock = () => performance.now() }: {
      readonly settings: SelfTuning;
      readonly known?: Tuning;
      readonly clock?: Clock;
    },
  ) {
    this.#device = device;
    this.#planOf = planOf;
    this.#known = known;
    this.#settings = { budget: 20_000, share: 0.1, options: 6, runs: 3, ...settings };
    this.#clock = clock;
    this.#started = clock();
    this.#isEnded = !device.timestamps;
  }

  /** Whether nothing will be measured any more. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** To be called behind each frame: begins to measure where the bounds allow it, and returns at once. */
  frameDone(): void {
    if (this.#isEnded || this.#measuring !== undefined) return;
    if (this.#spent > this.#settings.share * (this.#clock() - this.#started)) return;
    if (this.#left === undefined) {
      const plan = this.#planOf();
      this.#left = { plan, contests: undecided(plan, this.#known) };
    }
    const { plan, contests: [contest] } = this.#left;
    if (contest === undefined) {
      this.#isEnded = true;
      return;
    }
    this.#left.contests.shift();
    this.#measuring = this.#measure(plan, contest).finally(() => this.#measuring = undefined);
  }

  /** Resolves when what is being measured now is done. */
  async settled(): Promise<void> {
    await this.#measuring;
  }

  async #measure(plan: Plan, contest: PlannedContest): Promise<void> {
    const begun = this.#clock(), { options, runs, budget, onTuned } = this.#settings;
    let choice: TunedChoice;
    try {
      choice = await measureChoice(this.#device, plan, contest, likely(contest, options), runs);
    } catch {
      // No memory for it, a lost device, a refused kernel: what is wrong with the device is told by the frames.
      this.#isEnded = true;
      return;
    }
    this.#spent += this.#clock() - begun;
    if (this.#isEnded) return;
    if (this.#left?.contests.length === 0 || this.#spent >= budget) this.#isEnded = true;
    this.#choices[contest.key] = choice;
    onTuned(tuningOf(this.#device, plan.form, this.#choices));
  }

  /** Ends it; what is being measured is dropped when it is done. */
  destroy(): void {
    this.#isEnded = true;
  }
}

/** The tuner that options of an engine ask for, which does nothing where they ask for none or memory is limited. */
export function selfTunerFor(
  device: Device,
  planOf: () => Plan,
  { selfTuning, tuning, memoryLimit }: {
    readonly selfTuning?: SelfTuning;
    readonly tuning?: Tuning;
    readonly memoryLimit?: number;
  },
): SelfTuner | undefined {
  if (selfTuning === undefined || memoryLimit !== undefined) return undefined;
  return new SelfTuner(device, planOf, { settings: selfTuning, known: tuning });
}
