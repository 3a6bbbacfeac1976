/**
 * The Detector: pictures in, boxes out. Letterbox, network, decoding and suppression run on the device; a picture goes up and at
 * most 300 boxes come back in one readback. With the CPU engine, onnxruntime runs the network, and the rest is computed on the host.
 *
 * @module
 */

import type { DeviceGuard } from "../engine/device_guard.ts";
import type { DispatchTime } from "../engine/profile.ts";
import { type EngineName, refuseOnCpu } from "../engine/session.ts";
import type { SelfTuner } from "../engine/self_tuner.ts";
import type { AdapterRecord } from "../gpu/adapter.ts";
import { type Device, openSharedDevice } from "../gpu/device.ts";
import { megabytes } from "../engine/memory_limit.ts";
import { unlessAborted } from "../graph/abort.ts";
import type { Graph } from "../graph/mod.ts";
import type { Plan } from "../plan/plan.ts";
import type { FrameStages } from "./frame_timer.ts";
import type { BegunPicture, Frames } from "./frames.ts";
import type { HeadFormName } from "./heads/form.ts";
import { type LoadedFrames, loadFrames } from "./load_frames.ts";
import { type DetectionModel, openModel } from "./open_model.ts";
import type {
  Detection,
  DetectOptions,
  DetectorOptions,
  DetectorSettings,
  FrameSpeed,
  Picture,
  StreamOptions,
} from "./options.ts";
import { orderedStream } from "./ordered_stream.ts";
import { PictureReader } from "./picture_reader.ts";
import { type TileGrid, tileGridOf, type Tiles } from "./tiles/grid.ts";
export type * from "./options.ts";
export type { Tiles, TileSettings } from "./tiles/grid.ts";

/** Frames that are submitted before the first one is awaited: enough to hide decoding and readback behind the network. */
const FRAMES_IN_FLIGHT = 3;

