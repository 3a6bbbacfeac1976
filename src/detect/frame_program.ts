/**
 * What runs a detector's frames on a device: letterbox, network, decoding and suppression as one program, the picture's texture, and the
 * way back of the results.
 *
 * @module
 */

import { type DispatchTime, profilePrograms } from "../engine/profile.ts";
import { type External, Program, type ProgramSource } from "../engine/program.ts";
import { checkRange } from "../engine/range_check.ts";
import type { Device } from "../gpu/device.ts";
import { settled } from "../gpu/device_errors.ts";
import { Memory } from "../gpu/memory.ts";
import { ReadbackPool, type ReadRange } from "../gpu/readback.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import { DETECT_VALUES, detectBuffers, type DetectSpace, FRAME_STRIDE, RESULT_STRIDE } from "../kernels/detect/mod.ts";
import type { Parameters } from "../kernels/kernel.ts";
import type { Dispatch, Plan } from "../plan/plan.ts";
import { listFrameDispatches } from "./frame_dispatches.ts";
import { type FrameFront, frameFront } from "./frame_front.ts";
import { type DeviceStages, FrameTimer, TIMES_BYTES } from "./frame_timer.ts";
import type { FrameSettings } from "./frames.ts";
import type { Head } from "./heads/form.ts";
import { frameRecord, letterboxGeometry } from "./letterbox.ts";
import { type HeldPicture, makePictureTexture, PICTURE, PictureTexture } from "./picture_texture.ts";
import type { Rectangle } from "./rectangle.ts";

/** What a frame is made of. */
export interface FrameInput {
  /** What goes up before; undefined where it is there from an earlier frame. */
  readonly upload?: { readonly image: RgbImage; readonly part: Rectangle };
  /** What the network looks at, in pixels of what was uploaded: one at least, and as many as the plan has images at most. */
  readonly crops: readonly Rectangle[];
}

/** A frame on its way. */
export interface SubmittedFrame {
  /** Input pixels a pixel of each crop. */
  readonly scales: readonly number[];
  /** When the picture was handed over, by `performance.now()`. */
  readonly uploaded: number;
  /** The numbers of `detect/result`, and the times where they were asked for. Fails with a FeatherdetError as `ReadbackPool.submit` does. */
  readonly arrival: Promise<{ readonly result: Float32Array; readonly stages?: DeviceStages }>;
}

/** The detection problem of a plan. */
export function spaceOf(
  plan: Plan,
  { anchors, classes }: Head,
  { multiLabel }: Pick<FrameSettings, "multiLabel">,
): DetectSpace {
  const [batch] = plan.graph.inputs[0].shape;
  return { batch, anchors, classes, multiLabel };
}

/** The plan of a detector's network with what is decoded and suppressed behind it. */
export interface PlannedFrame {
  readonly plan: Plan;
  readonly head: Head;
  readonly settings: FrameSettings;
}

/** All dispatches of a frame. */
export function frameDispatches({ plan, head, settings }: PlannedFrame): Dispatch[] {
  const { confidence, iou, maxDetections } = settings;
  return listFrameDispatches(plan, head, spaceOf(plan, head, settings), {
    picture: PICTURE,
    confidence,
    iou,
    maxDetections,
  });
}

/** One plan of a detector on a device. */
export class FrameProgram {
  /** The plan of the network between letterbox and decoding. */
  readonly plan: Plan;
  /** Images of a frame. */
  readonly batch: number;
  readonly #device: Device;
  readonly #front: FrameFront;
  readonly #program: Program;
  readonly #source: ProgramSource;
  readonly #memory: Memory;
  readonly #buffers: ReadonlyMap<string, GPUBuffer>;
  readonly #readback: ReadbackPool;
  readonly #picture: PictureTexture;
  readonly #onTheirWay = new Set<Promise<unknown>>();
  #timer: FrameTimer | undefined;

