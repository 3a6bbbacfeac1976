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
import { FeatherdetError, type Graph } from "../graph/mod.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import { DETECT_VALUES, detectBuffers, letterbox, RESULT_STRIDE } from "../kernels/detect/mod.ts";
import type { Parameters } from "../kernels/kernel.ts";
import type { Plan } from "../plan/plan.ts";
import { readDetections } from "./decode.ts";
import { listFrameDispatches } from "./frame_dispatches.ts";
import { FrameTimer, TIMES_BYTES } from "./frame_timer.ts";
import type { Frames, FrameSettings, SubmittedFrame } from "./frames.ts";
import type { Head } from "./heads/form.ts";
import { frameRecord, letterboxGeometry, rgbaOf } from "./letterbox.ts";

/** The texture of a picture, and its owner. */
interface HeldPicture {
  readonly texture: GPUTexture;
  readonly memory: Memory;
}

const PICTURE = "detect/picture";

function pictureTexture(memory: Memory, width: number, height: number): GPUTexture {
  const usage = GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_DST;
  return memory.texture(PICTURE, usage, "rgba8unorm", [width, height, 1], 4);
}

/** One plan of a detector on a device. */
export class FrameProgram implements Frames {
  /** The plan of the network between letterbox and decoding. */
  readonly plan: Plan;
  readonly #device: Device;
  readonly #program: Program;
  readonly #source: ProgramSource;
  readonly #memory: Memory;
  readonly #buffers: ReadonlyMap<string, GPUBuffer>;
  readonly #readback: ReadbackPool;
  #picture: HeldPicture | undefined;
  #pixels = new Uint32Array(0);
  #timer: FrameTimer | undefined;

  private constructor(
    device: Device,
    plan: Plan,
    program: Program,
    source: ProgramSource,
    own: { readonly memory: Memory; readonly buffers: ReadonlyMap<string, GPUBuffer> },
  ) {
    this.#device = device;
    this.plan = plan;
    this.#program = program;
    this.#source = source;
    this.#memory = own.memory;
    this.#buffers = own.buffers;
    this.#readback = new ReadbackPool(own.memory, RESULT_STRIDE * 4 + TIMES_BYTES, "this frame");
  }

  /** Throws FeatherdetError as `Program.create` does, and leaves nothing behind on the device then. */
  static async create(device: Device, plan: Plan, head: Head, settings: FrameSettings): Promise<FrameProgram> {
    const { confidence, iou, maxDetections, multiLabel } = settings;
    const space = { batch: 1, anchors: head.anchors, classes: head.classes, multiLabel };
    const dispatches = listFrameDispatches(plan, head, space, { picture: PICTURE, confidence, iou, maxDetections });
    const memory = new Memory(device.device);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    try {
      const { buffers, texture } = await settled(device.device, "this detector", () => ({
        buffers: new Map(
          detectBuffers(space).map(({ name, bytes }) => [name, memory.buffer(name, usage, bytes)] as const),
        ),
        texture: pictureTexture(memory, 1, 1),
      }));
      const external = new Map<string, External>([
        ...[...buffers].map(([name, buffer]): [string, External] => [name, { kind: "buffer", buffer }]),
        [PICTURE, { kind: "texture", texture }],
      ]);
      const source = { ...plan, dispatches, external };
      return new FrameProgram(device, plan, await Program.create(device, source), source, { memory, buffers });
    } catch (error) {
      memory.destroy();
      throw error;
    }
  }

