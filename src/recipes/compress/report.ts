/**
 * The page of a compression: what was asked for, every model with its figures and its history, plots, and how each is made again.
 *
 * @module
 */

import { markdownTable } from "npm:markdown-table@3.1.0";
import { dirname, join, relative } from "node:path";
import { historyOf, historyText } from "../../compress/history.ts";
import { loadModel } from "../../host/models.ts";
import { writeTexts } from "../../host/whole_file.ts";
import { drawPareto } from "../../report/plot/pareto.ts";
import { commandOf } from "../../report/table/recipe_text.ts";
import { ORIGINAL } from "./candidates.ts";
import type { CompressedCandidate, Compression } from "./compress.ts";
import { figureOf, isGain, targetText } from "./targets.ts";

/** A file that another runtime reads, or why there is none. */
export interface ExportedModel {
  readonly target: string;
  readonly file?: string;
  readonly fault?: string;
}

/** What a page is made of besides the compression itself. */
export interface ReportOptions {
  readonly folder: string;
  readonly data: string;
  readonly exports: readonly ExportedModel[];
  /** What it was computed on. */
  readonly adapter: string;
}

/** Names of the files. */
export const REPORT_FILES = { page: "report.md", gflops: "front-gflops.svg", bytes: "front-bytes.svg" } as const;

/** Figures as people read them: unit and digits. */
const WRITTEN: Readonly<Record<string, readonly [heading: string, unit: number, digits: number]>> = {
  map: ["mAP50-95", 1, 3],
  map50: ["mAP50", 1, 3],
  gflops: ["GFLOPs", 1, 3],
  bytes: ["MB", 1e6, 3],
  parameters: ["parameters M", 1e6, 3],
  latency: ["ms here", 1, 2],
};

const formatOf = (name: string) => WRITTEN[name] ?? [name.replace("latency@", "ms, predicted, "), 1, 2];

/** The command that makes a model again, in another folder. */
export function againCommand(id: string, { manifest }: Pick<Compression, "manifest">, data: string): string {
  return `deno task reproduce --data ${data} --manifest ${manifest} --only ${id} --no-table --out again`;
}

/** The verbs that make a model, in the same folder as the models that it is made from. */
function stepsCommand(id: string, { manifest, shop }: Compression): string {
  const recipe = shop.variants.find((one) => one.id === id)!.recipe!;
  const original = join(dirname(manifest), "models", `${ORIGINAL}.onnx`);
  return commandOf(id, recipe, shop.variants)
    .replaceAll(`data/models/${ORIGINAL}.onnx`, original).replaceAll(" data/models/", " again/models/").replaceAll(
      " runs/",
      " again/runs/",
    );
}

/** Figures that a page tells: those of targets first. */
function figuresOf({ targets, models }: Compression): string[] {
  const known = ["map50", "map", "gflops", "bytes", "parameters"];
  return [...new Set([...targets.map(figureOf), ...known])].filter((name) => models[0]?.figures[name] !== undefined);
}

function table(compression: Compression): string {
  const { models, chosen } = compression, names = figuresOf(compression);
  const headings = [
    "model",
    "input",
    ...names.flatMap((name) => [formatOf(name)[0], "of the original"]),
    "targets",
    "made in",
  ];
  const rows = models.map((model) => [
    model.id === chosen ? `**${model.title}**` : model.title,
    String(model.size),
    ...names.flatMap((name) => {
      const value = model.figures[name], [, unit, digits] = formatOf(name), share = model.shares[name];
      return [value === undefined ? "—" : (value / unit).toFixed(digits), share === undefined ? "—" : share.toFixed(3)];
    }),
    model.id === ORIGINAL ? "" : model.unmet.length === 0 ? "all met" : `not ${model.unmet.join(", ")}`,
    model.seconds === null ? "—" : `${Math.round(model.seconds)} s`,
  ]);
  return markdownTable([headings, ...rows], { align: headings.map((_, i) => i === 0 ? "l" : "r") });
}

/** What came of it, in a sentence. */
export function verdict({ reason, chosen, models, targets, images, plan }: Compression): string {
  const asked = targets.map(targetText).join(", "), model = models.find(({ id }) => id === chosen);
  const judged = `judged on ${images.judged} pictures`;
  if (reason === "met") return `"${model!.title}" meets ${asked}, ${judged}.`;
  if (reason === "dry run") {
    const open = plan.filter(({ action }) => action === "make").length;
    return `${open} of ${plan.length} candidates could meet ${asked}; nothing was made.`;
  }
  if (reason === "interrupted") return `Stopped before anything met ${asked}: the same command goes on.`;
  if (model === undefined) return `Nothing was made that could meet ${asked}.`;
  return `No candidate meets ${asked}, ${judged}. "${model.title}" comes nearest: it misses ${
    model.unmet.join(", ")
  }. The front is below.`;
}

