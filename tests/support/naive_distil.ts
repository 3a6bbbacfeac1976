/**
 * Losses of distillation as loops over float64 numbers, for student and teacher of equal maps.
 *
 * @module
 */

import type { DistilLossName } from "../../src/compress/distill/mod.ts";
import type { ReferenceTensor } from "../../src/reference/run.ts";
import type { DistilCase } from "./distil_case.ts";
import type { Feeds } from "./finite_differences.ts";

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
const mean = (numbers: readonly number[]) => sum(numbers) / numbers.length;

/** An element of a tensor. */
function at({ shape, data }: ReferenceTensor, ...place: readonly number[]): number {
  return data[place.reduce((index, i, axis) => index * shape[axis] + i, 0)];
}

function softmax(logits: readonly number[]): number[] {
  const greatest = Math.max(...logits), powers = logits.map((x) => Math.exp(x - greatest));
  return powers.map((power) => power / sum(powers));
}

/** Kullback-Leibler divergence of q from p. */
const divergence = (p: readonly number[], q: readonly number[]) => sum(p.map((x, i) => x * Math.log(x / q[i])));

/** CIoU of boxes by their distances from one point, with the weight of the aspect ratio given or of its own. */
function ciou(a: readonly number[], b: readonly number[], stated?: number): { value: number; alpha: number } {
  const epsilon = 1e-7;
  const [aw, ah, bw, bh] = [a[0] + a[2], a[1] + a[3] + epsilon, b[0] + b[2], b[1] + b[3] + epsilon];
  const least = a.map((x, i) => Math.min(x, b[i])), most = a.map((x, i) => Math.max(x, b[i]));
  const inner = (least[0] + least[2]) * (least[1] + least[3]);
  const overlap = inner / (aw * ah + bw * bh - inner + epsilon);
  const shift = [0, 1].map((i) => (a[i + 2] - a[i] - b[i + 2] + b[i]) / 2);
  const hull = [0, 1].map((i) => most[i] + most[i + 2]);
  const v = 4 / Math.PI ** 2 * (Math.atan(bw / bh) - Math.atan(aw / ah)) ** 2;
  const alpha = stated ?? v / (1 - overlap + v + epsilon);
  const distance = (shift[0] ** 2 + shift[1] ** 2) / (hull[0] ** 2 + hull[1] ** 2 + epsilon);
  return { value: overlap - distance - alpha * v, alpha };
}

/** A naive loss and the weights of aspect ratios in it, which a gradient takes as they are. */
export interface NaiveDistil {
  readonly value: number;
  readonly alphas: readonly number[];
}

/** The loss of a case whose student and teacher have equal sizes. */
export function naiveDistil(
  { batch, classes, bins, sizes, channels }: DistilCase,
  loss: DistilLossName,
  feeds: Feeds,
  temperature = 1,
  alphas?: readonly number[],
): NaiveDistil {
  const [ours, theirs] = ["student", "teacher"].map((who) => ({
    logits: feeds[`${who}/logits`],
    distributions: feeds[`${who}/distributions`],
  }));
  const anchors = ours.logits.shape[2];
  const confidence = (n: number, a: number) =>
    Math.max(...range(classes).map((c) => sigmoid(at(theirs.logits, n, c, a))));
  const everywhere = range(batch).flatMap((n) => range(anchors).map((a) => [n, a] as const));
  const total = Math.max(1, sum(everywhere.map(([n, a]) => confidence(n, a))));
  /** A sum over anchors, over the sum of confidences. */
  const share = (term: (n: number, a: number) => number) => sum(everywhere.map(([n, a]) => term(n, a))) / total;
  const square = temperature ** 2;
  const softened = (logits: readonly number[]) => softmax(logits.map((x) => x / temperature));
  const plain = (value: number): NaiveDistil => ({ value, alphas: [] });
  const bin = ({ distributions }: typeof ours, n: number, side: number, a: number) =>
    range(bins).map((k) => at(distributions, n, side * bins + k, a));

  /** The student's map with the projector, as `[n][c][pixel]`, and the teacher's. */
  const maps = (i: number) => {
    const [own, other] = channels[i], pixels = sizes[i][0] * sizes[i][1];
    const read = (who: string, n: number, c: number, p: number) =>
      at(feeds[`${who}/map${i}`], n, c, Math.floor(p / sizes[i][1]), p % sizes[i][1]);
    const projected = (n: number, c: number, p: number) =>
      own === other ? read("student", n, c, p) : at(feeds[`projector${i}.bias`], c) +
        sum(range(own).map((k) => at(feeds[`projector${i}.weight`], c, k, 0, 0) * read("student", n, k, p)));
    const all = (value: (n: number, c: number, p: number) => number) =>
      range(batch).map((n) => range(other).map((c) => range(pixels).map((p) => value(n, c, p))));
    return { student: all(projected), teacher: all((n, c, p) => read("teacher", n, c, p)), pixels };
  };

  switch (loss) {
    case "logits":
      return plain(
        square * share((n, a) =>
          sum(
            range(classes).map((c) => {
              const [p, q] = [theirs, ours].map(({ logits }) => sigmoid(at(logits, n, c, a) / temperature));
              return divergence([p, 1 - p], [q, 1 - q]);
            }),
          )
        ),
      );
    case "softmax-logits":
      return plain(
        square * share((n, a) => {
          const [p, q] = [theirs, ours].map(({ logits }) => softened(range(classes).map((c) => at(logits, n, c, a))));
          return confidence(n, a) * divergence(p, q);
        }),
      );
    case "dfl":
      return plain(
        square * share((n, a) =>
          confidence(n, a) * mean(
            range(4).map((side) => {
              const [p, q] = [theirs, ours].map((who) => softened(bin(who, n, side, a)));
              return divergence(p, q);
            }),
          )
        ),
      );
    case "box": {
      const found: number[] = [];
      const value = share((n, a) => {
        const [mine, wanted] = [ours, theirs].map((who) =>
          range(4).map((side) => sum(softmax(bin(who, n, side, a)).map((p, k) => p * k)))
        );
        const { value, alpha } = ciou(mine, wanted, alphas?.[found.length]);
        found.push(alpha);
        return confidence(n, a) * (1 - value);
      });
      return { value, alphas: found };
    }
    case "cwd":
      return plain(
        square * mean(channels.map((_, i) => {
          const { student, teacher } = maps(i);
          return mean(
            teacher.flatMap((map, n) => map.map((row, c) => divergence(softened(row), softened(student[n][c])))),
          );
        })),
      );
    case "l2": {
      let start = 0;
      return plain(mean(channels.map((_, i) => {
        const { student, teacher, pixels } = maps(i), first = start;
        start += pixels;
        const places = range(batch).flatMap((n) => range(pixels).map((p) => [n, p, confidence(n, first + p)] as const));
        const weighted = places.map(([n, p, weight]) =>
          weight * mean(teacher[n].map((row, c) => (row[p] - student[n][c][p]) ** 2))
        );
        return sum(weighted) / Math.max(1, sum(places.map(([, , weight]) => weight)));
      })));
    }
    case "pkd":
      return plain(mean(channels.map(([, other], i) => {
        const { student, teacher } = maps(i);
        return mean(
          range(other).map((c) => {
            const [x, y] = [student, teacher].map((map) => {
              const all = map.flatMap((one) => one[c]), centre = mean(all);
              const deviation = Math.sqrt(mean(all.map((value) => (value - centre) ** 2)) + 1e-5);
              return all.map((value) => (value - centre) / deviation);
            });
            return mean(x.map((value, k) => (value - y[k]) ** 2)) / 2;
          }),
        );
      })));
  }
}
