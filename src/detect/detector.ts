/**
 * The Detector: pictures in, boxes out. Letterbox, network, decoding and suppression run on the device; a picture goes up and at
 * most 300 boxes come back in one readback.
 *
 * @module
 */

import { decodeImage } from "../image/codec/decode.ts";
import { DeviceGuard } from "../engine/device_guard.ts";
import { type DispatchTime, profilePrograms } from "../engine/profile.ts";
import type { Device } from "../gpu/device.ts";
import { Memory } from "../gpu/memory.ts";
import { ReadbackPool, type ReadRange } from "../gpu/readback.ts";
import { FeatherdetError, type Graph } from "../graph/mod.ts";
import type { Parameters } from "../kernels/kernel.ts";
import { DETECT_VALUES, detectBuffers, letterbox, MAX_DETECTIONS, RESULT_STRIDE } from "../kernels/detect/mod.ts";
import { loadOnnx } from "../onnx/mod.ts";
import type { Plan } from "../plan/plan.ts";
import { type External, Program, type ProgramSource } from "../engine/program.ts";
import { checkRange } from "../engine/range_check.ts";
import type { SessionOptions } from "../engine/session.ts";
import { checkPrecision, setUpEngine } from "../engine/setup.ts";
import { checkedImage, checkFraction, resized } from "./checks.ts";
import { classNamesOf } from "./class_names.ts";
import { readDetections } from "./decode.ts";
import { type FrameStages, FrameTimer, TIMES_BYTES } from "./frame_timer.ts";
import { checkFound } from "./heads/faults.ts";
import type { Head, HeadFormName, HeadOptions } from "./heads/form.ts";
import { recogniseHead } from "./heads/recognise.ts";
import { labelsOf } from "./labels.ts";
import { openExtents } from "./open_extents.ts";
import { type InputOptions, withPictureInput } from "./picture_input.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import { frameRecord, letterboxGeometry, rgbaOf } from "./letterbox.ts";
import { planNetwork } from "./plan_network.ts";
import { listFrameDispatches } from "./frame_dispatches.ts";

/** One found object. */
export interface Detection {
  /** x1, y1, x2, y2 in pixels of the given picture. */
  readonly box: readonly [number, number, number, number];
  /** Confidence in 0..1. */
  readonly score: number;
  /** Number of the class, from 0. */
  readonly classId: number;
  /** Name of the class. */
  readonly label: string;
}

/** How a detector is made. */
export interface DetectorOptions extends SessionOptions, HeadOptions, InputOptions {
  /** Side of the square network input, or `[height, width]`; a multiple of 32 for YOLO11. Default: the size in the model. */
  readonly inputSize?: number | readonly [number, number];
  /** Least score of a detection. Default 0.25. */
  readonly confidence?: number;
  /** Overlap (intersection over union) above which two boxes of one class count as one object. Default 0.7. */
  readonly iou?: number;
  /** Most detections of a picture, at most 300. Default 300. */
  readonly maxDetections?: number;
  /** Whether one box may be several detections, one a class, as for COCO's figures. Default false. */
  readonly multiLabel?: boolean;
  /** What errors call the model; by default what it was loaded from, or the graph's name. */
  readonly file?: string;
  /** Class names; default: those in the model's metadata, else `class 0`, `class 1` ... Their number helps to recognise the head. */
  readonly classes?: readonly string[];
}

/** What decides which boxes are detections. */
export type DetectorSettings = Readonly<
  Required<Pick<DetectorOptions, "confidence" | "iou" | "maxDetections" | "multiLabel">>
>;

/** A picture: encoded bytes (of a format that `decodeImage` reads) or pixels. */
export type Picture = Uint8Array | RgbImage;

/** Milliseconds of the stages of one frame. */
export interface FrameSpeed {
  /** Decoding the file and handing the pixels to the device. */
  readonly preprocess: number;
  /** From submission to the result's arrival: letterbox, network, suppression and the one readback. */
  readonly inference: number;
  /** Reading the result. */
  readonly postprocess: number;
}

/** Frames that are submitted before the first one is awaited: enough to hide decoding and readback behind the network. */
const FRAMES_IN_FLIGHT = 3;

const PICTURE = "detect/picture";

