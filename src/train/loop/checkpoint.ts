/**
 * Checkpoints: all that a run needs to go on as if it had never stopped, in one file.
 *
 * The file is in the layout of safetensors (see `safetensors.ts`). Its arrays are those of the trainer (`state/NAME`, flat f32) and,
 * where the run exports models, the ONNX file of the model with its averaged weights as it is then (`model.onnx`, bytes). The metadata
 * are `format` (`featherdet checkpoint`), `version`, `updates` that the trainer has made, `run` (JSON: position, epochs, best; see
 * `record.ts`), `settings` (JSON: what the run was asked for) and `sha256`.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { COUNT, faultOf, PLAIN_OBJECT } from "../../numbers/forms.ts";
import type { RunRecord } from "./record.ts";
import { RUN_FORM } from "./record_form.ts";
import { readTensors, writeTensors } from "./safetensors.ts";
import type { TrainerState } from "./trainer.ts";

/** A run at one moment. */
export interface Checkpoint {
  /** Parameters, moments, averages, statistics. */
  readonly state: TrainerState;
  /** Position of the run, and its results so far. */
  readonly run: RunRecord;
  /** What the run was asked for: whatever JSON can hold. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** ONNX file of the model with its averaged weights. */
  readonly model?: Uint8Array;
}

/** Forms of what the metadata hold as JSON. */
const FORMS = { updates: COUNT, run: RUN_FORM, settings: PLAIN_OBJECT };

const FORMAT = "featherdet checkpoint", VERSION = "1", STATE = "state/", MODEL = "model.onnx";

/** Writes a checkpoint as the bytes of a file. Equal checkpoints give equal bytes. */
export async function writeCheckpoint({ state, run, settings, model }: Checkpoint): Promise<Uint8Array<ArrayBuffer>> {
  const arrays = new Map<string, Float32Array | Uint8Array>(
    [...state.arrays].map(([name, data]) => [STATE + name, data]),
  );
  if (model !== undefined) arrays.set(MODEL, model);
  const metadata = {
    format: FORMAT,
    version: VERSION,
    updates: String(state.updates),
    run: JSON.stringify(run),
    settings: JSON.stringify(settings),
  };
  return await writeTensors({ metadata, arrays });
}

/**
 * Reads a checkpoint; `file` names it in errors.
 *
 * Throws FeatherdetError if the bytes are of something else or of a later version, end too early, are damaged, or hold fields of another form.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
 * import { NEW_RUN } from "./record.ts";
 * const state = { updates: 0, arrays: new Map([["parameters", new Float32Array(3)]]) };
 * const bytes = await writeCheckpoint({ state, run: NEW_RUN, settings: { epochs: 10 } });
 * assert.equal((await readCheckpoint(bytes, "last.ckpt")).settings.epochs, 10);
 * ```
 */
export async function readCheckpoint(bytes: Uint8Array, file: string): Promise<Checkpoint> {
  const { metadata, arrays } = await readTensors(bytes, file);
  if (metadata.format !== FORMAT) {
    throw new FeatherdetError("holds arrays, but is no checkpoint of a training run", { file });
  }
  if (metadata.version !== VERSION) {
    throw new FeatherdetError(`is a checkpoint of version ${metadata.version}, this program reads ${VERSION}`, {
      file,
    });
  }
  const own = [...arrays].flatMap(([name, data]): [string, Float32Array][] =>
    name.startsWith(STATE) && data instanceof Float32Array ? [[name.slice(STATE.length), data]] : []
  );
  const model = arrays.get(MODEL);
  const valueOf = (name: keyof typeof FORMS) => {
    let value;
    try {
      value = JSON.parse(metadata[name]);
    } catch {
      throw new FeatherdetError(`is a damaged checkpoint: its "${name}" cannot be read`, { file });
    }
    const fault = faultOf(FORMS[name], value);
    if (fault === undefined) return value;
    throw new FeatherdetError(`is a damaged checkpoint: its "${name}" is wrong, ${fault}`, { file });
  };
  return {
    state: { updates: valueOf("updates"), arrays: new Map(own) },
    run: valueOf("run"),
    settings: valueOf("settings"),
    ...(model instanceof Uint8Array && { model }),
  };
}
