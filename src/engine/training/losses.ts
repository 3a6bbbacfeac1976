/**
 * The losses of a problem in a session: what a step feeds for their weights, and what it tells of them.
 *
 * @module
 */

import { FeatherdetError, type Graph, namesOf, sizeOf, type TensorType, uniqueName } from "../../graph/mod.ts";
import { checkLosses, type Losses, type NamedLoss, weightAt } from "../../train/losses/named_loss.ts";
import type { WeightedLoss } from "../../train/mod.ts";

/** A loss and the input that brings its weight. */
interface FedLoss extends NamedLoss {
  readonly input: string;
  readonly isDifferentiated: boolean;
}

/** The losses of one problem. */
export class ProblemLosses {
  readonly #losses: readonly FedLoss[];

  /** Throws FeatherdetError as `checkLosses` does. */
  constructor(graph: Graph, losses: readonly NamedLoss[]) {
    checkLosses(losses);
    const taken = namesOf(graph);
    this.#losses = losses.map((loss) => ({
      ...loss,
      input: loss.gradientScale ?? uniqueName(taken, `weight of loss ${loss.name}`),
      isDifferentiated: loss.gradientScale === undefined,
    }));
  }

  /** Those that the rules of gradients differentiate, as `buildGradientGraph` takes them. */
  get differentiated(): WeightedLoss[] {
    return this.#losses.filter(({ isDifferentiated }) => isDifferentiated)
      .map(({ value, input }) => ({ value, weight: input }));
  }

  /** Values of the graph that hold losses, each once. */
  get values(): string[] {
    return [...new Set(this.#losses.map(({ value }) => value))];
  }

  /** Inputs of the step's graph that bring weights. */
  get inputs(): ReadonlySet<string> {
    return new Set(this.#losses.map(({ input }) => input));
  }

  /** Throws FeatherdetError if a loss is not one element of a value, or the input that scales its gradients is none of one element. */
  checkTypes({ name, inputs }: Graph, types: ReadonlyMap<string, TensorType>): void {
    for (const loss of this.#losses) {
      const size = sizeOf(types.get(loss.value)?.shape ?? [0]);
      if (loss.element === undefined ? size !== 1 : !(loss.element < size)) {
        const which = loss.element === undefined ? "one element" : `an element ${loss.element}`;
        throw new FeatherdetError(`loss "${loss.name}": value "${loss.value}" has ${size} elements, not ${which}`, {
          file: name,
        });
      }
      const input = inputs.find((one) => one.name === loss.input);
      if (!input || sizeOf(input.shape) !== 1) {
        throw new FeatherdetError(`loss "${loss.name}": there is no input "${loss.input}" of one element`, {
          file: name,
        });
      }
    }
  }

  /**
   * What a step feeds for the weights in an epoch, with `scale` as a further factor on all gradients, and `factors` on those of losses by
   * name. Throws FeatherdetError for factors of unknown losses, and for different ones of losses that share an input.
   */
  feeds(epoch: number, scale: number, factors: Readonly<Record<string, number>> = {}): Record<string, Float32Array> {
    const unknown = Object.keys(factors).find((name) => !this.#losses.some((loss) => loss.name === name));
    if (unknown !== undefined) throw new FeatherdetError(`a step has a factor for "${unknown}", which is no loss`);
    const fed = new Map<string, Float32Array>();
    for (const { name, input, weight = 1, gradientFactor = 1 } of this.#losses) {
      const made = Float32Array.of(weightAt(weight, epoch) * gradientFactor * scale * (factors[name] ?? 1));
      if (fed.has(input) && fed.get(input)![0] !== made[0]) {
        throw new FeatherdetError(`the factor of loss "${name}" differs from those that share the input "${input}"`);
      }
      fed.set(input, made);
    }
    return Object.fromEntries(fed);
  }

  /** The weights in an epoch; undefined if no loss states one. */
  weights(epoch: number): Readonly<Record<string, number>> | undefined {
    const stated = this.#losses.flatMap(({ name, weight }) =>
      weight === undefined ? [] : [[name, weightAt(weight, epoch)]]
    );
    return stated.length === 0 ? undefined : Object.fromEntries(stated);
  }

  /** The losses, times their weights in an epoch, from the values of a step. */
  read(values: Readonly<Record<string, Float32Array>>, epoch: number): Losses {
    return Object.fromEntries(
      this.#losses.map(({ name, value, element = 0, weight = 1 }) =>
        [name, values[value][element] * weightAt(weight, epoch)] as const
      ),
    );
  }
}
