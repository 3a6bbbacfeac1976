/**
 * Loss of boxes: CIoU (Zheng et al. 2020, https://arxiv.org/abs/1911.08287) of the student's box and the teacher's at each anchor.
 *
 * Boxes of one anchor are compared by their distances from it, since overlap, distance and aspect ratio do not depend on where the anchor
 * is, nor on the unit of length.
 *
 * @module
 */

import type { LossOf } from "./loss.ts";
import type { LossWriter } from "./writer.ts";

/** Keeps denominators and heights from 0, as in the detector's own loss. */
const EPSILON = 1e-7;

/**
 * Boxes that miss each other by less than this share count as more and more the same. Overlap has a kink where boxes agree: rounding
 * would push equal ones to and fro.
 */
const AGREEMENT = 1e-4;

/** The lesser and the greater of two values. Where both are equal, each has half of the slope, so that equal boxes have none. */
function order(writer: LossWriter, a: string, b: string): [lesser: string, greater: string] {
  const apart = writer.binary("Sub", a, b);
  const distance = writer.binary("Add", writer.unary("Relu", apart), writer.unary("Relu", writer.unary("Neg", apart)));
  const sum = writer.binary("Add", a, b);
  return [
    writer.scaled(writer.binary("Sub", sum, distance), 0.5),
    writer.scaled(writer.binary("Add", sum, distance), 0.5),
  ];
}

/** Distances left, top and right, bottom, `[N,2,A]` each. */
const halves = (writer: LossWriter, distances: string) => [0, 2].map((at) => writer.part(distances, 1, at, at + 2));

/** Width and height, `[N,2,A]`, from distances to the four sides. */
function extents(writer: LossWriter, distances: string): string {
  const [before, behind] = halves(writer, distances);
  return writer.binary("Add", before, behind);
}

/** Where the centre is from the anchor, `[N,2,A]`. */
function centre(writer: LossWriter, distances: string): string {
  const [before, behind] = halves(writer, distances);
  return writer.scaled(writer.binary("Sub", behind, before), 0.5);
}

const sides = (writer: LossWriter, both: string) => [0, 1].map((at) => writer.part(both, 1, at, at + 1));

function area(writer: LossWriter, both: string): string {
  const [width, height] = sides(writer, both);
  return writer.binary("Mul", width, height);
}

/** The angle of the diagonal. */
function angle(writer: LossWriter, both: string): string {
  const [width, height] = sides(writer, both);
  return writer.unary("Atan", writer.binary("Div", width, height));
}

const squares = (writer: LossWriter, both: string) => writer.reduced("ReduceSum", writer.squared(both), 1);

/**
 * One minus CIoU, weighted by the teacher's confidence at each anchor, over the sum of confidences. Its gradient takes the weight of the
 * aspect ratio as a constant, as that of the detector's own loss does, and fades where boxes overlap by more than 0.9999.
 */
export const box: LossOf = (writer, pair, { scale }) => {
  const { student, teacher } = pair.distances;
  const [inner, outer] = order(writer, student, teacher);
  const epsilon = writer.numbers("epsilon", [0, EPSILON], [1, 2, 1]);
  const [own, wanted] = [student, teacher].map((one) => writer.binary("Add", extents(writer, one), epsilon));
  const intersection = area(writer, extents(writer, inner));
  const areas = writer.binary("Add", area(writer, own), area(writer, wanted));
  const union = writer.binary("Add", writer.binary("Sub", areas, intersection), EPSILON);
  const overlap = writer.binary("Div", intersection, union);
  const shift = squares(writer, writer.binary("Sub", centre(writer, student), centre(writer, teacher)));
  const diagonal = writer.binary("Add", squares(writer, extents(writer, outer)), EPSILON);
  const distance = writer.binary("Sub", writer.binary("Div", shift, diagonal), overlap);
  const turn = writer.binary("Sub", angle(writer, own), angle(writer, wanted));
  const aspect = writer.scaled(writer.squared(turn), 4 / Math.PI ** 2);
  // Rounding may find an overlap above 1.
  const apart = writer.unary("Relu", writer.binary("Add", writer.unary("Neg", overlap), 1));
  const trade = writer.binary("Div", aspect, writer.binary("Add", writer.binary("Add", apart, aspect), EPSILON));
  const ratio = writer.binary("Add", distance, writer.binary("Mul", trade, aspect));
  const weighted = writer.binary("Mul", writer.binary("Add", ratio, 1), pair.confidence);
  const apartness = writer.clamped(writer.divided(apart, AGREEMENT), 0, 1);
  const weight = writer.binary("Mul", pair.confidence, apartness);
  const share = writer.binary("Mul", weight, writer.binary("Div", scale, pair.normaliser));
  return {
    value: writer.binary("Div", writer.total(weighted), pair.normaliser),
    seeds: { [distance]: share, [aspect]: writer.binary("Mul", trade, share) },
  };
};