  /** Uploads and submits one picture; fails as `ReadbackPool.submit` does. Throws FeatherdetError for one that is larger than the adapter takes. */
  submit(image: RgbImage, isTimed: boolean): SubmittedFrame {
    let scale = 1, uploaded = 0, timer: FrameTimer | undefined;
    const bytes = this.#readback.submit((encoder) => {
      scale = this.#upload(image).scale;
      uploaded = performance.now();
      const { result } = DETECT_VALUES;
      const ranges: ReadRange[] = [{ buffer: this.#buffers.get(result)!, offset: 0, size: RESULT_STRIDE * 4 }];
      if (isTimed && this.#device.timestamps) {
        timer = this.#timer ??= new FrameTimer(this.#device.device);
        return [...ranges, timer.encode(encoder, this.#program)];
      }
      const pass = encoder.beginComputePass();
      this.#program.encode(pass);
      pass.end();
      return ranges;
    }, () => this.#forget(picture, timer));
    const picture = this.#picture;
    return {
      scale,
      uploaded,
      arrival: bytes.then((all) => ({
        result: readDetections(new Float32Array(all, 0, RESULT_STRIDE)),
        stages: timer?.stages(all, RESULT_STRIDE * 4),
      })),
    };
  }

  /** Drops what a failed frame may have found without memory; the next frame gets others. */
  #forget(picture: HeldPicture | undefined, timer: FrameTimer | undefined): void {
    if (picture !== undefined && this.#picture === picture) {
      picture.memory.destroy();
      this.#picture = undefined;
    }
    if (timer !== undefined && this.#timer === timer) {
      timer.destroy();
      this.#timer = undefined;
    }
  }

  /** Runs a picture once and looks for numbers that f16 does not hold. Throws as `checkRange` does. */
  async checkRange(image: RgbImage): Promise<void> {
    await checkRange(this.#device, this.#source, this.plan.graph.name, (program) => {
      const { parameters } = this.#upload(image);
      program.replaceExternal(PICTURE, { kind: "texture", texture: this.#picture!.texture });
      program.setParameters(0, parameters);
    }, () => this.#forget(this.#picture, undefined));
  }

  /** Hands a picture to the device; returns input pixels a pixel of it, and the parameters of the letterbox. */
  #upload(image: RgbImage): { readonly scale: number; readonly parameters: Parameters } {
    const { width, height } = image;
    const { queue, limits } = this.#device.device;
    if (Math.max(width, height) > limits.maxTextureDimension2D) {
      throw new FeatherdetError(
        `a picture of ${width}x${height} is larger than the adapter takes (${limits.maxTextureDimension2D})`,
      );
    }
    const held = this.#picture?.texture;
    if (!held || held.width < width || held.height < height) {
      this.#growPicture(Math.max(width, held?.width ?? 0), Math.max(height, held?.height ?? 0));
    }
    if (this.#pixels.length < width * height) this.#pixels = new Uint32Array(width * height);
    rgbaOf(image, this.#pixels);
    queue.writeTexture({ texture: this.#picture!.texture }, this.#pixels, {
      bytesPerRow: 4 * width,
      rowsPerImage: height,
    }, [width, height]);
    const { plan } = this;
    const [input] = plan.graph.inputs;
    const [, , inputHeight, inputWidth] = input.shape;
    const geometry = letterboxGeometry(width, height, inputWidth, inputHeight);
    const output = { value: input.name, shape: input.shape, layout: plan.placements.get(input.name)!.layout };
    const kernel = letterbox({ picture: PICTURE, size: image, geometry, output, image: 0, pitch: plan.pitch });
    this.#program.setParameters(0, kernel.parameters);
    queue.writeBuffer(this.#buffers.get(DETECT_VALUES.frames)!, 0, frameRecord(geometry, image));
    return { scale: geometry.scale, parameters: kernel.parameters };
  }

  #growPicture(width: number, height: number): void {
    this.#picture?.memory.destroy();
    const memory = new Memory(this.#device.device);
    const texture = pictureTexture(memory, width, height);
    this.#picture = { texture, memory };
    this.#program.replaceExternal(PICTURE, { kind: "texture", texture });
  }

  get graph(): Graph {
    return this.plan.graph;
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
    return this.#program.memory.bytes + this.#memory.bytes + (this.#picture?.memory.bytes ?? 0);
  }

  /** Frees everything on the device. */
  destroy(): void {
    this.#timer?.destroy();
    this.#program.destroy();
    this.#memory.destroy();
    this.#picture?.memory.destroy();
  }
}
