/**
 * What a graph costs with some of its coupling groups gone, without making the smaller graph: every constant and every product is as large
 * as the channels along its axes.
 *
 * @module
 */

import { type ChannelBundle, channelBundles, couplingGroups } from "../../graph/channels/mod.ts";
import { macsOf } from "../../graph/analyze.ts";
import { type Graph, inferTypes, sizeOf, weightsOf } from "../../graph/mod.ts";

/** An axis whose extent follows from how many groups of some bundles are left. */
interface Axis {
  /** Extent of the whole graph. */
  readonly extent: number;
  /** Channels that a group of a bundle has along the axis, by the bundle's number. */
  readonly perGroup: ReadonlyMap<number, number>;
}

/** Something that grows in proportion to each of its axes. */
interface Sized {
  /** What it is in the whole graph. */
  readonly whole: number;
  /** Axes that can shrink. */
  readonly axes: readonly Axis[];
}

/** A node that multiplies, and how many products it sums. */
interface Layer {
  /** Name of the node. */
  readonly name: string;
  /** Floating-point operations: two for each product with a weight. */
  readonly flops: Sized;
  /** Extents that decide how long the node takes: inputs and outputs of its weight. */
  readonly outputs: Axis;
  readonly inputs: Axis;
}

/** What counts as a cost. */
export type CostKind = "gflops" | "parameters" | "bytes";

/** Costs of a graph of certain widths. */
export interface WidthCosts {
  /** 10^9 floating-point operations of an input, as `analyze` counts them. */
  readonly gflops: number;
  /** Trained weights. */
  readonly parameters: number;
  /** Bytes of weights and running statistics. */
  readonly bytes: number;
}

/** How many groups of each bundle are left, by the bundle's number. */
export type Widths = readonly number[];

function extentOf({ extent, perGroup }: Axis, bundles: readonly ChannelBundle[], widths: Widths): number {
  let left = extent;
  for (const [bundle, channels] of perGroup) left -= channels * (bundles[bundle].groups.length - widths[bundle]);
  return left;
}

/** The bundles of a graph that can be pruned, and what the graph costs by how much is left of each. */
export class WidthModel {
  /** Bundles of coupling groups, in the order of the nodes. */
  readonly bundles: readonly ChannelBundle[];
  readonly #layers: readonly Layer[];
  readonly #weights: readonly (Sized & { readonly trained: boolean; readonly elementBytes: number })[];
  /** Layers and weights that a bundle touches. */
  readonly #touchedLayers: readonly (readonly number[])[];
  readonly #touchedWeights: readonly (readonly number[])[];

  /** Throws FeatherdetError where the graph's shapes do not fit. */
  constructor(graph: Graph) {
    this.bundles = channelBundles(couplingGroups(graph).groups);
    const axes = new Map<string, Map<number, Axis>>();
    this.bundles.forEach(({ members }, bundle) => {
      for (const { constant, axis, extent, perGroup } of members) {
        let known = axes.get(constant);
        if (!known) axes.set(constant, known = new Map());
        const entry = known.get(axis) ?? { extent, perGroup: new Map<number, number>() };
        (entry.perGroup as Map<number, number>).set(bundle, perGroup);
        known.set(axis, entry);
      }
    });
    const axesOf = (constant: string) => [...axes.get(constant)?.values() ?? []];
    const types = inferTypes(graph);
    const shapeOf = (name: string) => types.get(name)!.shape;
    const layers: Layer[] = [], weights: (Sized & { trained: boolean; elementBytes: number })[] = [];
    const counted = new Set<string>();
    for (const node of graph.nodes) {
      const { trained, statistics } = weightsOf(graph, node);
      for (const name of [...trained, ...statistics]) {
        if (counted.has(name)) continue;
        counted.add(name);
        const { shape, data } = graph.constants.get(name)!;
        const whole = sizeOf(shape);
        weights.push({
          whole,
          axes: axesOf(name),
          trained: trained.includes(name),
          elementBytes: data.BYTES_PER_ELEMENT,
        });
      }
      const weight = node.inputs[1] ?? "";
      const shape = graph.constants.get(weight)?.shape;
      const macs = macsOf(node, node.inputs.map(shapeOf), shapeOf(node.outputs[0]));
      if (macs === 0 || !shape) continue;
      const along = (axis: number): Axis => axes.get(weight)?.get(axis) ?? { extent: shape[axis], perGroup: new Map() };
      layers.push({
        name: node.name,
        flops: { whole: 2 * macs, axes: axesOf(weight) },
        outputs: along(0),
        inputs: along(1),
      });
    }
    this.#layers = layers;
    this.#weights = weights;
    const touched = (list: readonly Sized[]) =>
      this.bundles.map((_, bundle) =>
        list.flatMap((one, i) => one.axes.some((a) => a.perGroup.has(bundle)) ? [i] : [])
      );
    this.#touchedLayers = touched(layers.map(({ flops }) => flops));
    this.#touchedWeights = touched(weights);
  }

  /** All groups of all bundles. */
  get whole(): Widths {
    return this.bundles.map(({ groups }) => groups.length);
  }

  #sizeOf({ whole, axes }: Sized, widths: Widths): number {
    return axes.reduce((size, axis) => size * extentOf(axis, this.bundles, widths) / axis.extent, whole);
  }

  /** What the graph costs with so many groups left of each bundle. */
  costs(widths: Widths): WidthCosts {
    let flops = 0, parameters = 0, bytes = 0;
    for (const layer of this.#layers) flops += this.#sizeOf(layer.flops, widths);
    for (const weight of this.#weights) {
      const size = this.#sizeOf(weight, widths);
      if (weight.trained) parameters += size;
      bytes += size * weight.elementBytes;
    }
    return { gflops: flops / 1e9, parameters, bytes };
  }

  /** What is saved of a cost when `fewer` groups of a bundle go. */
  saving(kind: CostKind, widths: Widths, bundle: number, fewer: number): number {
    const after = widths.with(bundle, widths[bundle] - fewer);
    const sum = (at: Widths) => {
      if (kind === "gflops") {
        return this.#touchedLayers[bundle].reduce((sum, i) => sum + this.#sizeOf(this.#layers[i].flops, at), 0) / 1e9;
      }
      return this.#touchedWeights[bundle].reduce((sum, i) => {
        const weight = this.#weights[i];
        if (kind === "parameters") return sum + (weight.trained ? this.#sizeOf(weight, at) : 0);
        return sum + this.#sizeOf(weight, at) * weight.elementBytes;
      }, 0);
    };
    return sum(widths) - sum(after);
  }

  /** Name, inputs and outputs of every layer with so many groups left of each bundle; of a depthwise layer, inputs are 1. */
  layers(
    widths: Widths,
  ): { readonly name: string; readonly inputs: number; readonly outputs: number; readonly gflops: number }[] {
    return this.#layers.map(({ name, inputs, outputs, flops }) => ({
      name,
      inputs: extentOf(inputs, this.bundles, widths),
      outputs: extentOf(outputs, this.bundles, widths),
      gflops: this.#sizeOf(flops, widths) / 1e9,
    }));
  }

  /** Inputs and outputs of one layer, by its position in `layers`. */
  extents(layer: number, widths: Widths): { readonly inputs: number; readonly outputs: number } {
    const { inputs, outputs } = this.#layers[layer];
    return { inputs: extentOf(inputs, this.bundles, widths), outputs: extentOf(outputs, this.bundles, widths) };
  }

  /** Layers that a bundle touches, by their position in `layers`. */
  layersOf(bundle: number): readonly number[] {
    return this.#touchedLayers[bundle];
  }
}
