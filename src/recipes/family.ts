/**
 * Counts and times every detector that can be built by name, on this adapter.
 *
 * @module
 */

import { syntheticPicture } from "../data/synthetic.ts";
import { Detector } from "../detect/detector.ts";
import { type Precision, storageForm } from "../engine/setup.ts";
import { countCosts } from "../eval/costs.ts";
import { measureLatency } from "../eval/measure_latency.ts";
import { type Device, openSharedDevice } from "../gpu/device.ts";
import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";
import { tuningFor } from "../host/tuning_store.ts";
import { DETECTORS } from "../models/named.ts";
import type { FamilyMember, FamilyTable, MemberLatency } from "../report/family_page.ts";

/** What is measured of the family. */
export interface FamilyOptions {
  /** Names of members; all by default. */
  readonly models?: readonly string[];
  /** Side of the square input. */
  readonly size: number;
  /** Element type of weights and activations. */
  readonly precision: Exclude<Precision, "int8">;
  /** Samples of each time. */
  readonly runs: number;
  /** Measures times; false only counts, without a device. */
  readonly latency: boolean;
}

/** What a member costs: everything about it that is counted. */
export function memberOf(
  model: string,
  graph: Graph,
  form: Pick<FamilyTable, "precision" | "storage">,
): FamilyMember {
  const { parameters, weightBytes, flops, layers, dispatches, activationPeak } = countCosts(graph, form);
  const activationBytes = activationPeak.planned;
  return { model, parameters, bytes: weightBytes, gflops: flops / 1e9, layers, dispatches, activationBytes };
}

async function latencyOf(
  graph: Graph,
  gflops: number,
  { device, precision, runs }: { device: Device; precision: Precision; runs: number },
): Promise<MemberLatency> {
  const detector = await Detector.load(graph, { precision, tuning: tuningFor(device, { precision }) });
  try {
    const { image } = syntheticPicture({ seed: 7, width: 640, height: 480 });
    const { detect, gpu } = await measureLatency(detector, image, { runs });
    const gflopsPerSecond = gflops / (gpu ?? detect).median * 1e3;
    return { detect: detect.median, ...(gpu && { gpu: gpu.median }), gflopsPerSecond };
  } finally {
    detector.destroy();
  }
}

/** Names of members; throws FeatherdetError for one that does not exist. */
function memberNames(asked: readonly string[] | undefined): readonly string[] {
  const all = Object.keys(DETECTORS);
  const unknown = asked?.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    throw new FeatherdetError(`"${unknown}" is no member of the family, which is ${all.join(", ")}`);
  }
  return asked ?? all;
}

/** Counts and times members, telling each in a line. Throws FeatherdetError for a member that does not exist. */
export async function measureFamily(options: FamilyOptions, say?: (line: string) => void): Promise<FamilyTable> {
  const { models, size, precision, runs, latency } = options;
  const names = memberNames(models);
  const device = latency ? await openSharedDevice() : undefined;
  const { storage } = device ? storageForm(device, { precision }) : { storage: "buffer" as const };
  const members: FamilyMember[] = [];
  for (const name of names) {
    const graph = DETECTORS[name]({ size });
    const member = memberOf(name, graph, { precision, storage });
    const times = device && await latencyOf(graph, member.gflops, { device, precision, runs });
    members.push({ ...member, ...(times && { latency: times }) });
    say?.(`${name}: ${member.gflops.toFixed(2)} GFLOPs${times ? ` in ${times.detect.toFixed(1)} ms` : ""}`);
  }
  const adapter = device && { name: device.adapter.name, software: device.adapter.software };
  return { size, precision, storage, ...(adapter && { adapter }), members };
}
