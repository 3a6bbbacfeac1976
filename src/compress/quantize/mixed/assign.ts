/**
 * Which sets of layers are worth having in int8: those of least predicted loss for the time that they are predicted to take.
 *
 * Predicted time is what the float network takes less what each int8 layer gains, predicted loss the sum of the layers' losses. To gain
 * most for a loss is a knapsack: layers taken in the order of loss for each millisecond gained are the best choice for every loss that
 * one of these sets has (Dantzig 1957, "Discrete-Variable Extremum Problems"). Both sums are predictions, which is why whole sets are
 * measured afterwards.
 *
 * @module
 */

/** How the float part of a network is stored: one form for all of it. */
export type FloatStorage = "f32" | "f16";

/** What int8 means for one layer with a form of storage. */
export interface LayerChoice {
  /** Name of the layer. */
  readonly name: string;
  /** Milliseconds that int8 saves; negative where float is faster. */
  readonly gain: number;
  /** Loss of int8 in this layer alone, 0 for none. */
  readonly loss: number;
}

/** A set of int8 layers, the rest in float, with what is predicted of it. */
export interface Assignment {
  /** How the float part is stored. */
  readonly storage: FloatStorage;
  /** Names of the layers in int8, in the order in which they are worth it. */
  readonly int8: readonly string[];
  /** Predicted milliseconds of a frame on the device. */
  readonly milliseconds: number;
  /** Predicted loss: that of the storage and of each int8 layer. */
  readonly loss: number;
}

/** What a form of storage takes and loses before any layer is int8. */
export interface StorageCost {
  /** How the float part is stored. */
  readonly storage: FloatStorage;
  /** Milliseconds of a frame on the device. */
  readonly milliseconds: number;
  /** Loss by storing in this form. */
  readonly loss: number;
}

/**
 * The sets of layers for one form of storage, from none to all that gain: each has the least loss of all sets that save as much, as far as
 * losses and times add up. Layers that gain nothing are in none.
 */
export function assignmentsOf(base: StorageCost, choices: readonly LayerChoice[]): Assignment[] {
  const ordered = choices.filter(({ gain }) => gain > 0).sort((a, b) => a.loss / a.gain - b.loss / b.gain);
  const result: Assignment[] = [{ ...base, int8: [] }];
  for (const { name, gain, loss } of ordered) {
    const last = result.at(-1)!;
    result.push({
      storage: base.storage,
      int8: [...last.int8, name],
      milliseconds: last.milliseconds - gain,
      loss: last.loss + loss,
    });
  }
  return result;
}

/** The assignments that no other beats in predicted time and loss, slowest first; of equal ones the first. */
export function predictedFront(assignments: readonly Assignment[]): Assignment[] {
  const front: Assignment[] = [];
  for (const one of [...assignments].sort((a, b) => a.milliseconds - b.milliseconds || a.loss - b.loss)) {
    if (front.length === 0 || one.loss < front.at(-1)!.loss) front.push(one);
  }
  return front.reverse();
}

/** Some of a front, about evenly spaced in time, the ends among them. */
export function spread(front: readonly Assignment[], count: number): Assignment[] {
  const [slow, fast] = [front[0].milliseconds, front.at(-1)!.milliseconds];
  const chosen = Array.from({ length: count }, (_, i) => {
    const wanted = slow + (fast - slow) * i / Math.max(1, count - 1);
    return front.reduce((best, one) =>
      Math.abs(one.milliseconds - wanted) < Math.abs(best.milliseconds - wanted) ? one : best
    );
  });
  return [...new Set([...chosen, front.at(-1)!])];
}
