/**
 * What heads and maps of a student and a teacher say, as inputs of a graph that holds nothing but the losses between them.
 *
 * @module
 */

import { type DistilLoss, writeDistilLosses } from "../../src/compress/distill/mod.ts";
import type { PairPlaces } from "../../src/compress/distill/pair.ts";
import { type Graph, type Pair, sizeOf } from "../../src/graph/mod.ts";
import { type ReferenceTensor, referenceTensor, runReference } from "../../src/reference/run.ts";
import { buildGradientGraph } from "../../src/train/mod.ts";
import type { Feeds } from "./finite_differences.ts";
import { noise } from "./noise.ts";
import { graphOf } from "./tiny_graph.ts";

/** Extents, as `tests/fixtures/make_distil_cases.py` states them. */
export interface DistilCase {
  readonly batch: number;
  readonly classes: number;
  readonly bins: number;
  /** Height and width of each level of the student, and of the teacher. */
  readonly sizes: readonly Pair[];
  readonly teacher: readonly Pair[];
  /** Channels of the maps of both. */
  readonly channels: readonly (readonly [student: number, teacher: number])[];
}

/** The graph of a case, where its values are, and seeded numbers for all of them. */
export interface DistilSetting {
  readonly graph: Graph;
  readonly places: PairPlaces;
  readonly feeds: Feeds;
}

const anchorsOf = (sizes: readonly Pair[]) => sizes.reduce((sum, [height, width]) => sum + height * width, 0);

/** Sets a case up. Numbers are those of the fixture. */
export function distilSetting({ batch, classes, bins, sizes, teacher, channels }: DistilCase): DistilSetting {
  const feeds: Record<string, ReferenceTensor> = {};
  const input = (name: string, shape: readonly number[], factor: number) => {
    feeds[name] = { shape, data: noise(name, sizeOf(shape)).map((value) => value * factor) };
    return name;
  };
  const head = (who: string, own: readonly Pair[]) => ({
    logits: input(`${who}/logits`, [batch, classes, anchorsOf(own)], 4),
    distributions: input(`${who}/distributions`, [batch, 4 * bins, anchorsOf(own)], 5),
    sizes: own,
    classes,
    bins,
    features: [],
  });
  const places: PairPlaces = {
    student: head("student", sizes),
    teacher: head("teacher", teacher),
    features: channels.map(([own, other], i) => ({
      student: input(`student/map${i}`, [batch, own, ...sizes[i]], 2),
      teacher: input(`teacher/map${i}`, [batch, other, ...teacher[i]], 3),
      ...(own !== other && {
        projector: [
          input(`projector${i}.weight`, [other, own, 1, 1], 1),
          input(`projector${i}.bias`, [other], 1),
        ] as const,
      }),
    })),
  };
  const shapes = Object.fromEntries(Object.entries(feeds).map(([name, { shape }]) => [name, shape]));
  return { graph: graphOf(shapes, [], []), places, feeds };
}

/** Value of a loss and its gradients by all that is the student's; those that the loss does not depend on are missing. */
export function distilResult(
  { graph, places }: DistilSetting,
  loss: DistilLoss,
  feeds: Feeds,
  factor = 1,
): { readonly value: number; readonly gradients: ReadonlyMap<string, Float64Array> } {
  const { graph: written, values: [{ value, seeds, scale }] } = writeDistilLosses(graph, places, [loss]);
  const wrt = Object.keys(feeds).filter((name) => !name.startsWith("teacher/"));
  const losses = seeds ? [] : [{ value, weight: factor }];
  const made = buildGradientGraph({ ...written, outputs: [value] }, { losses, seeds, wrt });
  const fed = { ...feeds, ...(scale !== undefined && { [scale]: referenceTensor([1], [factor]) }) };
  const results = runReference(made.graph, fed);
  return {
    value: results.get(value)!.data[0],
    gradients: new Map([...made.gradients].map(([name, gradient]) => [name, results.get(gradient)!.data])),
  };
}
