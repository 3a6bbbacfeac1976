/**
 * Measures networks on this adapter dispatch by dispatch, for a model of its times.
 *
 * @module
 */

import { syntheticPicture } from "../../data/synthetic.ts";
import { Detector } from "../../detect/detector.ts";
import { planFrame } from "../../detect/plan_model.ts";
import { setUpEngine } from "../../engine/setup.ts";
import { measureFrameTimes } from "../../eval/frame_times.ts";
import { FeatherdetError } from "../../graph/error.ts";
import type { Graph } from "../../graph/graph.ts";
import { shaderHash } from "../../kernels/shader_hash.ts";
import { describeDispatch } from "./describe.ts";
import { ADAPTER_FORMAT, type AdapterMeasurements, type MeasuredNetwork, planningOf } from "./record.ts";

/** A network to measure: a detector. */
export interface NetworkToMeasure extends Pick<MeasuredNetwork, "name" | "scalar" | "separate"> {
  /** The network. */
  readonly graph: Graph;
}

/** The picture that frames begin with. */
const PICTURE = { width: 640, height: 480 };

/**
 * Times frames of detectors in turn. `setting` says for people under which conditions, such as the threads of a software adapter. Throws
 * FeatherdetError for an adapter without timestamp queries, and for networks that are no detectors with YOLO11's head.
 */
export async function measureNetworks(
  networks: readonly NetworkToMeasure[],
  { rounds, setting }: { readonly rounds: number; readonly setting: string },
): Promise<AdapterMeasurements> {
  const kinds: string[] = [], shaders: Record<string, string> = {}, detectors: Detector[] = [];
  const { device, planning } = await setUpEngine({});
  try {
    const described: { kind: number; work: readonly number[]; label: string }[][] = [];
    for (const { name, graph, scalar, separate } of networks) {
      const { plan, dispatches } = planFrame(graph, { ...planning, form: { ...planning.form, scalar }, separate });
      described.push(dispatches.map((dispatch) => {
        const { kind, shader, work } = describeDispatch(dispatch, plan);
        shaders[shader] = shaderHash(shader);
        if (!kinds.includes(kind)) kinds.push(kind);
        return { kind: kinds.indexOf(kind), work, label: dispatch.kernel.label };
      }));
      detectors.push(await Detector.load(graph, { precision: scalar, separate, file: name }));
    }
    const { image } = syntheticPicture({ seed: 7, ...PICTURE });
    const times = await measureFrameTimes(detectors, image, rounds);
    return {
      ...{ format: ADAPTER_FORMAT, adapter: device.adapter.name, date: new Date().toISOString(), setting, rounds },
      ...{ picture: PICTURE, planning: planningOf(planning), shaders, kinds },
      networks: networks.map(({ name, scalar, separate }, i): MeasuredNetwork => {
        const { detect: { median, min }, dispatches } = times[i];
        const isPlanned = described[i].map(({ label }) =>
          label
        ).join() === dispatches.map(({ kernel }) => kernel).join();
        if (!isPlanned) throw new FeatherdetError(`"${name}" runs other dispatches than were planned`);
        return {
          ...{ name, scalar, separate, frame: { median, min } },
          dispatches: described[i].map(({ kind, work }, at) => ({ kind, work, milliseconds: dispatches[at].min })),
        };
      }),
    };
  } finally {
    for (const detector of detectors) detector.destroy();
  }
}
