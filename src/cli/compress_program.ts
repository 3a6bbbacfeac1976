/**
 * `compress` as programs call it: the same ladder of recipes as the command line's, with plain data in and out.
 *
 * @module
 */

import { adapterText, openSharedDevice } from "../gpu/device.ts";
import { openJobQueue } from "../queue/job_queue.ts";
import { compress as compressBy, type Compression } from "../recipes/compress/compress.ts";
import { againCommand, verdict, writeReport } from "../recipes/compress/report.ts";
import { makeByQueue } from "../recipes/jobs/make.ts";
import { Output } from "./output.ts";
import { checkOptions, readyVerb } from "./step_verbs.ts";

/** What is compressed, how far, and what is told meanwhile. */
export interface CompressOptions {
  /** ONNX file, or the name of a model that is here. */
  readonly model: string;
  /** Data set by name or folder, with a part to train on. */
  readonly data: string;
  /**
   * What the model has to be: `map50`, `map` (at least), `gflops`, `bytes`, `parameters`, `latency` (at most) as shares of the original's
   * figures (`gflops=0.25`), or with `abs:` the figures themselves (`bytes=abs:800000`, `latency=abs:12@jetson-nano` in ms).
   */
  readonly targets: readonly string[];
  /** Folder for models, runs and the report. The same call in the same folder goes on wherever it was stopped. */
  readonly out: string;
  /** Part of the data set that judges; `val` by default. */
  readonly split?: string;
  /** Part that nothing is chosen by, of which figures are told at the end; `test` by default where there is one. */
  readonly testSplit?: string;
  /** Hours that all calls together may take: what would take longer is not begun. */
  readonly hours?: number;
  /** Factor on numbers of epochs; 1 by default. */
  readonly effort?: number;
  /** Only the first so many pictures of each part. */
  readonly limit?: number;
  /** Makes every candidate, whatever meets the targets; false by default. */
  readonly all?: boolean;
  /** Equal seeds give equal models on one adapter; 0 by default. */
  readonly seed?: number;
  /** File of the candidates, in the form of `data/ladder.json`; that one by default. */
  readonly ladder?: string;
  /** Only says what would be made, and how long it takes; false by default. */
  readonly dryRun?: boolean;
  /** URL of a queue whose workers make the candidates; this program makes them by default. */
  readonly queue?: string;
  /** Told of the candidates before the first is made, in the order in which they are made. */
  readonly onPlan?: (plan: readonly PlannedModel[]) => void;
  /** Told before a candidate is made, with the seconds that it and all that may follow will take. */
  readonly onCandidate?: (candidate: PlannedModel, remaining: number) => void;
  /** Told when a model is measured, the original first. */
  readonly onMeasured?: (model: CompressedModel) => void;
  /** Told in lines what the steps say of themselves. */
  readonly say?: (line: string) => void;
  /** Ends the compression between two models. */
  readonly signal?: AbortSignal;
}

/** A candidate as it is planned. */
export interface PlannedModel {
  /** Its name in files. */
  readonly id: string;
  /** Its name for people. */
  readonly title: string;
  /** Side of its input in pixels. */
  readonly size: number;
  /** Numbers that it computes with. */
  readonly precision: "f32" | "int8";
  /** What it will probably cost, in shares of the original's. */
  readonly expected: { readonly gflops: number; readonly bytes: number };
  /** What becomes of it: it will be made, it was made before, or it is left out. */
  readonly action: "make" | "made" | "skip";
  /** Why it is left out. */
  readonly why?: string;
  /** Seconds that it will take, with what it is made from as far as that is not made. */
  readonly seconds: number;
}

/** A model that was made, measured against the targets. */
export interface CompressedModel extends Pick<PlannedModel, "id" | "title" | "size" | "precision"> {
  /** Its ONNX file. */
  readonly file: string;
  /** Its figures by the names of targets: mAP in 0..1, GFLOPs, bytes, parameters, milliseconds. */
  readonly figures: Readonly<Partial<Record<string, number>>>;
  /** The same over the original's. */
  readonly shares: Readonly<Record<string, number>>;
  /** Targets that it does not meet. */
  readonly unmet: readonly string[];
  /** Seconds that making it took, its parents' not among them; null for the original and for what took several calls. */
  readonly seconds: number | null;
}

/** What a compression made. */
export interface CompressResult {
  /** `met`: a model meets all targets. `front`: none does. */
  readonly reason: "met" | "front" | "interrupted" | "dry run";
  /** Id of the model that meets all targets, or comes nearest to that; null while there is none. */
  readonly chosen: string | null;
  /** What came of it, in a sentence. */
  readonly verdict: string;
  /** The original, then all that was made, in that order. */
  readonly models: readonly CompressedModel[];
  /** All candidates, also those that were left out. */
  readonly plan: readonly PlannedModel[];
  /** Figures of the original and the chosen model on the part that nothing was chosen by, by their ids. */
  readonly tested: Readonly<Record<string, Readonly<Partial<Record<string, number>>>>>;
  /** Seconds that all calls have taken. */
  readonly seconds: number;
  /** The command that makes the chosen model again. */
  readonly again?: string;
  /** The report and its plots, the page first; none after an interruption or a dry run. */
  readonly files: readonly string[];
}

/** What verbs say goes to a listener instead of the terminal. */
class ToldOutput extends Output {
  constructor(private readonly say: (line: string) => void) {
    super(false);
  }

  override line(text = ""): void {
    this.note(text);
  }

  override record(): void {}

  override note(text: string): void {
    this.say(text);
  }

  override object(): void {}
}

const resultOf = (made: Compression, data: string, files: readonly string[]): CompressResult => ({
  ...{ reason: made.reason, chosen: made.chosen, verdict: verdict(made), models: made.models, plan: made.plan },
  ...{ tested: made.tested, seconds: made.spent, files },
  ...(made.chosen !== null && { again: againCommand(made.chosen, made, data) }),
});

/**
 * Makes a model that meets targets of accuracy and cost: candidates of a ladder of recipes (prune, train, teach, quantize, a smaller input)
 * are made and measured, the one that takes least time first, until one meets all targets; else what is left is the front of all. Models,
 * runs and a report page lie in the folder, and the same call goes on after a stop. `deno task compress` is the same.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { compress } from "./compress_program.ts";
 *
 * const { reason, plan } = await compress({
 *   ...{ model: "data/models/synthetic.onnx", data: "synthetic", targets: ["map50=0.9", "gflops=0.5"] },
 *   ...{ out: "small", dryRun: true }, // says what would be made; without it, it is made
 * });
 * assert.equal(reason, "dry run");
 * assert.equal(plan.find(({ id }) => id === "int8")?.why, "it cannot meet gflops=0.5");
 * ```
 *
 * Throws FeatherdetError for targets, models, data sets and ladders that cannot be, for a folder that holds a compression of something
 * else, and as the steps do.
 */
export async function compress(options: CompressOptions): Promise<CompressResult> {
  const { queue: url, data, out, dryRun, say = () => {}, ...rest } = options, output = new ToldOutput(say);
  await using queue = url === undefined || dryRun ? undefined : await openJobQueue(url);
  const made = await compressBy({
    ...{ ...rest, data, out, dryRun, say, checkOptions, run: (verb, words) => readyVerb(verb, words)(output) },
    ...(queue && { elsewhere: (...job) => makeByQueue(queue, ...job) }),
  });
  if (made.reason === "dry run" || made.reason === "interrupted") return resultOf(made, data, []);
  const adapter = adapterText((await openSharedDevice()).adapter);
  return resultOf(made, data, await writeReport(made, { folder: out, data, exports: [], adapter }));
}
