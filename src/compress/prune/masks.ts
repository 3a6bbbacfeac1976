/**
 * Masks: weights of convolutions become zero by their magnitude, and the shapes stay what they are.
 *
 * @module
 */

import { sha256 } from "npm:@noble/hashes@2.4.0/sha2.js";
import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import { refuseQuantized } from "../quantize/refuse_quantized.ts";
import { type MaskedLayer, maskedLayers, type MaskLayerOptions } from "./mask_layers.ts";
import { type MaskPattern, PATTERNS, ratioMask, unitsOf } from "./mask_patterns.ts";

/** What stays (1) and what is zero (0) of each weight that is masked, by the weight's name, in its order. */
export type Masks = ReadonlyMap<string, Uint8Array>;

/** How masks are chosen. */
export interface MaskOptions extends MaskLayerOptions {
  /** Share of the weights of the layers that take part which become zero; patterns such as 2:4 have one of their own. */
  readonly sparsity?: number;
  /** Which weights become zero together; `unstructured` by default. */
  readonly pattern?: MaskPattern;
  /** All layers together, or the same share of each; `global` by default. */
  readonly ranking?: "global" | "local";
  /** Least share of each layer that stays in a global ranking, so that none is lost; 0.02 by default. */
  readonly floor?: number;
}

/** A layer's units, and which of them may go. */
interface RankedLayer {
  readonly layer: MaskedLayer;
  readonly units: ReturnType<typeof unitsOf>;
}

/** Makes masks in which units go, the least first, as long as no more weights than `most` become zero. */
function withoutLeast(layers: readonly RankedLayer[], most: number, floor: number): Masks {
  const scores: number[] = [], places: (readonly [layer: number, unit: number])[] = [];
  layers.forEach(({ units }, layer) => {
    const order = Array.from(units.scores.keys()).sort((a, b) => units.scores[a] - units.scores[b] || a - b);
    const free = order.length - Math.max(floor > 0 ? 1 : 0, Math.ceil(floor * order.length));
    for (const unit of order.slice(0, free)) {
      scores.push(units.scores[unit]);
      places.push([layer, unit]);
    }
  });
  const gone = layers.map(({ units }) => new Uint8Array(units.scores.length));
  let zeros = 0;
  for (const at of Array.from(scores.keys()).sort((a, b) => scores[a] - scores[b] || a - b)) {
    const [layer, unit] = places[at], size = layers[layer].units.sizes[unit];
    if (zeros + size > most) break;
    zeros += size;
    gone[layer][unit] = 1;
  }
  return new Map(
    layers.map(({ layer, units }, i) => [layer.weight, Uint8Array.from(units.unitOf, (u) => 1 - gone[i][u])]),
  );
}

const elementsIn = (layers: readonly RankedLayer[]) => layers.reduce((sum, { layer }) => sum + layer.data.length, 0);

function checkShare(sparsity: number | undefined, floor: number, file: string): number {
  if (sparsity === undefined || !(sparsity > 0 && sparsity < 1)) {
    throw new FeatherdetError(`sparsity is ${sparsity}, expected a share above 0 and below 1`, { file });
  }
  if (sparsity > 1 - floor) {
    throw new FeatherdetError(`sparsity ${sparsity} leaves layers less than the floor of ${floor}`, { file });
  }
  return sparsity;
}

/**
 * Chooses masks by the magnitude of weights, of blocks by the root of their mean square: the least become zero. Weights that are zero
 * already go first, so that masks of a greater sparsity hold those of a smaller one as long as nothing has been trained between.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { analyze } from "../../graph/mod.ts";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { applyMasks, chooseMasks } from "./masks.ts";
 * const model = yolo11({ width: 0.125, size: 64 });
 * const masks = chooseMasks(model, { sparsity: 0.8, pattern: "block4x4" });
 * const { sparsity } = analyze(applyMasks(model, masks), { zeros: true });
 * assert.ok(sparsity > 0.7 && sparsity < 0.8); // first and last layers are whole
 * ```
 *
 * Throws FeatherdetError for a quantized graph, an unknown pattern, a sparsity that is not a share or not the pattern's own, and as
 * `maskedLayers` does.
 */
export function chooseMasks(graph: Graph, options: MaskOptions): Masks {
  const { sparsity, pattern = "unstructured", ranking = "global" } = options;
  const floor = options.floor ?? (ranking === "global" ? 0.02 : 0);
  refuseQuantized(graph);
  if (!Object.hasOwn(PATTERNS, pattern)) {
    throw new FeatherdetError(`unknown pattern "${pattern}", there are ${Object.keys(PATTERNS).join(", ")}`);
  }
  const { block, ratio } = PATTERNS[pattern];
  const found = maskedLayers(graph, options);
  if (ratio) {
    const own = 1 - ratio.keep / ratio.of;
    if (sparsity !== undefined && sparsity !== own) {
      throw new FeatherdetError(`pattern ${pattern} has a sparsity of ${own}, given was ${sparsity}`);
    }
    return new Map(found.map((layer) => [layer.weight, ratioMask(layer, ratio)]));
  }
  const share = checkShare(sparsity, floor, graph.name);
  const layers = found.map((layer): RankedLayer => ({ layer, units: unitsOf(layer, block) }));
  if (ranking === "global") return withoutLeast(layers, Math.round(share * elementsIn(layers)), floor);
  return new Map(
    layers.flatMap((layer) => [...withoutLeast([layer], Math.round(share * layer.layer.data.length), floor)]),
  );
}

/** The graph with zeros where masks have them. Throws FeatherdetError for a mask without a weight of floats of its size. */
export function applyMasks(graph: Graph, masks: Masks): Graph {
  const constants = new Map(graph.constants);
  for (const [name, mask] of masks) {
    const constant = constants.get(name);
    if (constant?.dtype !== "f32" || constant.data.length !== mask.length) {
      throw new FeatherdetError(
        `a mask of ${mask.length} numbers is for "${name}", which is ${
          constant ? `${constant.dtype}[${constant.shape}]` : "no constant"
        }`,
        { file: graph.name },
      );
    }
    const data = Float32Array.from(constant.data as Float32Array, (x, at) => mask[at] === 1 ? x : 0);
    constants.set(name, { ...constant, data });
  }
  return { ...graph, constants };
}

/** SHA-256 of masks in hexadecimal, over names and bits: what checkpoints and histories keep of them. */
export function hashOfMasks(masks: Masks): string {
  const hash = sha256.create();
  for (const [name, mask] of [...masks].sort(([a], [b]) => a < b ? -1 : 1)) {
    hash.update(new TextEncoder().encode(`${name}[${mask.length}]`)).update(mask);
  }
  return hash.digest().toHex();
}
