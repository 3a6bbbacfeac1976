/**
 * Loss scaling: gradients that are stored in f16 are kept within what it holds.
 *
 * @module
 */

/** Gradients are multiplied by this first, where they are stored in f16, whose smallest numbers are 6e-8. */
const FIRST_SCALE = 1024;
/** Steps without overflow after which the scale is doubled. */
const GROWTH_STEPS = 500;
/** Largest scale. */
const MOST_SCALE = 65536;

/**
 * The factor on the loss, that keeps gradients within what f16 holds: halved where they overflow, doubled after a while without
 * (Micikevicius et al. 2018). 1 throughout for f32.
 */
export class LossScale {
  #value: number;
  #good = 0;

  /** For the storage of gradients. */
  constructor(private readonly precision: "f32" | "f16") {
    this.#value = precision === "f16" ? FIRST_SCALE : 1;
  }

  /** The factor for the next step. */
  get value(): number {
    return this.#value;
  }

  /** Takes note of a step: whether its gradient held numbers that are not finite. */
  saw(overflow: boolean): void {
    if (this.precision === "f32") return;
    this.#good = overflow ? 0 : this.#good + 1;
    if (overflow) this.#value = Math.max(1, this.#value / 2);
    else if (this.#good % GROWTH_STEPS === 0) this.#value = Math.min(MOST_SCALE, 2 * this.#value);
  }

  /** What a resumed run needs. */
  get state(): Float32Array {
    return Float32Array.of(this.#value, this.#good);
  }

  /** Goes on from a state. */
  restore([value, good]: Float32Array): void {
    [this.#value, this.#good] = [value, good];
  }
}
