/**
 * COCO's protocol written down literally: plain objects, every figure computed anew from all detections, no care for speed. What
 * `src/eval/coco.ts` is tested against.
 *
 * @module
 */

import type { CocoDetection, TruthSet } from "../../src/eval/coco.ts";

/** As numpy's `linspace(.5, .95, 10)` prints them. */
const THRESHOLDS = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.8999999999999999, 0.95];

type Range = readonly [least: number, greatest: number];

const ALL: Range = [0, 1e10], SMALL: Range = [0, 1024], MEDIUM: Range = [1024, 9216], LARGE: Range = [9216, 1e10];

interface Truth {
  edges: readonly number[];
  ignore: boolean;
  crowd: boolean;
  taken: boolean;
}

interface Verdict {
  score: number;
  verdict: "right" | "wrong" | "ignored";
}

const within = (area: number, [least, greatest]: Range) => area >= least && area <= greatest;

function iou(a: readonly number[], b: readonly number[], crowd: boolean): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]), height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = (box: readonly number[]) => (box[2] - box[0]) * (box[3] - box[1]);
  const common = width * height;
  return common / (crowd ? area(a) : area(a) + area(b) - common);
}

/** The detections of a class on a picture, best first, and what becomes of each. */
function judge(truths: Truth[], detections: readonly CocoDetection[], range: Range, threshold: number): Verdict[] {
  return detections.map(({ bbox: [x, y, width, height], score }) => {
    const edges = [x, y, x + width, y + height];
    const candidates = (ignored: boolean) => {
      const free = truths.filter(({ ignore, taken, crowd }) => ignore === ignored && (!taken || crowd));
      const good = free.filter((truth) => iou(edges, truth.edges, truth.crowd) >= threshold);
      const best = Math.max(...good.map((truth) => iou(edges, truth.edges, truth.crowd)));
      // Of boxes that overlap equally the last one is taken.
      return good.findLast((truth) => iou(edges, truth.edges, truth.crowd) === best);
    };
    const match = candidates(false) ?? candidates(true);
    if (match) match.taken = true;
    const isIgnored = match ? match.ignore : !within(width * height, range);
    return { score, verdict: isIgnored ? "ignored" : match ? "right" : "wrong" };
  });
}

/** Precision at the 101 recalls and the recall reached for one class, or undefined where it has no object that counts. */
function classAccuracy(
  set: TruthSet,
  all: readonly CocoDetection[],
  classId: number,
  range: Range,
  most: number,
  threshold: number,
): { precision: number[]; recall: number; verdicts: Verdict[]; objects: number } | undefined {
  let objects = 0;
  const verdicts = set.images.toSorted((a, b) => a.id - b.id).flatMap((image) => {
    const truths = image.boxes.filter((truth) => truth.classId === classId).map((truth): Truth => ({
      edges: truth.box,
      ignore: truth.crowd || !within(truth.area, range),
      crowd: truth.crowd,
      taken: false,
    }));
    objects += truths.filter(({ ignore }) => !ignore).length;
    const own = all.filter((one) => one.image_id === image.id && one.category_id === set.categoryIds[classId]);
    return judge(truths, own.toSorted((a, b) => b.score - a.score).slice(0, most), range, threshold);
  });
  if (objects === 0) return undefined;
  const ranking = verdicts.toSorted((a, b) => b.score - a.score).filter(({ verdict }) => verdict !== "ignored");
  const points = ranking.map((_, i) => {
    const right = ranking.slice(0, i + 1).filter(({ verdict }) => verdict === "right").length;
    return { precision: right / (i + 1), recall: right / objects };
  });
  const precision = Array.from(
    { length: 101 },
    // The tools' recalls are multiples of 0.01, which is not the same as hundredths in the last bit.
    (_, i) => Math.max(0, ...points.filter(({ recall }) => recall >= i * 0.01).map((point) => point.precision)),
  );
  return { precision, recall: points.at(-1)?.recall ?? 0, verdicts, objects };
}

function mean(numbers: readonly number[]): number {
  return numbers.length > 0 ? numbers.reduce((sum, number) => sum + number, 0) / numbers.length : -1;
}

