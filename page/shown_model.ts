/**
 * One model on the page: its row of the table, its detector, and the canvas with what it finds.
 *
 * @module
 */

import type { RgbImage } from "../src/image/rgb_image.ts";
import { type Detection, Detector } from "../src/detect/detector.ts";
import type { Engine } from "./engines.ts";
import { paint } from "./paint.ts";
import type { PageModel } from "../src/host/page/page_data.ts";

/** Scores below this are never shown: the slider ends here. */
const LEAST_SCORE = 0.05;

/** Times that the shown one is the median of. */
const TIMES = 9;

const bytesText = (bytes: number) => bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(2)} MB`;

function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** What was found, in words: "13 RBC, 1 WBC". */
export function countText(detections: readonly Pick<Detection, "label">[]): string {
  const counts = new Map<string, number>();
  for (const { label } of detections) counts.set(label, (counts.get(label) ?? 0) + 1);
  const parts = [...counts].sort(([a], [b]) => a < b ? -1 : 1).map(([label, count]) => `${count} ${label}`);
  return parts.length === 0 ? "nothing found" : parts.join(", ");
}

/** A model that can be shown. */
export class ShownModel {
  readonly row: HTMLTableRowElement;
  readonly figure: HTMLElement;
  readonly checkbox: HTMLInputElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #found: HTMLElement;
  readonly #time: HTMLElement;
  #detector: Promise<Detector> | undefined;
  /** What the detector computes on. */
  #engine: Engine | undefined;
  /** Of runs behind the first, which compiles. */
  #times: number[] = [];
  #isWarm = false;
  #last: { readonly image: RgbImage; readonly detections: readonly Detection[] } | undefined;

  /** Makes the row and the figure; nothing is loaded. */
  constructor(readonly model: PageModel) {
    const { id, title, precision, size, bytes, map, map50 } = model;
    this.checkbox = element("input", { type: "checkbox", id: `show-${id}` });
    this.#time = element("td", { className: "number", textContent: "–" });
    const number = (text: string) => element("td", { className: "number", textContent: text });
    const score = (value: number | undefined) => number(value === undefined ? "not measured" : value.toFixed(3));
    this.row = element(
      "tr",
      {},
      element("th", { scope: "row" }, element("label", {}, this.checkbox, title)),
      element("td", { textContent: precision }),
      ...[number(`${size}`), number(bytesText(bytes)), score(map), score(map50), this.#time],
    );
    this.#canvas = element("canvas", { width: 640, height: 480 });
    this.#canvas.role = "img";
    this.#canvas.ariaLabel = `${title}: no picture yet`;
    this.#found = element("span", { textContent: "loading" });
    this.figure = element(
      "figure",
      {},
      this.#canvas,
      element("figcaption", {}, element("strong", { textContent: title }), this.#found),
    );
  }

  /** Takes it away from those who cannot have it on an engine. */
  offer(engine: Engine): void {
    const { checkbox, model } = this;
    checkbox.disabled = !engine.runs(model);
    if (checkbox.disabled) checkbox.checked = false;
    checkbox.parentElement!.title = checkbox.disabled
      ? `The ${engine.id.toUpperCase()} does not compute in ${model.precision}`
      : "";
  }

  /** Fetches the model's file and makes the detector, once for an engine. Rejects with an error in one sentence. */
  load(engine: Engine): Promise<Detector> {
    if (this.#engine !== engine) this.release();
    this.#engine = engine;
    const detector = this.#detector ??= (async () => {
      const { file, precision, size } = this.model;
      const options = { ...await engine.options(), precision, inputSize: size, confidence: LEAST_SCORE };
      return await Detector.load(new URL(file, location.href), options);
    })();
    detector.catch(() => this.#detector === detector && (this.#detector = undefined));
    return detector;
  }

  /** Detects on a picture and shows it. */
  async show(image: RgbImage, leastScore: number, engine: Engine): Promise<void> {
    try {
      const detector = await this.load(engine);
      const started = performance.now();
      const detections = await detector.detect(image);
      if (this.#isWarm) this.#times = [...this.#times, performance.now() - started].slice(-TIMES);
      this.#isWarm = true;
      this.#last = { image, detections };
      this.draw(leastScore);
    } catch (error) {
      this.#found.classList.add("fault");
      this.#found.textContent = error instanceof Error ? error.message : String(error);
      throw error;
    }
  }

  /** Draws the last result again, for another least score. */
  draw(leastScore: number): void {
    if (this.#last === undefined) return;
    const { image } = this.#last;
    const detections = this.#last.detections.filter(({ score }) => score >= leastScore);
    paint(this.#canvas, image, detections);
    const found = countText(detections);
    const time = this.#times.length === 0 ? undefined : `${median(this.#times).toFixed(0)} ms`;
    this.#canvas.ariaLabel = `${this.model.title}: ${found}`;
    this.#found.classList.remove("fault");
    this.#found.textContent = time === undefined ? found : `${found}, ${time}`;
    this.#time.textContent = time ?? "measuring";
  }

  /** Gives the detector's memory back. */
  release(): void {
    const detector = this.#detector;
    this.#detector = undefined;
    this.#times = [];
    this.#isWarm = false;
    this.#time.textContent = "–";
    detector?.then((made) => made.destroy(), () => {});
  }
}
