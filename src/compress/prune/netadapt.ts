/**
 * Widths in greedy steps (Yang et al. 2018, "NetAdapt"): each step has to save the same part of the cost, each bundle proposes how to
 * save it alone, the proposals are scored, and the best one is taken.
 *
 * Two things differ from the paper. Candidates are scored with statistics measured anew in place of a short training. And of the
 * proposals only those are scored whose channels are worth least by the criterion, since scoring is what takes the time.
 *
 * @module
 */

import { worthOf } from "./select.ts";
import { scoreAll, type WidthProblem } from "./width_problem.ts";
import type { Widths } from "./widths.ts";

/** Steps from the whole network to the budget, and proposals that are scored in each. */
const STEPS = 12, SCORED = 8;

interface Proposal {
  readonly widths: Widths;
  readonly cost: number;
  /** What the channels that go are worth. */
  readonly worth: number;
}

/** The widest way for each bundle alone to come down to a cost; where none does, what each saves at its floor. */
function proposals({ ladders, budget: { model } }: WidthProblem, widths: Widths, now: number, aim: number): Proposal[] {
  const reaching: Proposal[] = [], others: Proposal[] = [];
  for (const [bundle, ladder] of ladders.entries()) {
    let last: Proposal | undefined;
    for (const width of ladder.steps) {
      if (width >= widths[bundle]) continue;
      const candidate = widths.with(bundle, width);
      last = { widths: candidate, cost: model.cost(candidate), worth: worthOf(ladder, widths[bundle], width) };
      if (last.cost <= aim) break;
    }
    if (last && last.cost <= aim) reaching.push(last);
    else if (last && last.cost < now) others.push(last);
  }
  if (reaching.length > 0) return reaching.sort((a, b) => a.worth - b.worth).slice(0, SCORED);
  // All that is left saves less than a step: the one that loses least for it.
  return others.sort((a, b) => a.worth / (now - a.cost) - b.worth / (now - b.cost)).slice(0, SCORED);
}

/** Chooses widths by greedy steps; those that it came to where the budget cannot be met. */
export async function chooseByNetAdapt(problem: WidthProblem): Promise<Widths> {
  const { whole, budget: { model, most }, meter, settle, onChoosing } = problem;
  let widths = whole;
  for (let step = 1;; step++) {
    let found: Proposal[] = [], now = 0;
    do {
      now = model.cost(widths);
      const part = Math.max(0, model.cost(whole) - most) / STEPS;
      found = now <= most ? [] : proposals(problem, widths, now, Math.max(most, now - part));
    } while (await settle?.());
    if (found.length === 0) return widths;
    onChoosing?.(`step ${step}: ${found.length} proposals at ${(now / most).toFixed(3)} of the budget`);
    const scores = await scoreAll(meter!, found.map((proposal) => proposal.widths));
    const best = scores.reduce((at, score, i) => score > scores[at] ? i : at, 0);
    widths = found[best].widths;
  }
}