/**
 * A detection model on a device.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { syntheticPicture } from "../data/synthetic.ts";
 * import { demoDetector } from "../models/demo_detector.ts";
 * import { Detector } from "./detector.ts";
 * const detector = await Detector.load(demoDetector()); // or "yolo11n.onnx"
 * const { image, objects } = syntheticPicture({ seed: 7, width: 640, height: 480 }); // or the bytes of a JPEG
 * const [{ box: [x1, y1, x2, y2], score, label }] = await detector.detect(image); // the best first
 * assert.ok(objects.some(({ classId }) => detector.labels[classId] === label));
 * assert.ok(score > 0.5 && x1 < x2 && y1 < y2);
 * detector.destroy();
 * ```
 */
export class Detector {
  /** Where it runs. */
  readonly device: Device;
  /** The plan of the network between letterbox and decoding. */
  readonly plan: Plan;
  /** Class names by class number. */
  readonly labels: readonly string[];
  /** Height and width of the network's input. */
  readonly inputSize: readonly [number, number];
  /** Settings that decide which boxes are detections, with the defaults filled in. */
  readonly settings: DetectorSettings;
  /** How the model's output is read: a form of `HEAD_FORMS`, or `maps` where kernels decode the maps before YOLO11's tail. */
  readonly head: HeadFormName | "maps";
  /** What is doubtful about the model, a sentence each. */
  readonly warnings: readonly string[];
  /** Stages of the last frame. */
  speed: FrameSpeed = { preprocess: 0, inference: 0, postprocess: 0 };
  readonly #file: string;
  readonly #head: Head;
  readonly #program: Program;
  readonly #memory: Memory;
  readonly #readback: ReadbackPool;
  readonly #buffers: ReadonlyMap<string, GPUBuffer>;
  #picture: { texture: GPUTexture; memory: Memory } | undefined;
  #pixels = new Uint32Array(0);
  #timer: FrameTimer | undefined;
  readonly #guard: DeviceGuard;
  readonly #source: ProgramSource;
  /** The check of the first frame. */
  #range: Promise<void> | undefined;

  private constructor(
    device: Device,
    plan: Plan,
    program: Program,
    memory: Memory,
    buffers: ReadonlyMap<string, GPUBuffer>,
    { file, head, labels, warnings }: Pick<Detector, "labels" | "warnings"> & {
      readonly file: string;
      readonly head: Head;
    },
    settings: DetectorSettings,
    source: ProgramSource,
  ) {
    this.device = device;
    this.#source = source;
    this.plan = plan;
    this.#file = file;
    this.#head = head;
    this.head = head.form;
    this.labels = labels;
    this.warnings = warnings;
    this.settings = settings;
    this.#program = program;
    this.#memory = memory;
    this.#buffers = buffers;
    const [, , height, width] = plan.graph.inputs[0].shape;
    this.inputSize = [height, width];
    this.#readback = new ReadbackPool(memory, RESULT_STRIDE * 4 + TIMES_BYTES);
    this.#guard = new DeviceGuard(device, "detector", plan.graph.name);
  }

