/**
 * Pruning of depth: parts of a network that it can do without are taken out with all of their layers.
 *
 * A narrower layer still is a dispatch, a layer that is gone is none: where dispatches are short, as in small networks, that saves time
 * which narrower layers do not. Which part matters least is measured on the network itself, since what is left of a residual network without
 * a branch still computes something like it (Veit, Wilber and Belongie 2016, "Residual Networks Behave Like Ensembles of Relatively Shallow
 * Networks", https://arxiv.org/abs/1605.06431).
 *
 * @module
 */

import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import { countLayers, type Part, partsOf, recogniseActivations, removeParts } from "../../passes/mod.ts";
import type { Pass } from "../pass.ts";
import { refuseQuantized } from "../quantize/refuse_quantized.ts";

/** A part, and what the network is worth without it. */
export interface ScoredPart {
  /** Name of the part, as in `Part`. */
  readonly name: string;
  /** How many layers go with it. */
  readonly layers: number;
  /** The score of the network without it. */
  readonly score: number;
}

/** How parts are chosen. */
export interface ShortenOptions {
  /** Share of the layers with weights that may be left, above 0 and at most 1. */
  readonly layers: number;
  /** How good a network is, more being better. Of the whole one too, as if something were gone: with statistics measured anew. */
  readonly scoreOf: (graph: Graph) => Promise<number>;
  /** Told what was scored; may throw to end it. */
  readonly onChoosing?: (what: string) => void;
}

/** What became of the layers. */
export interface ShortenReport {
  /** How many layers with weights there were. */
  readonly before: number;
  /** How many are left. */
  readonly after: number;
  /** The score of the whole network. */
  readonly score: number;
  /** Every part that could go, in the order of the nodes, with what the network is worth without it alone; empty where nothing had to go. */
  readonly parts: readonly ScoredPart[];
  /** The parts that are gone in the order in which they went, with what the network was worth then. */
  readonly removed: readonly ScoredPart[];
}

/** A part that may go next. */
interface Candidate {
  readonly part: Part;
  /** What the network lost of its score by the last measurement, a layer. */
  readonly loss: number;
  /** What goes with it, and what the network is worth then. */
  readonly scored: ScoredPart;
  /** How many parts were gone when it was measured. */
  readonly gone: number;
  /** Its place among all parts, which decides between equals. */
  readonly place: number;
}

/** Whether a Concat has another input left when those of parts are gone. */
function leavesInput(graph: Graph, parts: readonly Part[], { input }: Part): boolean {
  if (!input) return true;
  const concat = graph.nodes.find(({ name }) => name === input[0])!;
  return parts.filter((part) => part.input?.[0] === input[0]).length + 1 < concat.inputs.length;
}

/**
 * Chooses parts one after another: the one that costs least of the score, a layer, goes next. Scores of other parts are those of the last
 * measurement, and only the best of them is measured anew, until it stays the best (lazy greedy: Minoux 1978,
 * https://doi.org/10.1007/BFb0006528).
 */
class Shortening {
  readonly #graph: Graph;
  readonly #options: ShortenOptions;
  readonly #removed: { readonly part: Part; readonly scored: ScoredPart }[] = [];
  #score: number;
  #layers: number;
  #candidates: Candidate[] = [];

  constructor(graph: Graph, score: number, options: ShortenOptions) {
    this.#graph = graph;
    this.#options = options;
    this.#score = score;
    this.#layers = countLayers(graph);
  }

  /** How many layers are left. */
  get layers(): number {
    return this.#layers;
  }

  get removed(): readonly ScoredPart[] {
    return this.#removed.map(({ scored }) => scored);
  }

