/**
 * Places the labels of boxes so that they hide neither each other nor small objects, as far as there is room: each label takes the place of
 * least cost, and all of them are reconsidered a few times.
 *
 * @module
 */

import { type Area, overlap } from "../area.ts";

/** A box and the extent of its label. */
export interface LabelledBox {
  /** Left, top, right, bottom of the outline. */
  readonly box: Area;
  /** Width and height of the label. */
  readonly label: readonly [number, number];
}

/** Times that all labels are reconsidered. */
const ROUNDS = 3;

/**
 * Costs: of a label that lies wholly under another; of an object that is wholly hidden, another's and the label's own; of a label's height
 * away from the box.
 */
const COSTS = { label: 40, object: 5, own: 2, distance: 1 };

/** A place, and what it costs whatever others do. */
interface Choice {
  readonly place: Area;
  readonly cost: number;
}

const areaOf = ([left, top, right, bottom]: Area) => Math.max(1, (right - left) * (bottom - top));

/** Pixels between two areas, along the axis on which they are further apart; 0 where they touch. */
function distance(a: Area, b: Area): number {
  return Math.max(0, b[0] - a[2], a[0] - b[2], b[1] - a[3], a[1] - b[3]);
}

/** Places of a label around and in its box, the usual ones first; all of them within the picture. */
function placesOf({ box: [x1, y1, x2, y2], label: [width, height] }: LabelledBox, frame: Area): Area[] {
  const middle = (x1 + x2 - width) / 2;
  const corners: [number, number][] = [
    ...[x1, x2 - width, middle].map((left): [number, number] => [left, y1 - height]),
    ...[x1, x2 - width].map((left): [number, number] => [left, y1]),
    ...[x1, x2 - width, middle].map((left): [number, number] => [left, y2]),
    ...[x1, x2 - width].map((left): [number, number] => [left, y2 - height]),
    ...[y1, y2 - height, (y1 + y2 - height) / 2].flatMap((top): [number, number][] => [[x2, top], [x1 - width, top]]),
    ...[y1 - 2 * height, y2 + height].map((top): [number, number] => [x1, top]),
  ];
  const within = (value: number, low: number, high: number) => Math.round(Math.max(low, Math.min(value, high)));
  return corners.map(([x, y]): Area => {
    const left = within(x, frame[0], Math.max(frame[0], frame[2] - width));
    const top = within(y, frame[1], Math.max(frame[1], frame[3] - height));
    return [left, top, left + width, top + height];
  });
}

/** Gives each label its place in a picture, in the order of the boxes. The same boxes get the same places. */
export function placeBoxLabels(boxes: readonly LabelledBox[], frame: Area): Area[] {
  const choices = boxes.map((own, i): Choice[] =>
    placesOf(own, frame).map((place, at) => {
      const hidden = boxes.reduce((sum, { box }, k) => {
        return sum + (k === i ? COSTS.own : COSTS.object) * overlap(place, box) / areaOf(box);
      }, 0);
      const away = COSTS.distance * distance(place, own.box) / own.label[1];
      // Of places that cost the same the earlier is the usual one.
      return { place, cost: hidden + away + 0.01 * at };
    })
  );
  const placed: (Area | undefined)[] = boxes.map(() => undefined);
  for (let round = 0; round < ROUNDS; round++) {
    choices.forEach((options, i) => {
      const costs = options.map(({ place, cost }) =>
        placed.reduce(
          (sum, other, k) =>
            other === undefined || k === i ? sum : sum + COSTS.label * overlap(place, other) / areaOf(place),
          cost,
        )
      );
      placed[i] = options[costs.indexOf(Math.min(...costs))].place;
    });
  }
  return placed.map((place) => place!);
}