  /**
   * Loads a model from a path, a URL, ONNX bytes or a graph. How its output is to be read is recognised (`HEAD_FORMS`): boxes and class
   * scores in either order of axes or in two outputs, with or without objectness, YOLOX's undecoded boxes, results of end-to-end heads.
   *
   * Throws FeatherdetError if the model is none of one picture input and of such outputs, if nothing says which of several forms it has (an
   * option then does), or if the adapter cannot run it.
   */
  static async load(source: string | URL | Uint8Array | Graph, options: DetectorOptions = {}): Promise<Detector> {
    checkFraction("confidence", options.confidence);
    checkFraction("iou", options.iou);
    const isGraph = typeof source === "object" && "nodes" in source;
    const loaded = isGraph
      ? source
      : await loadOnnx(source, { leaveOutSuppression: true, shapeOf: openExtents(options.inputSize) });
    const file = options.file ?? (typeof source === "string" || source instanceof URL ? String(source) : loaded.name);
    // Errors call the model by its file, journals by its own name.
    const named = withPictureInput({ ...loaded, name: file }, options);
    const graph = resized({ ...named, name: loaded.name }, options.inputSize);
    const { device, planning } = await setUpEngine(options);
    checkPrecision(graph, options.precision);
    const names = options.classes ?? classNamesOf(graph);
    const head = recogniseHead({ ...graph, name: file }, { ...options, names: names?.length });
    const { classes, anchors } = head;
    const { plan } = planNetwork(graph, planning, head);
    const { confidence = 0.25, iou = 0.7, maxDetections = MAX_DETECTIONS, multiLabel = false } = options;
    const settings = { confidence, iou, maxDetections, multiLabel };
    const space = { batch: 1, anchors, classes, multiLabel };
    const dispatches = listFrameDispatches(plan, head, space, { picture: PICTURE, confidence, iou, maxDetections });
    const memory = new Memory(device.device);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffers = new Map(
      detectBuffers(space).map(({ name, bytes }) => [name, memory.buffer(name, usage, bytes)] as const),
    );
    const external = new Map<string, External>(
      [...buffers].map(([name, buffer]) => [name, { kind: "buffer", buffer }]),
    );
    external.set(PICTURE, { kind: "texture", texture: pictureTexture(memory, 1, 1) });
    const reading = { file, head, ...labelsOf(head, names, graph.metadata, options) };
    try {
      const source = { ...plan, dispatches, external };
      const program = await Program.create(device, source);
      return new Detector(device, plan, program, memory, buffers, reading, settings, source);
    } catch (error) {
      memory.destroy();
      throw error;
    }
  }

