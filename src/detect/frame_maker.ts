/**
 * Makes a detector's programs: as it is asked for, or within a limit of memory, and says how much of a picture goes up at once.
 *
 * @module
 */

import { checkMemoryLimit, halvedBatches, makeWithin, type MemoryChoice } from "../engine/memory_limit.ts";
import { charactersToCompile } from "../engine/program_pipelines.ts";
import { type EngineSetup, formChoices, planningInFloats } from "../engine/setup.ts";
import type { Device } from "../gpu/device.ts";
import { hasPipelines } from "../gpu/pipelines.ts";
import { withBatch } from "../passes/mod.ts";
import type { Plan } from "../plan/plan.ts";
import { frameBytes } from "./frame_bytes.ts";
import { frameDispatches, FrameProgram } from "./frame_program.ts";
import type { DetectionModel } from "./open_model.ts";
import type { DetectorOptions } from "./options.ts";
import { PIXEL_BYTES } from "./picture_texture.ts";
import { planFrameNetwork } from "./plan_network.ts";
import { tileGridOf } from "./tiles/grid.ts";
import type { RoomForPicture } from "./tiles/regions.ts";

/** Most pixels of a cut picture that are on the device at once where no limit says otherwise: 64 MiB. */
const TILED_PIXELS = 1 << 24;

/** Tiles that are run together on devices that gain from it; software adapters do not. */
const USUAL_TILES = 4;

/** Characters of shaders whose compilation takes so long that a slower first picture is worth it: about two seconds. */
const MANY_CHARACTERS = 120_000;

/** Nodes of a network of which it is known, without planning it, that it has as many. */
const MANY_NODES = 100;

/** A model and the device that it is planned for. */
export interface PlannedModel extends DetectionModel {
  readonly device: Device;
  readonly planning: EngineSetup["planning"];
}

/** How a detector runs. */
interface Chosen {
  readonly planning: EngineSetup["planning"];
  /** Tiles that are run together. */
  readonly tileBatch: number;
  /** Pixels of a picture that are on the device at once. */
  readonly pixels: number;
  /** What this is, for people. */
  readonly text: string;
}

/** What a choice is planned as. */
export interface PlannedFrames extends Chosen {
  /** For one picture. */
  readonly plan: Plan;
}

/** Ways to run a detector within a limit: forms of storage, and how many tiles are run together. */
export function frameChoices(
  model: PlannedModel,
  options: DetectorOptions,
  limit: number,
): MemoryChoice<PlannedFrames>[] {
  const { device, graph, head, settings } = model;
  const [, , height, width] = graph.inputs[0].shape;
  const batches = halvedBatches(usualTileBatch(model));
  const memo = new Map<string, number>();
  return formChoices(device, options).flatMap(({ text, planning }) =>
    batches.map((tileBatch): MemoryChoice<PlannedFrames> => {
      const named = tileBatch === 1 ? text : `${text}, ${tileBatch} tiles at once`;
      return {
        text: named,
        plan: () => {
          const { plan } = planFrameNetwork(graph, planning, head);
          const programs = tileBatch === 1 ? 1 : 2;
          const several = tileBatch === 1
            ? 0
            : frameBytes(planFrameNetwork(withBatch(graph, tileBatch), planning, head).plan, head, settings, memo);
          const frames = frameBytes(plan, head, settings, memo) + several;
          // A picture that has no room is scaled on the host: it is as large as the input then.
          const bytes = frames + programs * PIXEL_BYTES * width * height;
          const pixels = Math.max(width * height, Math.floor((limit - frames) / PIXEL_BYTES / programs));
          return { bytes, plan: { plan, planning, tileBatch, pixels, text: named } };
        },
      };
    })
  );
}

/** Tiles that are run together where nothing speaks against it. */
function usualTileBatch({ device, graph, settings: { tiles } }: PlannedModel): number {
  const [, , height, width] = graph.inputs[0].shape;
  const wanted = tiles === undefined ? undefined : tileGridOf(tiles, [height, width]).batch;
  return wanted ?? (device.adapter.software || tiles === undefined ? 1 : USUAL_TILES);
}

/** Makes the programs of one detector. */
export class FrameMaker {
  readonly #model: PlannedModel;
  readonly #options: DetectorOptions;
  #chosen: Chosen;
  #plan: Plan | undefined;

