/** `compress`: targets, the ladder, in which order candidates are made, when it ends, and that it goes on. */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { join } from "node:path";
import { checkOptions } from "../../src/cli/step_verbs.ts";
import { FeatherdetError } from "../../src/graph/mod.ts";
import { jobId } from "../../src/queue/job.ts";
import { compress, type CompressOptions } from "../../src/recipes/compress/compress.ts";
import {
  cutShares,
  expectedCosts,
  type OriginalModel,
  outOfReach,
  readLadder,
  type Rung,
  sizeOf,
} from "../../src/recipes/compress/ladder.ts";
import { makeByQueue } from "../../src/recipes/jobs/make.ts";
import { jobHandler } from "../../src/recipes/jobs/mod.ts";
import { learnedPace, stepSeconds } from "../../src/recipes/compress/pace.ts";
import { writeReport } from "../../src/recipes/compress/report.ts";
import { parseTarget, targetText, unmet } from "../../src/recipes/compress/targets.ts";
import { inCompression, pretendVerb } from "../support/compress_case.ts";
import { put } from "../support/data_folders.ts";
import { instantQueue } from "../support/instant_queue.ts";

Deno.test("targets: shares and figures themselves, gains and costs, and what is none", () => {
  for (const text of ["map50=0.98", "gflops=abs:1.2", "latency=0.3@jetson-orin-nano", "latency=0.5", "bytes=0.07"]) {
    assertEquals(targetText(parseTarget(text)), text);
  }
  const refuses = (text: string, says: string) => assertThrows(() => parseTarget(text), FeatherdetError, says);
  refuses("map5=0.9", '"map5=0.9" is no target: expected map, map50, gflops');
  refuses("map50=-1", "is no target");
  refuses("gflops=0.5@jetson-nano", "only latency is of a device");
  refuses("latency=0.5@toaster", 'unknown device "toaster", there are');
  const targets = ["map50=0.9", "gflops=0.5", "bytes=abs:100"].map(parseTarget),
    original = { map50: 0.8, gflops: 2, bytes: 900 };
  const misses = (figures: Record<string, number>) => unmet(targets, figures, original).map(targetText);
  assertEquals(misses({ map50: 0.72, gflops: 1, bytes: 100 }), []);
  assertEquals(misses({ map50: 0.719, gflops: 1.01, bytes: 101 }), ["map50=0.9", "gflops=0.5", "bytes=abs:100"]);
  assertEquals(misses({ gflops: 0 }), ["map50=0.9", "bytes=abs:100"]);
});

/** YOLO11n on BCCD: 2.59 million parameters in 10.53 MB. */
const BCCD: OriginalModel = {
  ...{ size: 320, parameters: 2590425, fileBytes: 10530911 },
  figures: { gflops: 1.578, bytes: 10530911, parameters: 2590425 },
};

Deno.test("what is expected of candidates: published files are near it, and targets out of reach are told", async () => {
  const rungs = await readLadder(), of = (id: string) => rungs.find((one) => one.id === id)!;
  const targets = ["gflops=0.25", "bytes=0.07", "map50=0.98"].map(parseTarget);
  // data/results/bccd/table.csv: int8 alone 0.261 of the bytes, ternary 0.089.
  assertAlmostEquals(expectedCosts(of("int8"), BCCD, targets).bytes, 0.261, 0.02);
  assertAlmostEquals(expectedCosts(of("ternary"), BCCD, targets).bytes, 0.089, 0.02);
  assertEquals(sizeOf(of("taught"), BCCD, targets), 288);
  assertEquals(sizeOf(of("small-int8"), BCCD, targets), 160);
  // The share of the operations that a cut may leave is greater at a smaller input.
  assertAlmostEquals(
    cutShares(of("taught"), BCCD, targets).gflops! * 0.81,
    cutShares(of("cut"), BCCD, targets).gflops!,
    1e-9,
  );
  assert(cutShares(of("cut"), BCCD, targets).gflops! < 0.25);
  const told = (id: string) => outOfReach(of(id), BCCD, targets).map(targetText);
  assertEquals(told("int8"), ["gflops=0.25", "bytes=0.07"]);
  assertEquals(told("small-int8"), ["bytes=0.07"]);
  assertEquals([told("cut-int8"), told("taught-int8"), told("taught-ternary"), told("shallow-int8")], [[], [], [], []]);
  // Without costs to meet a cut leaves half.
  assertEquals(cutShares(of("cut"), BCCD, [parseTarget("map50=0.9")]), { gflops: 0.5 });
  assertEquals(cutShares(of("cut"), BCCD, [parseTarget("latency=0.6")]).gflops, 0.6 * 0.98);
});

