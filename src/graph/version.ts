/**
 * Which program, and which form of the Graph: what is written beside a model says what it was made by.
 *
 * @module
 */

/** Version of Featherdet; that of `deno.json`. */
export const VERSION = "0.1.0";

/** Form of the Graph, counted up when an operator, an attribute or its meaning changes: hashes compare within one form only. */
export const GRAPH_FORM = 1;
