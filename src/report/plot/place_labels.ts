/**
 * Places labels beside dots so that they hide neither each other nor dots, as far as there is room.
 *
 * @module
 */

import { type Area, overlap } from "../area.ts";
import { textWidth } from "./measure.ts";

/** Pixels. */
export type Position = readonly [x: number, y: number];

/** A dot and what is to be written beside it. */
export interface LabelledDot {
  readonly at: Position;
  readonly text: string;
  /** Pixels from its middle to its rim; that of the surroundings by default. */
  readonly radius?: number;
}

/** Where a label goes. */
export interface PlacedLabel extends LabelledDot {
  /** What the text covers. */
  readonly area: Area;
  /** Ends of the line that leads from the dot to a label that is far from it. */
  readonly leader?: readonly [Position, Position];
}

/** What else labels have to do with. */
export interface LabelSurroundings {
  /** Labels stay in it. */
  readonly frame: Area;
  /** Height of the text. */
  readonly size: number;
  /** Pixels of a dot from its middle to its rim. */
  readonly radius: number;
  /** Lines of the plot, which labels avoid where they can. */
  readonly lines: readonly (readonly Position[])[];
}

/** Times that all labels are reconsidered. */
const ROUNDS = 4;

/** Cost of a pixel that is hidden, or of being away from the dot by as much. */
const COSTS = { label: 10, dot: 8, outside: 100, line: 12, distance: 0.8 };

/** Cost of a label of which it is not plain to see whose it is, with a line to its dot and without. */
const UNCLEAR = { led: 30, bare: 200 };

/** Pixels by which another dot has to be further from a label than its own. */
const CLEARLY = 5;

function outside(area: Area, frame: Area): number {
  return Math.max(0, frame[0] - area[0]) + Math.max(0, frame[1] - area[1]) +
    Math.max(0, area[2] - frame[2]) + Math.max(0, area[3] - frame[3]);
}

/** Points along a line, close enough that no label fits between two. */
function samples(line: readonly Position[]): Position[] {
  return line.slice(1).flatMap(([x, y], i): Position[] => {
    const [fromX, fromY] = line[i];
    const count = Math.max(1, Math.ceil(Math.hypot(x - fromX, y - fromY) / 6));
    return Array.from({ length: count + 1 }, (_, k): Position => {
      return [fromX + ((x - fromX) * k) / count, fromY + ((y - fromY) * k) / count];
    });
  });
}

/** The nearest point of an area. */
function nearest([x, y]: Position, [left, top, right, bottom]: Area): Position {
  return [Math.max(left, Math.min(x, right)), Math.max(top, Math.min(y, bottom))];
}

/** Places around a dot that a label can have, the nearest first. */
function candidates(dot: LabelledDot, { size, radius: usual }: LabelSurroundings): PlacedLabel[] {
  const { at, text, radius = usual } = dot, [x, y] = at;
  const width = textWidth(text, size), height = size * 1.15;
  return [1, 2.6, 4.6, 7].flatMap((ring) => {
    const [near, aside] = [radius + 3, (radius + 3) * ring];
    const spots = [-1, 1].flatMap((side): Position[] => {
      const beside = (gap: number) => side > 0 ? x + gap : x - gap - width;
      const below = (gap: number) => side > 0 ? y + gap : y - gap - height;
      return [
        [beside(aside), y - height / 2],
        [x - width / 2, below(aside)],
        ...[near, aside].flatMap((gap): Position[] => [[x + gap, below(aside)], [x - gap - width, below(aside)]]),
      ];
    });
    return spots.map(([left, top]): PlacedLabel => {
      const area: Area = [left, top, left + width, top + height];
      return { at, text, area, ...(ring > 2 && { leader: [at, nearest(at, area)] }) };
    });
  });
}

/** How far the nearest part of a label is from its dot. */
function distance({ at, area }: PlacedLabel): number {
  const [x, y] = nearest(at, area);
  return Math.hypot(x - at[0], y - at[1]);
}

/** Whether another dot is as near to the label as its own. Dots in the same place are not told apart by any label. */
function isUnclear(label: PlacedLabel, others: readonly LabelledDot[]): boolean {
  const own = distance(label);
  return others.some(({ at }) => {
    const isApart = Math.hypot(at[0] - label.at[0], at[1] - label.at[1]) > 2;
    return isApart && distance({ ...label, at }) < own + CLEARLY;
  });
}

/** How many of the points a label hides. */
function hidden(points: readonly Position[], area: Area): number {
  return points.filter(([x, y]) => overlap(area, [x - 1, y - 1, x + 1, y + 1]) > 0).length;
}

/** Gives every dot's label its place. The same dots get the same places. */
export function placeLabels(dots: readonly LabelledDot[], surroundings: LabelSurroundings): PlacedLabel[] {
  const { frame, radius, lines } = surroundings;
  const along = lines.flatMap(samples);
  const discs = dots.map(({ at: [x, y], radius: own = radius }): Area => {
    return [x - own - 1, y - own - 1, x + own + 1, y + own + 1];
  });
  const choices = dots.map((dot, i) =>
    candidates(dot, surroundings).map((label) => {
      const points = label.leader === undefined ? [] : samples(label.leader);
      const rest = discs.filter((_, k) => k !== i);
      const unclear = label.leader === undefined ? UNCLEAR.bare : UNCLEAR.led;
      const cost = (isUnclear(label, dots) ? unclear : 0) + COSTS.outside * outside(label.area, frame) +
        COSTS.distance * distance(label) +
        COSTS.dot * discs.reduce((sum, disc) => sum + overlap(label.area, disc), 0) +
        COSTS.line * (hidden(along, label.area) + rest.reduce((sum, disc) => sum + hidden(points, disc), 0));
      return { label, points, cost };
    })
  );
  const placed: (typeof choices[number][number] | undefined)[] = dots.map(() => undefined);
  for (let round = 0; round < ROUNDS; round++) {
    choices.forEach((options, i) => {
      const others = placed.filter((_, k) => k !== i).filter((one) => one !== undefined);
      const costs = options.map(({ label, points, cost }) =>
        others.reduce((sum, other) => {
          const crossed = hidden(other.points, label.area) + hidden(points, other.label.area);
          return sum + COSTS.label * overlap(label.area, other.label.area) + COSTS.line * crossed;
        }, cost)
      );
      // Where positions are no numbers, none is best.
      placed[i] = options[Math.max(0, costs.indexOf(Math.min(...costs)))];
    });
  }
  return placed.map((one) => one!.label);
}
