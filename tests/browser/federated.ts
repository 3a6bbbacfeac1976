/** A tab as a client of federated training, beside one in a process: in headless Chromium, over a queue, under masks and in eight bits. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { command } from "../support/command_line.ts";
import { inFolder, putYolo, TINY } from "../support/data_folders.ts";
import { findChromium, INSTALL_CHROMIUM } from "./chromium.ts";
import { BrowserPage } from "./devtools.ts";

/** A command that goes on; `said` resolves with the first match of what it prints. */
function started(args: readonly string[], wanted?: RegExp) {
  const child = command(args).spawn(), found = Promise.withResolvers<string>();
  let text = "";
  const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    let own = "";
    for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
      [own, text] = [own + piece, text + piece];
      const [match] = wanted?.exec(text) ?? [];
      if (match !== undefined) found.resolve(match);
    }
    return own;
  };
  const ended = Promise.all([child.status, read(child.stdout), read(child.stderr)]).then(([{ code }, out]) => {
    found.reject(new Error(`ended with ${code} before it said ${wanted}: ${text}`));
    return { code, out, text };
  });
  // Of those that nobody waits for.
  found.promise.catch(() => {});
  return { child, said: found.promise, ended };
}

const MODEL = ["--model", "yolo11n", "--no-pretrained", "--width", "0.0625", "--depth", "0.3", "--size", "64"];
const DATA = ["--data", "synthetic", "--limit", "8", "--val-limit", "2", "--batch", "4", "--no-augment"];

const textOf = (id: string) => `document.getElementById(${JSON.stringify(id)}).textContent`;

/** Chooses a folder in a page, as people do. */
async function choose(page: BrowserPage, id: string, folder: string): Promise<void> {
  const { root } = await page.send("DOM.getDocument") as { root: { nodeId: number } };
  const { nodeId } = await page.send("DOM.querySelector", { nodeId: root.nodeId, selector: `#${id}` });
  await page.send("DOM.setFileInputFiles", { nodeId, files: [folder] });
}

Deno.test("a tab reads a chosen folder, trains beside a client in a process, and sends masked and eight-bit updates", () =>
  inFolder(async (folder) => {
    const chromium = findChromium();
    assert(chromium, `no Chromium was found: install it with \`${INSTALL_CHROMIUM}\`, or name it in $CHROMIUM`);
    const queue = `pglite:${join(folder, "queue")}`, pictures = join(folder, "pictures");
    await Deno.mkdir(pictures);
    await putYolo(pictures, TINY);
    const bridge = started(["federated", "--page", "0", "--queue", queue, "--clients", "2"], /http:\S+/);
    const running = [bridge];
    try {
      const url = await bridge.said;
      const other = started(["federated", "--client", "1", "--queue", queue], /takes jobs/);
      running.push(other);
      const page = await BrowserPage.open(chromium, []);
      try {
        await page.go(`${url}?client=0`);
        await page.until(`(${textOf("status")}) === "Choose your pictures, then join."`);
        await choose(page, "folder", pictures);
        await page.until(`!(${textOf("data")}).startsWith("Nothing")`);
        assertMatch(await page.evaluate(textOf("data")), /^\d+ pictures with \d+ objects of /);
        await page.evaluate("made.click()");
        await page.evaluate("join.click()");
        await page.until(`(${textOf("status")}) === "Client 0 waits for the server."`);
        await other.said;
        const serve = async (name: string, ...more: string[]) => {
          const clients = ["--clients", "2", "--queue", queue, "--rounds", "1", "--out", join(folder, name), "--json"];
          const { code, out, text } = await started(["federated", ...MODEL, ...DATA, ...clients, ...more]).ended;
          assertEquals(code, 0, text);
          return (JSON.parse(out) as { rounds: { heard: number[]; sentBytes: number }[] }).rounds[0];
        };
        const masked = await serve("masked", "--secure");
        const packed = await serve("packed", "--compression", "int8");
        assertEquals([masked.heard, packed.heard], [[0, 1], [0, 1]]);
        assert(packed.sentBytes < masked.sentBytes / 3);
        const done = await page.evaluate<string[]>("[...log.rows].map(({ cells }) => cells[2].textContent)");
        assertEquals(done, ["made new keys", "dealt shares of its secrets", "trained", "revealed shares", "trained"]);
        const shots = Deno.env.get("SCREENSHOTS");
        if (shots !== undefined) await Deno.writeFile(`${shots}/page-client.png`, await page.photograph());
        // Whoever does not come from the page is no client.
        const strange = new WebSocket(`${url.replace("http", "ws")}client/1`);
        await new Promise((resolve) => strange.addEventListener("error", resolve));
        await page.evaluate("join.click()");
        await page.until(`(${textOf("status")}) === "Not joined: stopped."`);
        assertEquals(page.console, []);
      } finally {
        await page.close();
      }
    } finally {
      for (const { child } of running) {
        try {
          child.kill("SIGINT");
        } catch {
          // It has ended by itself.
        }
      }
      await Promise.all(running.map(({ ended }) => ended));
    }
  }));
