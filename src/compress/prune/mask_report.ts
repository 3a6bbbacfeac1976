/**
 * What masks did, as plain data.
 *
 * @module
 */

import { type Graph, GraphIndex } from "../../graph/mod.ts";
import type { Masks } from "./masks.ts";
import { unitsOf } from "./mask_patterns.ts";

/** Zeros of a layer. */
export interface MaskLayerReport {
  /** Name of its node. */
  readonly name: string;
  /** Shape of its weight, `[O,C,kh,kw]`. */
  readonly shape: readonly number[];
  /** Its weights. */
  readonly elements: number;
  /** Zeros among them. */
  readonly zeros: number;
  /** Share of them. */
  readonly sparsity: number;
  /** Share of blocks of four outputs by four inputs, all taps, that are zero: what the block-sparse kernel skips. */
  readonly zeroBlocks: number;
}

/** Zeros of all layers that masks are for. */
export interface MaskReport {
  /** Weights that masks are for. */
  readonly elements: number;
  /** Zeros among them. */
  readonly zeros: number;
  /** Share of them. */
  readonly sparsity: number;
  /** Every layer with a mask, in order. */
  readonly layers: readonly MaskLayerReport[];
}

const WHOLE_BLOCK = [4, 4] as const;

/** Counts zeros in the weights that masks are for; weights that were zero before count too. */
export function maskReport(graph: Graph, masks: Masks): MaskReport {
  const index = GraphIndex.of(graph);
  const layers = [...masks.keys()].map((weight): MaskLayerReport => {
    const { shape, data } = graph.constants.get(weight)!;
    const numbers = data as Float32Array;
    const zeros = numbers.reduce((sum, x) => x === 0 ? sum + 1 : sum, 0);
    const { scores } = unitsOf(
      { shape: shape as readonly number[] as [number, number, number, number], data: numbers },
      WHOLE_BLOCK,
    );
    return {
      name: index.readersOf(weight)[0].name,
      ...{ shape, elements: numbers.length, zeros, sparsity: zeros / numbers.length },
      zeroBlocks: scores.filter((score) => score === 0).length / scores.length,
    };
  });
  const sum = (field: "elements" | "zeros") => layers.reduce((all, layer) => all + layer[field], 0);
  return { elements: sum("elements"), zeros: sum("zeros"), sparsity: sum("zeros") / sum("elements"), layers };
}
