/**
 * A detector's frames on the CPU: the letterbox and what stands behind the network are computed here, the network by onnxruntime.
 *
 * @module
 */

import { type CpuOptions, CpuProgram } from "../engine/cpu/cpu_program.ts";
import type { CarriedTensors } from "../engine/cpu/loaded_model.ts";
import type { DeviceGuard } from "../engine/device_guard.ts";
import type { DispatchTime } from "../engine/profile.ts";
import type { AdapterRecord } from "../gpu/adapter.ts";
import { FeatherdetError, type Graph, GraphIndex, withNodes } from "../graph/mod.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import type { ImageResult } from "./decode.ts";
import { keepsAll } from "./frame_dispatches.ts";
import type { BegunPicture, FoundObjects, Frames, RunSettings } from "./frames.ts";
import { checkFound } from "./heads/faults.ts";
import type { Candidates } from "./host/candidates.ts";
import { decodeMaps } from "./host/decode_maps.ts";
import { decodeTensors } from "./host/decode_tensor.ts";
import { suppressCandidates } from "./host/suppress.ts";
import { letterboxTensor } from "./host_letterbox.ts";
import { boxToPicture, type LetterboxGeometry, letterboxGeometry } from "./letterbox.ts";
import type { DetectionModel } from "./open_model.ts";
import { valuesRead } from "./plan_network.ts";
import { cropped, type Rectangle, wholeOf } from "./rectangle.ts";
import { isCut, tilesOf } from "./tiles/grid.ts";
import { mergeTiles, suppressTiles, type TileDetection } from "./tiles/merge.ts";

/** Tiles whose tensors are in memory together: onnxruntime has the next one while the host reads the last. */
const IN_FLIGHT = 2;

/** A detector's network in onnxruntime. */
export class CpuFrames implements Frames {
  readonly dispatchCount = 0;
  readonly bytes = 0;
  readonly text = "f32 on the CPU";
  readonly graph: Graph;
  readonly #program: CpuProgram;
  readonly #model: DetectionModel;
  readonly #guard: DeviceGuard;

  private constructor(graph: Graph, program: CpuProgram, model: DetectionModel, guard: DeviceGuard) {
    this.graph = graph;
    this.#program = program;
    this.#model = model;
    this.#guard = guard;
  }

  /** Hands the network to onnxruntime. Throws FeatherdetError as `CpuProgram.create` does. */
  static async create(model: DetectionModel, guard: DeviceGuard, options?: CpuOptions): Promise<CpuFrames> {
    const { graph, head } = model;
    const network = withNodes({ ...graph, outputs: valuesRead(head) }, graph.nodes);
    return new CpuFrames(network, await CpuProgram.create(network, options), model, guard);
  }

  /** What computes. */
  get adapter(): AdapterRecord {
    return this.#program.adapter;
  }

  /** There are no others. */
  ready(): Promise<void> {
    return Promise.resolve();
  }

  // What is thrown here rejects, as where pictures have to wait for each other.
  // deno-lint-ignore require-await
  async begin(image: RgbImage, { tiles, signal }: RunSettings): Promise<BegunPicture> {
    this.#guard.check();
    const [{ shape: [, , height, width] }] = this.graph.inputs, input = [height, width] as const;
    if (tiles === undefined || !isCut(tiles, image, input)) {
      const { uploaded, arrival } = this.#submit(image);
      const found = this.#guard.arrival(arrival);
      return { uploaded, found: found.then(({ detections }) => ({ detections, arrived: performance.now() })) };
    }
    const views = [...tilesOf(tiles, image, input), ...(tiles.whole ? [wholeOf(image)] : [])];
    const found = this.#tiles(image, views, signal).then((all): FoundObjects => ({
      detections: tiles.merge === "nms" ? suppressTiles(all, this.#model.settings.iou) : mergeTiles(all, image),
      arrived: performance.now(),
    }));
    return { uploaded: performance.now(), found };
  }

  /** Hands over one picture. */
  #submit(image: RgbImage) {
    const { head, labels, file } = this.#model;
    const [{ name, shape: [, , height, width] }] = this.graph.inputs;
    const geometry = letterboxGeometry(image.width, image.height, width, height);
    const input = letterboxTensor(image, width, height);
    const uploaded = performance.now();
    const arrival = this.#program.run({ [name]: input }).then((outputs) => {
      const result = this.#detections(outputs, geometry, image);
      checkFound(head, result, { scale: geometry.scale, names: labels.length, file });
      return result;
    });
    return { uploaded, arrival };
  }

  /** What parts of a picture show, in pixels of the picture. */
  async #tiles(image: RgbImage, views: readonly Rectangle[], signal?: AbortSignal): Promise<TileDetection[]> {
    const found: TileDetection[] = [], waiting: Promise<void>[] = [];
    for (const [tile, view] of views.entries()) {
      signal?.throwIfAborted();
      this.#guard.check();
      const read = this.#guard.arrival(this.#submit(cropped(image, view)).arrival).then(({ detections }) => {
        const { left, top } = view;
        found.push(...detections.map(({ box: [x1, y1, x2, y2], score, classId }): TileDetection => ({
          ...{ box: [left + x1, top + y1, left + x2, top + y2], score, classId, tile, view },
        })));
      });
      // A failure is thrown where it is awaited.
      read.catch(() => {});
      waiting.push(read);
      if (waiting.length >= IN_FLIGHT) await waiting.shift();
    }
    await Promise.all(waiting);
    return found;
  }

  #candidates(outputs: CarriedTensors): Candidates {
    const { head, settings: { confidence, multiLabel } } = this.#model;
    const { anchors, classes } = head;
    const settings = { anchors, classes, confidence, multiLabel };
    const numbers = (value: string) => outputs[value].data as Float32Array;
    if (head.form === "maps") {
      const index = GraphIndex.of(this.graph);
      const levels = head.maps.levels.map(({ boxes, classes, stride }) => {
        const [, , height, width] = index.shapeOf(classes);
        return { boxes: numbers(boxes), classes: numbers(classes), height, width, stride };
      });
      return decodeMaps(levels, settings);
    }
    const { layout, fixedBoxes } = head;
    const [, , height, width] = this.graph.inputs[0].shape;
    return decodeTensors({
      boxes: fixedBoxes ?? numbers(head.boxes),
      scores: head.scores === undefined ? undefined : numbers(head.scores),
      layout,
      inputSize: [height, width],
    }, settings);
  }

  #detections(outputs: CarriedTensors, geometry: LetterboxGeometry, image: RgbImage): ImageResult {
    const candidates = this.#candidates(outputs);
    const { scores, keys, boxes, faults, exchanged } = candidates;
    const { head, settings: { iou, maxDetections } } = this.#model;
    const { classes } = head;
    const kept = suppressCandidates(candidates, {
      classes,
      iou: keepsAll(head) ? undefined : iou,
      maxDetections,
    });
    const detections = kept.map((candidate) => {
      const at = 4 * Math.floor(keys[candidate] / classes);
      const corners = [boxes[at], boxes[at + 1], boxes[at + 2], boxes[at + 3]] as const;
      return {
        box: boxToPicture(corners, geometry, image),
        score: scores[candidate],
        classId: keys[candidate] % classes,
      };
    });
    return { detections, candidates: scores.length, faults, exchanged };
  }

  profile(): Promise<DispatchTime[]> {
    return Promise.reject(new FeatherdetError("the CPU engine has no dispatches whose times could be taken"));
  }

  destroy(): void {
    this.#program.end();
  }
}