/**
 * A detection model on a device, or on the CPU (`engine: "cpu"`).
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
  /** What computes it: `auto` has become one of them. */
  readonly engine: EngineName;
  /** What it computes on: the device's adapter, or the CPU under the name of its runtime. */
  readonly adapter: AdapterRecord;
  /** Class names by class number. */
  readonly labels: readonly string[];
  /** Height and width of the network's input. */
  readonly inputSize: readonly [number, number];
  /** Settings that decide which boxes are detections, with the defaults filled in. */
  readonly settings: DetectorSettings;
  /** How the model's output is read: a form of `HEAD_FORMS`, or `maps` where kernels decode the maps before YOLO11's tail. */
  readonly head: HeadFormName | "maps";
  /** Stages of the last frame. */
  speed: FrameSpeed = { preprocess: 0, inference: 0, postprocess: 0 };
  readonly #device: Device | undefined;
  readonly #frames: Frames;
  readonly #warnings: string[];
  readonly #guard: DeviceGuard;
  readonly #pictures: PictureReader;
  readonly #tuner: SelfTuner | undefined;

  private constructor(
    { head, labels, settings, graph }: DetectionModel,
    { engine, adapter, device, frames, guard, warnings, tuner }: LoadedFrames,
    pictures: PictureReader,
  ) {
    this.engine = engine;
    this.adapter = adapter;
    this.#device = device;
    this.head = head.form;
    this.labels = labels;
    this.settings = settings;
    const [, , height, width] = graph.inputs[0].shape;
    this.inputSize = [height, width];
    this.#frames = frames;
    this.#guard = guard;
    this.#pictures = pictures;
    this.#warnings = warnings;
    this.#tuner = tuner;
  }

  /** The device that runs it. Throws FeatherdetError for the CPU engine, which has none. */
  get device(): Device {
    return this.#device ?? refuseOnCpu("a device");
  }

  /**
   * The plan of the network between letterbox and decoding. A detector in f16 has another one, in f32, if its first frame needs it. Throws
   * FeatherdetError for the CPU engine, in which onnxruntime plans.
   */
  get plan(): Plan {
    return this.#frames.plan ?? refuseOnCpu("a plan");
  }

  /** The graph of the network between letterbox and decoding, as it is run. */
  get network(): Graph {
    return this.#frames.graph;
  }

  /** What is doubtful, a sentence each: about the model, and that f16 was asked for and f32 is used (complete behind the first frame). */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /**
   * Loads a model from a path, a URL, ONNX bytes or a graph. How its output is to be read is recognised (`HEAD_FORMS`): boxes and class
   * scores in either order of axes or in two outputs, with or without objectness, YOLOX's undecoded boxes, results of end-to-end heads.
   *
   * Throws FeatherdetError if the model is none of one picture input and of such outputs, if nothing says which of several forms it has (an
   * option then does), or if the adapter cannot run it.
   */
  static async load(source: string | URL | Uint8Array | Graph, options: DetectorOptions = {}): Promise<Detector> {
    const pictures = new PictureReader(options);
    const { engine, device } = options;
    // It is opened while the model is read; what goes wrong is told to who asks for it.
    if (device === undefined && (engine === undefined || engine === "webgpu")) openSharedDevice().catch(() => {});
    const model = await openModel(source, options);
    return new Detector(model, await loadFrames(model, options), pictures);
  }

  /**
   * Finds objects in a picture, best first. With an array, the pictures are kept in flight together and the result is an array
   * in the same order. A damaged picture that has all its pixels is told of on the console. Throws FeatherdetError for a picture that cannot
   * be decoded or takes too long (`maxPixels`, `decodeTimeout`), for a lost device and for whatever else keeps a frame from being run, which concerns no other frame; it names `file`, or
   * the picture's place in the array.
   */
  detect(picture: Picture, options?: string | DetectOptions): Promise<Detection[]>;
  /** Finds objects in several pictures; the results are in the same order. */
  detect(pictures: readonly Picture[], options?: Omit<DetectOptions, "file">): Promise<Detection[][]>;
  async detect(
    given: Picture | readonly Picture[],
    options: string | DetectOptions = {},
  ): Promise<Detection[] | Detection[][]> {
    const { file, signal, tiles }: DetectOptions = typeof options === "string" ? { file: options } : options;
    if (!Array.isArray(given)) {
      signal?.throwIfAborted();
      const how = { file, signal, tiles: this.#tileGrid(tiles) };
      const found = this.#submit(given as Picture, how).then(([pending]) => pending);
      return await unlessAborted(found, signal);
    }
    const results: Detection[][] = [];
    for await (const found of this.stream(given as readonly Picture[], { signal, tiles })) results.push(found);
    return results;
  }

  /**
   * Detects in a stream of pictures and yields the results in order, with several frames in flight, each as soon as it is there: a live
   * source may be slow. Results of the frames before an error are yielded before it is thrown.
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
  stream(
    pictures: Iterable<Picture> | AsyncIterable<Picture>,
    { observe, signal, tiles }: StreamOptions = {},
  ): AsyncGenerator<Detection[]> {
    const grid = this.#tileGrid(tiles);
    const begin = (picture: Picture, index: number) =>
      this.#submit(picture, { file: `picture ${index + 1}`, observe, signal, tiles: grid });
    return orderedStream(pictures, begin, { inFlight: FRAMES_IN_FLIGHT, signal });
  }

  /** What a call means by its tiles. */
  #tileGrid(tiles: Tiles | false | undefined = this.settings.tiles): TileGrid | undefined {
    return tiles === undefined || tiles === false ? undefined : tileGridOf(tiles, this.inputSize);
  }

  /** Uploads and submits one picture; gives a promise of its detections, in an array, once that is done. */
  async #submit(
    picture: Picture,
    { file, observe, signal, tiles }: Pick<StreamOptions, "observe" | "signal"> & {
      readonly file?: string;
      readonly tiles?: TileGrid;
    },
  ): Promise<readonly [Promise<Detection[]>]> {
    const started = performance.now();
    this.#guard.check();
    const image = await this.#pictures.read(picture, file, signal);
    const decoded = performance.now();
    const begun = await this.#frames.begin(image, { isTimed: observe !== undefined, tiles, signal });
    return [this.#read(begun, { started, decoded }, observe)];
  }

  async #read(
    { uploaded, found }: BegunPicture,
    { started, decoded }: { readonly started: number; readonly decoded: number },
    observe?: (stages: FrameStages) => void,
  ): Promise<Detection[]> {
    const { detections, arrived, stages } = await found;
    this.#tuner?.frameDone();
    const labelled = detections.map((detection): Detection => ({
      ...detection,
      label: this.labels[detection.classId] ?? `class ${detection.classId}`,
    }));
    const [wait, made] = [arrived - uploaded, performance.now() - arrived];
    this.speed = { preprocess: uploaded - started, inference: wait, postprocess: made };
    observe?.({
      ...{ decode: decoded - started, upload: uploaded - decoded, wait, read: made },
      ...stages && { device: stages },
    });
    return labelled;
  }

  /**
   * Resolves when pictures are run by the fastest kernels; on software adapters the first ones are run by others (`start` of the options).
   * They are made now where they are not there, which fails no call: if the device refuses them, the first ones stay. For those who measure.
   * With a number of pictures that come next, it waits only if they do not all belong to the first ones: either way one kind of kernels runs
   * all of them.
   */
  async ready(pictures?: number): Promise<void> {
    this.#guard.check();
    await this.#frames.ready(pictures);
    this.#guard.check();
  }

  /** GPU time of every dispatch of a frame in milliseconds, the median of `runs`, on the last picture. */
  async profile(runs = 5): Promise<DispatchTime[]> {
    this.#guard.check();
    return await this.#guard.arrival(this.#frames.profile(runs));
  }

  /** Dispatches of one frame, letterbox to suppression; 0 on the CPU. */
  get dispatches(): number {
    return this.#frames.dispatchCount;
  }

  /** Bytes of GPU memory held; 0 on the CPU. */
  get bytes(): number {
    return this.#frames.bytes;
  }

  /** What is run together and how it is stored, where a limit of memory decided that; with the bytes that are held. */
  get memoryText(): string {
    return `${this.#frames.text}, ${megabytes(this.bytes)} held`;
  }

  /**
   * Frees everything; the detector cannot be used afterwards. Frames in flight end in an error that says so. With the CPU engine, a Deno
   * process ends only when its detectors are destroyed.
   */
  destroy(): void {
    this.#guard.destroy();
    this.#tuner?.destroy();
    this.#pictures.destroy(this.#guard.destroyedError);
    this.#frames.destroy();
  }
}
