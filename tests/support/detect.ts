/**
 * The buffers of the detection kernels as test tensors, and inputs for them.
 *
 * @module
 */

import { DETECT_VALUES, detectBuffers, type DetectSpace, FRAME_STRIDE } from "../../src/kernels/detect/mod.ts";
import type { ReferenceCandidate } from "../../src/reference/detect.ts";
import type { TestTensor } from "./gpu.ts";
import { seededRandom } from "./random.ts";

/** Makes a value of several kernels that stays on the device: what it holds first is given, so that it is not read back. */
const tensor = (name: string, data: Float32Array): TestTensor => ({
  name,
  layout: { kind: "plain", shape: [data.length] },
  data,
});

/**
 * The buffers of a detection problem; the result is read back. Pictures are as large as `side` and lie in the input as they are,
 * unless `frames` says otherwise. What needs not be zero holds numbers that would show up.
 */
export function detectTensors(space: DetectSpace, side: number, frames?: Float32Array): TestTensor[] {
  const records = frames ?? Float32Array.from(
    { length: space.batch * FRAME_STRIDE },
    (_, i) => [0, 0, 1, 1, side, side, 0, 0][i % FRAME_STRIDE],
  );
  return detectBuffers(space).map(({ name, bytes, zeroed }) => {
    const size = bytes / 4;
    if (name === DETECT_VALUES.result) return { name, layout: { kind: "plain", shape: [size] } };
    return tensor(name, name === DETECT_VALUES.frames ? records : new Float32Array(size).fill(zeroed ? 0 : -77));
  });
}

/** The candidates of each image as a decoder would leave them, in a shuffled order. */
export function candidateTensors(
  space: DetectSpace,
  images: readonly (readonly ReferenceCandidate[])[],
  side: number,
  seed: number,
): TestTensor[] {
  const random = seededRandom(seed);
  return detectTensors(space, side).map((made) => {
    const words = made.data === undefined ? undefined : new Uint32Array(made.data.buffer);
    images.forEach((candidates, image) => {
      if (made.name === DETECT_VALUES.count) words![image] = candidates.length;
      if (made.name === DETECT_VALUES.found) {
        for (const { box, anchor } of candidates) made.data!.set(box, 4 * (image * space.anchors + anchor));
      }
      if (made.name !== DETECT_VALUES.list) return;
      const shuffled = candidates.map((candidate) => ({ candidate, at: random() })).sort((a, b) => a.at - b.at);
      const stride = words!.length / 2 / space.batch;
      shuffled.forEach(({ candidate: { score, anchor, label } }, i) => {
        const bits = new Uint32Array(Float32Array.of(score).buffer)[0];
        words!.set([~bits, anchor * space.classes + label], 2 * (image * stride + i));
      });
    });
    return made;
  });
}

/** How test boxes lie. */
export interface BoxStyle {
  /** Boxes lie around this many centres; 0 for anywhere. */
  readonly clusters: number;
  /** All scores the same. */
  readonly equalScores?: boolean;
}

/**
 * Seeded candidates, one for each of the first `count` anchors, in an input of `side` pixels. Corners are multiples of half a pixel,
 * so that every adapter computes overlaps exactly; scores are multiples of 1/1024, so that some are equal.
 */
export function randomCandidates(
  count: number,
  classes: number,
  side: number,
  seed: number,
  { clusters, equalScores = false }: BoxStyle,
): ReferenceCandidate[] {
  const random = seededRandom(seed);
  const half = (value: number) => Math.round(2 * value) / 2;
  const centres = Array.from(
    { length: clusters },
    () => [random() * side, random() * side, 10 + random() * 0.3 * side],
  );
  return Array.from({ length: count }, (_, anchor) => {
    const [cx, cy, size] = clusters > 0
      ? centres[Math.floor(random() * clusters)]
      : [random() * side, random() * side, 4 + random() * 0.2 * side];
    const jitter = () => clusters > 0 ? (random() - 0.5) * 0.3 * size : 0;
    const x = half(Math.max(0, cx + jitter())), y = half(Math.max(0, cy + jitter()));
    const width = half(size * (0.8 + 0.4 * random())), height = half(size * (0.8 + 0.4 * random()));
    return {
      box: [x, y, x + width, y + height],
      score: equalScores ? 0.5 : (1 + Math.floor(random() * 1023)) / 1024,
      label: Math.floor(random() * classes),
      anchor,
    };
  });
}
