/**
 * A table in Markdown: cells with what has to be said of them in notes below, and rows without any figure in one line.
 *
 * @module
 */

import { markdownTable } from "npm:markdown-table@3.1.0";
import { LEAST_ROUNDS } from "../../eval/time_ratio.ts";
import { printable } from "../../graph/error.ts";
import type { Cell } from "./compare.ts";
import { intervalOf, isMissing, predictorOf, rangeOf } from "./figure.ts";
import { Footnotes } from "./footnotes.ts";
import { written } from "./format.ts";

/** Text that is neither a cell's end nor HTML. */
const plain = (text: string) => printable(text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll(/\s+/g, " "));

const TOO_FEW = `of fewer than ${LEAST_ROUNDS} rounds no difference can be told from chance`;

/** Ends in brackets. */
const between = ([low, high]: readonly [number, number], format: Cell["format"]) =>
  `[${written(low, format)}, ${written(high, format)}]`;

/** What we say of a cell's figure. A difference that the interval does not show is not written as a number. */
function ownText({ figure, format, neutral, spread }: Cell, notes: Footnotes): string {
  if (isMissing(figure)) return `—${notes.sign(plain(figure.missing))}`;
  const predictor = predictorOf(figure), interval = intervalOf(figure), text = written(figure.value, format);
  const band = "band" in figure && figure.band ? ` ${between(figure.band, format)}` : "";
  if (predictor !== undefined) return `≈${text}${band}${notes.sign(`predicted by ${plain(predictor)}, not measured`)}`;
  if (spread) return `${text} ${between(spread, format)}`;
  const range = rangeOf(figure), isWide = range && written(range[0], format) !== written(range[1], format);
  if (range) return isWide ? `${text} ${between(range, format)}` : text;
  if (interval === undefined || neutral === undefined) return text;
  if (interval === null) return `no difference seen${notes.sign(TOO_FEW)}`;
  const [low, high] = interval;
  return low <= neutral && neutral <= high ? "no difference seen" : `${text} ${between(interval, format)}`;
}

/** A cell's text; what has to be said of it goes to the notes. */
function cellText(cell: Cell, notes: Footnotes): string {
  const { format, published } = cell;
  const own = ownText(cell, notes);
  if (published === undefined) return own;
  return `${own} (${published === null ? "—" : published.toFixed(format.digits)})`;
}

/** A row of a table. */
interface Row {
  /** What is in the first column. */
  readonly title: string;
  /** What is in the others. */
  readonly cells: readonly Cell[];
}

/** Rows without any figure in one line, with their reasons; rows of one reason together. */
function missingText(rows: readonly Row[]): string[] {
  if (rows.length === 0) return [];
  const titles = new Map<string, string[]>();
  for (const { title, cells: [{ figure }] } of rows) {
    const reason = isMissing(figure) ? plain(figure.missing) : "";
    titles.set(reason, [...titles.get(reason) ?? [], plain(title)]);
  }
  return [`Not measured: ${[...titles].map(([reason, list]) => `${list.join(", ")}: ${reason}`).join("; ")}.`, ""];
}

/** A table as lines and, below it, its notes and what is missing. */
export function tableText(headings: readonly string[], rows: readonly Row[]): string[] {
  const notes = new Footnotes();
  const hasFigure = ({ cells }: Row) => cells.some(({ figure }) => !isMissing(figure));
  const body = rows.filter(hasFigure).map(({ title, cells }) => [
    plain(title),
    ...cells.map((cell) => cellText(cell, notes)),
  ]);
  const align = ["l", ...headings.slice(1).map(() => "r")];
  const table = body.length > 0 || rows.length === 0 ? [markdownTable([headings, ...body], { align }), ""] : [];
  const lines = notes.lines();
  return [...table, ...(lines.length > 0 ? [...lines, ""] : []), ...missingText(rows.filter((row) => !hasFigure(row)))];
}
