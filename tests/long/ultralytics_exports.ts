/**
 * Models exported by Ultralytics' package with random weights: a session gives onnxruntime's outputs, a detector the boxes of the package's
 * own pipeline, and models of other tasks are refused by name. Prints a table.
 *
 * The models are not kept in the repository: `tests/fixtures/ultralytics_exports.py` makes them, into a folder that the variable
 * ULTRALYTICS_EXPORTS names, or into `../ultralytics-exports` beside the checkout. With ULTRALYTICS_EXPORTS_RECORD the results are written
 * to that file; rows of cases that a filter left out stay.
 */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { assert } from "@std/assert";
import { Detector } from "../../src/detect/detector.ts";
import { Session } from "../../src/engine/session.ts";
import { openSharedDevice } from "../../src/gpu/device.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { decodeImage } from "../../src/image/codec/decode.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import {
  BOUNDS,
  boxDifference,
  type ExportCase,
  type ExportFolder,
  larger,
  type RawDifference,
  rawDifference,
  smaller,
  storedNumbers,
} from "../support/export_cases.ts";
import { gpuTest } from "../support/gpu.ts";

const FOLDER = Deno.env.get("ULTRALYTICS_EXPORTS") ??
  fileURLToPath(new URL("../../../ultralytics-exports", import.meta.url));
const RECORD = Deno.env.get("ULTRALYTICS_EXPORTS_RECORD");

/** One row of the table. */
interface Row {
  readonly case: string;
  readonly opset?: number;
  /**
   * Raw outputs: the difference from the nearest evaluation by onnxruntime, the largest between two of these, and of half precision what
   * rounding to f16 does to them; or why there are none.
   */
  readonly raw: { readonly here: RawDifference; readonly own: RawDifference; readonly half?: RawDifference } | string;
  /** Boxes in all pictures, with the largest differences, or why there are none. */
  readonly boxes:
    | {
      readonly count: number;
      readonly alone: number;
      readonly pixels: number;
      readonly score: number;
      readonly form: string;
    }
    | string;
  readonly right: boolean;
}

async function folderAt(path: string): Promise<ExportFolder | undefined> {
  const text = await readFile(`${path}/cases.json`, "utf8").catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text);
}

/** A refusal's sentence without the file; other errors are thrown on. */
function sentence(error: unknown): string {
  if (!(error instanceof FeatherdetError)) throw error;
  return error.detail;
}

/** What one step of f32 is of a number, and of an edge at the far side of an input. */
const STEP = 2 ** -23, stepAt = (side: number) => STEP * 2 ** Math.floor(Math.log2(side));

/**
 * A session is right where it is no further from onnxruntime's evaluations than these are from each other, to one step of f32, in which all
 * of them are counted.
 */
async function checkRaw(one: ExportCase): Promise<Pick<Row, "raw"> & { right: boolean }> {
  const { device } = await openSharedDevice();
  let here = SAME, own = SAME, side = 0, half: RawDifference | undefined;
  for (const { input, outputs } of one.runs) {
    side = Math.max(side, ...input.shape.slice(2));
    let session: Session;
    try {
      const graph = await loadOnnx(`${FOLDER}/${one.file}`, { shapes: { [input.name]: input.shape } });
      session = await Session.create(graph, { device });
    } catch (error) {
      // What suppresses inside has no fixed number of results: a session refuses it, a detector suppresses itself.
      const raw = sentence(error);
      return { raw, right: one.export.nms === true && raw.includes("without nms=True") };
    }
    const found = await session.run({
      [input.name]: { shape: input.shape, data: await storedNumbers(FOLDER, input.file) },
    });
    session.destroy();
    for (const output of outputs) {
      const { shape, data } = found[output.name];
      assert(String(shape) === String(output.shape), `${output.name} is [${shape}], not [${output.shape}]`);
      const difference = (a: Float32Array, b: Float32Array) => rawDifference(a, b, shape, one.task);
      const wanted = await Promise.all([output.file, ...output.again].map((file) => storedNumbers(FOLDER, file)));
      here = larger(here, wanted.map((each) => difference(data, each)).reduce(smaller));
      wanted.forEach((each, i) => {
        for (const other of wanted.slice(i + 1)) own = larger(own, difference(each, other));
      });
      if (output.half === undefined) continue;
      half = larger(half ?? SAME, difference(await storedNumbers(FOLDER, output.half), wanted[0]));
    }
  }
  const right = here.pixels <= own.pixels + stepAt(side) && here.relative <= own.relative + STEP;
  return { raw: { here, own, ...half && { half } }, right };
}