/** The twelve figures in the protocol's order. */
export function literalFigures(set: TruthSet, detections: readonly CocoDetection[]): number[] {
  const over = (range: Range, most: number, thresholds: readonly number[]) =>
    set.classes.flatMap((_, classId) =>
      thresholds.map((threshold) => classAccuracy(set, detections, classId, range, most, threshold))
    ).filter((accuracy) => accuracy !== undefined);
  const ap = (range: Range, thresholds = THRESHOLDS) =>
    mean(over(range, 100, thresholds).flatMap(({ precision }) => precision));
  const ar = (range: Range, most = 100) => mean(over(range, most, THRESHOLDS).map(({ recall }) => recall));
  return [
    ap(ALL),
    ap(ALL, [0.5]),
    ap(ALL, [0.75]),
    ap(SMALL),
    ap(MEDIUM),
    ap(LARGE),
    ar(ALL, 1),
    ar(ALL, 10),
    ar(ALL),
    ar(SMALL),
    ar(MEDIUM),
    ar(LARGE),
  ];
}

/** Average precision of each class over all overlaps, -1 for classes without objects. */
export function literalAverages(set: TruthSet, detections: readonly CocoDetection[]): number[] {
  return set.classes.map((_, classId) =>
    mean(
      THRESHOLDS.flatMap((threshold) => classAccuracy(set, detections, classId, ALL, 100, threshold)?.precision ?? []),
    )
  );
}

/** F1, precision and recall of a class at an overlap of 0.5, if only detections of a score and more are kept. */
export function literalF1(
  set: TruthSet,
  detections: readonly CocoDetection[],
  classId: number,
  confidence: number,
): { f1: number; precision: number; recall: number } | undefined {
  const accuracy = classAccuracy(set, detections, classId, ALL, 100, 0.5);
  if (!accuracy) return undefined;
  const kept = accuracy.verdicts.filter(({ score }) => score >= confidence);
  const right = kept.filter(({ verdict }) => verdict === "right").length;
  const wrong = kept.filter(({ verdict }) => verdict === "wrong").length;
  const precision = right + wrong > 0 ? right / (right + wrong) : 1, recall = right / accuracy.objects;
  return { f1: precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0, precision, recall };
}

/**
 * The confusion matrix, `[found][true]`, by looking through all pairs of a picture for the one that overlaps most, again and again. No two
 * overlaps may be equal. Detections of a class beyond the hundred surest of a picture are not looked at, as by the protocol.
 */
export function literalConfusions(
  { classes, categoryIds, images }: TruthSet,
  detections: readonly CocoDetection[],
  threshold: number,
  confidence: number,
): number[][] {
  const nothing = classes.length, counts = [...classes, ""].map(() => [...classes, ""].map(() => 0));
  for (const { id, boxes } of images) {
    const own = categoryIds.flatMap((category) =>
      detections.filter(({ image_id, category_id }) => image_id === id && category_id === category)
        .toSorted((a, b) => b.score - a.score).slice(0, 100)
    ).filter(({ score }) => score >= confidence);
    const edgesOf = ({ bbox: [x, y, width, height] }: CocoDetection) => [x, y, x + width, y + height];
    const classOf = ({ category_id }: CocoDetection) => categoryIds.indexOf(category_id);
    const free = new Set(own), missed = new Set(boxes.filter(({ crowd }) => !crowd));
    for (;;) {
      const pairs = [...free].flatMap((claim) =>
        [...missed].map((object) => ({ claim, object, overlap: iou(edgesOf(claim), object.box, false) }))
      );
      const best = pairs.reduce((most, pair) => pair.overlap > most.overlap ? pair : most, pairs[0] ?? { overlap: -1 });
      if (!(best.overlap >= threshold)) break;
      counts[classOf(best.claim)][best.object.classId]++;
      free.delete(best.claim);
      missed.delete(best.object);
    }
    for (const { classId } of missed) counts[nothing][classId]++;
    for (const claim of free) {
      const inCrowd = boxes.some(({ crowd, box }) => crowd && iou(edgesOf(claim), box, true) >= threshold);
      if (!inCrowd) counts[classOf(claim)][nothing]++;
    }
  }
  return counts;
}