Deno.test("seconds follow from pictures, epochs and operations, and the pace from what was timed", () => {
  const work = { trained: 200, validated: 80, original: 2, candidate: 0.5 };
  const seconds = (epochs: number, pace: number) =>
    stepSeconds({ verb: "train", options: { epochs, valEvery: 2 } }, work, pace);
  const twice = (seconds(20, 1) - seconds(10, 1)) * 2;
  assertAlmostEquals(seconds(40, 1) - seconds(20, 1), twice, 1e-9);
  assertAlmostEquals(seconds(20, 2) - seconds(20, 1), seconds(20, 1) - seconds(20, 0), 1e-9);
  // Parts are scored in each round before layers go: forward passes of the original on 64 pictures.
  const cut = (options: Record<string, number>) =>
    stepSeconds({ verb: "prune", options: { gflops: 0.5, ...options } }, work, 1);
  assertAlmostEquals(cut({ layers: 0.7 }) - cut({}), 40 * 64 * 2 / 3, 1e-9);
  assertAlmostEquals(
    cut({ layers: 0.7, rounds: 2 }) - cut({ rounds: 2 }),
    2 * (cut({ layers: 0.7 }) - cut({})),
    1e-9,
  );
  assertEquals(learnedPace(0.3, [{ expected: 100, seconds: 50 }, { expected: 5, seconds: null }]), 0.15);
  assertEquals(learnedPace(0.3, []), 0.3);
});

/** Figures by model: int8 alone loses nothing and is too large, the cut is bad in float and good in int8. */
const MAP50: Readonly<Record<string, number>> = { original: 0.9, int8: 0.9, cut: 0.5, "cut-int8": 0.89 };
const BYTES: Readonly<Record<string, number>> = { original: 1e6, int8: 3e5, cut: 2e5, "cut-int8": 6e4 };