  private constructor(
    device: Device,
    plan: Plan,
    program: Program,
    source: ProgramSource,
    own: { readonly memory: Memory; readonly buffers: ReadonlyMap<string, GPUBuffer> },
    mostPixels: number,
  ) {
    this.#device = device;
    this.plan = plan;
    this.#front = frameFront(plan, PICTURE);
    this.batch = plan.graph.inputs[0].shape[0];
    this.#program = program;
    this.#source = source;
    this.#memory = own.memory;
    this.#buffers = own.buffers;
    this.#readback = new ReadbackPool(own.memory, this.batch * RESULT_STRIDE * 4 + TIMES_BYTES, "this frame");
    this.#picture = new PictureTexture(device.device, mostPixels, (texture) => {
      program.replaceExternal(PICTURE, { kind: "texture", texture });
    });
  }

  /**
   * Prepares the frames of a plan. `mostPixels` bounds the texture of pictures that are uploaded in parts. With `beside` it is done in turns
   * with other work and to the end, the driver's part included; `beside` is called in every turn, and what it throws ends it. Throws
   * FeatherdetError as `Program.create` does, and leaves nothing behind on the device then.
   */
  static async create(
    device: Device,
    planned: PlannedFrame,
    mostPixels: number,
    beside?: () => void,
  ): Promise<FrameProgram> {
    const { plan, head, settings } = planned;
    const space = spaceOf(plan, head, settings), dispatches = frameDispatches(planned);
    const memory = new Memory(device.device);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    try {
      const { buffers, texture } = await settled(device.device, "this detector", () => ({
        buffers: new Map(
          detectBuffers(space).map(({ name, bytes }) => [name, memory.buffer(name, usage, bytes)] as const),
        ),
        texture: makePictureTexture(memory, { width: 1, height: 1 }),
      }));
      const external = new Map<string, External>([
        ...[...buffers].map(([name, buffer]): [string, External] => [name, { kind: "buffer", buffer }]),
        [PICTURE, { kind: "texture", texture }],
      ]);
      const source = { ...plan, dispatches, external };
      const program = await Program.create(device, source, { beside });
      return new FrameProgram(device, plan, program, source, { memory, buffers }, mostPixels);
    } catch (error) {
      memory.destroy();
      throw error;
    }
  }

  /** Uploads and submits one frame. Throws FeatherdetError for a picture that is larger than the adapter takes. */
  submit(input: FrameInput, isTimed: boolean): SubmittedFrame {
    const size = this.batch * RESULT_STRIDE * 4;
    let scales: readonly number[] = [], uploaded = 0, timer: FrameTimer | undefined;
    const bytes = this.#readback.submit((encoder) => {
      scales = this.#prepare(input).scales;
      uploaded = performance.now();
      const ranges: ReadRange[] = [{ buffer: this.#buffers.get(DETECT_VALUES.result)!, offset: 0, size }];
      if (isTimed && this.#device.timestamps) {
        timer = this.#timer ??= new FrameTimer(this.#device.device);
        return [...ranges, timer.encode(encoder, this.#program)];
      }
      const pass = encoder.beginComputePass();
      this.#program.encode(pass);
      pass.end();
      return ranges;
    }, () => this.#forget(held, timer));
    const { held } = this.#picture;
    this.#onTheirWay.add(bytes);
    bytes.catch(() => {}).finally(() => this.#onTheirWay.delete(bytes));
    return {
      scales,
      uploaded,
      arrival: bytes.then((all) => ({
        result: new Float32Array(all, 0, size / 4),
        stages: timer?.stages(all, size),
      })),
    };
  }

  /** Drops what a failed frame may have found without memory; the next frame gets others. */
  #forget(held: HeldPicture | undefined, timer: FrameTimer | undefined): void {
    this.#picture.forget(held);
    if (timer !== undefined && this.#timer === timer) {
      timer.destroy();
      this.#timer = undefined;
    }
  }

  /** Runs a frame once and looks for numbers that f16 does not hold. Throws as `checkRange` does. */
  async checkRange(input: FrameInput): Promise<void> {
    await checkRange(this.#device, this.#source, this.plan.graph.name, this.#program, (program) => {
      const { parameters } = this.#prepare(input);
      program.replaceExternal(PICTURE, { kind: "texture", texture: this.#picture.held!.texture });
      parameters.forEach((block, image) => program.setParameters(image, block));
    }, () => this.#forget(this.#picture.held, undefined));
  }

  /** Hands a frame to the device; returns input pixels a pixel of each crop, and the parameters of each image in front of the network. */
  #prepare({ upload, crops }: FrameInput): {
    readonly scales: readonly number[];
    readonly parameters: readonly Parameters[];
  } {
    if (upload) this.#picture.upload(upload.image, upload.part);
    const [, , inputHeight, inputWidth] = this.plan.graph.inputs[0].shape;
    const records = new Float32Array(this.batch * FRAME_STRIDE);
    const scales: number[] = [], parameters: Parameters[] = [];
    for (let image = 0; image < this.batch; image++) {
      // An image that is left over sees what the last one sees: the numbers of an earlier frame could be anything.
      const crop = crops[Math.min(image, crops.length - 1)];
      const geometry = letterboxGeometry(crop.width, crop.height, inputWidth, inputHeight);
      const origin = [crop.left, crop.top] as const;
      const { parameters: block } = this.#front.kernelOf(image, { size: crop, origin, geometry });
      this.#program.setParameters(image, block);
      parameters.push(block);
      records.set(frameRecord(geometry, crop), image * FRAME_STRIDE);
      scales.push(geometry.scale);
    }
    this.#device.device.queue.writeBuffer(this.#buffers.get(DETECT_VALUES.frames)!, 0, records);
    return { scales, parameters };
  }

  /** GPU time of every dispatch, as `profilePrograms` gives it. */
  profile(runs: number): Promise<DispatchTime[]> {
    return profilePrograms(this.#device, [this.#program], runs);
  }

  /** Dispatches of one frame. */
  get dispatchCount(): number {
    return this.#program.dispatchCount;
  }

  /** Bytes of GPU memory held. */
  get bytes(): number {
    return this.#program.memory.bytes + this.#memory.bytes + this.#picture.bytes;
  }

  /** Frees everything when the frames that were submitted have arrived; nothing may be submitted any more. */
  async retire(): Promise<void> {
    await Promise.allSettled(this.#onTheirWay);
    this.destroy();
  }

  /** Frees everything on the device; may be called twice. */
  destroy(): void {
    this.#timer?.destroy();
    this.#program.destroy();
    this.#memory.destroy();
    this.#picture.destroy();
  }
}
