/** Result tables written from figures made up here, against text and ratios worked out by hand. */

import { assert, assertAlmostEquals, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
// @ts-types="npm:@types/d3-dsv@3.0.7"
import { csvParse } from "npm:d3-dsv@3.0.2";
import { FeatherdetError } from "../../src/graph/error.ts";
import { combinationTable, stepTable } from "../../src/report/table/compare.ts";
import { CHANGING_COLUMNS, renderCsv } from "../../src/report/table/csv.ts";
import { derived, type Figure, mapped, meanOf, ratio } from "../../src/report/table/figure.ts";
import { ROLE_COLOURS } from "../../src/report/table/format.ts";
import { renderMarkdown } from "../../src/report/table/markdown.ts";
import { drawResultPareto, paretoPoints } from "../../src/report/table/plots.ts";
import { PUBLISHED_COMBINATIONS, PUBLISHED_MODELS, publishedRatio } from "../../src/report/table/published.ts";
import { readResults } from "../../src/report/table/read.ts";
import { removeTimings, type ResultRow, type TableResults } from "../../src/report/table/results.ts";
import { VARIANT_ROLES, type VariantRole } from "../../src/report/table/variant.ts";

const ROOFLINE = "the roofline model";

/** Values, or what stands in their place. */
type Given = number | { readonly value: number; readonly predictedBy: string };

const figure = (given: Given): Figure => typeof given === "number" ? { value: given } : given;

function row(
  role: VariantRole,
  given: Partial<Record<"MB" | "GFLOPs" | "bits" | "sparsity" | "map" | "map50" | "ms", Given>>,
): ResultRow {
  const { MB, GFLOPs, bits, sparsity, map, map50, ms } = given;
  const scaled = (one: Given | undefined, unit: number): Figure | undefined =>
    one === undefined ? undefined : derived((value) => value * unit, figure(one));
  const present = (figures: Record<string, Figure | undefined>) =>
    Object.fromEntries(Object.entries(figures).filter(([, one]) => one !== undefined));
  return {
    id: role,
    title: `T ${role}`,
    role,
    model: { file: `models/${role}.onnx` },
    size: 640,
    precision: "f32",
    made: `deno task make ${role}`,
    figures: present({
      fileBytes: scaled(MB, 1e6),
      flops: scaled(GFLOPs, 1e9),
      bitOperations: scaled(bits, 1e12),
      sparsity: scaled(sparsity, 1),
      map: scaled(map, 1),
      map50: scaled(map50, 1),
    }),
    timing: present({ detectMedian: scaled(ms, 1) }),
  };
}

const missing = (role: VariantRole, why: string): ResultRow => ({ ...row(role, {}), missing: why });

function results(rows: readonly ResultRow[], more: Partial<TableResults> = {}): TableResults {
  return {
    schema: 1,
    data: "set",
    split: "val",
    images: 30,
    limit: null,
    settings: { confidence: 0.001, iou: 0.7, maxDetections: 300, multiLabel: true },
    latencyRuns: 7,
    storage: "buffer",
    rows,
    family: [],
    ...more,
  };
}

const RUN: NonNullable<TableResults["run"]> = {
  date: "2026-01-02T03:04:05.678Z",
  commit: "0123abcd",
  adapter: { name: "Adapter 9", vendor: "v", architecture: "a", software: true },
  machine: { os: "linux", arch: "x86_64", cores: 2, load: 0.25 },
  versions: { featherdet: "0.1.0" },
};

const ROWS: readonly ResultRow[] = [
  row("original", { MB: 10, GFLOPs: 8, bits: 4, sparsity: 0, map: 0.4, map50: 0.5, ms: 100 }),
  row("pruning", {
    MB: 5,
    GFLOPs: 2,
    bits: 1,
    sparsity: 0.125,
    map: 0.3,
    map50: 0.45,
    ms: { value: 40, predictedBy: ROOFLINE },
  }),
  missing("quantization", "models/q.onnx is not there"),
  row("distillation", { MB: 4, GFLOPs: 8, bits: 4, sparsity: 0, map: 0.2, map50: 0.25 }),
  row("pruning+quantization", { MB: 1.9, GFLOPs: 2, bits: 0.0625, sparsity: 0.25, map: 0.36, map50: 0.48, ms: 25 }),
  missing("everything", "models/q.onnx is not there"),
];

/** Lines of the Markdown table whose heading begins with these cells, as cells. */
function tableIn(page: string, ...beginning: string[]): string[][] {
  const lines = page.split("\n").map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  const start = lines.findIndex((cells) => beginning.every((text, i) => cells[i] === text));
  assert(start >= 0, `no table of ${beginning}`);
  const end = lines.findIndex((cells, i) => i > start && cells.length === 0);
  return [lines[start], ...lines.slice(start + 2, end)];
}

Deno.test("the first table: figures, ratios worked out by hand, published ratios, what is missing and what is predicted", () => {
  const page = renderMarkdown(results(ROWS));
  assertEquals(tableIn(page, "model", "size MB"), [
    [
      "model",
      "size MB",
      "of T original (published)",
      "GFLOPs, dense",
      "of T original (published)",
      "sparsity %",
      "bit operations T",
      "of T original",
      "mAP50",
      "of T original (published)",
      "device ms",
      "of T original",
      "picture to boxes ms",
      "of T original (published)",
    ],
    [
      "original",
      "10.00",
      "1.000 (1.000)",
      "8.00",
      "1.000 (1.000)",
      "0.0",
      "4.000",
      "1.000",
      "0.500",
      "1.000 (1.000)",
      "—¹",
      "—¹",
      "100.0",
      "1.000 (1.000)",
    ],
    // 86/128, 19.2/28.5, 66.8/68.2 and 58/82 were published.
    [
      "+ pruning",
      "5.00",
      "0.500 (0.672)",
      "2.00",
      "0.250 (0.674)",
      "12.5",
      "1.000",
      "0.250",
      "0.450",
      "0.900 (0.979)",
      "—¹",
      "—¹",
      "≈40.0²",
      "≈0.400² (0.707)",
    ],
    // 42/128, 10.5/28.5, 67.3/68.2, 31/82.
    [
      "+ distillation",
      "4.00",
      "0.400 (0.328)",
      "8.00",
      "1.000 (0.368)",
      "0.0",
      "4.000",
      "1.000",
      "0.250",
      "0.500 (0.987)",
      "—¹",
      "—¹",
      "—¹",
      "—¹ (0.378)",
    ],
  ]);
  assertStringIncludes(
    page,
    "¹ not timed.\n\n² predicted by the roofline model, not measured.\n\n" +
      "Not measured: + quantization, + everything: models/q.onnx is not there.\n",
  );
});

Deno.test("the second table: what is kept, what is saved, how much faster", () => {
  const page = renderMarkdown(results(ROWS));
  assertEquals(tableIn(page, "model", "mAP50 kept, % of T original (published)"), [
    [
      "model",
      "mAP50 kept, % of T original (published)",
      "mAP50-95 kept, % of T original",
      "size saved, % of T original (published)",
      "computation saved, % of T original (published)",
      "sparsity %",
      "bit operations saved, % of T original",
      "speed-up over T original on the device",
      "speed-up over T original from picture to boxes (published)",
    ],
    // 0.48/0.5, 0.36/0.4, 1 - 1.9/10, 1 - 2/8, 1 - 0.0625/4 = 0.984375, 100/25.
    ["pruning + quantization", "96.0 (94.6)", "90.0", "81.0 (81.0)", "75.0 (—)", "25.0", "98.4", "—¹", "4.00 (—)"],
  ]);
  assertStringIncludes(
    page,
    "¹ not timed.\n\nNot measured: distillation + quantization: there is no variant with the role distillation+quantization; " +
      "+ everything: models/q.onnx is not there.\n",
  );
});

Deno.test("published figures: the combinations agree with the table they were published with", () => {
  const { original, everything } = PUBLISHED_MODELS;
  assertEquals(Object.keys(PUBLISHED_MODELS).filter((role) => !VARIANT_ROLES.includes(role as VariantRole)), []);
  const { kept, size, computation, speed } = PUBLISHED_COMBINATIONS.everything!;
  assertAlmostEquals(size!, 100 * (1 - everything!.megabytes / original!.megabytes), 0.5);
  assertAlmostEquals(computation!, 100 * (1 - everything!.gflops / original!.gflops), 0.5);
  assertAlmostEquals(speed!, original!.milliseconds / everything!.milliseconds, 0.1);
  assertAlmostEquals(kept!, 94.6, 0.05);
  assertEquals(publishedRatio("quantization", "megabytes"), 0.25);
  assertEquals(publishedRatio("other", "megabytes"), undefined);
});

Deno.test("a figure made of others is predicted where one of them is, and missing where one of them is", () => {
  const predicted = { value: 8, predictedBy: "a" };
  assertEquals(ratio({ value: 2 }, { value: 8 }), { value: 0.25 });
  assertEquals(ratio({ value: 2 }, predicted), { value: 0.25, predictedBy: "a" });
  assertEquals(ratio({ value: 2, predictedBy: "b" }, predicted), { value: 0.25, predictedBy: "b and a" });
  assertEquals(ratio(predicted, { value: 4, predictedBy: "a" }), { value: 2, predictedBy: "a" });
  assertEquals(ratio({ missing: "x" }, { missing: "y" }), { missing: "x" });
  assertEquals(ratio(predicted, { missing: "y" }), { missing: "y" });
  assertEquals(ratio(predicted, { value: 0 }), { missing: "the original's figure is 0" });
  assertEquals(ratio({ missing: "x" }, { value: 0 }), { missing: "x" });
});

Deno.test("without an original there are figures but no ratios, and nothing takes its place", () => {
  const rows = [missing("original", "gone"), ROWS[1]];
  const [, pruning] = stepTable({ rows }).rows;
  assertEquals(pruning.cells.slice(0, 2).map((cell) => cell.figure), [
    { value: 5e6 },
    { missing: "the original has no such figure" },
  ]);
  const [{ cells }] = combinationTable({ rows: [ROWS[4]] }).rows;
  assertEquals(cells.map((cell) => "missing" in cell.figure), [true, true, true, true, false, true, true, true]);
});

Deno.test("every variant is in the full tables; a quick look, the run and the family say what they are", () => {
  const member = {
    model: "yolo11s",
    size: 640,
    fileBytes: 38e6,
    publishedMap: 0.47,
    timing: { detectMedian: { value: 12.34 } },
  };
  const other: ResultRow = {
    ...row("other", { MB: 3 }),
    title: "a | b",
    model: { name: "yolo11n", options: { classes: 3 } },
    note: "Only a test",
  };
  const page = renderMarkdown(results([...ROWS, other], { limit: 30, run: RUN, family: [member] }), {
    images: ["pareto-bytes.svg"],
  });
  // A bar that is escaped is part of its cell.
  assertEquals(tableIn(page.replaceAll("\\|", "/"), "variant", "parameters M").map(([title]) => title), [
    "variant",
    ...ROWS.filter((one) => one.missing === undefined).map(({ title }) => title),
    "a / b",
  ]);
  assertEquals(tableIn(page, "variant", "device ms")[1], ["T original", "—¹", "—¹", "100.0", "—¹", "—¹"]);
  assertEquals(tableIn(page, "model", "size MB", "mAP50-95 (published)")[1], [
    "yolo11s at 640",
    "38.00",
    "0.470",
    "—¹",
    "12.3",
  ]);
  assertStringIncludes(
    page,
    "**A quick look: only the first 30 pictures were looked at. These are not the set's figures.**",
  );
  assertStringIncludes(page, "Measured 2026-01-02T03:04:05.678Z on Adapter 9, a software adapter,");
  assertStringIncludes(page, "on a Jetson Nano, without naming its data set");
  assertStringIncludes(page, "![pareto bytes](pareto-bytes.svg)");
  assertStringIncludes(page, "`deno task make original`");
  assertStringIncludes(page, 'yolo11n, built here (`{"classes":3}`) at 640x640 in f32');
  assertEquals(renderMarkdown(results(ROWS)).includes("A quick look"), false);
});

/** A row that was timed in rounds. */
function timedRow(
  role: VariantRole,
  ms: number,
  ratio?: readonly [median: number, low?: number, high?: number],
): ResultRow {
  const bare = row(role, { MB: 1, ms });
  const interval = ratio?.[1] === undefined ? undefined : [ratio[1], ratio[2]!] as const;
  const gpuMedian = { value: ms / 2 };
  return {
    ...bare,
    timing: {
      ...{ ...bare.timing, gpuMedian },
      middle: { detectMedian: [ms - 1, ms + 2], gpuMedian: [ms / 2 - 0.25, ms / 2 + 0.25] },
      ...(ratio &&
        { ratio: { detectMedian: { median: ratio[0], interval }, gpuMedian: { median: 0.5, interval: [0.25, 0.8] } } }),
    },
  };
}

Deno.test("times of rounds: ratios with their intervals, and no difference where there may be none", () => {
  const rows = [
    timedRow("original", 100),
    // The medians say 0.9, the rounds say that it cannot be told.
    timedRow("pruning", 90, [0.9, 0.7, 1.01]),
    timedRow("quantization", 60, [0.625, 0.5, 0.75]),
    timedRow("distillation", 100, [1.25, 1.125, 1.5]),
    timedRow("pruning+quantization", 50, [0.5, 0.4, 0.8]),
    timedRow("everything", 40, [0.4]),
  ];
  const page = renderMarkdown(results(rows));
  assertEquals(tableIn(page, "model", "size MB").slice(1).map((cells) => cells.slice(-4)), [
    ["50.0", "1.000", "100.0", "1.000 (1.000)"],
    ["45.0", "0.500 [0.250, 0.800]", "90.0", "no difference seen (0.707)"],
    ["30.0", "0.500 [0.250, 0.800]", "60.0", "0.625 [0.500, 0.750] (0.293)"],
    ["50.0", "0.500 [0.250, 0.800]", "100.0", "1.250 [1.125, 1.500] (0.378)"],
    ["20.0", "0.500 [0.250, 0.800]", "40.0", "no difference seen² (0.220)"],
  ]);
  assertStringIncludes(page, "² of fewer than 6 rounds no difference can be told from chance.");
  // 1/0.5, 1/0.8, 1/0.4; 1/0.25.
  assertEquals(tableIn(page, "model", "mAP50 kept, % of T original (published)")[1].slice(-2), [
    "2.00 [1.25, 4.00]",
    "2.00 [1.25, 2.50] (—)",
  ]);
  assertEquals(tableIn(page, "variant", "device ms")[1].slice(1, 4), [
    "50.0 [49.8, 50.3]",
    "—¹",
    "100.0 [99.0, 102.0]",
  ]);
  for (const text of ["interval of the sign test", "Variants took turns"]) {
    assertStringIncludes(page, text);
    assertEquals(renderMarkdown(results(ROWS)).includes(text), false);
  }
  const [, pruned, quantized] = csvParse(renderCsv(results(rows)));
  const ends = (
    { timing_ratio_detect_median, timing_ratio_detect_median_low, timing_ratio_detect_median_high }: typeof pruned,
  ) => [timing_ratio_detect_median, timing_ratio_detect_median_low, timing_ratio_detect_median_high];
  assertEquals([ends(pruned), ends(quantized)], [["0.9", "0.7", "1.01"], ["0.625", "0.5", "0.75"]]);
  assertEquals([pruned.timing_middle_gpu_median_low, pruned.timing_ratio_gpu_median_high], ["44.75", "0.8"]);
});

/** A row of three seeds, of which one is recorded, or of one that is left. */
function seededRow(id: string, role: VariantRole, maps: readonly (number | undefined)[], ms: number): ResultRow {
  const sources = ["measured", "recorded", "measured"] as const;
  const seeds = maps.map((map, seed) => {
    const figures = map === undefined
      ? {}
      : { map: { value: map }, map50: { value: 2 * map }, fileBytes: { value: 4e6 } };
    const source = map === undefined ? "missing" as const : sources[seed];
    return { seed, source, ...(source === "measured" && { sha256: "5eed".repeat(16) }), figures };
  });
  const present = maps.filter((map) => map !== undefined);
  const mean = (factor: number) => meanOf(present.map((map) => ({ value: factor * map })));
  const figures = { map: mean(1), map50: mean(2), fileBytes: meanOf(present.map(() => ({ value: 4e6 }))) };
  return { ...row(role, { ms }), id, title: `T ${id}`, seeds, figures };
}

Deno.test("rows of several seeds: means and ranges, over the original's mean, in all forms; controls stand apart", () => {
  const rows = [
    row("original", { MB: 8, map: 0.4, map50: 0.8, ms: 100 }),
    seededRow("pruned", "pruning", [0.3, 0.2, 0.4], 50),
    { ...seededRow("narrow", "control", [0.25, undefined, undefined], 60), stale: "it was made from another a" },
    { ...row("control", { MB: 8, map: 0.1, map50: 0.5, ms: 25 }), id: "small", title: "T small" },
    seededRow("both", "everything", [0.2, 0.2, 0.2], 20),
  ];
  const page = renderMarkdown(results(rows));
  const at = (heading: string, cells: string[][]) => cells.slice(1).map((line) => line[cells[0].indexOf(heading)]);
  const steps = tableIn(page, "model", "size MB");
  assertEquals(steps.slice(1).map(([title]) => title), [
    "original",
    "+ pruning (3 seeds, 1 of them recorded)",
    "+ everything (3 seeds, 1 of them recorded)",
  ]);
  assertEquals(at("mAP50", steps), ["0.800", "0.600 [0.400, 0.800]", "0.400"]);
  // The mean of 0.4, 0.6 and 0.8 over 0.8; files of one size have no range.
  assertEquals(steps[2].slice(1, 3), ["4.00", "0.500 (0.672)"]);
  assertEquals(steps[2][9], "0.750 [0.500, 1.000] (0.979)");
  const controls = tableIn(page.slice(page.indexOf("## Controls")), "model", "size MB", "of T original");
  assertEquals(controls.slice(1).map(([title]) => title), ["T narrow (1 of 3 seeds)", "T small"]);
  assertEquals(at("picture to boxes ms", controls), ["60.0", "25.0"]);
  const apart = page.slice(page.indexOf("Controls:"));
  assertEquals(tableIn(apart, "variant", "parameters M").slice(1).map(([title]) => title), [
    "T narrow (1 of 3 seeds)",
    "T small",
  ]);
  assertEquals(tableIn(page, "variant", "parameters M").length, 4);
  assertStringIncludes(page, "are of the first seed's file");
  assertStringIncludes(page, " Seeds: 0 (5eed5eed5eed5eed), 1 (recorded), 2 (5eed5eed5eed5eed).");
  assertStringIncludes(page, " Seeds: 0 (5eed5eed5eed5eed), 1 (missing), 2 (missing).");
  assertStringIncludes(page, "**Stale: it was made from another a.**");
  for (const text of ["## Controls", "first seed's file", "Controls:", "Stale"]) {
    assertEquals(renderMarkdown(results(ROWS)).includes(text), false, text);
  }
  const [, pruned, narrow] = csvParse(renderCsv(results(rows)));
  assertEquals([pruned.map_low, pruned.map_high, pruned.seeds, pruned.seeds_recorded], ["0.2", "0.4", "3", "1"]);
  assertEquals([narrow.map_low, narrow.seeds, narrow.original, narrow.stale], [
    "",
    "1",
    "original",
    "it was made from another a",
  ]);
  const points = paretoPoints(results(rows), "latency");
  assertEquals(points.map(({ label }) => label), ["T original", "T pruned", "T narrow", "T small", "T both"]);
  assertEquals(points[1].range?.map((end) => +end.toFixed(6)), [0.2, 0.4]);
  const bars = (all: readonly ResultRow[]) =>
    drawResultPareto(results(all), "bytes").match(/aria-label="range"/g)?.length;
  assertEquals([bars(rows), bars(ROWS)], [1, undefined]);
  assertStringIncludes(drawResultPareto(results(rows), "bytes"), "bars from the least to the greatest seed");
});

Deno.test("means of seeds, and what becomes of their ranges", () => {
  const mean = meanOf([{ value: 3 }, { value: 1 }, { value: 5 }]);
  assertEquals(mean, { value: 3, range: [1, 5] });
  assertEquals(meanOf([{ value: 3 }]), { value: 3 });
  assertEquals(meanOf([{ value: 3 }, { missing: "x" }]), { missing: "x" });
  assertEquals(ratio(mean, { value: 2 }), { value: 1.5, range: [0.5, 2.5] });
  assertEquals(ratio({ value: 6 }, mean), { value: 2 });
  assertEquals(mapped((value) => 1 - value, mean), { value: -2, range: [-4, 0] });
  assertEquals(mapped((value) => 1 / value, { value: 2, interval: [1, 4] }), { value: 0.5, interval: [0.25, 1] });
});

Deno.test("the plot of latency is of the device's time where an adapter tells it", () => {
  const timed = (ms: number): ResultRow => ({ ...ROWS[0], timing: { ...ROWS[0].timing, gpuMedian: { value: ms } } });
  const all = results([timed(40), ROWS[1]]);
  assertEquals(paretoPoints(all, "latency").map(({ label, x }) => [label, x]), [["T original", 40]]);
  assertStringIncludes(drawResultPareto(all, "latency"), "milliseconds of the device (median)");
  assertStringIncludes(drawResultPareto(results(ROWS), "latency"), "milliseconds from picture to boxes (median)");
});

Deno.test("what is predicted of devices that are not here stands with its band, in a table of its own", () => {
  const nanoMilliseconds = { value: 14.4321, predictedBy: "a model", band: [12.5, 16.61] } as const;
  const rows = [{ ...ROWS[0], predicted: { nanoMilliseconds } }, ROWS[1]];
  const page = renderMarkdown(results(rows));
  assertEquals(tableIn(page, "variant", "Jetson Nano ms, predicted"), [
    ["variant", "Jetson Nano ms, predicted", "Orin Nano Super ms, predicted"],
    ["T original", "≈14.4 [12.5, 16.6]¹", "—²"],
  ]);
  assertStringIncludes(page, "¹ predicted by a model, not measured.");
  const [original, pruning] = csvParse(renderCsv(results(rows)));
  const columns = ["", "_low", "_high"].map((end) => `predicted_nano_milliseconds${end}`);
  assertEquals(columns.map((column) => original[column]), ["14.4321", "12.5", "16.61"]);
  assertEquals(columns.map((column) => pruning[column]), ["", "", ""]);
  assert(!renderMarkdown(results(ROWS)).includes("On devices that are not here"));
});

Deno.test("CSV: figures in their own units, empty where they are missing, what changes named as such", () => {
  const lines = csvParse(renderCsv(results(ROWS, { run: RUN })));
  assertEquals(lines.length, ROWS.length);
  const [original, pruning, quantization] = lines;
  assertEquals([original.file_bytes, original.ratio_file_bytes, original.ratio_map50], ["10000000", "1", "1"]);
  assertEquals([pruning.flops, pruning.ratio_flops, pruning.timing_ratio_detect_median], ["2000000000", "0.25", "0.4"]);
  assertEquals([pruning.predicted, pruning.timing_predicted], ["", "detect_median by the roofline model"]);
  assertAlmostEquals(Number(pruning.published_ratio_file_bytes), 86 / 128, 1e-12);
  assertEquals([quantization.missing, quantization.file_bytes, quantization.ratio_map], [
    "models/q.onnx is not there",
    "",
    "",
  ]);
  assertEquals([original.run_adapter, original.run_commit], ["Adapter 9", "0123abcd"]);
  const other = csvParse(renderCsv(removeTimings(results(ROWS, { run: { ...RUN, commit: "x" } }))));
  for (const [i, line] of lines.entries()) {
    for (const [column, value] of Object.entries(line)) {
      const changes = CHANGING_COLUMNS.some((prefix) => column.startsWith(prefix));
      assertEquals(other[i][column], changes ? "" : value, column);
    }
  }
});

Deno.test("plots: variants that were measured, and the family's published mAP beside them", () => {
  const member = {
    model: "yolo11s",
    size: 640,
    fileBytes: 38e6,
    publishedMap: 0.47,
    timing: { detectMedian: { value: 12 } },
  };
  const all = results(ROWS, { family: [member, { ...member, model: "yolo11x", timing: {} }], run: RUN });
  const brief = (cost: "latency" | "bytes") =>
    paretoPoints(all, cost).map(({ label, x, y, kind }) => [label, x, +y.toFixed(6), kind]);
  assertEquals(brief("latency"), [
    ["T original", 100, 0.4, "measured"],
    ["T pruning", 40, 0.3, "predicted"],
    ["T pruning+quantization", 25, 0.36, "measured"],
    ["yolo11s", 12, 0.47, "published"],
  ]);
  assertEquals(brief("bytes"), [
    ["T original", 10, 0.4, "measured"],
    ["T pruning", 5, 0.3, "measured"],
    ["T distillation", 4, 0.2, "measured"],
    ["T pruning+quantization", 1.9, 0.36, "measured"],
    ["yolo11s", 38, 0.47, "published"],
    ["yolo11x", 38, 0.47, "published"],
  ]);
  const svg = drawResultPareto(all, "latency");
  for (const text of ["T original", "Adapter 9 (software)", "yolo11s", "val2017"]) assertStringIncludes(svg, text);
  assertEquals(drawResultPareto(all, "bytes"), drawResultPareto(removeTimings(all), "bytes"));
  assertStringIncludes(svg, "not measured: T quantization / T distillation / T everything");
});

Deno.test("a role has one colour in all plots, and no two roles have the same", () => {
  const fillOf = (svg: string, label: string) => svg.match(new RegExp(`fill="(#\\w+)"[^>]*>\\s*<title>${label}:`))?.[1];
  const draw = (rows: readonly ResultRow[]) => drawResultPareto(results(rows), "bytes");
  const [all, few] = [draw(ROWS), draw([ROWS[4], ROWS[3]])];
  for (const label of ["T distillation", "T pruning\\+quantization"]) {
    assert(fillOf(all, label) !== undefined);
    assertEquals(fillOf(all, label), fillOf(few, label));
  }
  assertEquals(new Set(ROLE_COLOURS.values()).size, VARIANT_ROLES.length);
});

Deno.test("results are read back as they were written, and nothing else is taken for results", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = new URL(`file://${folder}/table.json`);
    const written = results(ROWS, { run: RUN });
    await Deno.writeTextFile(file, JSON.stringify(written));
    assertEquals(await readResults(file), written);
    assertEquals(await readResults(file.href), written);
    for (const text of ["{}", "3", "null", '{"schema":2,"rows":[]}', '{"schema":1}']) {
      await Deno.writeTextFile(file, text);
      await assertRejects(() => readResults(file), FeatherdetError, "table.json: these are no results of variants");
    }
    await Deno.writeTextFile(file, "{");
    await assertRejects(() => readResults(file), FeatherdetError, "table.json: no results can be read here");
    await assertRejects(() => readResults("nothing"), FeatherdetError, '"deno task table --data nothing" writes it');
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a table without rows is a page, a file and a plot that say so", () => {
  const bare = results([]);
  assertStringIncludes(renderMarkdown(bare), "There is no original to compare with.");
  assertEquals(csvParse(renderCsv(bare)).length, 0);
  assertStringIncludes(drawResultPareto(bare, "bytes"), "no variant has been measured yet");
});
