/**
 * A headless Chromium that is driven through its DevTools protocol: pages are opened, asked, typed at and photographed, and what they
 * write to the console is kept.
 *
 * @module
 */

import { FLAGS } from "./chromium.ts";

/** A message of the protocol. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** What the page wrote to its console, and what it threw. */
const CONSOLE: readonly string[] = ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"];

/** Where the browser listens, from the line that it prints. */
async function listening(child: Deno.ChildProcess): Promise<string> {
  let text = "";
  const decoder = new TextDecoder(), reader = child.stderr.getReader();
  while (true) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the browser ended before it listened: ${text}`);
    text += decoder.decode(value);
    const [, url] = /DevTools listening on (ws:\S+)/.exec(text) ?? [];
    if (url === undefined) continue;
    reader.releaseLock();
    // A full pipe would stop the browser.
    child.stderr.pipeTo(new WritableStream()).catch(() => {});
    return url;
  }
}

/** One page of a browser of its own. */
export class BrowserPage {
  readonly #child: Deno.ChildProcess;
  readonly #profile: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  #session: string | undefined;
  #next = 1;
  /** What was written to the console, as JSON. */
  readonly console: string[] = [];

  private constructor(child: Deno.ChildProcess, profile: string, socket: WebSocket) {
    this.#child = child;
    this.#profile = profile;
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#receive(JSON.parse(data)));
    socket.addEventListener("close", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the browser has ended"));
    });
  }

  /** Starts a browser with flags beside those of all tests, and opens an empty page of a size. */
  static async open(
    chromium: string,
    flags: readonly string[],
    size = { width: 1280, height: 900 },
  ): Promise<BrowserPage> {
    const profile = await Deno.makeTempDir({ prefix: "featherdet-chromium-" });
    const child = new Deno.Command(chromium, {
      args: [...FLAGS, ...flags, "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"],
      ...{ stdin: "null", stdout: "null", stderr: "piped" },
    }).spawn();
    const socket = new WebSocket(await listening(child));
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", reject);
    });
    const page = new BrowserPage(child, profile, socket);
    const { targetId } = await page.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await page.send("Target.attachToTarget", { targetId, flatten: true });
    page.#session = sessionId as string;
    for (const domain of ["Runtime", "Log", "Page"]) await page.send(`${domain}.enable`);
    await page.resize(size);
    return page;
  }

  #receive({ id, method, params, result, error }: Message): void {
    if (method !== undefined && CONSOLE.includes(method)) this.console.push(JSON.stringify(params));
    const waiting = this.#waiting.get(id ?? 0);
    this.#waiting.delete(id ?? 0);
    if (error !== undefined) waiting?.reject(new Error(error.message));
    else waiting?.resolve(result ?? {});
  }

  /** A command of the protocol. */
  send(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const id = this.#next++, waiting = Promise.withResolvers<Record<string, unknown>>();
    this.#waiting.set(id, waiting);
    const session = this.#session === undefined ? {} : { sessionId: this.#session };
    this.#socket.send(JSON.stringify({ id, method, params, ...session }));
    return waiting.promise;
  }

  /** Sets the size of what is seen, in CSS pixels. */
  async resize({ width, height }: { readonly width: number; readonly height: number }): Promise<void> {
    await this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
  }

  /** Value of an expression in the page; promises are awaited. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      ...{ expression, awaitPromise: true, returnByValue: true, userGesture: true },
    }) as { result: { value: T }; exceptionDetails?: unknown };
    if (exceptionDetails !== undefined) throw new Error(`in the page: ${JSON.stringify(exceptionDetails)}`);
    return result.value;
  }

  /** Goes to a URL. `before` is a script that the page finds already run. */
  async go(url: string, before?: string): Promise<void> {
    if (before !== undefined) await this.send("Page.addScriptToEvaluateOnNewDocument", { source: before });
    await this.send("Page.navigate", { url });
    // The document of the URL, not the one before it.
    await this.evaluate(
      "new Promise((done) => document.readyState === 'complete' ? done() : addEventListener('load', () => done()))",
    );
  }

  /** Waits until an expression is true, which is asked again when the document changes. */
  async until(expression: string): Promise<void> {
    await this.evaluate(`new Promise((done) => {
      const look = () => (${expression}) ? (watch.disconnect(), done()) : undefined;
      const watch = new MutationObserver(look);
      watch.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
      look();
    })`);
  }

  /** Presses and releases a key. */
  async press(key: "Tab" | " " | "Enter" | "ArrowRight"): Promise<void> {
    const code = { Tab: 9, " ": 32, Enter: 13, ArrowRight: 39 }[key];
    const text = key === " " ? " " : key === "Enter" ? "\r" : undefined;
    const event = { key, code: key === " " ? "Space" : key, windowsVirtualKeyCode: code };
    await this.send("Input.dispatchKeyEvent", { type: text === undefined ? "rawKeyDown" : "keyDown", ...event, text });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...event });
  }

  /** What the page looks like, all of it, as a PNG file. */
  async photograph(): Promise<Uint8Array<ArrayBuffer>> {
    const { data } = await this.send("Page.captureScreenshot", { format: "png", captureBeyondViewport: true });
    return Uint8Array.from(atob(data as string), (character) => character.charCodeAt(0));
  }

  /** Ends the browser. */
  async close(): Promise<void> {
    this.#socket.close();
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#child.status;
    await Deno.remove(this.#profile, { recursive: true }).catch(() => {});
  }
}
