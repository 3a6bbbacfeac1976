/**
 * Counts and times every detector that can be built by name, on this adapter.
 *
 * @module
 */

import { syntheticPicture } from "../data/synthetic.ts";
import { Detector } from "../detect/detector.ts";
import { type Precision, storageForm } from "../engine/setup.ts";
import { countCosts } from "../eval/costs.ts";
import { detectorEntrant, measureInRounds } from "../eval/measure_rounds.ts";
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

/** Times of all members, taken in turn, round by round. */
async function latencies(
  members: readonly FamilyMember[],
  { device, size, precision, runs, say }: Pick<FamilyOptions, "size" | "precision" | "runs"> & {
    readonly device: Device;
    readonly say?: (line: string) => void;
  },
): Promise<MemberLatency[]> {
  const { image } = syntheticPicture({ seed: 7, width: 640, height: 480 });
  const tuning = tuningFor(device, { precision });
  const times = await measureInRounds(
    members.map(({ model }) => async () =>
      detectorEntrant(await Detector.load(DETECTORS[model]({ size }), { precision, tuning }), image)
    ),
    { rounds: runs, onGroup: (group) => say?.(`latency of ${group.map((i) => members[i].model).join(", ")}`) },
  );
  return times.map(({ detect, gpu }, i) => ({
    detect: detect.median,
    ...(gpu && { gpu: gpu.median }),
    gflopsPerSecond: members[i].gflops / (gpu ?? detect).median * 1e3,
  }));
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
  const counted = names.map((name) => memberOf(name, DETECTORS[name]({ size }), { precision, storage }));
  const times = device && await latencies(counted, { device, size, precision, runs, say });
  const members = counted.map((member, i): FamilyMember => ({ ...member, ...(times && { latency: times[i] }) }));
  for (const { model, gflops, latency } of members) {
    say?.(`${model}: ${gflops.toFixed(2)} GFLOPs${latency ? ` in ${latency.detect.toFixed(1)} ms` : ""}`);
  }
  const adapter = device && { name: device.adapter.name, software: device.adapter.software };
  return { size, precision, storage, ...(adapter && { adapter }), members };
}
