/**
 * The page: models beside each other on one picture or on what a camera sees.
 *
 * @module
 */

import { decodeImage } from "../src/image/codec/decode.ts";
import { DECODE_TIMEOUT } from "../src/image/codec/decode_there.ts";
import type { RgbImage } from "../src/image/rgb_image.ts";
import { Camera } from "./camera.ts";
import { type Engine, findEngines } from "./engines.ts";
import type { PageData } from "../src/host/page/page_data.ts";
import { ShownModel } from "./shown_model.ts";

function byId<Kind extends HTMLElement>(id: string): Kind {
  return document.getElementById(id) as Kind;
}

const status = byId("status"), results = byId("results");
const score = byId<HTMLInputElement>("score"), cameraButton = byId<HTMLButtonElement>("camera");

/** Says what is going on, or what went wrong. */
function say(text: string, isFault = false): void {
  status.textContent = text;
  status.classList.toggle("fault", isFault);
}

const sentenceOf = (error: unknown) => error instanceof Error ? error.message : String(error);

/** Runs of each model on a picture that are measured, behind the one that shows what it finds. */
const TIMED_ROUNDS = 3;

/** All models, and the picture that those that are ticked are shown on. */
class Page {
  readonly #models: readonly ShownModel[];
  #engine: Engine;
  readonly #sample: string;
  #picture: { readonly image: RgbImage; readonly name: string } | undefined;
  #camera: Camera | undefined;
  #isOpening = false;
  /** Counts what was asked for: results for an earlier request are dropped. */
  #request = 0;
  /** The work under way: a device is asked for one thing after the other, so that times mean something. */
  #work: Promise<void> = Promise.resolve();

  constructor({ models, shown, source, sample }: PageData, engine: Engine) {
    this.#engine = engine;
    this.#models = models.map((model) => new ShownModel(model));
    this.#sample = sample;
    byId("models").replaceChildren(...this.#models.map(({ row }) => row));
    byId("source").textContent = source;
    for (const model of this.#models) {
      model.checkbox.checked = shown.includes(model.model.id);
      model.offer(engine);
      model.checkbox.addEventListener("change", () => this.#choose(model));
    }
    this.#arrange();
  }

  get #shown(): readonly ShownModel[] {
    return this.#models.filter(({ checkbox }) => checkbox.checked);
  }

  get #score(): number {
    return Number(score.value);
  }

  #arrange(): void {
    results.replaceChildren(...this.#shown.map(({ figure }) => figure));
  }

  #choose(model: ShownModel): void {
    this.#arrange();
    if (!model.checkbox.checked) model.release();
    if (this.#camera === undefined) this.#detect(model.checkbox.checked ? [model] : []);
  }