async function checkBoxes(one: ExportCase, folder: ExportFolder): Promise<Omit<Row, "raw" | "case">> {
  let detector: Detector;
  try {
    const { confidence, iou } = folder;
    detector = await Detector.load(`${FOLDER}/${one.file}`, { confidence, iou, inputSize: one.size });
  } catch (error) {
    const boxes = sentence(error);
    return { boxes, right: one.task !== "detect" && boxes.includes(`task=${one.task}`) };
  }
  if (one.boxes === null) return { boxes: `read as ${detector.head}`, right: false };
  let count = 0, alone = 0, pixels = 0, score = 0;
  for (const [at, wanted] of one.boxes.entries()) {
    const picture = await decodeImage(await readFile(`${FOLDER}/${folder.pictures[at]}`));
    const off = boxDifference(await detector.detect(picture), wanted);
    count += off.count;
    alone += Math.max(off.missing, off.surplus);
    pixels = Math.max(pixels, off.pixels);
    score = Math.max(score, off.score);
  }
  const form = detector.head;
  detector.destroy();
  return { boxes: { count, alone, pixels, score, form }, right: count > 0 && alone === 0 };
}

const SAME: RawDifference = { pixels: 0, relative: 0 };
const small = (number: number) => number === 0 ? "0" : number.toPrecision(2);
const rawText = ({ pixels, relative }: RawDifference) =>
  Number.isFinite(pixels) ? `${small(pixels)} px, ${small(relative)}` : "other results";

function line({ case: name, opset, raw, boxes, right }: Row): string {
  const cells = [name, opset ?? ""];
  if (typeof raw === "string") cells.push(`refused: ${raw.split(";")[0]}`, "");
  else cells.push(rawText(raw.here), rawText(raw.own) + (raw.half ? ` (f16: ${rawText(raw.half)})` : ""));
  if (typeof boxes === "string") cells.push(`refused: ${boxes.split(":")[0]}`);
  else {
    const { count, alone, pixels, score, form } = boxes;
    cells.push(`${count}${alone > 0 ? `, ${alone} alone` : ""}; ${small(pixels)} px, ${small(score)}; ${form}`);
  }
  return `| ${[...cells, right ? "right" : "WRONG"].join(" | ")} |`;
}

const folder = await folderAt(FOLDER);
if (folder === undefined) {
  Deno.test({ name: `Ultralytics' exports (ignored: ${FOLDER} has no cases.json)`, ignore: true, fn: () => {} });
} else {
  const rows: Row[] = [];
  const exported = folder.cases.filter(({ failed }) => failed === undefined);
  for (const one of exported) {
    gpuTest(`Ultralytics' export ${one.name}`, async () => {
      const raw = await checkRaw(one);
      const boxes = await checkBoxes(one, folder);
      const row: Row = { case: one.name, opset: one.opset, ...raw, ...boxes, right: raw.right && boxes.right };
      rows.push(row);
      console.log(line(row));
      assert(row.right, line(row));
    });
  }
  Deno.test("Ultralytics' exports: the table", async () => {
    console.log(
      [
        "| export | opset | raw outputs | onnxruntime with itself | boxes | |",
        "|---|---|---|---|---|---|",
        ...rows.map(line),
      ].join("\n"),
    );
    if (RECORD === undefined) return;
    // A run of some cases keeps the others' rows.
    const before = await readFile(RECORD, "utf8").then(JSON.parse, () => ({ cases: [] }));
    const known = new Map([...before.cases, ...rows].map((row: Row) => [row.case, row]));
    const cases = folder.cases.map(({ name, failed }) =>
      failed === undefined ? known.get(name) : { case: name, notExported: failed }
    ).filter((row) => row !== undefined);
    const { versions, confidence, iou } = folder;
    await Deno.writeTextFile(
      RECORD,
      JSON.stringify({ versions, confidence, iou, bounds: BOUNDS, cases }, null, 1) + "\n",
    );
  });
}
