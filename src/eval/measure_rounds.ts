/**
 * Latency of several detectors that are compared: frames in turn, round by round, each beside the original of the same round.
 *
 * @module
 */

import type { Detector, Picture } from "../detect/detector.ts";
import { FeatherdetError } from "../graph/error.ts";
import { splitFrames } from "./frame_split.ts";
import { type Latency, runRounds, summarize, throughput, timed } from "./latency.ts";
import { checkCount, STREAM_START } from "./measure_latency.ts";
import { middleHalf, ratioInRounds, type TimeRatio } from "./time_ratio.ts";

/** Milliseconds of one round. */
export interface FrameTime {
  /** From picture to boxes. */
  readonly detect: number;
  /** The device's part, of another frame; absent if it has no timestamps. */
  readonly gpu?: number;
}

/** What is timed, while it is loaded. */
export interface Entrant {
  /** Times a frame. */
  frame(): Promise<FrameTime>;
  /** Frames a second of a stream of at least so many frames. */
  stream(frames: number): Promise<number>;
  /** Frees its memory. */
  close(): void;
}

/** Repeated times of one kind. */
export interface RoundLatency extends Latency {
  /** A quarter of the samples were faster than the first, a quarter slower than the second. */
  readonly middle: readonly [low: number, high: number];
  /** Over the original's in the same rounds; absent for the original itself, and where there is none. */
  readonly ratio?: TimeRatio;
}

/** Times of one entrant, in milliseconds. */
export interface RoundTimes {
  /** From picture to boxes. */
  readonly detect: RoundLatency;
  /** The device's time; absent if it has no timestamps. */
  readonly gpu?: RoundLatency;
  /** Frames a second with several in flight: the median of a few short streams. */
  readonly stream: number;
}

/** How to measure. */
export interface RoundOptions {
  /** Rounds: samples of each time. */
  readonly rounds: number;
  /** Frames of each before the first round. Default 1: software drivers compile shaders in a detector's first frame. */
  readonly warmup?: number;
  /** Which one the others are compared with, by its position. It is timed anew in every group. */
  readonly original?: number;
  /** How many are held in memory and timed together, the original included. Default 8. */
  readonly together?: number;
  /** Told before a group is loaded, with the positions of its members. */
  readonly onGroup?: (members: readonly number[]) => void;
}

/** Streams of each: their frames are shared out among them. */
const STREAMS = 3;

interface Samples {
  readonly frames: FrameTime[];
  readonly streams: number[];
}

/** Positions in groups of at most so many, each with the original, if there is one, at its beginning. */
function groupsOf(count: number, { original, together = 8 }: RoundOptions): number[][] {
  const others = Array.from({ length: count }, (_, i) => i).filter((i) => i !== original);
  const head = original === undefined ? [] : [original];
  const step = together - head.length, groups: number[][] = [];
  for (let from = 0; from < others.length; from += step) groups.push([...head, ...others.slice(from, from + step)]);
  return groups.length === 0 && head.length > 0 ? [head] : groups;
}

async function timeGroup(
  open: readonly (() => Promise<Entrant>)[],
  { rounds, warmup = 1 }: RoundOptions,
): Promise<Samples[]> {
  const entrants: Entrant[] = [];
  try {
    for (const one of open) entrants.push(await one());
    const frames = await runRounds(entrants.map((one) => () => one.frame()), rounds, warmup);
    const length = Math.ceil(rounds / STREAMS);
    const streams = await runRounds(entrants.map((one) => () => one.stream(length)), Math.min(rounds, STREAMS), 0);
    return entrants.map((_, i) => ({ frames: frames[i], streams: streams[i] }));
  } finally {
    for (const entrant of entrants) entrant.close();
  }
}

/** Times of one kind, if every frame has it. */
function kindOf(frames: readonly FrameTime[], kind: keyof FrameTime): number[] | undefined {
  const times = frames.map((frame) => frame[kind]).filter((time) => time !== undefined);
  return times.length === frames.length ? times : undefined;
}

function roundLatency(times: readonly number[], original: readonly number[] | undefined): RoundLatency {
  const ratio = original && ratioInRounds(times, original);
  return { ...summarize(times), middle: middleHalf(times), ...(ratio && { ratio }) };
}

function roundTimes({ frames, streams }: Samples, original: Samples | undefined): RoundTimes {
  const of = (kind: keyof FrameTime) => {
    const times = kindOf(frames, kind);
    return times && roundLatency(times, original && kindOf(original.frames, kind));
  };
  const gpu = of("gpu");
  return { detect: of("detect")!, ...(gpu && { gpu }), stream: summarize(streams).median };
}

/**
 * Times entrants in rounds: each round times one frame of every entrant, beginning with the next one. Where there are more than can be
 * held in memory, they are timed in groups, the original in each; its own times are those of all groups. Nothing else should compute at
 * the same time.
 *
 * Throws FeatherdetError for counts that are too small and an original that is not there; all that were opened are closed.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { measureInRounds } from "./measure_rounds.ts";
 * // Two clocks that were made up; `detectorEntrant` times a detector.
 * const takes = (detect: number) => async () => await {
 *   frame: async () => await { detect },
 *   stream: async () => await 1000 / detect,
 *   close() {},
 * };
 * const [, faster] = await measureInRounds([takes(80), takes(20)], { rounds: 6, original: 0 });
 * assert.deepEqual(faster.detect.ratio, { median: 0.25, interval: [0.25, 0.25] });
 * ```
 */
export async function measureInRounds(
  entrants: readonly (() => Promise<Entrant>)[],
  options: RoundOptions,
): Promise<RoundTimes[]> {
  const { rounds, warmup = 1, original, together = 8, onGroup } = options;
  checkCount("rounds", rounds, 1);
  checkCount("warmup", warmup, 0);
  checkCount("together", together, original === undefined ? 1 : 2);
  if (original !== undefined && entrants[original] === undefined) {
    throw new FeatherdetError(`the original is number ${original} of ${entrants.length}, which is not there`);
  }
  const times: RoundTimes[] = [], pooled: Samples = { frames: [], streams: [] };
  for (const members of groupsOf(entrants.length, options)) {
    onGroup?.(members);
    const samples = await timeGroup(members.map((member) => entrants[member]), options);
    const beside = original === undefined ? undefined : samples[0];
    members.forEach((member, i) => {
      if (member !== original) times[member] = roundTimes(samples[i], beside);
    });
    pooled.frames.push(...beside?.frames ?? []);
    pooled.streams.push(...beside?.streams ?? []);
  }
  if (original !== undefined) times[original] = roundTimes(pooled, undefined);
  return times;
}

/** A detector that is timed on one picture. */
export function detectorEntrant(detector: Detector, picture: Picture): Entrant {
  return {
    async frame() {
      await detector.ready();
      const detect = (await timed(() => detector.detect(picture))).milliseconds;
      const { gpu } = await splitFrames(detector, picture, 1);
      return { detect, ...(gpu && { gpu: gpu[0] }) };
    },
    stream: (frames) => throughput(detector.stream(Array.from({ length: frames + STREAM_START }, () => picture))),
    close: () => detector.destroy(),
  };
}