function faked(
  place: { set: string; model: string; ladder: string; out: string },
  told: string[] = [],
): CompressOptions {
  return {
    ...{ model: place.model, data: place.set, ladder: place.ladder, out: place.out, checkOptions, software: true },
    targets: ["map50=0.98", "gflops=0.5"],
    run(verb, words) {
      told.push(
        `${verb} ${words[words.indexOf("--out") + 1].split(/[\\/]/).slice(-2).join("/")}`.replace(/-seed.*\//, "/"),
      );
      return pretendVerb(verb, words);
    },
    measure(id, { dataset }) {
      told.push(`measure ${id} on ${dataset.split}`);
      const gflops = id.startsWith("cut") ? 0.5 : 1;
      const figures = { map50: MAP50[id], map: MAP50[id] / 2, gflops, bytes: BYTES[id], parameters: 1 };
      return Promise.resolve({ figures, counted: {}, storage: null });
    },
  };
}

Deno.test("candidates are made with their parents, cheapest first, until one meets all targets; the same call then only tells", () =>
  inCompression(async (place) => {
    const told: string[] = [], options = faked(place, told);
    const made = await compress(options);
    assertEquals([made.reason, made.chosen], ["met", "cut-int8"]);
    assertEquals(told, [
      "measure original on val",
      "prune cut/step-1.onnx",
      "measure cut on val",
      "quantize cut-int8/step-1.onnx",
      "measure cut-int8 on val",
      "measure original on test",
      "measure cut-int8 on test",
    ]);
    assertEquals(made.plan.find(({ id }) => id === "int8")?.why, "it cannot meet gflops=0.5");
    assertEquals(made.models.map(({ id, unmet }) => [id, unmet]), [
      ["original", ["gflops=0.5"]],
      ["cut", ["map50=0.98"]],
      ["cut-int8", []],
    ]);
    assertEquals(made.models[2].shares.bytes, 0.06);
    assertEquals(Object.keys(made.tested), ["original", "cut-int8"]);

    const again = await compress({ ...options, run: () => Promise.reject(new Error("nothing is to be made")) });
    assertEquals([again.reason, again.chosen, told.length], ["met", "cut-int8", 7]);
    assertEquals(again.models, made.models);

    const exports = [{ target: "ort", file: join(place.out, "exports", "a.onnx") }, { target: "ncnn", fault: "no" }];
    const files = await writeReport(made, { folder: place.out, data: place.set, exports, adapter: "nothing" });
    const page = await Deno.readTextFile(files[0]);
    for (
      const text of [
        '"cut, int8" meets map50=0.98, gflops=0.5',
        "0.989",
        "deno task reproduce --data",
        "- ncnn: not written, no",
        "int8: it cannot meet gflops=0.5",
        "- prune",
      ]
    ) {
      assertStringIncludes(page, text);
    }
    assertEquals(files.map((file) => Deno.readTextFileSync(file).length > 100), [true, true, true]);
  }));

Deno.test("workers make the candidates, which are judged in the same order; what has become needless is called off, but not by a stop", () =>
  inCompression(async (place) => {
    /** A compression whose candidates a queue makes; jobs of `slow` never end. */
    const far = async (out: string, more: Partial<CompressOptions>, slow?: string) => {
      const told: string[] = [];
      const queue = instantQueue(join(place.folder, `${out}-queue`), (own) => {
        const handle = jobHandler(own, { run: pretendVerb, say: () => {} }, join(place.folder, `${out}-worker`));
        return (job) => (job.input as { variant: string }).variant === slow ? new Promise(() => {}) : handle(job);
      });
      const elsewhere = makeByQueue.bind(undefined, queue);
      const made = await compress({ ...faked({ ...place, out: join(place.folder, out) }, told), elsewhere, ...more });
      const cut = queue.jobs.find(({ title }) => title === "cut, seed 0");
      return { made, told, jobs: queue.jobs.length, cancelled: queue.cancelled, cut: cut && jobId(cut) };
    };
    const here = await compress({ ...faked(place), all: true }), { made, told, jobs } = await far("far", { all: true });
    const brief = (
      { reason, chosen, models }: typeof made,
    ) => [reason, chosen, models.map(({ id, figures }) => [id, figures])];
    assertEquals(brief(made), brief(here));
    assertEquals([jobs, told.filter((line) => !line.startsWith("measure"))], [3, []]);

    const easy = { targets: ["map50=0.98"] };
    const met = await far("met", easy, "cut");
    assertEquals([met.made.chosen, met.cancelled], ["int8", [met.cut]]);
    const stop = new AbortController();
    const stopped = await far("stopped", {
      ...easy,
      signal: stop.signal,
      onMeasured: ({ id }) => id === "int8" && stop.abort(),
    }, "cut");
    assertEquals([stopped.made.reason, stopped.jobs, stopped.cancelled], ["interrupted", 2, []]);
  }));

Deno.test("stopped between models it goes on; nothing else may be asked of the folder; hours and --all", () =>
  inCompression(async (place) => {
    const told: string[] = [], stop = new AbortController();
    const options = faked(place, told);
    const stopped = await compress({
      ...{ ...options, signal: stop.signal },
      onMeasured: ({ id }) => id === "cut" && stop.abort(),
    });
    assertEquals([stopped.reason, stopped.models.length, stopped.chosen], ["interrupted", 2, null]);
    const before = told.length;
    const rest = await compress(options);
    assertEquals([rest.reason, rest.chosen], ["met", "cut-int8"]);
    assertEquals(told.slice(before)[0], "quantize cut-int8/step-1.onnx");
    await assertRejects(
      () => compress({ ...options, targets: ["map50=0.5"] }),
      FeatherdetError,
      'compression with another ladder and targets ["map50=0.98","gflops=0.5"], not ["map50=0.5"]',
    );
    await assertRejects(
      () => compress({ ...options, targets: ["map50=0.9", "map50=0.8"] }),
      FeatherdetError,
      "two targets are about map50",
    );

    const all = await compress({ ...options, all: true });
    assertEquals([all.reason, all.models.map(({ id }) => id).sort()], ["met", ["cut", "cut-int8", "int8", "original"]]);
    const short = await compress({ ...options, out: `${place.out}-short`, hours: 0.001 });
    assertEquals([short.reason, short.models.length, short.chosen], ["front", 1, null]);
    assertStringIncludes(
      short.plan.find(({ id }) => id === "cut")!.why!,
      "it takes longer than what is left of 0.001 hours",
    );
  }));

Deno.test("where no candidate meets the targets, the nearest one is named; a dry run makes nothing", () =>
  inCompression(async (place) => {
    const options = { ...faked(place), targets: ["map50=1", "gflops=0.5"] };
    const dry = await compress({ ...options, dryRun: true });
    assertEquals([dry.reason, dry.plan.filter(({ action }) => action === "make").map(({ id }) => id)], ["dry run", [
      "cut",
      "cut-int8",
    ]]);
    assert(dry.plan.every(({ seconds }) => seconds > 0));
    assertRejects(() => Deno.stat(place.out), Deno.errors.NotFound);
    const made = await compress(options);
    assertEquals([made.reason, made.chosen], ["front", "cut-int8"]);
  }));

Deno.test("ladders that cannot be are refused with the file and the field", () =>
  inCompression(async ({ folder, ...place }) => {
    const refuses = async (rung: Partial<Rung>, says: string) => {
      const whole = { id: "a", title: "a", weights: "int8", steps: [{ verb: "quantize", options: {} }], ...rung };
      await put(folder, "ladder.json", JSON.stringify({ candidates: [whole] }));
      await assertRejects(() => compress(faked(place)), FeatherdetError, says);
    };
    await refuses({ weights: "fp8" as "int8" }, "ladder.json: candidates.0.weights: expected float, int8 or ternary");
    await refuses({ size: 2 }, "candidates.0.size: expected a share");
    const step = (options: Record<string, string>) => ({ steps: [{ verb: "quantize" as const, options }] });
    await refuses(step({ calibrate: "{set}" }), 'candidate "a": nobody knows what {set} is, there are data');
    await refuses({ ...step({ calibrat: "x" }), cut: true }, "required option '--model <model>' not specified");
  }));
