/**
 * What a search tried, as lines of JSON: the space and the aims first, then a line a trial, so that another run can go on with it or begin
 * with what it knows.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";
import { FeatherdetError } from "../../graph/mod.ts";
import { COUNT, faultOf, INTEGER, NUMBER, WORDS } from "../../numbers/forms.ts";
import type { SearchProblem, Trial } from "./problem.ts";
import { evaluationsOf } from "./run.ts";
import { namedPoint, pointOf } from "./space.ts";

const SCHEMA = 1;

const VALUE = v.union([NUMBER, WORDS], "expected a number or text");

const HEAD = v.object({
  schema: v.literal(SCHEMA),
  basis: WORDS,
  aims: v.array(v.object({ name: WORDS, better: v.picklist(["more", "less"]) })),
  most: v.optional(NUMBER),
  space: v.array(v.object({ name: WORDS, kind: WORDS, values: v.array(VALUE) })),
});

const LINE = v.object({
  trial: COUNT,
  method: WORDS,
  seed: INTEGER,
  point: v.record(v.string(), VALUE),
  fidelity: NUMBER,
  evaluations: NUMBER,
  figures: v.record(v.string(), NUMBER),
  cost: v.optional(NUMBER),
});

/** What a table says before its trials: two tables with the same one are of one problem. */
export function tableHead({ space, basis, aims, most }: SearchProblem): string {
  const dimensions = space.dimensions.map(({ name, kind, values }) => ({ name, kind, values }));
  return JSON.stringify({ schema: SCHEMA, basis, aims, ...most !== undefined && { most }, space: dimensions });
}

/** The line of a trial; `evaluations` are the full ones that its run has had. */
export function tableLine({ space, aims }: SearchProblem, trial: Trial, evaluations: number): string {
  const { number, method, seed, point, fidelity, values, cost } = trial;
  const figures = Object.fromEntries(aims.map(({ name }, i) => [name, values[i]]));
  return JSON.stringify({
    ...{ trial: number, method, seed, point: namedPoint(space, point), fidelity, evaluations, figures },
    ...(cost !== undefined && { cost }),
  });
}

/** All trials of one run as text. */
export function tableText(problem: SearchProblem, trials: readonly Trial[]): string {
  const lines = trials.map((trial, i) => tableLine(problem, trial, evaluationsOf(trials.slice(0, i + 1))));
  return [tableHead(problem), ...lines, ""].join("\n");
}

/**
 * The trials of a table. A last line that was cut off by a stop is left out.
 *
 * Throws FeatherdetError that names the file and the line for what is no table, and for a table of another space, aims, budget or basis.
 */
export function readTable(problem: SearchProblem, text: string, file: string): readonly Trial[] {
  const lines = text.split("\n"), isWhole = text.endsWith("\n");
  const whole = (isWhole ? lines : lines.slice(0, -1)).filter((line) => line.trim() !== "");
  const parsed = whole.map((line, i) => {
    const fault = (says: string) => new FeatherdetError(`line ${i + 1}: ${says}`, { file });
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw fault(`broken JSON: ${(error as Error).message}`);
    }
    const wrong = faultOf(i === 0 ? HEAD : LINE, value);
    if (wrong !== undefined) throw fault(wrong);
    return value;
  });
  if (parsed.length === 0) return [];
  if (whole[0] !== tableHead(problem)) {
    throw new FeatherdetError("is a table of another search: its space, aims, budget or pictures are others", { file });
  }
  return (parsed.slice(1) as v.InferOutput<typeof LINE>[]).map((line): Trial => ({
    ...{ number: line.trial, method: line.method, seed: line.seed, fidelity: line.fidelity },
    point: pointOf(problem.space, line.point),
    values: problem.aims.map(({ name }) => line.figures[name]),
    ...(line.cost !== undefined && { cost: line.cost }),
  }));
}
