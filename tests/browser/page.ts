/** The web page in headless Chromium: it finds what Deno finds, on its picture and on a fake camera, with the keyboard and a clean console. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { countText } from "../../page/shown_model.ts";
import { Detector } from "../../src/detect/detector.ts";
import type { DetectorOptions } from "../../src/detect/options.ts";
import { buildPage, type PageOptions } from "../../src/host/page/build_page.ts";
import { serveFolder } from "../../src/host/page/serve_folder.ts";
import { ON_CPU } from "../support/cpu_runtime.ts";
import { inFolder } from "../support/data_folders.ts";
import { findChromium, INSTALL_CHROMIUM } from "./chromium.ts";
import { BrowserPage } from "./devtools.ts";

const ROOT = new URL("../../", import.meta.url);
const PICTURE = new URL("data/pictures/blood_cells.jpg", ROOT), SMALLEST = "bccd-everything";

/** Names a folder for pictures of the page. */
const SHOTS = Deno.env.get("SCREENSHOTS");

async function shot(page: BrowserPage, name: string): Promise<void> {
  if (SHOTS !== undefined) await Deno.writeFile(`${SHOTS}/${name}.png`, await page.photograph());
}

/** A page that is built, served and opened, with a fake camera that shows the picture again and again. */
async function withPage(
  run: (page: BrowserPage, url: string) => Promise<void>,
  options?: PageOptions,
): Promise<void> {
  const chromium = findChromium();
  assert(chromium, `no Chromium was found: install it with \`${INSTALL_CHROMIUM}\`, or name it in $CHROMIUM`);
  await inFolder(async (folder) => {
    const { models } = await buildPage(`${folder}/site`, options);
    assert(models >= 6);
    // Pictures behind each other are a video in Motion JPEG.
    const camera = `${folder}/camera.mjpeg`, picture = await Deno.readFile(PICTURE);
    await Deno.writeFile(camera, new Uint8Array([...picture, ...picture]));
    const served = serveFolder(`${folder}/site`, 0);
    const page = await BrowserPage.open(chromium, [
      "--use-fake-ui-for-media-stream",
      "--use-fake-device-for-media-stream",
      `--use-file-for-fake-video-capture=${camera}`,
    ]);
    try {
      await run(page, served.url);
      assertEquals(page.console, []);
    } finally {
      await page.close();
      await served.stop();
    }
  });
}

/** What stands under a model's canvas. */
const captionOf = (title: string) =>
  `[...document.querySelectorAll("figcaption")].find((one) => one.textContent.startsWith(${JSON.stringify(title)}))` +
  `?.querySelector("span").textContent ?? ""`;

/** What the detector of the page's smallest model finds in Deno, in the page's words. */
async function countInDeno(options: DetectorOptions): Promise<string> {
  const model = new URL(`data/models/${SMALLEST}.onnx`, ROOT);
  const detector = await Detector.load(fileURLToPath(model), { ...options, precision: "int8", confidence: 0.25 });
  const found = countText(await detector.detect(await Deno.readFile(PICTURE)));
  detector.destroy();
  return found;
}

/** Files of the CPU engine that the page has loaded, without those that its worker has. */
const LOADED = "[...new Set(performance.getEntriesByType('resource').map(({ name }) => name)" +
  ".filter((name) => name.includes('/onnxruntime/')).map((name) => name.split('/').at(-1)))].sort()";

const STATUS = `document.getElementById("status").textContent`;

/** Presses Tab until an element has the focus, by its id; it is known to be reached in a few. */
async function tabTo(page: BrowserPage, id: string): Promise<void> {
  for (let presses = 0; presses < 30; presses++) {
    if (await page.evaluate<string>("document.activeElement.id") === id) return;
    await page.press("Tab");
  }
  throw new Error(`Tab does not lead to #${id}`);
}

