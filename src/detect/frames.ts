/**
 * Runs pictures on a detector's programs: whole, or in tiles. Looks once whether halves hold the model's numbers.
 *
 * @module
 */

import type { DeviceGuard } from "../engine/device_guard.ts";
import { Places } from "../engine/places.ts";
import { HalfRangeError } from "../engine/half_range.ts";
import type { DispatchTime } from "../engine/profile.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import type { Plan } from "../plan/plan.ts";
import { type RawDetection, readDetections } from "./decode.ts";
import { FeatherdetError } from "../graph/error.ts";
import { LIMITED_FRAMES } from "./frame_bytes.ts";
import type { FrameMaker } from "./frame_maker.ts";
import type { FrameProgram, SubmittedFrame } from "./frame_program.ts";
import { addStages, type DeviceStages } from "./frame_timer.ts";
import { checkFound } from "./heads/faults.ts";
import type { Head } from "./heads/form.ts";
import { wholeOf } from "./rectangle.ts";
import { isCut, type TileGrid, tilesOf } from "./tiles/grid.ts";
import { mergeTiles, suppressTiles, type TileDetection } from "./tiles/merge.ts";
import { type Crop, type Region, regionsOf } from "./tiles/regions.ts";

/** What is found on a picture. */
export interface FoundObjects {
  /** Best first, in pixels of the picture. */
  readonly detections: readonly RawDetection[];
  /** When the last results arrived, by `performance.now()`. */
  readonly arrived: number;
  /** Device time, where it was asked for. */
  readonly stages?: DeviceStages;
}

/** A picture on its way. */
export interface BegunPicture {
  /** When the last of it was handed over, by `performance.now()`. */
  readonly uploaded: number;
  /** Fails with a FeatherdetError. */
  readonly found: Promise<FoundObjects>;
}

/** How a picture is run. */
export interface RunSettings {
  readonly isTimed: boolean;
  /** Undefined for a picture that is looked at whole. */
  readonly tiles?: TileGrid;
  readonly signal?: AbortSignal;
}

/** What makes a detector's programs, and what reads their results. */
export interface FramesSetup {
  readonly maker: FrameMaker;
  readonly guard: DeviceGuard;
  readonly head: Head;
  readonly iou: number;
  /** Number of class names. */
  readonly names: number;
  /** What errors call the model. */
  readonly file: string;
  /** Told that the model is kept in f32. */
  readonly onFloats: (error: HalfRangeError) => void;
}

/** Frames of tiles that are on their way together: the device has the next one while the host reads the last. */
const IN_FLIGHT = 2;

/** What a frame's results are of. */
interface Frame {
  readonly crops: readonly Crop[];
  /** Place of the first crop among the picture's. */
  readonly first: number;
  readonly scales: readonly number[];
}

/** The programs of a detector. */
export class Frames {
  readonly #setup: FramesSetup;
  #single: FrameProgram;
  /** For tiles, where more than one is run together. */
  #several: FrameProgram | undefined;
  /** Whether the model cannot be made for several tiles. */
  #isAlone = false;
  /** For whole pictures on their way, where memory bounds how many there may be. */
  readonly #places: Places;
  /** The check of the first frame in f16, while it runs. */
  #range: Promise<void> | undefined;
  #isChecked = false;
  /** Frames of one picture are submitted together, since the next one takes its texture. */
  #turn: Promise<void> = Promise.resolve();

  private constructor(setup: FramesSetup, single: FrameProgram) {
    [this.#setup, this.#single] = [setup, single];
    this.#places = new Places(setup.maker.isLimited ? LIMITED_FRAMES : Infinity);
  }

  /** Makes the program of single pictures; that of tiles is made when the first tiles come. */
  static async create(setup: FramesSetup): Promise<Frames> {
    try {
      return new Frames(setup, await setup.maker.single(false));
    } catch (error) {
      if (!(error instanceof HalfRangeError)) throw error;
      setup.onFloats(error);
      return new Frames(setup, await setup.maker.single(true));
    }
  }

  /** The plan of the network for one picture. */
  get plan(): Plan {
    return this.#single.plan;
  }

  get #inputSize(): readonly [height: number, width: number] {
    const [, , height, width] = this.plan.graph.inputs[0].shape;
    return [height, width];
  }

  /** Submits a picture. It is on its way when this is done, and the next one may follow. */
  async begin(image: RgbImage, settings: RunSettings): Promise<BegunPicture> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    try {
      this.#setup.guard.check();
      await this.#ensureRange(image);
      const { tiles } = settings;
      if (tiles && isCut(tiles, image, this.#inputSize)) return await this.#beginTiles(image, tiles, settings);
      return await this.#beginWhole(image, settings);
    } finally {
      resolve();
    }
  }

  /** The one region of a picture that is looked at whole. */
  #wholeRegion(image: RgbImage): Region {
    const [region] = regionsOf(image, [wholeOf(image)], false, this.#setup.maker.room(false), this.#inputSize);
    return region;
  }

  async #beginWhole(image: RgbImage, { isTimed }: RunSettings): Promise<BegunPicture> {
    const { crops, ...upload } = this.#wholeRegion(image);
    await this.#places.take();
    let frame: SubmittedFrame;
    try {
      this.#setup.guard.check();
      frame = this.#single.submit({ upload, crops: crops.map(({ source }) => source) }, isTimed);
    } catch (error) {
      this.#places.release();
      throw error;
    }
    const { scales, uploaded, arrival } = frame;
    arrival.catch(() => {}).finally(() => this.#places.release());
    const found = this.#setup.guard.arrival(arrival).then(({ result, stages }): FoundObjects => {
      const arrived = performance.now();
      return { detections: this.#read(result, { crops, first: 0, scales }), arrived, stages };
    });
    return { uploaded, found };
  }

