/**
 * A detector's frames on the CPU: the letterbox and what stands behind the network are computed here, the network by onnxruntime.
 *
 * @module
 */

import { type CpuOptions, CpuProgram } from "../engine/cpu/cpu_program.ts";
import type { CarriedTensors } from "../engine/cpu/loaded_model.ts";
import type { DispatchTime } from "../engine/profile.ts";
import type { AdapterRecord } from "../gpu/adapter.ts";
import { FeatherdetError, type Graph, GraphIndex, withNodes } from "../graph/mod.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import type { ImageResult } from "./decode.ts";
import { keepsAll } from "./frame_dispatches.ts";
import type { Frames, FrameSettings, SubmittedFrame } from "./frames.ts";
import type { Head } from "./heads/form.ts";
import type { Candidates } from "./host/candidates.ts";
import { decodeMaps } from "./host/decode_maps.ts";
import { decodeTensors } from "./host/decode_tensor.ts";
import { suppressCandidates } from "./host/suppress.ts";
import { letterboxTensor } from "./host_letterbox.ts";
import { boxToPicture, type LetterboxGeometry, letterboxGeometry } from "./letterbox.ts";
import { valuesRead } from "./plan_network.ts";

/** A detector's network in onnxruntime. */
export class CpuFrames implements Frames {
  readonly dispatchCount = 0;
  readonly bytes = 0;
  readonly graph: Graph;
  readonly #program: CpuProgram;
  readonly #head: Head;
  readonly #settings: FrameSettings;

  private constructor(graph: Graph, program: CpuProgram, head: Head, settings: FrameSettings) {
    this.graph = graph;
    this.#program = program;
    this.#head = head;
    this.#settings = settings;
  }

  /** Hands the network to onnxruntime. Throws FeatherdetError as `CpuProgram.create` does. */
  static async create(graph: Graph, head: Head, settings: FrameSettings, options?: CpuOptions): Promise<CpuFrames> {
    const network = withNodes({ ...graph, outputs: valuesRead(head) }, graph.nodes);
    return new CpuFrames(network, await CpuProgram.create(network, options), head, settings);
  }

  /** What computes. */
  get adapter(): AdapterRecord {
    return this.#program.adapter;
  }

  submit(image: RgbImage): SubmittedFrame {
    const [{ name, shape }] = this.graph.inputs;
    const [, , height, width] = shape;
    const geometry = letterboxGeometry(image.width, image.height, width, height);
    const input = letterboxTensor(image, width, height);
    const uploaded = performance.now();
    const arrival = this.#program.run({ [name]: input }).then((outputs) => ({
      result: this.#detections(outputs, geometry, image),
    }));
    return { scale: geometry.scale, uploaded, arrival };
  }

  #candidates(outputs: CarriedTensors): Candidates {
    const head = this.#head;
    const { anchors, classes } = head;
    const { confidence, multiLabel } = this.#settings;
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
    const { classes } = this.#head;
    const { iou, maxDetections } = this.#settings;
    const kept = suppressCandidates(candidates, {
      classes,
      iou: keepsAll(this.#head) ? undefined : iou,
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

  checkRange(): Promise<void> {
    return Promise.resolve();
  }

  profile(): Promise<DispatchTime[]> {
    return Promise.reject(new FeatherdetError("the CPU engine has no dispatches whose times could be taken"));
  }

  destroy(): void {
    this.#program.end();
  }
}
