/**
 * Networks as tables of rows `[from, repeats, module, args]`, scaled in depth and width.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { attention, type AttentionKind } from "./attention.ts";
import { c2f, c3k, c3k2, sppf } from "./blocks.ts";
import type { ModelBuilder } from "./builder.ts";
import { c2psa } from "./psa.ts";

/** Arguments of every module; channels are those before scaling. */
interface ModuleArguments {
  /** Convolution, BatchNormalization, SiLU. */
  Conv: readonly [out: number, kernel: number, stride: number];
  /** `deep` asks for C3k blocks; `expansion` is the blocks' width as a part of `out`, 0.5 by default. */
  C3k2: readonly [out: number, deep: boolean, expansion?: number];
  /** Of YOLOv8. `shortcut` asks for residual bottlenecks. */
  C2f: readonly [out: number, shortcut: boolean];
  /** Of YOLOv5. `shortcut` as above. */
  C3: readonly [out: number, shortcut: boolean];
  /** Max pools of one window in a row. */
  SPPF: readonly [out: number, kernel: number];
  /** Attention; `out` must be what comes in. */
  C2PSA: readonly [out: number];
  /** Pixels repeated. */
  Upsample: readonly [factor: number];
  /** Channels joined. */
  Concat: readonly [];
}

/** Name of a module. */
export type Module = keyof ModuleArguments;

/** A row: where it reads (-1 is the row before, others are row numbers), blocks in it before scaling, module, arguments. */
export type Row = {
  [K in Module]: readonly [from: number | readonly number[], repeats: number, module: K, args: ModuleArguments[K]];
}[Module];

/** How a table is scaled. */
export interface Scaling {
  /** Factor on repeats. */
  readonly depth: number;
  /** Factor on channels. */
  readonly width: number;
  /** Channels are limited to this before the factor. */
  readonly maxChannels: number;
  /** Every C3k2 takes C3k blocks, whatever its row says. */
  readonly deep: boolean;
  /** What stands in the place of C2PSA; that by default. */
  readonly psa?: PsaKind;
}

/** What stands where the table has C2PSA: that, another attention, or nothing. */
export type PsaKind = "c2psa" | AttentionKind;

/** All of them by name. */
export const PSA_TABLE: Readonly<Record<PsaKind, true>> = {
  c2psa: true,
  se: true,
  cbam: true,
  simam: true,
  none: true,
};

/** Their names. */
export const PSA_KINDS = Object.keys(PSA_TABLE) as readonly PsaKind[];

/** Where a table is appended. */
export interface RowsPlace {
  /** What the first row reads as -1. */
  readonly input: string;
  /** Number of the first row; 0 by default. */
  readonly first?: number;
  /** A row's path is `PATH.NUMBER`; `model` by default. */
  readonly path?: string;
  /** Values of earlier rows by number, for tables that follow another backbone. */
  readonly values?: Readonly<Record<number, string>>;
}

/** Channels after scaling: a multiple of 8, rounded up. */
export function scaledChannels(
  channels: number,
  { width, maxChannels }: Pick<Scaling, "width" | "maxChannels">,
): number {
  return Math.ceil((Math.min(channels, maxChannels) * width) / 8) * 8;
}

/** Repeats after scaling: at least one; single blocks stay single. */
function scaledRepeats(repeats: number, { depth }: Scaling): number {
  return repeats > 1 ? Math.max(Math.round(repeats * depth), 1) : repeats;
}

function appendRow(b: ModelBuilder, path: string, inputs: readonly string[], row: Row, scaling: Scaling): string {
  const [x] = inputs;
  const repeats = scaledRepeats(row[1], scaling);
  const channels = (out: number) => scaledChannels(out, scaling);
  switch (row[2]) {
    case "Conv": {
      const [out, kernel, stride] = row[3];
      return b.convBlock(path, x, { out: channels(out), kernel, stride });
    }
    case "C3k2": {
      const [out, deep, expansion] = row[3];
      return c3k2(b, path, x, { out: channels(out), repeats, c3k: deep || scaling.deep, expansion });
    }
    case "C2f": {
      const [out, shortcut] = row[3];
      return c2f(b, path, x, { out: channels(out), repeats, shortcut });
    }
    case "C3": {
      const [out, shortcut] = row[3];
      return c3k(b, path, x, channels(out), repeats, { shortcut, kernel: 1 });
    }
    case "SPPF":
      return sppf(b, path, x, channels(row[3][0]), row[3][1]);
    case "C2PSA":
      if (scaling.psa !== undefined && scaling.psa !== "c2psa") return attention(b, path, x, { kind: scaling.psa });
      if (channels(row[3][0]) !== b.channels(x)) {
        throw new FeatherdetError(`${path}: C2PSA of ${channels(row[3][0])} channels is given ${b.channels(x)}`);
      }
      return c2psa(b, path, x, repeats);
    case "Upsample":
      return b.upsample(path, x, row[3][0]);
    case "Concat":
      return b.concat(path, inputs);
  }
}

/** Appends the rows and returns the value of each, and of the earlier ones given, by its number. */
export function appendRows(
  b: ModelBuilder,
  rows: readonly Row[],
  scaling: Scaling,
  { input, first = 0, path = "model", values = {} }: RowsPlace,
): Record<number, string> {
  const made: Record<number, string> = { ...values };
  let last = input;
  rows.forEach((row, index) => {
    const number = first + index;
    const inputs = [row[0]].flat().map((from: number) => from === -1 ? last : made[from]);
    last = made[number] = appendRow(b, `${path}.${number}`, inputs, row, scaling);
  });
  return made;
}
