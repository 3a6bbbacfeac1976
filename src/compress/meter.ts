/**
 * The meter: who measures a candidate of a search. Mixed precision, pruning and what chooses architectures ask the same one; compression
 * itself touches no device and no pictures.
 *
 * What a measurement gave is kept in a memo under everything that it depends on, so that no search measures twice what another one knows.
 *
 * @module
 */

import type { Graph } from "../graph/mod.ts";
import { hashOfGraph } from "./graph_hash.ts";

/** A network to measure. */
export interface MeterVariant {
  /** The network. Its int8 part, if it has one, is in QDQ form. */
  readonly graph: Graph;
  /** How its float part is stored; f32 by default. */
  readonly storage?: "f32" | "f16";
}

/** Time of one dispatch. */
export interface DispatchMilliseconds {
  /** Name of the graph's node that it computes. */
  readonly name: string;
  /** Milliseconds of device time. */
  readonly milliseconds: number;
}

/** Times of a network. */
export interface VariantTimes {
  /** Milliseconds from picture to boxes, the median. */
  readonly milliseconds: number;
  /** Milliseconds of device time of a frame: the sum of its dispatches. */
  readonly device: number;
  /** Milliseconds of every dispatch, at its fastest. */
  readonly dispatches: readonly DispatchMilliseconds[];
}

/** Times networks. */
export interface TimeMeter {
  /** Times of networks, measured in turn, in the order given. They are comparable with each other, not with those of another call. */
  times(variants: readonly MeterVariant[]): Promise<readonly VariantTimes[]>;
}

/** Scores networks. */
export interface ScoreMeter {
  /** What the score says and on which pictures, as text: scores of one basis are comparable. */
  readonly basis: string;
  /** How good a network is, more being better: mAP50-95 in 0..1, or something cheaper that goes with it. */
  score(variant: MeterVariant): Promise<number>;
}

/** A convolution as it is dispatched, with what is fused behind it. */
export interface LayerShape {
  /** Height and width of the kernel. */
  readonly kernel: readonly [height: number, width: number];
  /** Steps of the kernel. */
  readonly strides: readonly [height: number, width: number];
  /** Distances between its taps. */
  readonly dilations: readonly [height: number, width: number];
  /** Zeros around the map. */
  readonly pads: readonly [top: number, left: number, bottom: number, right: number];
  /** Groups of channels; `each` for a group a channel (depthwise). */
  readonly groups: number | "each";
  /** Batch, height and width of the map that it reads. */
  readonly map: readonly [batch: number, height: number, width: number];
  /** What follows in the same dispatch: activations by operator and attributes, and `Add` for a residual. */
  readonly behind: readonly { readonly op: string; readonly attributes: Readonly<Record<string, unknown>> }[];
  /** Channels of the map that it reads. */
  readonly inputs: number;
  /** Channels that it makes. */
  readonly outputs: number;
}

/** Times single layers. */
export interface LayerMeter {
  /** Everything beside the layer that its time depends on, as text: adapter, form of storage. */
  readonly place: string;
  /** What computes the layer there, as text that changes when its kernels do. */
  revision(layer: LayerShape): string;
  /** Milliseconds of device time of each layer at its fastest, measured in turn over several rounds. */
  milliseconds(layers: readonly LayerShape[]): Promise<readonly number[]>;
  /** Every dispatch of a network, over as many rounds. */
  dispatches(graph: Graph): Promise<readonly DispatchMilliseconds[]>;
}

/** Who measures candidates. */
export interface Meter extends TimeMeter, ScoreMeter {}

/** Keeps numbers by a text that says all that they depend on. */
export interface Memo {
  /** What is known; undefined for nothing. */
  read(kind: string, key: string): Promise<number | undefined>;
  /** Keeps a number. */
  write(kind: string, key: string, value: number): Promise<void>;
}

/** A memo that lasts as long as the program. */
export function createMemoryMemo(): Memo {
  const known = new Map<string, number>();
  const nameOf = (kind: string, key: string) => JSON.stringify([kind, key]);
  return {
    read: (kind, key) => Promise.resolve(known.get(nameOf(kind, key))),
    write(kind, key, value) {
      known.set(nameOf(kind, key), value);
      return Promise.resolve();
    },
  };
}

/** What the memo knows of a key, else what measuring gives, which it then knows. */
export async function remember(
  memo: Memo,
  kind: string,
  key: string,
  measure: () => Promise<number>,
): Promise<number> {
  const known = await memo.read(kind, key);
  if (known !== undefined) return known;
  const value = await measure();
  await memo.write(kind, key, value);
  return value;
}

/**
 * A meter of scores that asks another one only for networks that the memo does not know: by their content, the meter's basis, and the
 * place where networks run (adapter and form of storage), since no two adapters round alike.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../models/demo_detector.ts";
 * import { createMemoryMemo, memoisedScores } from "./meter.ts";
 * let asked = 0;
 * const score = () => Promise.resolve(++asked / 10);
 * const meter = memoisedScores({ basis: "an example", score }, createMemoryMemo(), "this adapter");
 * const graph = demoDetector({ size: 64 });
 * assert.equal(await meter.score({ graph }), await meter.score({ graph: { ...graph, name: "other" } }));
 * assert.equal(asked, 1);
 * ```
 */
export function memoisedScores(meter: ScoreMeter, memo: Memo, place: string): ScoreMeter {
  return {
    basis: meter.basis,
    score: (variant) =>
      remember(
        memo,
        "score",
        `${place} | ${meter.basis} | ${variant.storage ?? "f32"} | ${hashOfGraph(variant.graph)}`,
        () => meter.score(variant),
      ),
  };
}

/**
 * A meter of layers that asks another one, all at once, only for those that the memo does not know, by place, shape and the revision of
 * what computes them. Times of whole networks have no such memo: they are compared in turn.
 */
export function memoisedLayers(meter: LayerMeter, memo: Memo): LayerMeter {
  const keyOf = (layer: LayerShape) => `${meter.place} | ${meter.revision(layer)} | ${layerText(layer)}`;
  return {
    place: meter.place,
    revision: (layer) => meter.revision(layer),
    dispatches: (graph) => meter.dispatches(graph),
    async milliseconds(layers) {
      const keys = layers.map(keyOf);
      const known = await Promise.all(keys.map((key) => memo.read("layer", key)));
      const missing = layers.flatMap((_, i) => known[i] === undefined ? [i] : []);
      const found = missing.length === 0 ? [] : await meter.milliseconds(missing.map((i) => layers[i]));
      const measured = new Map(missing.map((layer, i) => [layer, found[i]]));
      for (const [i, value] of measured) await memo.write("layer", keys[i], value);
      return layers.map((_, i) => known[i] ?? measured.get(i)!);
    },
  };
}

/** A layer as text, equal for equal work. */
export function layerText(layer: LayerShape): string {
  const { kernel, strides, dilations, pads, groups, map, behind, inputs, outputs } = layer;
  return JSON.stringify([kernel, strides, dilations, pads, groups, map, behind, inputs, outputs]);
}
