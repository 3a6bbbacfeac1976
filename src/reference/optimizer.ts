/**
 * Optimizers in float64, one element after the other, as their papers and PyTorch write them: what the kernels are tested against.
 *
 * @module
 */

/** Settings of one update; `OptimizerSettings` of the kernels is one. */
export interface ReferenceSettings {
  /** Step length of each group. */
  readonly learningRates: Readonly<Record<"weight" | "bias" | "norm", number>>;
  /** Momentum of SGD, first beta of AdamW. */
  readonly momentum: number;
  /** Of the group `weight` alone. */
  readonly weightDecay: number;
  /** Share that the moving average keeps of itself. */
  readonly averageDecay: number;
  /** Largest norm of the gradient; a longer one is shortened to it. */
  readonly clipNorm: number;
  /** What the gradient is multiplied by first; 1 unless given. */
  readonly factor?: number;
  /** Second beta of AdamW; 0.999 unless given. */
  readonly secondMomentum?: number;
  /** What AdamW adds to the root of the second moment; 1e-8 unless given. */
  readonly epsilon?: number;
}

/** A model in training; arrays of one length, changed by the functions here. */
export interface ReferenceOptimizer {
  /** Group of each element. */
  readonly groups: readonly ("weight" | "bias" | "norm")[];
  /** What is trained. */
  readonly parameters: Float64Array;
  /** Moving average of the parameters. */
  readonly average: Float64Array;
  /** Momentum of SGD, first moment of AdamW; zero before the first update. */
  readonly first: Float64Array;
  /** Second moment of AdamW; zero before the first update. */
  readonly second: Float64Array;
  /** Updates made so far. */
  updates: number;
}

/** Norm of a gradient times `factor` over its finite elements, and how many are not. */
export function gradientNorm(gradient: ArrayLike<number>, factor = 1): { norm: number; nonFinite: number } {
  let sum = 0, nonFinite = 0;
  for (let i = 0; i < gradient.length; i++) {
    if (Number.isFinite(gradient[i])) sum += (factor * gradient[i]) ** 2;
    else nonFinite++;
  }
  return { norm: Math.sqrt(sum), nonFinite };
}

/**
 * One update by SGD with Nesterov's momentum, or by AdamW with constant betas; then the moving average follows. A gradient with an
 * element that is not finite changes nothing.
 */
export function updateReference(
  method: "sgd" | "adamw",
  model: ReferenceOptimizer,
  gradient: ArrayLike<number>,
  settings: ReferenceSettings,
): void {
  const { learningRates, momentum, weightDecay, averageDecay, clipNorm } = settings;
  const { factor = 1, secondMomentum = 0.999, epsilon = 1e-8 } = settings;
  const { groups, parameters, average, first, second } = model;
  const { norm, nonFinite } = gradientNorm(gradient, factor);
  if (nonFinite > 0) return;
  const clip = norm > clipNorm ? clipNorm / norm : 1;
  const step = ++model.updates;
  for (let i = 0; i < parameters.length; i++) {
    const rate = learningRates[groups[i]], decay = groups[i] === "weight" ? weightDecay : 0;
    let g = gradient[i] * factor * clip;
    if (method === "sgd") {
      g += decay * parameters[i];
      first[i] = momentum * first[i] + g;
      parameters[i] -= rate * (g + momentum * first[i]);
    } else {
      parameters[i] -= rate * decay * parameters[i];
      first[i] = momentum * first[i] + (1 - momentum) * g;
      second[i] = secondMomentum * second[i] + (1 - secondMomentum) * g * g;
      const m = first[i] / (1 - momentum ** step), v = second[i] / (1 - secondMomentum ** step);
      parameters[i] -= rate * m / (Math.sqrt(v) + epsilon);
    }
    average[i] = averageDecay * average[i] + (1 - averageDecay) * parameters[i];
  }
}