  /** The graph without the parts that are gone, and one more. */
  without(...more: readonly Part[]): Graph {
    return removeParts(this.#graph, [...this.#removed.map(({ part }) => part), ...more]);
  }

  /** Measures each part alone. */
  async measureAll(parts: readonly Part[]): Promise<readonly ScoredPart[]> {
    for (const [place, part] of parts.entries()) {
      const candidate = await this.#measured(part, place);
      if (candidate === undefined) continue;
      this.#candidates.push(candidate);
      const { name, score, layers } = candidate.scored;
      this.#options.onChoosing?.(
        `part ${place + 1} of ${parts.length}, ${name}, ${layers} layers: ${score.toFixed(4)} without it`,
      );
    }
    return this.#candidates.map(({ scored }) => scored);
  }

  /** Takes out the part that costs least. False where none is left. */
  async removeNext(): Promise<boolean> {
    for (;;) {
      this.#candidates.sort((a, b) => a.loss - b.loss || b.scored.layers - a.scored.layers || a.place - b.place);
      const best = this.#candidates.shift();
      if (best === undefined) return false;
      if (best.gone < this.#removed.length) {
        const again = await this.#measured(best.part, best.place);
        if (again) this.#candidates.push(again);
        continue;
      }
      this.#removed.push(best);
      this.#score = best.scored.score;
      this.#layers -= best.scored.layers;
      this.#options.onChoosing?.(
        `${best.scored.name} goes: ${this.#layers} layers are left, ${this.#score.toFixed(4)} without it`,
      );
      return true;
    }
  }

  /** What goes with a part now; undefined where nothing does, or where it has to stay. */
  async #measured(part: Part, place: number): Promise<Candidate | undefined> {
    if (!leavesInput(this.#graph, this.#removed.map((one) => one.part), part)) return undefined;
    const graph = this.without(part), layers = this.#layers - countLayers(graph);
    if (layers === 0) return undefined;
    const score = await this.#options.scoreOf(graph);
    return {
      part,
      loss: (this.#score - score) / layers,
      scored: { name: part.name, layers, score },
      gone: this.#removed.length,
      place,
    };
  }
}

/**
 * Takes out parts of a network until at most a share of its layers is left: residual branches, and what ends in a Concat beside other
 * channels (`partsOf`). A network has to have its BatchNormalization (`unfoldBatchNormalization` gives it back), and running statistics are
 * to be measured anew afterwards.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { analyze } from "../../graph/mod.ts";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { passStep, runPasses } from "../pass.ts";
 * import { shortenPass } from "./shorten.ts";
 * const model = yolo11({ width: 0.125, size: 64 });
 * // The larger the network that is left, the better: the cheapest layers go.
 * const scoreOf = (graph: typeof model) => Promise.resolve(analyze(graph).flops);
 * const { reports: [{ before, after }] } = await runPasses(model, [passStep(shortenPass, { layers: 0.8, scoreOf })]);
 * assert.ok(after <= 0.8 * before && after > 0.7 * before);
 * ```
 *
 * Throws FeatherdetError for a share that cannot be met, and for a network with rounded numbers.
 */
export const shortenPass: Pass<ShortenOptions, ShortenReport> = {
  name: "shorten",
  needs(graph) {
    refuseQuantized(graph);
    return {};
  },
  async apply(source, _statistics, options) {
    const { layers: share, scoreOf } = options;
    if (!(share > 0 && share <= 1)) {
      throw new FeatherdetError(`a share of ${share} of the layers, expected one above 0 and not above 1`, {
        file: source.name,
      });
    }
    const graph = recogniseActivations(source), before = countLayers(graph), most = Math.floor(share * before + 1e-9);
    const score = await scoreOf(graph), shortening = new Shortening(graph, score, options);
    const parts = before <= most ? [] : await shortening.measureAll(partsOf(graph));
    while (shortening.layers > most) {
      if (await shortening.removeNext()) continue;
      const text =
        `${before} layers cannot become ${most}: ${shortening.layers} are left without all parts that can go`;
      throw new FeatherdetError(text, { file: source.name });
    }
    const { removed, layers: after } = shortening;
    return {
      graph: removed.length === 0 ? source : shortening.without(),
      report: { before, after, score, parts, removed },
    };
  },
  described: ({ layers }, { removed }) => ({ layers, removed: removed.map(({ name }) => name) }),
};