Deno.test("the page finds what Deno finds, on its picture, a pasted one and a camera, by keyboard alone", () =>
  withPage(async (page, url) => {
    const expected = await countInDeno({});
    const started = performance.now();
    await page.go(url);
    const caption = captionOf("Everything");
    await page.until(`(${caption}).includes("RBC")`);
    console.log(`first boxes after ${Math.round(performance.now() - started)} ms`);
    await page.until(`(${STATUS}).endsWith("2 models.")`);
    assertMatch(await page.evaluate(caption), new RegExp(`^${expected}, \\d+ ms$`));
    await shot(page, "page-light");

    // Everything that can be used has a name.
    const { nodes } = await page.send("Accessibility.getFullAXTree") as {
      nodes: { ignored: boolean; role?: { value: string }; name?: { value: string } }[];
    };
    const used = nodes.filter(({ role, ignored }) =>
      !ignored && /^(button|checkbox|combobox|slider|image|img)$/i.test(role?.value ?? "")
    );
    assert(used.length >= 12, `${used.length}`);
    assertEquals(used.filter(({ name }) => !name?.value), []);

    // The least score, by the arrow keys: fewer boxes, without another run.
    await tabTo(page, "score");
    for (let step = 0; step < 13; step++) await page.press("ArrowRight");
    assertEquals(await page.evaluate("document.getElementById('score-value').textContent"), "0.90");
    assertMatch(await page.evaluate(caption), /^(\d RBC, )?1 WBC, \d+ ms$/);
    await page.evaluate("score.value = 0.25, score.dispatchEvent(new Event('input')), score.blur()");

    await page.evaluate(`fetch("sample.jpg").then((answer) => answer.blob()).then((blob) => {
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File([blob], "pasted.jpg", { type: "image/jpeg" }));
      dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
    })`);
    await page.until(`(${STATUS}).startsWith("pasted.jpg, 640 x 480")`);

    await tabTo(page, "show-bccd");
    await page.press(" ");
    assertEquals(await page.evaluate("document.querySelectorAll('figure').length"), 1);
    await page.evaluate("document.activeElement.blur()");
    await tabTo(page, "camera");
    await page.press(" ");
    await page.until(`(${STATUS}).includes("frames a second")`);
    assertEquals(await page.evaluate("camera.ariaPressed"), "true");
    assertMatch(await page.evaluate(caption), /RBC, 1 WBC, \d+ ms$/);
    await page.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: "dark" }] });
    await shot(page, "page-camera-dark");
    await page.press(" ");
    await page.until(`(${STATUS}) === "The camera is off."`);

    // The other engine is loaded now, not before.
    assertEquals(await page.evaluate(LOADED), []);
    await tabTo(page, "engine");
    await page.press("ArrowRight");
    assertEquals(await page.evaluate("engine.value"), "cpu");
    await page.until(`(${STATUS}) === "pasted.jpg, 640 x 480: one model."`);
    assertMatch(await page.evaluate(caption), new RegExp(`^${await countInDeno(ON_CPU)}, \\d+ ms$`));
    // Its worker loads the rest.
    assertEquals(await page.evaluate(LOADED), ["ort.wasm.min.mjs"]);
    await page.resize({ width: 390, height: 800 });
    assertEquals(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
    await shot(page, "page-narrow");
  }));

const NO_WEBGPU = "Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined })";
const USABLE = "[...document.querySelectorAll('button:enabled, input:enabled, select:enabled')].map(({ id }) => id)";

Deno.test("without WebGPU the page says so and offers the CPU engine, which finds what it finds in Deno", () =>
  withPage(async (page, url) => {
    await page.go(url, NO_WEBGPU);
    await page.until(`(${STATUS}) !== "Loading."`);
    assertEquals(await page.evaluate(STATUS), "This browser has no WebGPU. Choose the CPU to run on.");
    assertEquals(await page.evaluate(USABLE), ["engine"]);
    assertEquals(await page.evaluate(LOADED), []);
    await shot(page, "page-without-webgpu");

    const started = performance.now();
    await tabTo(page, "engine");
    await page.press("ArrowRight");
    const caption = captionOf("Everything");
    await page.until(`(${caption}).includes("RBC")`);
    console.log(`first boxes on the CPU after ${Math.round(performance.now() - started)} ms`);
    await page.until(`(${STATUS}).endsWith("2 models.")`);
    assertMatch(await page.evaluate(caption), new RegExp(`^${await countInDeno(ON_CPU)}, \\d+ ms$`));
    // Half precision is of graphics processors.
    const disabled = "[...document.querySelectorAll('input:disabled, button:disabled')].map(({ id }) => id)";
    assertEquals(await page.evaluate(disabled), ["show-bccd-f16"]);
    await shot(page, "page-cpu");
  }));

Deno.test("a page without the CPU engine says so where there is no WebGPU, and nothing can be pressed in vain", () =>
  withPage(async (page, url) => {
    await page.go(url, NO_WEBGPU);
    await page.until(`(${STATUS}) !== "Loading."`);
    assertEquals(
      await page.evaluate(STATUS),
      "This browser has no WebGPU. The CPU engine was left out of this page.",
    );
    assertEquals(await page.evaluate(USABLE), []);
  }, { cpu: false }));
