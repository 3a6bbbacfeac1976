/**
 * The form of what checkpoints remember of a run.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";
import { COUNT, NUMBER } from "../../numbers/forms.ts";

const NUMBERS = v.record(v.string(), NUMBER, "expected an object of numbers");
const SCORE = { map: NUMBER, map50: NUMBER };

/** Mean average precision. */
export const SCORE_FORM: v.GenericSchema = v.object(SCORE, "expected an object");

const EPOCH = v.object({
  epoch: COUNT,
  losses: NUMBERS,
  learningRates: NUMBERS,
  imagesPerSecond: NUMBER,
  seconds: NUMBER,
  skipped: COUNT,
  score: v.optional(v.object(SCORE, "expected an object")),
}, "expected an object");

/** `RunRecord`. */
export const RUN_FORM: v.GenericSchema = v.object({
  position: v.object({ epoch: COUNT, step: COUNT, updates: COUNT }, "expected an object"),
  tally: v.object({ steps: COUNT, losses: NUMBERS, skipped: COUNT, seconds: NUMBER }, "expected an object"),
  epochs: v.array(EPOCH, "expected a list"),
  best: v.optional(v.object({ epoch: COUNT, ...SCORE }, "expected an object")),
  seconds: NUMBER,
}, "expected an object");
