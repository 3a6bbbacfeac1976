/**
 * `family`: what every detector that can be built by name costs and takes, as one page.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { syntheticPicture } from "../data/synthetic.ts";
import { Detector } from "../detect/detector.ts";
import { countCosts } from "../eval/costs.ts";
import { measureLatency } from "../eval/measure_latency.ts";
import { type Device, sharedDevice } from "../gpu/device.ts";
import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";
import { DETECTORS } from "../models/named.ts";
import type { Precision } from "../engine/session.ts";
import { storageForm } from "../engine/setup.ts";
import { inputSize, integerIn } from "./arguments.ts";
import { precisionOption } from "./detection_options.ts";
import { type FamilyMember, familyPage, familyRows, type FamilyTable, type MemberLatency } from "./family_page.ts";
import { readTuning } from "../host/tuning_store.ts";
import { action, deviceAction, deviceVerb } from "./verb.ts";

/** The page that lists every member. */
export const FAMILY_PAGE = new URL("../../docs/family.md", import.meta.url);

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
  const tuning = readTuning({ ...storageForm(device, { precision }), adapter: device.adapter.name });
  const detector = await Detector.load(graph, { precision, tuning });
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

/** The verb `family`. */
export const familyVerb = deviceVerb(
  "family",
  "Count and time every detector that is built by name, and write docs/family.md.",
  "deno task family --size 320",
)
  .option("--models <names...>", "only these members; the page is not written then")
  .option("--size <pixels>", "side of the square input", inputSize, 320)
  .addOption(precisionOption())
  .option("--no-latency", "only count, without a device; the page is not written then")
  .option("--runs <number>", "samples of each time", integerIn(1, 10_000), 10)
  .action(async (options) => {
    const run = options.latency ? deviceAction<typeof options> : action<typeof options>;
    await run(async ({ models, size, precision, latency, runs }, output) => {
      const names = memberNames(models);
      const device = latency ? await sharedDevice() : undefined;
      const { storage } = device ? storageForm(device, { precision }) : { storage: "buffer" as const };
      const members: FamilyMember[] = [];
      for (const name of names) {
        const graph = DETECTORS[name]({ size });
        const member = memberOf(name, graph, { precision, storage });
        const times = device && await latencyOf(graph, member.gflops, { device, precision, runs });
        members.push({ ...member, ...(times && { latency: times }) });
        output.note(`${name}: ${member.gflops.toFixed(2)} GFLOPs${times ? ` in ${times.detect.toFixed(1)} ms` : ""}`);
      }
      const adapter = device && { name: device.adapter.name, software: device.adapter.software };
      const table: FamilyTable = { size, precision, storage, ...(adapter && { adapter }), members };
      output.line(familyRows(table));
      if (device && models === undefined) {
        await Deno.writeTextFile(FAMILY_PAGE, familyPage(table));
        output.note(`written: ${fileURLToPath(FAMILY_PAGE)}`);
      }
      return table;
    })(options);
  });
