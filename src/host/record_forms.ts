/**
 * Forms of the records that this room reads back.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";
import { COUNT, INTEGER, NUMBER, PLAIN_OBJECT, WORDS } from "../numbers/forms.ts";

const OBJECT = "expected an object";

/** The first line of a journal. */
export const JOURNAL_FORM: v.GenericSchema = v.object({
  featherdetEvaluation: v.literal(1, "expected 1"),
  run: PLAIN_OBJECT,
}, OBJECT);

/** Another line of a journal: what was found on a picture. */
export const IMAGE_RECORD_FORM: v.GenericSchema = v.object({
  imageId: INTEGER,
  detections: v.array(
    v.object({
      image_id: INTEGER,
      category_id: INTEGER,
      bbox: v.strictTuple([NUMBER, NUMBER, NUMBER, NUMBER], "expected four numbers"),
      score: NUMBER,
    }, OBJECT),
    "expected a list",
  ),
}, OBJECT);

/** A record of measured files. */
export const SEED_RECORD_FORM: v.GenericSchema = v.object({
  schema: v.literal(1, "expected 1"),
  data: WORDS,
  split: v.nullable(WORDS),
  images: COUNT,
  storage: v.nullable(WORDS),
  seeds: v.array(
    v.object({
      variant: WORDS,
      seed: COUNT,
      recipe: WORDS,
      size: COUNT,
      precision: WORDS,
      sha256: WORDS,
      figures: v.record(v.string(), NUMBER, "expected an object of numbers"),
    }, OBJECT),
    "expected a list",
  ),
}, OBJECT);