  /** Runs all tiles of a picture, a few frames in flight, and merges what they show when the last one arrives. */
  async #beginTiles(image: RgbImage, tiles: TileGrid, { isTimed, signal }: RunSettings): Promise<BegunPicture> {
    const { guard, maker, iou } = this.#setup;
    const program = await this.#tileProgram(tiles.batch ?? maker.tileBatch);
    const found: TileDetection[] = [], waiting: Promise<void>[] = [];
    let stages: DeviceStages | undefined, uploaded = 0, first = 0;
    const views = tilesOf(tiles, image, this.#inputSize);
    for (const region of regionsOf(image, views, tiles.whole, maker.room(true), this.#inputSize)) {
      for (let at = 0; at < region.crops.length; at += program.batch) {
        signal?.throwIfAborted();
        guard.check();
        const crops = region.crops.slice(at, at + program.batch);
        const upload = at === 0 ? region : undefined;
        const frame = program.submit({ upload, crops: crops.map(({ source }) => source) }, isTimed);
        uploaded = frame.uploaded;
        const about = { crops, first, scales: frame.scales };
        const read = guard.arrival(frame.arrival).then(({ result, stages: times }) => {
          found.push(...this.#read(result, about));
          if (times) stages = addStages(stages, times);
        });
        // A failure is thrown where the frame is awaited.
        read.catch(() => {});
        waiting.push(read);
        first += crops.length;
        if (waiting.length >= IN_FLIGHT) await waiting.shift();
      }
    }
    const merged = Promise.all(waiting).then((): FoundObjects => {
      const arrived = performance.now();
      const detections = tiles.merge === "nms" ? suppressTiles(found, iou) : mergeTiles(found, image);
      return { detections, arrived, stages };
    });
    return { uploaded, found: merged };
  }

  /** The detections of a frame's crops, in pixels of the picture. Throws FeatherdetError for numbers that the head cannot mean. */
  #read(result: Float32Array, { crops, first, scales }: Frame): TileDetection[] {
    const { head, names, file } = this.#setup;
    return crops.flatMap(({ source, view }, at) => {
      const image = readDetections(result, at);
      checkFound(head, image, { scale: scales[at], names, file });
      const [x, y] = [view.width / source.width, view.height / source.height];
      return image.detections.map(({ box: [x1, y1, x2, y2], score, classId }): TileDetection => ({
        box: [view.left + x * x1, view.top + y * y1, view.left + x * x2, view.top + y * y2],
        score,
        classId,
        tile: first + at,
        view,
      }));
    });
  }

  /** The program for tiles; that of single pictures where tiles are run one by one. */
  async #tileProgram(wanted: number): Promise<FrameProgram> {
    const { maker, guard } = this.#setup;
    const batch = maker.isLimited ? Math.min(wanted, maker.tileBatch) : wanted;
    if (this.#isAlone || batch === this.#single.batch) return this.#single;
    if (this.#several?.batch === batch) return this.#several;
    this.#several?.destroy();
    this.#several = undefined;
    try {
      this.#several = await maker.several(batch);
    } catch (error) {
      if (!(error instanceof FeatherdetError)) throw error;
      // A graph that fixes its batch, or no memory for several: they are run one by one.
      guard.check();
      this.#isAlone = true;
      return this.#single;
    }
    if (guard.isDestroyed) this.#several.destroy();
    guard.check();
    return this.#several;
  }

  /** Looks for numbers that f16 does not hold, on the first picture, and goes over to f32 where there are some. */
  async #ensureRange(image: RgbImage): Promise<void> {
    if (this.#isChecked || this.plan.form.scalar !== "f16") return;
    const { guard } = this.#setup;
    await guard.arrival(this.#range ??= this.#checkRange(image));
    guard.check();
  }

  async #checkRange(image: RgbImage): Promise<void> {
    const { crops, ...upload } = this.#wholeRegion(image);
    try {
      await this.#single.checkRange({ upload, crops: crops.map(({ source }) => source) }).catch(async (error) => {
        if (!(error instanceof HalfRangeError)) throw error;
        const { maker, guard, onFloats } = this.#setup, halves = this.#single;
        // Both together may be more than the limit.
        const inFloats = await maker.single(true, () => maker.isLimited && halves.destroy());
        (guard.isDestroyed ? inFloats : halves).destroy();
        this.#single = inFloats;
        onFloats(error);
      });
      this.#isChecked = true;
    } finally {
      // Where it could not be made, the next frame looks again.
      this.#range = undefined;
    }
  }

  /** GPU time of every dispatch of a frame of one picture. */
  profile(runs: number): Promise<DispatchTime[]> {
    return this.#single.profile(runs);
  }

  /** Dispatches of a frame of one picture. */
  get dispatchCount(): number {
    return this.#single.dispatchCount;
  }

  /** How it is stored and what is run together, for people. */
  get text(): string {
    return this.#setup.maker.text;
  }

  /** Bytes of GPU memory held. */
  get bytes(): number {
    return this.#single.bytes + (this.#several?.bytes ?? 0);
  }

  /** Frees everything on the device. */
  destroy(): void {
    this.#single.destroy();
    this.#several?.destroy();
  }
}
