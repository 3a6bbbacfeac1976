/**
 * The table of forms in int8 against plans: every operator between quantized values, with weights in int8.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { type Operator, TRAINING_OPERATORS } from "../../src/graph/mod.ts";
import { INT8_FORMS } from "../../src/plan/fuse/int8/forms.ts";
import { int8Form } from "../support/int8_form.ts";
import { OPERATOR_SAMPLES } from "../support/operator_samples.ts";

for (const [op, form] of Object.entries(INT8_FORMS) as [Operator, string][]) {
  Deno.test(`${op} in int8 is what plans show: ${form}`, () => {
    if ((TRAINING_OPERATORS as readonly string[]).includes(op)) return assertEquals(form, "training");
    const [first] = OPERATOR_SAMPLES[op];
    assertEquals(form, int8Form(first));
  });
}