  /** Throws FeatherdetError for a limit that is none. */
  constructor(model: PlannedModel, options: DetectorOptions) {
    checkMemoryLimit(options.memoryLimit);
    [this.#model, this.#options] = [model, options];
    const { planning } = model;
    const tileBatch = model.settings.tiles === undefined && !model.device.adapter.software
      ? USUAL_TILES
      : usualTileBatch(model);
    const { scalar, storage } = planning.form;
    this.#chosen = { planning, tileBatch, pixels: Infinity, text: `${scalar} in ${storage}s` };
  }

  /** Whether memory is limited. */
  get isLimited(): boolean {
    return this.#options.memoryLimit !== undefined;
  }

  /** Tiles that are run together, where a call does not say. */
  get tileBatch(): number {
    return this.#chosen.tileBatch;
  }

  /** How it is stored and what is run together, for people. */
  get text(): string {
    return this.#chosen.text;
  }

  /** How much of a picture is on the device at once. */
  room(isCut: boolean): RoomForPicture {
    const { pixels } = this.#chosen;
    const side = this.#model.device.device.limits.maxTextureDimension2D;
    return { side, pixels: isCut ? Math.min(pixels, TILED_PIXELS) : pixels };
  }

  /**
   * The program of single pictures; `inFloats` where halves turned out not to hold the model's numbers. `free` is called when it is known that
   * it fits, before it is made. Throws FeatherdetError as `FrameProgram.create` does, and where nothing fits into the limit.
   */
  async single(inFloats: boolean, free: () => void = () => {}): Promise<FrameProgram> {
    const { planning, file } = this.#model;
    const { memoryLimit } = this.#options;
    if (memoryLimit === undefined) {
      const how = inFloats ? planningInFloats(planning) : planning;
      this.#chosen = { ...this.#chosen, planning: how };
      this.#plan = undefined;
      return await this.#make(this.plan);
    }
    const options = inFloats ? { ...this.#options, precision: "f32" as const } : this.#options;
    const choices = frameChoices(this.#model, options, memoryLimit);
    const { made } = await makeWithin(choices, memoryLimit, "the detector", file, async (planned) => {
      free();
      this.#chosen = planned;
      return await this.#make(planned.plan);
    });
    return made;
  }

  /** The plan by which single pictures are run, where memory is not limited: that of the fastest kernels. Throws what planning throws. */
  get plan(): Plan {
    return this.#plan ??= planFrameNetwork(this.#model.graph, this.#chosen.planning, this.#model.head).plan;
  }

  /** Dispatches of a frame of that plan. */
  get dispatchCount(): number {
    return frameDispatches({ ...this.#model, plan: this.plan }).length;
  }

  /** Whether first pictures are to be run by kernels that compile quickly. */
  get startsLight(): boolean {
    const { graph, device: { adapter, device }, planning: { separate = false } } = this.#model;
    const { start } = this.#options;
    if (this.isLimited || start === "full") return false;
    if (start === "light") return true;
    if (!adapter.software || separate) return false;
    // Where nothing was compiled before, nothing is there; else it is looked at what is.
    if (!hasPipelines(device) && graph.nodes.length >= MANY_NODES) return true;
    const source = { ...this.plan, dispatches: frameDispatches({ ...this.#model, plan: this.plan }) };
    return charactersToCompile(device, source) >= MANY_CHARACTERS;
  }

  /** The program of single pictures by kernels that compile quickly. Throws as `FrameProgram.create` does. */
  light(): Promise<FrameProgram> {
    const { planning, graph, head } = this.#model;
    // Joint dispatches are pipelines of their own.
    return this.#make(
      planFrameNetwork(graph, { ...planning, tuning: undefined, light: true, separate: true }, head).plan,
    );
  }

  /** The program of single pictures by the fastest kernels, made in turns with other work; `check` as in `FrameProgram.create`. */
  async beside(check: () => void): Promise<FrameProgram> {
    // Planning is a turn by itself.
    const { plan } = this;
    await new Promise((resolve) => setTimeout(resolve));
    check();
    return await this.#make(plan, check);
  }

  /** The program of several tiles. Throws FeatherdetError as `FrameProgram.create` does, and for graphs that fix their batch. */
  several(batch: number): Promise<FrameProgram> {
    const { graph, head } = this.#model;
    return this.#make(planFrameNetwork(withBatch(graph, batch), this.#chosen.planning, head).plan);
  }

  #make(plan: Plan, beside?: () => void): Promise<FrameProgram> {
    const { device, head, settings } = this.#model;
    return FrameProgram.create(device, { plan, head, settings }, this.#chosen.pixels, beside);
  }
}