  /** Computes on another engine from now on. */
  use(engine: Engine): void {
    this.#engine = engine;
    for (const model of this.#models) model.offer(engine);
    this.#arrange();
    // A camera goes on, with its next frame on the other engine.
    if (this.#camera !== undefined) return;
    this.#request++;
    this.#detect(this.#shown);
  }

  /** Draws all results again for another least score. */
  redraw(): void {
    for (const model of this.#shown) model.draw(this.#score);
  }

  /** Shows a picture from a file, the clipboard or the page's own. */
  async open(bytes: Promise<Uint8Array>, name: string): Promise<void> {
    this.stop();
    const request = ++this.#request;
    try {
      const image = await decodeImage(await bytes, name, { timeout: DECODE_TIMEOUT });
      if (request !== this.#request) return;
      this.#picture = { image, name };
      this.#detect(this.#shown);
    } catch (error) {
      say(sentenceOf(error), true);
    }
  }

  /** Shows the picture that comes with the page. */
  openSample(): Promise<void> {
    const bytes = fetch(this.#sample).then(async (response) => new Uint8Array(await response.arrayBuffer()));
    return this.open(bytes, "Blood cells");
  }

  #detect(models: readonly ShownModel[]): void {
    const request = this.#request, picture = this.#picture, engine = this.#engine;
    if (picture === undefined) return;
    // The smallest file first: something is seen soon.
    const sorted = models.toSorted((a, b) => a.model.bytes - b.model.bytes);
    const each = async (before: (title: string) => string) => {
      for (const model of sorted) {
        if (request !== this.#request || !model.checkbox.checked) continue;
        say(before(model.model.title));
        await model.show(picture.image, this.#score, engine).catch(() => {});
      }
    };
    const run = async () => {
      await each((title) => `Loading and running ${title}. ${engine.first}`);
      for (let round = 0; round < TIMED_ROUNDS; round++) await each((title) => `Measuring ${title}.`);
      if (request === this.#request) this.#sayPicture(picture);
    };
    this.#work = this.#work.then(run);
  }

  #sayPicture({ name, image: { width, height } }: { readonly name: string; readonly image: RgbImage }): void {
    const count = this.#shown.length;
    const models = count === 0 ? "choose a model below" : count === 1 ? "one model" : `${count} models`;
    say(`${name}, ${width} x ${height}: ${models}.`);
  }

  /** Starts or stops the camera. */
  async toggleCamera(): Promise<void> {
    if (this.#camera !== undefined) return this.stop();
    if (this.#isOpening) return;
    const request = ++this.#request;
    // The button stays enabled: disabled, it would lose the focus.
    this.#isOpening = true;
    try {
      say("Waiting for the camera.");
      const camera = await Camera.open();
      if (request !== this.#request) return camera.close();
      this.#camera = camera;
      this.#press(true);
      this.#work = this.#work.then(() => this.#watch(camera));
    } catch (error) {
      say(sentenceOf(error), true);
    } finally {
      this.#isOpening = false;
    }
  }

  /** Detects on what the camera sees until it is stopped. */
  async #watch(camera: Camera): Promise<void> {
    let frames = 0;
    const started = performance.now();
    while (this.#camera === camera) {
      const image = camera.grab();
      for (const model of this.#shown) {
        if (this.#camera === camera) await model.show(image, this.#score, this.#engine).catch(() => {});
      }
      const rate = ++frames * 1000 / (performance.now() - started);
      if (this.#camera === camera) say(`Camera, ${image.width} x ${image.height}: ${rate.toFixed(1)} frames a second.`);
      // Models that failed, or none at all, must not keep the page busy.
      await new Promise(requestAnimationFrame);
    }
  }

  #press(isOn: boolean): void {
    cameraButton.ariaPressed = String(isOn);
    cameraButton.textContent = isOn ? "Stop camera" : "Start camera";
  }

  /** Switches the camera off. */
  stop(): void {
    if (this.#camera === undefined) return;
    this.#camera.close();
    this.#camera = undefined;
    this.#press(false);
    say("The camera is off.");
  }
}

/** The first picture among things that are dropped or pasted. */
const pictureOf = (data: DataTransfer | null) => [...data?.files ?? []].find(({ type }) => type.startsWith("image/"));

/** Opens a file, or says that there is none. */
function openFile(page: Page, file: File | undefined): void {
  if (file === undefined) return say("That was no picture.", true);
  page.open(file.arrayBuffer().then((buffer) => new Uint8Array(buffer)), file.name);
}

/** Connects what people do with the page. */
function listen(page: Page): void {
  const file = byId<HTMLInputElement>("file");
  byId("sample").addEventListener("click", () => page.openSample());
  cameraButton.addEventListener("click", () => page.toggleCamera());
  file.addEventListener("change", () => {
    if (file.files?.length) openFile(page, file.files[0]);
    // The same file can be chosen again.
    file.value = "";
  });
  score.addEventListener("input", () => {
    byId("score-value").textContent = Number(score.value).toFixed(2);
    page.redraw();
  });
  addEventListener("paste", ({ clipboardData }) => openFile(page, pictureOf(clipboardData)));
  addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  addEventListener("dragleave", ({ relatedTarget }) => {
    if (relatedTarget === null) document.body.classList.remove("dropping");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    openFile(page, pictureOf(event.dataTransfer));
  });
}

/** What the choice of an engine waits for where none is taken by itself. */
const UNDECIDED = "";

/** Fills the choice of engines; gives the one that is taken by itself, if there is one. */
function offerEngines(engines: readonly Engine[]): Engine | undefined {
  const choice = byId<HTMLSelectElement>("engine"), [first] = engines;
  const options = engines.map(({ id, title, why }) =>
    Object.assign(new Option(title, id), { disabled: why !== undefined })
  );
  if (first.why !== undefined) options.unshift(new Option("choose", UNDECIDED));
  choice.replaceChildren(...options);
  choice.value = first.why === undefined ? first.id : UNDECIDED;
  byId("engine-hint").textContent = engines.slice(1).flatMap(({ why }) => why ?? []).join(" ");
  return first.why === undefined ? first : undefined;
}

/** Everything that can be used, but the choice of engines. */
const controls = () => [...document.querySelectorAll<HTMLInputElement>("button, input")];

/** Shows the page's picture on an engine, and does what people want from then on. */
async function begin(data: PageData, engine: Engine): Promise<Page> {
  for (const control of controls()) control.disabled = false;
  const page = new Page(data, engine);
  listen(page);
  await page.openSample();
  return page;
}

const data: PageData = await fetch("models.json").then((response) => response.json());
const engines = await findEngines(data), choice = byId<HTMLSelectElement>("engine");
const usual = offerEngines(engines);
let page = usual && begin(data, usual);
if (page === undefined) {
  const reasons = engines.flatMap(({ why }) => why ?? []).join(" ");
  const others = engines.some(({ why }) => why === undefined);
  for (const control of controls()) control.disabled = true;
  choice.disabled = !others;
  results.replaceChildren();
  say(others ? `${reasons} Choose the CPU to run on.` : reasons, true);
}
choice.addEventListener("change", async () => {
  const engine = engines.find(({ id }) => id === choice.value);
  if (engine === undefined) return;
  if (page !== undefined) return (await page).use(engine);
  choice.options[0].remove();
  page = begin(data, engine);
});
