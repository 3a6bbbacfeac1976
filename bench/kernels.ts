/**
 * Measures the kernels that compete for the steps of a model against one another, on the adapter at hand:
 * `deno run -A bench/kernels.ts [--model yolo11n] [--size 320] [--batch 1] [--rounds 9] [--only "1x1 s1"] [--kernel direct] [--precision f16]
 * [--storage buffer] [--usual] [--json FILE]`.
 *
 * Prints a line for each option of each contest: GPU time (median of interleaved rounds), the median over the rounds of the
 * ratio to what the plan has chosen, the least time, and the estimated cost for each microsecond, which would be the same for all if the estimate were right. The last lines add
 * up what a frame takes by estimate, by the best usual option and by the best of all. `--model` takes a file or a name.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { measureOptions, median } from "../src/engine/measure_kernels.ts";
import { planningFor, storageForm } from "../src/engine/setup.ts";
import { openDevice } from "../src/gpu/device.ts";
import { loadModel } from "../src/host/models.ts";
import { planNetwork } from "../src/detect/plan_network.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "yolo11n" },
    size: { type: "string", default: "320" },
    batch: { type: "string", default: "1" },
    rounds: { type: "string", default: "9" },
    only: { type: "string", default: "" },
    kernel: { type: "string", default: "" },
    precision: { type: "string", default: "f32" },
    storage: { type: "string" },
    usual: { type: "boolean", default: false },
    json: { type: "string" },
  },
});

const device = await openDevice();
const { name, software } = device.adapter;
const form = storageForm(device, {
  precision: values.precision === "f16" ? "f16" : "f32",
  storage: values.storage as "texture" | "buffer" | undefined,
});
console.log(`adapter: ${name}${software ? " (software)" : ""}, ${form.storage}, ${form.scalar}`);
const graph = await loadModel(values.model, {
  size: Number(values.size),
  batch: Number(values.batch),
  untrained: true,
});
const { plan } = planNetwork(graph, planningFor(device, form));

const rows: object[] = [];
const totals = { estimated: 0, usual: 0, best: 0 };
for (const contest of plan.contests.values()) {
  const { key, chosen, count } = contest;
  if (!key.includes(values.only)) continue;
  const options = contest.options.filter((option) =>
    option === chosen || option.kernel.includes(values.kernel) && !(values.usual && option.measured)
  );
  if (options.length < 2) continue;
  const times = await measureOptions(device, plan, options, Number(values.rounds));
  const base = times.find(({ option }) => option === chosen)!;
  console.log(`${count} x ${key}`);
  for (const { option, milliseconds, times: all } of times.toSorted((a, b) => a.milliseconds - b.milliseconds)) {
    const mark = option === chosen ? "*" : option.measured ? " " : "+";
    const ratio = median(all.map((time, round) => time / base.times[round])), least = Math.min(...all);
    rows.push({ key, count, kernel: option.kernel, variant: option.variant, how: mark, milliseconds, ratio, least });
    const columns = [
      `${mark} ${option.kernel} ${option.variant}`.padEnd(48),
      milliseconds.toFixed(3),
      ratio.toFixed(2),
      `least ${least.toFixed(3)}`,
      (option.cost / milliseconds / 1e3).toFixed(0),
    ];
    console.log(`  ${columns.join("  ")}`);
  }
  totals.estimated += count * base.milliseconds;
  totals.usual += count * Math.min(...times.filter(({ option }) => !option.measured).map((one) => one.milliseconds));
  totals.best += count * Math.min(...times.map((one) => one.milliseconds));
}
const sums = Object.entries(totals).map(([what, sum]) => `${what} ${sum.toFixed(2)}`).join(", ");
console.log(`ms of these steps in a frame: ${sums} (* chosen by estimate, + usual, others only by measuring)`);
if (values.json) {
  const { model, size, batch, rounds } = values;
  const record = { adapter: name, date: new Date().toISOString(), form, model, size, batch, rounds, rows };
  await Deno.writeTextFile(values.json, JSON.stringify(record, null, 1) + "\n");
}
device.device.destroy();