  /**
   * Finds objects in a picture, best first. With an array, the pictures are kept in flight together and the result is an array
   * in the same order. A damaged picture that has all its pixels is told of on the console. Throws FeatherdetError for a picture that cannot
   * be decoded and for a lost device; it names `file`, or the picture's place in the array.
   */
  detect(picture: Picture, file?: string): Promise<Detection[]>;
  /** Finds objects in several pictures; the results are in the same order. */
  detect(pictures: readonly Picture[]): Promise<Detection[][]>;
  async detect(given: Picture | readonly Picture[], file?: string): Promise<Detection[] | Detection[][]> {
    if (!Array.isArray(given)) return await (await this.#submit(given as Picture, file))();
    const results: Detection[][] = [];
    for await (const found of this.stream(given as readonly Picture[])) results.push(found);
    return results;
  }

  /**
   * Detects in a stream of pictures and yields the results in order, with several frames in flight. `observe` is called with the stages
   * of each frame, in order, possibly before the results of that frame are yielded.
   *
   * ```ts
   * import assert from "node:assert/strict";
   * import { syntheticPicture } from "../data/synthetic.ts";
   * import { demoDetector } from "../models/demo_detector.ts";
   * import { Detector } from "./detector.ts";
   * const detector = await Detector.load(demoDetector(), { inputSize: 320 });
   * const pictures = [1, 2, 3].map((seed) => syntheticPicture({ seed, width: 320, height: 240 }).image);
   * let frames = 0;
   * for await (const found of detector.stream(pictures)) frames += found.length > 0 ? 1 : 0;
   * assert.equal(frames, 3);
   * detector.destroy();
   * ```
   */
  async *stream(
    pictures: Iterable<Picture> | AsyncIterable<Picture>,
    observe?: (stages: FrameStages) => void,
  ): AsyncGenerator<Detection[]> {
    const waiting: Promise<Detection[]>[] = [];
    let place = 0;
    for await (const picture of pictures) {
      const pending = (await this.#submit(picture, `picture ${++place}`, observe))();
      // A failure is reported where its frame is awaited, also when that comes late.
      pending.catch(() => {});
      waiting.push(pending);
      if (waiting.length >= FRAMES_IN_FLIGHT) yield await waiting.shift()!;
    }
    for (const pending of waiting) yield await pending;
  }

  /** Uploads and submits one picture; the function returned waits for its detections. */
  async #submit(
    picture: Picture,
    file?: string,
    observe?: (stages: FrameStages) => void,
  ): Promise<() => Promise<Detection[]>> {
    const started = performance.now();
    const image = picture instanceof Uint8Array ? await decodeImage(picture, file) : checkedImage(picture);
    const decoded = performance.now();
    this.#guard.check();
    // The picture stays on the device until the check is done with it.
    if (this.plan.form.scalar === "f16") await (this.#range ??= this.#checkRange(image));
    const { scale } = this.#upload(image);
    const uploaded = performance.now();
    const encoder = this.device.device.createCommandEncoder();
    const timer = observe && this.device.timestamps ? this.#timer ??= new FrameTimer(this.device.device) : undefined;
    const ranges: ReadRange[] = [{
      buffer: this.#buffers.get(DETECT_VALUES.result)!,
      offset: 0,
      size: RESULT_STRIDE * 4,
    }];
    if (timer) {
      ranges.push(timer.encode(encoder, this.#program));
    } else {
      const pass = encoder.beginComputePass();
      this.#program.encode(pass);
      pass.end();
    }
    const read = this.#readback.record(encoder, ranges);
    this.device.device.queue.submit([encoder.finish()]);
    return async () => {
      const bytes = await this.#guard.arrival(read());
      const arrived = performance.now();
      const result = readDetections(new Float32Array(bytes, 0, RESULT_STRIDE));
      checkFound(this.#head, result, { scale, names: this.labels.length, file: this.#file });
      const found = result.detections.map((detection): Detection => ({
        ...detection,
        label: this.labels[detection.classId] ?? `class ${detection.classId}`,
      }));
      const [wait, made] = [arrived - uploaded, performance.now() - arrived];
      this.speed = { preprocess: uploaded - started, inference: wait, postprocess: made };
      const device = timer?.stages(bytes, RESULT_STRIDE * 4);
      observe?.({ decode: decoded - started, upload: uploaded - decoded, wait, read: made, ...(device && { device }) });
      return found;
    };
  }

  /** Looks for numbers that f16 does not hold, on the first picture. */
  async #checkRange(image: RgbImage): Promise<void> {
    const { parameters } = this.#upload(image);
    const picture: External = { kind: "texture", texture: this.#picture!.texture };
    const source = { ...this.#source, external: new Map([...this.#source.external ?? [], [PICTURE, picture]]) };
    await checkRange(this.device, source, this.plan.graph.name, (program) => program.setParameters(0, parameters));
  }

  /** Hands a picture to the device; returns input pixels a pixel of it, and the parameters of the letterbox. */
  #upload(image: RgbImage): { readonly scale: number; readonly parameters: Parameters } {
    const { width, height } = image;
    const { queue, limits } = this.device.device;
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
    const [inputHeight, inputWidth] = this.inputSize;
    const geometry = letterboxGeometry(width, height, inputWidth, inputHeight);
    const [input] = this.plan.graph.inputs;
    const output = { value: input.name, shape: input.shape, layout: this.plan.placements.get(input.name)!.layout };
    const kernel = letterbox({ picture: PICTURE, size: image, geometry, output, image: 0, pitch: this.plan.pitch });
    this.#program.setParameters(0, kernel.parameters);
    queue.writeBuffer(this.#buffers.get(DETECT_VALUES.frames)!, 0, frameRecord(geometry, image));
    return { scale: geometry.scale, parameters: kernel.parameters };
  }

  #growPicture(width: number, height: number): void {
    this.#picture?.memory.destroy();
    const memory = new Memory(this.device.device);
    const texture = pictureTexture(memory, width, height);
    this.#picture = { texture, memory };
    this.#program.replaceExternal(PICTURE, { kind: "texture", texture });
  }

  /** GPU time of every dispatch of a frame in milliseconds, the median of `runs`, on the last picture. */
  async profile(runs = 5): Promise<DispatchTime[]> {
    return await profilePrograms(this.device, [this.#program], runs);
  }

  /** Dispatches of one frame, letterbox to suppression. */
  get dispatches(): number {
    return this.#program.dispatchCount;
  }

  /** Bytes of GPU memory held. */
  get bytes(): number {
    return this.#program.memory.bytes + this.#memory.bytes + (this.#picture?.memory.bytes ?? 0);
  }

  /** Frees everything on the device; the detector cannot be used afterwards. */
  destroy(): void {
    this.#timer?.destroy();
    this.#guard.destroy();
    this.#program.destroy();
    this.#memory.destroy();
    this.#picture?.memory.destroy();
  }
}

function pictureTexture(memory: Memory, width: number, height: number): GPUTexture {
  const usage = GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_DST;
  return memory.texture(PICTURE, usage, "rgba8unorm", [width, height, 1], 4);
}
