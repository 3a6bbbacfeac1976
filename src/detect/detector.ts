/**
 * The Detector: pictures in, boxes out. Letterbox, network, decoding and suppression run on the device; a picture goes up and at
 * most 300 boxes come back in one readback. With the CPU engine, onnxruntime runs the network, and the rest is computed on the host.
 *
 * @module
 */

import { decodeImage } from "../image/codec/decode.ts";
import { DeviceGuard } from "../engine/device_guard.ts";
import { HalfRangeError, warnOfFloats } from "../engine/half_range.ts";
import type { DispatchTime } from "../engine/profile.ts";
import type { Device } from "../gpu/device.ts";
import { unlessAborted } from "../graph/abort.ts";
import type { Graph } from "../graph/mod.ts";
import { MAX_DETECTIONS } from "../kernels/detect/mod.ts";
import { loadOnnx } from "../onnx/mod.ts";
import type { Plan } from "../plan/plan.ts";
import { chooseEngine } from "../engine/choose_engine.ts";
import { type EngineName, refuseOnCpu, type SessionOptions } from "../engine/session.ts";
import type { AdapterRecord } from "../gpu/adapter.ts";
import { checkedImage, checkFraction, checkInputSize, resized } from "./checks.ts";
import { classNamesOf } from "./class_names.ts";
import type { FrameStages } from "./frame_timer.ts";
import type { Frames, SubmittedFrame } from "./frames.ts";
import { type LoadedFrames, loadOnCpu, loadOnDevice } from "./load_frames.ts";
import { checkFound } from "./heads/faults.ts";
import type { Head, HeadFormName, HeadOptions } from "./heads/form.ts";
import { recogniseHead } from "./heads/recognise.ts";
import { labelsOf } from "./labels.ts";
import { openExtents } from "./open_extents.ts";
import { orderedStream } from "./ordered_stream.ts";
import { type InputOptions, withPictureInput } from "./picture_input.ts";
import type { RgbImage } from "../image/rgb_image.ts";

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

/** How one call detects. */
export interface DetectOptions {
  /** What errors call the picture. */
  readonly file?: string;
  /** Ends the call with the signal's reason; the results are dropped. */
  readonly signal?: AbortSignal;
}

