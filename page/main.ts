/**
 * The page: models beside each other on one picture or on what a camera sees.
 *
 * @module
 */

import { decodeImage } from "../src/image/codec/decode.ts";
import { DECODE_TIMEOUT } from "../src/image/codec/decode_there.ts";
import type { RgbImage } from "../src/image/rgb_image.ts";
import { Camera } from "./camera.ts";
import { findEngines } from "./engines.ts";
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
  readonly #sample: string;
  #picture: { readonly image: RgbImage; readonly name: string } | undefined;
  #camera: Camera | undefined;
  #isOpening = false;
  /** Counts what was asked for: results for an earlier request are dropped. */
  #request = 0;
  /** The work under way: a device is asked for one thing after the other, so that times mean something. */
  #work: Promise<void> = Promise.resolve();

  constructor({ models, shown, source, sample }: PageData) {
    this.#models = models.map((model) => new ShownModel(model));
    this.#sample = sample;
    byId("models").replaceChildren(...this.#models.map(({ row }) => row));
    byId("source").textContent = source;
    for (const model of this.#models) {
      model.checkbox.checked = shown.includes(model.model.id);
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
    const request = this.#request, picture = this.#picture;
    if (picture === undefined) return;
    // The smallest file first: something is seen soon.
    const sorted = models.toSorted((a, b) => a.model.bytes - b.model.bytes);
    const each = async (before: (title: string) => string) => {
      for (const model of sorted) {
        if (request !== this.#request || !model.checkbox.checked) continue;
        say(before(model.model.title));
        await model.show(picture.image, this.#score).catch(() => {});
      }
    };
    const run = async () => {
      await each((title) => `Loading and running ${title}. The first run compiles its shaders, which takes longest.`);
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
        if (this.#camera === camera) await model.show(image, this.#score).catch(() => {});
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

/** Fills the choice of engines; the sentence why none can be used, or undefined. */
async function offerEngines(): Promise<string | undefined> {
  const engines = await findEngines();
  const options = engines.map(({ id, title, why }) =>
    Object.assign(document.createElement("option"), {
      value: id,
      textContent: title,
      disabled: why !== undefined,
    })
  );
  const usable = engines.find(({ why }) => why === undefined);
  const reasons = engines.flatMap(({ why }) => why ?? []).join(" ");
  if (usable === undefined) {
    byId("engine").replaceChildren(new Option("nothing here"));
    return reasons;
  }
  byId("engine").replaceChildren(...options);
  byId<HTMLSelectElement>("engine").value = usable.id;
  byId("engine-hint").textContent = reasons;
  return undefined;
}

const [data, why] = await Promise.all([
  fetch("models.json").then((response) => response.json() as Promise<PageData>),
  offerEngines(),
]);
const page = new Page(data);
if (why === undefined) {
  listen(page);
  await page.openSample();
} else {
  for (const control of document.querySelectorAll<HTMLInputElement>("button, input, select")) control.disabled = true;
  results.replaceChildren();
  say(why, true);
}
