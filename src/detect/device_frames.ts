/**
 * Runs pictures on a detector's programs on a device: whole, or in tiles. Looks once whether halves hold the model's numbers.
 *
 * @module
 */

import type { DeviceGuard } from "../engine/device_guard.ts";
import { Places } from "../engine/places.ts";
import { HalfRangeError } from "../engine/half_range.ts";
import type { DispatchTime } from "../engine/profile.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import type { Plan } from "../plan/plan.ts";
import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";
import { LIMITED_FRAMES } from "./frame_bytes.ts";
import type { FrameMaker } from "./frame_maker.ts";
import type { FrameProgram, SubmittedFrame } from "./frame_program.ts";
import type { BegunPicture, FoundObjects, Frames, RunSettings } from "./frames.ts";
import { wholeOf } from "./rectangle.ts";
import { Succession } from "./succession.ts";
import { isCut } from "./tiles/grid.ts";
import { type Region, regionsOf } from "./tiles/regions.ts";
import { beginTiles, readCrops, type ResultMeaning } from "./tiles/run.ts";

/**
 * Multiply-accumulates of pictures behind which other kernels than those of first pictures are compiled. Those take seconds of a processor,
 * which a few pictures do not earn back: YOLO11n has done as much after two pictures of 640 pixels or seven of 320.
 */
const MACS_BEFORE_SUCCESSION = 5e9;

/** What makes a detector's programs, and what reads their results. */
export interface FramesSetup {
  readonly maker: FrameMaker;
  readonly guard: DeviceGuard;
  /** Of plain suppression over tiles. */
  readonly iou: number;
  readonly meaning: ResultMeaning;
  /** Told that the model is kept in f32. */
  readonly onFloats: (error: HalfRangeError) => void;
  /** Told that the kernels of the first pictures go on, since others could not be made. */
  readonly onSlow: (error: unknown) => void;
}

/** The programs of a detector. */
export class DeviceFrames implements Frames {
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
  /** What takes the place of the first program, while it is to come. */
  #succession: Succession<FrameProgram> | undefined;
  /** Programs whose last frames are on their way. */
  readonly #retiring = new Set<FrameProgram>();
  /** Multiply-accumulates of the pictures that the first kernels have run. */
  #macsDone = 0;
  /** Frames of one picture are submitted together, since the next one takes its texture. */
  #turn: Promise<void> = Promise.resolve();

  private constructor(setup: FramesSetup, single: FrameProgram, isLight = false) {
    [this.#setup, this.#single] = [setup, single];
    const { maker, guard, onSlow } = setup;
    if (isLight) this.#succession = new Succession({ make: (check) => maker.beside(check), guard, onFault: onSlow });
    this.#places = new Places(setup.maker.isLimited ? LIMITED_FRAMES : Infinity);
  }

  /** Makes the program of single pictures; that of tiles is made when the first tiles come. */
  static async create(setup: FramesSetup): Promise<DeviceFrames> {
    const { maker } = setup;
    try {
      if (maker.startsLight) return new DeviceFrames(setup, await maker.light(), true);
      return new DeviceFrames(setup, await maker.single(false));
    } catch (error) {
      if (!(error instanceof HalfRangeError)) throw error;
      setup.onFloats(error);
      return new DeviceFrames(setup, await maker.single(true));
    }
  }

  /** The plan of the network for one picture; that of the kernels to come while others run the first pictures. */
  get plan(): Plan {
    return this.#isLight ? this.#setup.maker.plan : this.#single.plan;
  }

  /** Whether the kernels of first pictures are in use, and others to come. */
  get #isLight(): boolean {
    return this.#succession !== undefined && !this.#succession.isOver;
  }

  get graph(): Graph {
    return this.#single.plan.graph;
  }

  get #inputSize(): readonly [height: number, width: number] {
    const [, , height, width] = this.graph.inputs[0].shape;
    return [height, width];
  }

  /** Submits a picture. It is on its way when this is done, and the next one may follow. */
  begin(image: RgbImage, settings: RunSettings): Promise<BegunPicture> {
    return this.#inTurn(async () => {
      this.#setup.guard.check();
      // Who looks at one picture only is not kept waiting for what serves the next ones.
      if (this.#macsDone >= MACS_BEFORE_SUCCESSION) this.#succession?.begin();
      this.#succeed();
      await this.#ensureRange(image);
      const { tiles } = settings;
      if (!tiles || !isCut(tiles, image, this.#inputSize)) {
        return this.#counted(await this.#beginWhole(image, settings), this.#single);
      }
      const { guard, maker, iou, meaning } = this.#setup;
      const program = await this.#tileProgram(tiles.batch ?? maker.tileBatch);
      const run = { ...settings, tiles, program, room: maker.room(true), guard, iou, meaning };
      return this.#counted(await beginTiles(image, run), program);
    });
  }

  /** Multiply-accumulates of a frame. */
  get #macs(): number {
    return this.#single.plan.dispatches.reduce((sum, { macs }) => sum + macs, 0);
  }

  /** The same picture. While others are to take the place of the program that runs it, its work counts, that of one frame also in tiles. */
  #counted(begun: BegunPicture, program: FrameProgram): BegunPicture {
    if (!this.#isLight || program !== this.#single) return begun;
    const macs = this.#macs;
    begun.found.then(() => this.#macsDone += macs, () => {});
    return begun;
  }

  /** Does something that no picture comes in between of. */
  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    try {
      return await work();
    } finally {
      resolve();
    }
  }

  /** Goes over to the next program, once it is there. Frames on their way arrive as ever. */
  #succeed(): void {
    const next = this.#succession?.take();
    if (!next) return;
    const before = this.#single;
    this.#single = next;
    this.#retiring.add(before);
    before.retire().finally(() => this.#retiring.delete(before));
  }

  /**
   * Resolves when the fastest kernels are in use, which are made now where they are not there; at once where they were from the beginning,
   * and where the next `pictures` are so few that they are not made for them.
   */
  async ready(pictures = Infinity): Promise<void> {
    if (this.#isLight && this.#macsDone + pictures * this.#macs < MACS_BEFORE_SUCCESSION) return;
    await this.#succession?.begin();
    // deno-lint-ignore require-await
    await this.#inTurn(async () => this.#succeed());
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
    const { guard, meaning } = this.#setup;
    const found = guard.arrival(arrival).then(({ result, stages }): FoundObjects => {
      const arrived = performance.now();
      return { detections: readCrops(result, { crops, first: 0, scales }, meaning), arrived, stages };
    });
    return { uploaded, found };
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
    if (this.#isChecked || this.#single.plan.form.scalar !== "f16") return;
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
        // What was to follow is in halves, too.
        this.#succession?.destroy();
        onFloats(error);
      });
      this.#isChecked = true;
    } finally {
      // Where it could not be made, the next frame looks again.
      this.#range = undefined;
    }
  }

  /** GPU time of every dispatch of a frame of one picture. */
  async profile(runs: number): Promise<DispatchTime[]> {
    await this.ready();
    return await this.#single.profile(runs);
  }

  /** Dispatches of a frame of one picture. */
  get dispatchCount(): number {
    return this.#isLight ? this.#setup.maker.dispatchCount : this.#single.dispatchCount;
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
    this.#succession?.destroy();
    for (const program of this.#retiring) program.destroy();
  }
}
