/**
 * What a browser's tab and the process that hands it jobs say to each other: the phases of a round over a WebSocket, and files by their
 * hashes beside it.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";
import { FeatherdetError } from "../../graph/error.ts";
import { faultOf, PLAIN_OBJECT, WORDS } from "../../numbers/forms.ts";
import { type Phase, PHASES } from "./phases.ts";

/** What a tab is told: to answer a phase, or that nobody wants its answer any more. */
export type ToTab =
  | { readonly job: string; readonly phase: Phase; readonly input: object }
  | { readonly job: string; readonly stop: true };

/** What a tab says of a job: its answer, or why there is none and whether another try may give one. */
export type FromTab =
  | { readonly job: string; readonly answer: object }
  | { readonly job: string; readonly fault: string; readonly final: boolean };

const TO_TAB = v.union([
  v.strictObject({ job: WORDS, stop: v.literal(true) }),
  v.strictObject({ job: WORDS, phase: v.picklist(Object.keys(PHASES) as Phase[]), input: PLAIN_OBJECT }),
]);

const FROM_TAB = v.union([
  v.strictObject({ job: WORDS, answer: PLAIN_OBJECT }),
  v.strictObject({ job: WORDS, fault: WORDS, final: v.boolean() }),
]);

function read<Form extends v.GenericSchema>(form: Form, text: unknown, who: string): v.InferOutput<Form> {
  let value: unknown;
  try {
    value = JSON.parse(String(text));
  } catch {
    throw new FeatherdetError(`${who} has sent something else than JSON`);
  }
  const fault = faultOf(form, value);
  if (fault !== undefined) throw new FeatherdetError(`${who} has sent a message of another form: ${fault}`);
  return v.parse(form, value);
}

/** Reads what a tab is told. Throws FeatherdetError for anything else. */
export const readToTab = (text: unknown): ToTab => read(TO_TAB, text, "the server");

/** Reads what a tab says. Throws FeatherdetError for anything else. */
export const readFromTab = (text: unknown): FromTab => read(FROM_TAB, text, "the tab");

/** Where a tab opens its socket as a client, from the page's place on. */
export const socketPath = (client: number): string => `client/${client}`;

/** Where files are by their hashes, from the page's place on. */
export const filePath = (hash: string): string => `files/${hash}`;
