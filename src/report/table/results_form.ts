/**
 * The form of a `table.json`, field by field, as far as tables, plots and estimates read it.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";
import { COUNT, NUMBER as ANY_NUMBER, PLAIN_OBJECT, WORDS } from "../../numbers/forms.ts";
import { VARIANT_ROLES } from "./variant.ts";

const OBJECT = "expected an object", LIST = "expected a list";

/** Figures beyond this, or nearer to nothing than its reciprocal, are none, and axes of plots would overflow. */
const MOST = 1e15;

const NUMBER = v.pipe(
  ANY_NUMBER,
  v.check(
    (number) => number === 0 || Math.abs(number) <= MOST && Math.abs(number) >= 1 / MOST,
    "expected a number of at most 15 digits",
  ),
);

const ENDS = v.strictTuple([NUMBER, NUMBER], "expected two numbers");

/** Measured, predicted or missing. */
const FIGURE = v.pipe(
  v.object({
    value: v.optional(NUMBER),
    interval: v.optional(v.nullable(ENDS)),
    range: v.optional(ENDS),
    predictedBy: v.optional(WORDS),
    band: v.optional(ENDS),
    missing: v.optional(WORDS),
  }, OBJECT),
  v.check(
    ({ value, missing }) => (value === undefined) !== (missing === undefined),
    "expected a value or why it is missing",
  ),
);

const FIGURES = v.record(v.string(), FIGURE, "expected an object of figures");

const TIMING = v.looseObject({
  middle: v.optional(v.record(v.string(), ENDS, OBJECT)),
  ratio: v.optional(
    v.record(v.string(), v.object({ median: NUMBER, interval: v.optional(ENDS) }, OBJECT), OBJECT),
  ),
}, OBJECT);

/** The times of a row: figures, and what is known of their rounds. */
const ROW_TIMING = v.pipe(
  TIMING,
  v.check(
    ({ middle: _, ratio: __, ...times }) => v.is(FIGURES, times),
    "expected figures",
  ),
);

const SEED = v.object({
  seed: COUNT,
  source: v.picklist(["measured", "recorded", "missing"], "expected measured, recorded or missing"),
  sha256: v.optional(WORDS),
  figures: FIGURES,
}, OBJECT);

/** As of a variant: a file, or a name that is built. */
const MODEL = v.pipe(
  PLAIN_OBJECT,
  v.check(
    (model) => [model.file, model.name].some((word) => typeof word === "string"),
    "expected a file or a name",
  ),
);

const ROW = v.object({
  id: WORDS,
  title: WORDS,
  role: v.picklist(VARIANT_ROLES, "expected a part in the tables"),
  model: MODEL,
  size: COUNT,
  precision: WORDS,
  made: WORDS,
  note: v.optional(WORDS),
  sha256: v.optional(WORDS),
  missing: v.optional(WORDS),
  stale: v.optional(WORDS),
  figures: FIGURES,
  seeds: v.optional(v.array(SEED, LIST)),
  predicted: v.optional(FIGURES),
  timing: ROW_TIMING,
}, OBJECT);

const MEMBER = v.object({
  model: WORDS,
  size: COUNT,
  fileBytes: COUNT,
  publishedMap: NUMBER,
  timing: ROW_TIMING,
}, OBJECT);

const ADAPTER = v.pipe(
  PLAIN_OBJECT,
  v.check(({ name }) => typeof name === "string", "expected an adapter with a name"),
);

const RUN = v.object({
  date: WORDS,
  commit: v.nullable(WORDS),
  adapter: v.nullable(ADAPTER),
  machine: v.object({ os: WORDS, arch: WORDS, cores: COUNT, load: NUMBER }, OBJECT),
  versions: v.record(v.string(), WORDS, OBJECT),
}, OBJECT);

/** Results of the variants of a data set. */
export const RESULTS_FORM: v.GenericSchema = v.object({
  schema: v.literal(1, "expected 1"),
  data: WORDS,
  split: v.nullable(WORDS),
  images: COUNT,
  limit: v.nullable(COUNT),
  settings: v.object({
    confidence: NUMBER,
    iou: NUMBER,
    maxDetections: COUNT,
    multiLabel: v.boolean("expected true or false"),
  }, OBJECT),
  latencyRuns: COUNT,
  storage: v.nullable(WORDS),
  rows: v.array(ROW, LIST),
  family: v.array(MEMBER, LIST),
  run: v.optional(RUN),
}, OBJECT);