/** How a stream is detected in. */
export interface StreamOptions {
  /** Called with the stages of each frame, in order, possibly before the results of that frame are yielded. */
  readonly observe?: (stages: FrameStages) => void;
  /** Ends the stream with the signal's reason. */
  readonly signal?: AbortSignal;
}

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
  readonly #file: string;
  readonly #head: Head;
  readonly #warnings: string[];
  readonly #onWarning: DetectorOptions["onWarning"];
  readonly #guard: DeviceGuard;
  readonly #device: Device | undefined;
  readonly #makeInFloats: LoadedFrames["makeInFloats"];
  #frames: Frames;
  /** The check of the first frame in f16, while it runs. */
  #range: Promise<void> | undefined;
  #isChecked = false;

  private constructor(
    { engine, adapter, device, frames, makeInFloats }: LoadedFrames,
    graph: Graph,
    { file, head, labels, warnings }: Pick<Detector, "labels"> & {
      readonly file: string;
      readonly head: Head;
      readonly warnings: readonly string[];
    },
    settings: DetectorSettings,
    onWarning: DetectorOptions["onWarning"],
  ) {
    this.#onWarning = onWarning;
    this.engine = engine;
    this.adapter = adapter;
    this.#device = device;
    this.#frames = frames;
    this.#file = file;
    this.#head = head;
    this.head = head.form;
    this.labels = labels;
    this.#warnings = [...warnings];
    this.settings = settings;
    this.#makeInFloats = makeInFloats;
    const [, , height, width] = graph.inputs[0].shape;
    this.inputSize = [height, width];
    this.#guard = new DeviceGuard(device, "detector", graph.name);
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
    checkFraction("confidence", options.confidence);
    checkFraction("iou", options.iou);
    checkInputSize(options.inputSize);
    const isGraph = typeof source === "object" && "nodes" in source;
    const loaded = isGraph
      ? source
      : await loadOnnx(source, { leaveOutSuppression: true, shapeOf: openExtents(options.inputSize) });
    const file = options.file ?? (typeof source === "string" || source instanceof URL ? String(source) : loaded.name);
    // Errors call the model by its file, journals by its own name.
    const named = withPictureInput({ ...loaded, name: file }, options);
    const graph = resized({ ...named, name: loaded.name }, options.inputSize);
    const engine = await chooseEngine(options);
    const names = options.classes ?? classNamesOf(graph);
    const head = recogniseHead({ ...graph, name: file }, { ...options, names: names?.length });
    const { confidence = 0.25, iou = 0.7, maxDetections = MAX_DETECTIONS, multiLabel = false } = options;
    const settings = { confidence, iou, maxDetections, multiLabel };
    const { labels, warnings } = labelsOf(head, names, graph.metadata, options);
    const made = await (engine === "cpu" ? loadOnCpu : loadOnDevice)(graph, head, settings, options);
    const doubts = [...warnings, ...made.warnings];
    return new Detector(made, graph, { file, head, labels, warnings: doubts }, settings, options.onWarning);
  }

  /**
   * Finds objects in a picture, best first. With an array, the pictures are kept in flight together and the result is an array
   * in the same order. A damaged picture that has all its pixels is told of on the console. Throws FeatherdetError for a picture that cannot
   * be decoded, for a lost device and for whatever else keeps a frame from being run, which concerns no other frame; it names `file`, or
   * the picture's place in the array.
   */
  detect(picture: Picture, options?: string | DetectOptions): Promise<Detection[]>;
  /** Finds objects in several pictures; the results are in the same order. */
  detect(pictures: readonly Picture[], options?: Pick<DetectOptions, "signal">): Promise<Detection[][]>;
  async detect(
    given: Picture | readonly Picture[],
    options: string | DetectOptions = {},
  ): Promise<Detection[] | Detection[][]> {
    const { file, signal }: DetectOptions = typeof options === "string" ? { file: options } : options;
    if (!Array.isArray(given)) {
      signal?.throwIfAborted();
      const found = this.#submit(given as Picture, file).then(([pending]) => pending);
      return await unlessAborted(found, signal);
    }
    const results: Detection[][] = [];
    for await (const found of this.stream(given as readonly Picture[], { signal })) results.push(found);
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
    { observe, signal }: StreamOptions = {},
  ): AsyncGenerator<Detection[]> {
    const begin = (picture: Picture, index: number) => this.#submit(picture, `picture ${index + 1}`, observe);
    return orderedStream(pictures, begin, { inFlight: FRAMES_IN_FLIGHT, signal });
  }

  /** Uploads and submits one picture; gives a promise of its detections, in an array, once that is done. */
  async #submit(
    picture: Picture,
    file?: string,
    observe?: (stages: FrameStages) => void,
  ): Promise<readonly [Promise<Detection[]>]> {
    const started = performance.now();
    this.#guard.check();
    const image = picture instanceof Uint8Array ? await decodeImage(picture, file) : checkedImage(picture, file);
    const decoded = performance.now();
    this.#guard.check();
    if (!this.#isChecked && this.#frames.plan?.form.scalar === "f16") {
      await this.#guard.arrival(this.#range ??= this.#checkRange(image));
      this.#guard.check();
    }
    const frame = this.#frames.submit(image, observe !== undefined);
    return [this.#read(frame, { started, decoded }, observe)];
  }

  async #read(
    { scale, uploaded, arrival }: SubmittedFrame,
    { started, decoded }: { readonly started: number; readonly decoded: number },
    observe?: (stages: FrameStages) => void,
  ): Promise<Detection[]> {
    const { result, stages } = await this.#guard.arrival(arrival);
    const arrived = performance.now();
    checkFound(this.#head, result, { scale, names: this.labels.length, file: this.#file });
    const found = result.detections.map((detection): Detection => ({
      ...detection,
      label: this.labels[detection.classId] ?? `class ${detection.classId}`,
    }));
    const [wait, made] = [arrived - uploaded, performance.now() - arrived];
    this.speed = { preprocess: uploaded - started, inference: wait, postprocess: made };
    observe?.({
      ...{ decode: decoded - started, upload: uploaded - decoded, wait, read: made },
      ...stages && { device: stages },
    });
    return found;
  }

  /** Looks for numbers that f16 does not hold, on a picture, and goes over to f32 where there are some. */
  async #checkRange(image: RgbImage): Promise<void> {
    try {
      await this.#frames.checkRange(image).catch(async (error) => {
        if (!(error instanceof HalfRangeError)) throw error;
        const frames = await this.#makeInFloats!();
        (this.#guard.isDestroyed ? frames : this.#frames).destroy();
        this.#frames = frames;
        warnOfFloats(error, this.#warnings, this.#onWarning);
      });
      this.#isChecked = true;
    } finally {
      // Where it could not be made, the next frame looks again.
      this.#range = undefined;
    }
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

  /**
   * Frees everything; the detector cannot be used afterwards. Frames in flight end in an error that says so. With the CPU engine, a Deno
   * process ends only when its detectors are destroyed.
   */
  destroy(): void {
    this.#guard.destroy();
    this.#frames.destroy();
  }
}
