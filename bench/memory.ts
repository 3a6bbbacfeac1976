/**
 * YOLO11 within limits of device memory: n to x, batches of 1 to 16, 64, 128 and 256 MB. Either it runs within the limit, or it is refused
 * with the least that it needs.
 *
 * `deno run -A bench/memory.ts [--size 640] [--only n] [--measure 1,2,4]`
 *
 * Every case is planned as `Session` plans it. Those of n and s with the batches of `--measure` are also run, and the bytes of all buffers
 * and textures are read off. Rows that `bench/results/memory.json` holds are kept. Weights are random, which changes no size.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { chooseWithin, halvedBatches, megabytes, type MemoryChoice } from "../src/engine/memory_limit.ts";
import { Session } from "../src/engine/session.ts";
import { type PlannedRunning, runningChoices } from "../src/engine/session_running.ts";
import { adoptDevice, type Device, openSharedDevice } from "../src/gpu/device.ts";
import { FeatherdetError, type Graph } from "../src/graph/mod.ts";
import { writeWhole } from "../src/host/whole_file.ts";
import { yolo11, type Yolo11Scale } from "../src/models/yolo11.ts";
import { foldBatchNormalization, withBatch } from "../src/passes/mod.ts";
import { buildPlan } from "../src/plan/plan.ts";

const SCALES: readonly Yolo11Scale[] = ["n", "s", "m", "l", "x"];
const BATCHES = [1, 2, 4, 8, 16], LIMITS = [64e6, 128e6, 256e6];

/** A case, planned and perhaps measured. */
interface Row {
  readonly model: string;
  readonly batch: number;
  readonly limit: number;
  /** What is chosen; undefined where it is refused. */
  readonly chosen?: string;
  /** Bytes at most, by the plan. */
  readonly planned?: number;
  /** Bytes of all buffers and textures behind two runs that were on their way together. */
  readonly measured?: number;
  /** The sentence of a refusal. */
  readonly refused?: string;
}

/** Activations of one run beside the least that any plan needs. */
interface Activations {
  readonly model: string;
  readonly storage: string;
  readonly precision: string;
  readonly planned: number;
  readonly lowerBound: number;
}

interface RecordOfMemory {
  readonly date: string;
  readonly adapter: string;
  readonly size: number;
  readonly choosing: Readonly<Record<string, number>>;
  readonly activations: readonly Activations[];
  readonly rows: readonly Row[];
}

/** Choices for every batch; what is planned for so many images at once serves all of them. */
function choicesFor(device: Device, graph: Graph): (batch: number) => MemoryChoice<unknown>[] {
  const most = Math.max(...BATCHES);
  const all = runningChoices(device, withBatch(graph, most), {});
  const planned = new Map<string, ReturnType<MemoryChoice<PlannedRunning>["plan"]> | FeatherdetError>();
  const keyOf = (text: string) => {
    const [form, images] = /^(.*?)(?:, (\d+) of \d+ images at once)?$/.exec(text)!.slice(1);
    return { form, images: Number(images ?? most) };
  };
  for (const { text, plan } of all) {
    const { form, images } = keyOf(text);
    try {
      planned.set(`${form} ${images}`, plan());
    } catch (error) {
      if (!(error instanceof FeatherdetError)) throw error;
      planned.set(`${form} ${images}`, error);
    }
  }
  const forms = [...new Set(all.map(({ text }) => keyOf(text).form))];
  return (batch) =>
    forms.flatMap((form) =>
      halvedBatches(batch).map((images) => ({
        text: images === batch ? form : `${form}, ${images} of ${batch} images at once`,
        plan: () => {
          const known = planned.get(`${form} ${images}`)!;
          if (known instanceof FeatherdetError) throw known;
          return known;
        },
      }))
    );
}

async function measured(device: Device, graph: Graph, memoryLimit: number): Promise<number> {
  const session = await Session.create(graph, { device: device.device, memoryLimit });
  try {
    const [{ name, shape }] = graph.inputs;
    const inputs = { [name]: { shape, data: new Float32Array(shape.reduce((a, b) => a * b)).fill(0.5) } };
    await Promise.all([session.run(inputs), session.run(inputs)]);
    return session.bytes;
  } finally {
    session.destroy();
  }
}

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "640" },
    only: { type: "string" },
    measure: { type: "string", default: "1,2,4" },
    out: { type: "string", default: new URL("./results/memory.json", import.meta.url).pathname },
  },
});
const size = Number(values.size), toMeasure = values.measure.split(",").map(Number);
const device = await adoptDevice((await openSharedDevice()).device);
const kept: RecordOfMemory | undefined = await Deno.readTextFile(values.out).then(JSON.parse, () => undefined);
const rows: Row[] = [...kept?.rows ?? []], activations: Activations[] = [...kept?.activations ?? []];
const choosing: Record<string, number> = { ...kept?.choosing };

async function save(): Promise<void> {
  const { name: adapter } = device.adapter;
  const record: RecordOfMemory = { date: new Date().toISOString(), adapter, size, choosing, activations, rows };
  await writeWhole(values.out, new TextEncoder().encode(`${JSON.stringify(record, undefined, 1)}\n`));
}

for (const scale of SCALES) {
  if (values.only !== undefined && scale !== values.only) continue;
  const model = `yolo11${scale}`;
  const graph = foldBatchNormalization(yolo11({ scale, size }));
  if (!rows.some((row) => row.model === model)) {
    for (const storage of ["texture", "buffer"] as const) {
      for (const scalar of ["f32", "f16"] as const) {
        const { memory } = buildPlan(graph, { form: { storage, scalar }, maxPages: Infinity, hostUsesCells: true });
        const { planned, lowerBound } = memory;
        activations.push({ model, storage, precision: scalar, planned, lowerBound });
      }
    }
    const started = performance.now();
    const choices = choicesFor(device, graph);
    choosing[model] = performance.now() - started;
    for (const batch of BATCHES) {
      for (const limit of LIMITS) {
        try {
          const { text, bytes } = chooseWithin(choices(batch), limit, "the model", model);
          rows.push({ model, batch, limit, chosen: text, planned: bytes });
        } catch (error) {
          if (!(error instanceof FeatherdetError)) throw error;
          rows.push({ model, batch, limit, refused: error.message });
        }
      }
    }
    await save();
  }
  if (scale !== "n" && scale !== "s") continue;
  for (const [at, row] of rows.entries()) {
    if (row.model !== model || !toMeasure.includes(row.batch) || row.chosen === undefined || row.measured) continue;
    const bytes = await measured(device, withBatch(graph, row.batch), row.limit);
    rows[at] = { ...row, measured: bytes };
    console.error(`${model} batch ${row.batch} in ${megabytes(row.limit)}: ${row.chosen}, ${megabytes(bytes)}`);
    await save();
  }
}
for (const row of rows) {
  const what = row.refused ?? `${row.chosen}: ${megabytes(row.planned!)} planned` +
      (row.measured === undefined ? "" : `, ${megabytes(row.measured)} measured`);
  console.log(`${row.model} batch ${row.batch} in ${megabytes(row.limit)}: ${what}`);
}
