/**
 * Patterns of zeros: which weights of a convolution become zero only together, and of which groups a fixed number stays.
 *
 * @module
 */

/** Weights that become zero together, and how much they are worth. */
export interface MaskUnits {
  /** Root of the mean square of the weights of each unit. */
  readonly scores: Float64Array;
  /** Weights in each unit. */
  readonly sizes: Int32Array;
  /** The unit of each weight, row-major as the weight. */
  readonly unitOf: Int32Array;
}

/** A pattern of zeros. */
export interface MaskPatternRow {
  /** What it is. */
  readonly about: string;
  /** Outputs and inputs of a block, whose weights of all taps become zero together; absent where each weight stands for itself. */
  readonly block?: readonly [outputs: number, inputs: number];
  /** Of every `of` successive inputs of an output and tap the `keep` greatest stay: such a pattern has a sparsity of its own. */
  readonly ratio?: { readonly keep: number; readonly of: number };
}

/** Names of the patterns. */
export const MASK_PATTERNS = ["unstructured", "2:4", "1:4", "block4x4", "block4x1"] as const;

/** Name of a pattern. */
export type MaskPattern = typeof MASK_PATTERNS[number];

/** The patterns. */
export const PATTERNS: Readonly<Record<MaskPattern, MaskPatternRow>> = {
  unstructured: { about: "each weight by itself (Han et al. 2015)" },
  "2:4": { about: "two of four successive inputs stay (Mishra et al. 2021)", ratio: { keep: 2, of: 4 } },
  "1:4": { about: "one of four successive inputs stays", ratio: { keep: 1, of: 4 } },
  block4x4: { about: "four outputs by four inputs, all taps: what the block-sparse kernel skips", block: [4, 4] },
  block4x1: { about: "four outputs by one input, all taps", block: [4, 1] },
};

/** The units of a weight `[O,C,kh,kw]`: blocks of outputs by inputs with all taps, or single weights. */
export function unitsOf(
  { shape: [outputs, inputs, height, width], data }: {
    readonly shape: readonly [number, number, number, number];
    readonly data: Float32Array;
  },
  block?: readonly [outputs: number, inputs: number],
): MaskUnits {
  const taps = height * width, count = data.length;
  const across = block ? Math.ceil(inputs / block[1]) : 0;
  const units = block ? Math.ceil(outputs / block[0]) * across : count;
  const unitOf = new Int32Array(count), sizes = new Int32Array(units), scores = new Float64Array(units);
  for (let at = 0; at < count; at++) {
    const row = Math.floor(at / taps), o = Math.floor(row / inputs), c = row % inputs;
    const unit = block ? Math.floor(o / block[0]) * across + Math.floor(c / block[1]) : at;
    unitOf[at] = unit;
    sizes[unit]++;
    scores[unit] += data[at] ** 2;
  }
  for (let unit = 0; unit < units; unit++) scores[unit] = Math.sqrt(scores[unit] / sizes[unit]);
  return { scores, sizes, unitOf };
}

/** The mask (1 stays) in which of every `of` successive inputs the `keep` greatest stay; of equals the first. */
export function ratioMask(
  { shape: [outputs, inputs, height, width], data }: {
    readonly shape: readonly [number, number, number, number];
    readonly data: Float32Array;
  },
  { keep, of }: { readonly keep: number; readonly of: number },
): Uint8Array {
  const taps = height * width, mask = new Uint8Array(data.length);
  for (let o = 0; o < outputs; o++) {
    for (let tap = 0; tap < taps; tap++) {
      for (let first = 0; first < inputs; first += of) {
        const places = Array.from(
          { length: Math.min(of, inputs - first) },
          (_, i) => (o * inputs + first + i) * taps + tap,
        );
        places.sort((a, b) => Math.abs(data[b]) - Math.abs(data[a]) || a - b);
        for (const place of places.slice(0, keep)) mask[place] = 1;
      }
    }
  }
  return mask;
}
