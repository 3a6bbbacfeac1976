/**
 * Losses of feature maps, in the mean over the pairs of maps that are compared.
 *
 * @module
 */

import type { LossOf } from "./loss.ts";
import { softmaxDivergence } from "./divergence.ts";
import type { Both, DistilPair, FeaturePair } from "./pair.ts";
import type { LossWriter } from "./writer.ts";

/** The mean of what each pair of maps gives. */
function meanOver(writer: LossWriter, { places: { features } }: DistilPair, write: (pair: FeaturePair) => string) {
  const values = features.map(write);
  const sum = values.reduce((a, b) => writer.binary("Add", a, b));
  return writer.divided(sum, values.length);
}

/**
 * Channel-wise distillation (Shu et al. 2021, https://arxiv.org/abs/2011.13256): each channel is a distribution over the pixels, softened
 * by the temperature; the Kullback-Leibler divergence of the student's from the teacher's, in the mean over channels and pictures.
 */
export const cwd: LossOf = (writer, pair, { temperature, scale }) => {
  const seeds: Record<string, string> = {}, count = pair.places.features.length;
  const value = meanOver(writer, pair, (one) => {
    const { student, teacher } = pair.feature(one);
    const [batch, channels, pixels] = writer.shapeOf(student);
    const [own, wanted] = [student, teacher].map((map) => writer.reshaped(map, [batch * channels, pixels, 1]));
    const { terms, gradient } = softmaxDivergence(writer, { student: own, teacher: wanted }, temperature);
    const share = writer.divided(scale, batch * channels * count);
    seeds[student] = writer.reshaped(writer.binary("Mul", gradient, share), [batch, channels, pixels]);
    return writer.divided(writer.total(terms), batch * channels);
  });
  return { value, seeds };
};

/** Square distance of two maps in the mean over channels, `[N, 1, pixels]`. */
function distance(writer: LossWriter, { student, teacher }: Both): string {
  return writer.reduced("ReduceMean", writer.squared(writer.binary("Sub", student, teacher)), 1);
}

/**
 * Square distance, pixels weighted by the teacher's confidence at them: what of the background is not looked at. Divided by the sum of
 * those weights in the batch, at least 1.
 */
export const l2: LossOf = (writer, pair) => ({
  value: meanOver(writer, pair, (one) => {
    const weights = pair.confidenceAt(pair.sizeOf(one));
    const weighted = writer.binary("Mul", distance(writer, pair.feature(one)), weights);
    return writer.binary("Div", writer.total(weighted), writer.clamped(writer.total(weights), 1));
  }),
});

/** Added to variances, so that a channel that says nothing has a finite slope. */
const EPSILON = 1e-5;

/** Mean over pictures and pixels, `[1, C, 1]`. */
const meanOfChannels = (writer: LossWriter, map: string) =>
  writer.reduced("ReduceMean", writer.reduced("ReduceMean", map, 2), 0);

/** A map less the means of its channels. */
const centred = (writer: LossWriter, map: string) => writer.binary("Sub", map, meanOfChannels(writer, map));

/**
 * Pearson distillation (Cao et al. 2022, https://arxiv.org/abs/2207.02039): half of the mean square distance of maps whose channels are
 * brought to mean 0 and variance 1 over the batch, which is 1 minus their correlation. It does not care about a teacher of another scale.
 */
export const pkd: LossOf = (writer, pair) => ({
  value: meanOver(writer, pair, (one) => {
    const { student, teacher } = pair.feature(one);
    const [own, wanted] = [student, teacher].map((map) => centred(writer, map));
    // The squares are expanded, so that what is divided are numbers of channels and not of pixels.
    const [variance, other] = [own, wanted].map((map) => meanOfChannels(writer, writer.squared(map)));
    const common = meanOfChannels(writer, writer.binary("Mul", own, wanted));
    const [kept, otherKept] = [variance, other].map((value) => writer.binary("Add", value, EPSILON));
    const squares = [[variance, kept], [other, otherKept]].map(([value, above]) => writer.binary("Div", value, above));
    const deviations = writer.unary("Sqrt", writer.binary("Mul", kept, otherKept));
    const correlation = writer.binary("Div", common, deviations);
    const half = writer.divided(writer.binary("Add", squares[0], squares[1]), 2);
    const channels = writer.shapeOf(student)[1];
    return writer.divided(writer.total(writer.binary("Sub", half, correlation)), channels);
  }),
});
