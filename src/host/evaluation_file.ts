/**
 * Files of an evaluation: the journal that it keeps while it runs, one JSON line a picture, and COCO's results form at its end.
 *
 * @module
 */

import type { CocoDetection } from "../eval/coco.ts";
import type { EvaluationJournal, EvaluationRun, ImageRecord } from "../eval/journal.ts";
import { FeatherdetError } from "../graph/error.ts";
import { faultOf } from "../numbers/forms.ts";
import { fileError } from "./file_error.ts";
import { IMAGE_RECORD_FORM, JOURNAL_FORM } from "./record_forms.ts";
import { writeWhole } from "./whole_file.ts";

/** Begins every journal; a number to tell later forms by. `JOURNAL_FORM` asks for it. */
const FORM = 1;

/** The journal of the results file `target`. */
export function journalFile(target: string): string {
  return `${target}.partial`;
}

/** What a journal holds; lines from the first one on that is cut or damaged are left out. */
interface Content {
  readonly run: EvaluationRun;
  readonly records: readonly ImageRecord[];
  /** Bytes of the lines that are whole. */
  readonly length: number;
}

/** Reads a journal. Throws a FeatherdetError if the file is something else. */
function readContent(bytes: Uint8Array, file: string): Content | undefined {
  const text = new TextDecoder();
  let run: EvaluationRun | undefined;
  let length = 0;
  const records: ImageRecord[] = [];
  for (let end; (end = bytes.indexOf(10, length)) >= 0; length = end + 1) {
    try {
      const line = JSON.parse(text.decode(bytes.subarray(length, end)));
      if (faultOf(run === undefined ? JOURNAL_FORM : IMAGE_RECORD_FORM, line) !== undefined) break;
      if (run === undefined) run = line.run;
      else records.push({ imageId: line.imageId, detections: line.detections });
    } catch {
      break;
    }
  }
  if (run === undefined && bytes.includes(10)) {
    throw new FeatherdetError("is not the journal of an evaluation", { file });
  }
  return run && { run, records, length };
}

/** What two runs differ in, for people. */
function differences(kept: EvaluationRun, asked: EvaluationRun): string {
  const keys = [...new Set([...Object.keys(asked), ...Object.keys(kept)])] as (keyof EvaluationRun)[];
  return keys.filter((key) => String(kept[key]) !== String(asked[key])).map((key) => {
    if (key === "digest") return "other weights";
    return `${key} ${kept[key] ?? "none"} instead of ${asked[key] ?? "none"}`;
  }).join(", ");
}

/**
 * A journal in a file, which is locked while it is open. A record is a line; one that was cut short, as by a crash, is dropped when the
 * journal is opened again.
 */
export class JournalFile implements EvaluationJournal {
  readonly #file: string;
  #open: Deno.FsFile | undefined;

  /** Nothing is touched before `open`. */
  constructor(file: string) {
    this.#file = file;
  }

  /** Begins the file, or continues it. Throws a FeatherdetError if it holds something else, cannot be written, or another run has it. */
  async open(run: EvaluationRun): Promise<readonly ImageRecord[]> {
    try {
      this.#open = await Deno.open(this.#file, { create: true, read: true, write: true });
      if (!this.#open.tryLockSync(true)) {
        throw new FeatherdetError("is being written by another evaluation, which has to end first", {
          file: this.#file,
        });
      }
      const content = await this.#content();
      const difference = content ? differences(content.run, run) : "";
      if (difference !== "") {
        throw new FeatherdetError(
          `holds the results of another run (${difference}), delete it to start over`,
          { file: this.#file },
        );
      }
      await this.#open.truncate(content?.length ?? 0);
      await this.#open.seek(0, Deno.SeekMode.End);
      if (!content) await this.#line({ featherdetEvaluation: FORM, run });
      return content?.records ?? [];
    } catch (error) {
      this.close();
      throw fileError(error, this.#file);
    }
  }

  /** Adds a line. */
  async append(record: ImageRecord): Promise<void> {
    try {
      await this.#line(record);
    } catch (error) {
      throw fileError(error, this.#file);
    }
  }

  /** Closes the file; what it holds stays. */
  close(): void {
    this.#open?.close();
    this.#open = undefined;
  }

  /** Deletes the file. */
  async remove(): Promise<void> {
    // While it is held: afterwards it could be another's.
    await Deno.remove(this.#file).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw fileError(error, this.#file);
    });
    this.close();
  }

  async #content(): Promise<Content | undefined> {
    try {
      return readContent(await Deno.readFile(this.#file), this.#file);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  async #line(value: object): Promise<void> {
    let bytes = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
    while (bytes.length > 0) bytes = bytes.subarray(await this.#open!.write(bytes));
  }
}

/** Detections in COCO's results form, one a line. */
export function resultsText(detections: readonly CocoDetection[]): string {
  const lines = detections.map((one) => JSON.stringify(one)).join(",\n");
  return detections.length > 0 ? `[\n${lines}\n]\n` : "[]\n";
}

/** Writes detections in COCO's results form, whole or not at all. */
export async function writeResults(file: string, detections: readonly CocoDetection[]): Promise<void> {
  await writeWhole(file, resultsText(detections));
}