function testText({ tested, models, chosen, images, targets }: Compression): string[] {
  const first = tested[ORIGINAL], own = chosen === null ? undefined : tested[chosen];
  if (images.tested === null) {
    return ["The data set has no part that nothing was chosen by: these figures are those that chose.", ""];
  }
  if (!first || !own) return [];
  const names = [...new Set([...targets.filter(isGain).map(figureOf), "map50", "map"])].filter((name) =>
    first[name] !== undefined
  );
  const title = models.find(({ id }) => id === chosen)!.title;
  const text = names.map((name) =>
    `${formatOf(name)[0]} ${own[name]!.toFixed(3)} of ${first[name]!.toFixed(3)} (${
      (own[name]! / first[name]!).toFixed(3)
    })`
  );
  return [
    `On ${images.tested} pictures that nothing was chosen by, "${title}" has ${text.join(" and ")} of the original.`,
    "",
  ];
}

async function modelText(
  model: CompressedCandidate,
  compression: Compression,
  { data }: ReportOptions,
): Promise<string[]> {
  const { shop } = compression, { id, title, sha256, file } = model;
  const history = historyOf(await loadModel(file, { size: model.size, batch: 1 }));
  const recipe = shop.variants.find((one) => one.id === id)?.recipe;
  return [
    `### ${title}`,
    "",
    `\`${id}.onnx\`, SHA-256 ${sha256.slice(0, 16)}...`,
    "",
    ...history.map((entry) => `- ${historyText(entry)}`),
    ...(history.length > 0 ? [""] : []),
    ...(recipe
      ? [
        "```sh",
        "# again, in another folder",
        againCommand(id, compression, data),
        "# step by step",
        stepsCommand(id, compression),
        "```",
        "",
      ]
      : []),
  ];
}

function plot(compression: Compression, cost: "gflops" | "bytes", { data, adapter }: ReportOptions): string {
  const { targets, models, images } = compression;
  const gain = targets.some(({ kind }) => kind === "map") ? "map" : "map50", [heading, unit] = formatOf(cost);
  return drawPareto(
    models.flatMap(({ title, figures, id }) => {
      const x = figures[cost], y = figures[gain];
      if (x === undefined || y === undefined) return [];
      const group = id === ORIGINAL ? "original" : id === compression.chosen ? "chosen" : "candidate";
      return [{ label: title, group, x: x / unit, y, kind: "measured" as const }];
    }),
    {
      ...{ xLabel: heading, yLabel: formatOf(gain)[0], log: true, above: "original" },
      title: `${formatOf(gain)[0]} against ${heading} on ${data}`,
      subtitle: `${images.judged} pictures that candidates are judged by; on ${adapter}`,
    },
  );
}

/** Writes the page and its plots. Returns the files. */
export async function writeReport(compression: Compression, options: ReportOptions): Promise<readonly string[]> {
  const { folder, data, exports, adapter } = options, { targets, plan, models, spent, manifest } = compression;
  const skipped = plan.filter(({ action }) => action !== "made");
  const sections = [];
  for (const model of models) sections.push(...await modelText(model, compression, options));
  const page = [
    `# Compression on ${data}`,
    "",
    verdict(compression),
    "",
    ...testText(compression),
    `Targets: ${targets.map((one) => `\`${targetText(one)}\``).join(", ")}; shares are of the original's figures. ${
      Math.round(spent)
    } seconds on ${adapter}.`,
    "",
    table(compression),
    "",
    `![${formatOf("gflops")[0]}](${REPORT_FILES.gflops})`,
    "",
    `![${formatOf("bytes")[0]}](${REPORT_FILES.bytes})`,
    "",
    ...(exports.length === 0 ? [] : [
      "## For other runtimes",
      "",
      ...exports.map(({ target, file, fault }) =>
        file === undefined ? `- ${target}: not written, ${fault}` : `- ${target}: \`${relative(folder, file)}\``
      ),
      "",
    ]),
    "## Models",
    "",
    `All recipes are in \`${relative(folder, manifest)}\`.`,
    "",
    ...sections,
    ...(skipped.length === 0 ? [] : [
      "## Not made",
      "",
      ...skipped.map(({ title, why }) => `- ${title}: ${why ?? "a cheaper one met the targets"}`),
      "",
    ]),
  ].join("\n");
  const texts = {
    [REPORT_FILES.page]: page,
    [REPORT_FILES.gflops]: plot(compression, "gflops", options),
    [REPORT_FILES.bytes]: plot(compression, "bytes", options),
  };
  return await writeTexts(folder, texts);
}
