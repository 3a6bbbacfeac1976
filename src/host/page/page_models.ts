/**
 * Which models the page offers, with the figures of the result table.
 *
 * @module
 */

import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { PageData, PageModel } from "./page_data.ts";
import { FeatherdetError } from "../../graph/error.ts";
import { kindOf } from "../../data/files.ts";
import { modelSource } from "../models.ts";

/** A model of the page: the table's row, and what the page calls it. f16 is the original's file in another precision, which has no row. */
interface Offer {
  readonly row: string;
  readonly title: string;
  readonly precision?: "f16";
}

/** In the order of the page. */
const OFFERS: readonly Offer[] = [
  { row: "bccd", title: "YOLO11n" },
  { row: "bccd", title: "YOLO11n, half precision", precision: "f16" },
  { row: "bccd-int8", title: "int8" },
  { row: "bccd-pruned", title: "Pruned" },
  { row: "bccd-pruned-int8", title: "Pruned, int8" },
  { row: "bccd-everything", title: "Everything: pruned, distilled at 256, int8" },
  { row: "bccd-ternary", title: "Ternary weights" },
];

/** Shown first: the original and the smallest. */
const SHOWN = ["bccd", "bccd-everything"];

/** What is read of the result table. */
interface ResultTable {
  readonly images: number;
  readonly rows: readonly {
    readonly id: string;
    readonly size: number;
    readonly precision: PageModel["precision"];
    readonly figures?: Readonly<Record<string, { readonly value: number }>>;
  }[];
}

/** A model's file, if it is in the checkout or the cache. */
function fileOf(row: string): string | undefined {
  try {
    const source = modelSource(row);
    return kindOf(source) === "file" ? source : undefined;
  } catch (error) {
    if (error instanceof FeatherdetError) return undefined;
    throw error;
  }
}

/** The page's models with the files that they are copied from. */
export interface PageModels {
  readonly data: PageData;
  /** Paths on this machine by the name beside the page. */
  readonly files: ReadonlyMap<string, string>;
  /** Models that are not here, by row. */
  readonly absent: readonly string[];
}

/** Models that are here, with the figures of `data/results/bccd/table.json`. */
export function pageModels(root: URL): PageModels {
  const table: ResultTable = JSON.parse(
    Deno.readTextFileSync(fileURLToPath(new URL("data/results/bccd/table.json", root))),
  );
  const files = new Map<string, string>(), absent: string[] = [];
  const models = OFFERS.flatMap(({ row, title, precision }): PageModel[] => {
    const source = fileOf(row), found = table.rows.find(({ id }) => id === row);
    if (source === undefined || found === undefined) {
      absent.push(row);
      return [];
    }
    const file = `models/${basename(source)}`;
    files.set(file, source);
    const { map, map50 } = precision === undefined ? found.figures ?? {} : {};
    return [{
      ...{ id: precision === undefined ? row : `${row}-${precision}`, title, file },
      ...{ precision: precision ?? found.precision, size: found.size, bytes: Deno.statSync(source).size },
      ...map !== undefined && { map: map.value },
      ...map50 !== undefined && { map50: map50.value },
    }];
  });
  const source = `mAP on the ${table.images} test pictures of BCCD, from data/results/bccd/table.json. ` +
    "Time here is the median of the last runs on this device, from the pixels to the boxes.";
  return { data: { models, shown: SHOWN, source, sample: "sample.jpg" }, files, absent };
}
