/**
 * A student and its teacher in one graph, as losses read them: what both of them say at the same places, and how sure the teacher is.
 *
 * @module
 */

import { FeatherdetError, type Pair } from "../../graph/mod.ts";
import type { DistilPlaces } from "./places.ts";
import type { LossWriter } from "./writer.ts";

/** What one of the two says, and the other, of equal shapes. */
export interface Both {
  readonly student: string;
  readonly teacher: string;
}

/** Maps that are compared, and what makes the student's as wide as the teacher's. */
export interface FeaturePair {
  /** Value of the student, `[N,C,h,w]`. */
  readonly student: string;
  /** Value of the teacher, of whatever channels and size. */
  readonly teacher: string;
  /** Weight `[C',C,1,1]` and bias `[C']` of a projector, where channels differ. */
  readonly projector?: readonly [weight: string, bias: string];
}

/** Places of both in one graph. */
export interface PairPlaces {
  readonly student: DistilPlaces;
  readonly teacher: DistilPlaces;
  readonly features: readonly FeaturePair[];
}

/** Sizes of maps, as errors name them. */
export const sizeText = (sizes: readonly Pair[]): string =>
  sizes.map(([height, width]) => `${width}x${height}`).join(", ");

/** The pair, with everything written once that several losses read. */
export class DistilPair {
  readonly #known = new Map<string, string>();

  constructor(
    private readonly writer: LossWriter,
    /** Where the values are. */
    readonly places: PairPlaces,
  ) {
    const { student, teacher } = places;
    if (student.sizes.length !== teacher.sizes.length) {
      throw new FeatherdetError(
        `the student's head has ${student.sizes.length} levels, the teacher's ${teacher.sizes.length}`,
      );
    }
  }

  /** Pictures of a step. */
  get batch(): number {
    return this.writer.shapeOf(this.places.student.logits)[0];
  }

  /** Class logits, `[N, classes, anchors]`. */
  get logits(): Both {
    const { student, teacher } = this.places;
    return { student: student.logits, teacher: this.#once("logits", () => this.#fitted(teacher.logits)) };
  }

  /**
   * Logits of distances, `[N, 4 * bins, anchors]`. Throws FeatherdetError where bins or maps differ: a bin of another head stands for
   * another distance.
   */
  get distributions(): Both {
    const { student, teacher } = this.places;
    if (student.bins === teacher.bins && sizeText(student.sizes) === sizeText(teacher.sizes)) {
      return { student: student.distributions, teacher: teacher.distributions };
    }
    throw new FeatherdetError(
      `dfl compares bins at the same anchors: the student has ${student.bins} bins on maps of ${
        sizeText(student.sizes)
      }, the teacher ${teacher.bins} on maps of ${sizeText(teacher.sizes)}; leave dfl out, or let it see the same size`,
    );
  }

  /** Distances left, top, right, bottom in cells of the student's maps, `[N, 4, anchors]`. */
  get distances(): Both {
    const { student, teacher } = this.places;
    return {
      student: this.#expected(student),
      teacher: this.#once("distances", () => this.#fitted(this.#expected(teacher), true)),
    };
  }

  /** The teacher's greatest class probability at each of the student's anchors, `[N, 1, anchors]`. */
  get confidence(): string {
    return this.#once("confidence", () => {
      const probabilities = this.writer.unary("Sigmoid", this.logits.teacher);
      return this.writer.reduced("ReduceMax", probabilities, 1);
    });
  }

  /** What sums over anchors are divided by: the confidences of the batch together, at least 1. */
  get normaliser(): string {
    return this.#once("normaliser", () => this.writer.clamped(this.writer.total(this.confidence), 1));
  }

  /** The teacher's confidence where a map of this size has its pixels, `[N, 1, h * w]`: of the level whose maps are most like it. */
  confidenceAt(size: Pair): string {
    return this.#once(`confidence ${size}`, () => {
      const { sizes } = this.places.student, pixels = ([height, width]: Pair) => height * width;
      const apart = sizes.map((level) => Math.abs(Math.log(pixels(level) / pixels(size))));
      const nearest = apart.indexOf(Math.min(...apart));
      const start = sizes.slice(0, nearest).reduce((sum, level) => sum + pixels(level), 0);
      const level = this.writer.part(this.confidence, 2, start, start + pixels(sizes[nearest]));
      const map = this.writer.reshaped(level, [this.batch, 1, ...sizes[nearest]]);
      return this.writer.flat(this.writer.resized(map, size));
    });
  }

  /** Height and width of the student's map of a pair. */
  sizeOf({ student }: FeaturePair): Pair {
    const [, , height, width] = this.writer.shapeOf(student);
    return [height, width];
  }

  /** The maps of a pair, `[N, C, h * w]` of the teacher's channels and the student's size. */
  feature(pair: FeaturePair): Both {
    const { student, teacher, projector } = pair;
    return {
      student: this.#once(`student ${student} ${teacher}`, () => this.writer.flat(this.#projected(student, projector))),
      teacher: this.#once(
        `teacher ${student} ${teacher}`,
        () => this.writer.flat(this.writer.resized(teacher, this.sizeOf(pair))),
      ),
    };
  }

  #projected(map: string, projector: FeaturePair["projector"]): string {
    if (projector === undefined) return map;
    const { editor, base } = this.writer;
    return editor.one("Conv", `${base}/projected`, [map, ...projector], {
      strides: [1, 1],
      pads: [0, 0, 0, 0],
      dilations: [1, 1],
      groups: 1,
    });
  }

  /** The mean of each distribution. */
  #expected({ distributions, bins }: DistilPlaces): string {
    return this.#once(`expected ${distributions}`, () => {
      const [batch, , anchors] = this.writer.shapeOf(distributions);
      const rows = this.writer.reshaped(distributions, [4 * batch, bins, anchors]);
      const distances = this.writer.numbers("bins", Array.from({ length: bins }, (_, bin) => bin), [1, bins, 1]);
      const weighted = this.writer.binary("Mul", this.writer.softmax(rows, 1), distances);
      return this.writer.reshaped(this.writer.reduced("ReduceSum", weighted, 1), [batch, 4, anchors]);
    });
  }

  /**
   * What the teacher says of each of its anchors, `[N, K, anchors]`, at the student's: itself where maps are of one size, else level by
   * level between its pixels. Distances in its cells become distances in the student's; since an anchor's own place lies on the straight
   * line between its neighbours', so do the edges of boxes.
   */
  #fitted(value: string, isDistance = false): string {
    const { student: { sizes }, teacher: { sizes: own } } = this.places;
    if (sizeText(sizes) === sizeText(own)) return value;
    const [batch, channels] = this.writer.shapeOf(value);
    let start = 0;
    const levels = own.map(([height, width], level) => {
      const part = this.writer.part(value, 2, start, start += height * width);
      const map = this.writer.reshaped(part, [batch, channels, height, width]);
      const flat = this.writer.flat(this.writer.resized(map, sizes[level]));
      if (!isDistance) return flat;
      const [tall, wide] = [sizes[level][0] / height, sizes[level][1] / width];
      return this.writer.binary("Mul", flat, this.writer.numbers("cells", [wide, tall, wide, tall], [1, 4, 1]));
    });
    return this.writer.editor.one("Concat", `${this.writer.base}/fitted`, levels, { axis: 2 });
  }

  #once(key: string, write: () => string): string {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const value = write();
    this.#known.set(key, value);
    return value;
  }
}
