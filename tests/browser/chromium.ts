/**
 * Opens a page in headless Chromium and waits for what it sends back.
 *
 * @module
 */

import { ORT_VERSION } from "../../src/engine/cpu/runtime.ts";

/** What Debian, Ubuntu and others call it. */
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"] as const;

/** The command for machines without. */
export const INSTALL_CHROMIUM = "apt-get install -y --no-install-recommends chromium";

/** Path of the browser: `$CHROMIUM`, or the first of the usual names on the path; undefined where there is none. */
export function findChromium(): string | undefined {
  const given = Deno.env.get("CHROMIUM");
  if (given) return given;
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  return folders.flatMap((folder) => NAMES.map((name) => `${folder}/${name}`)).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** WebGPU on the browser's own software adapter, so that the result depends on no driver of the machine. */
export const FLAGS: readonly string[] = [
  "--headless=new",
  "--no-sandbox",
  "--no-first-run",
  "--disable-extensions",
  "--disable-dev-shm-usage",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
];

/** The page: what goes wrong while the script is loaded is reported too. */
const PAGE = `<!doctype html><meta charset="utf-8"><title>Featherdet</title>
<script>
addEventListener("error", ({ message }) => fetch("/report", { method: "POST", body: JSON.stringify({ error: message }) }));
</script>
<script type="module" src="/main.js"></script>`;

/** The folder of a package of npm with its files for browsers; throws where Deno has not downloaded it. */
async function packageFolder(name: string, version: string): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout));
  const folder = `${npmCache}/registry.npmjs.org/${name}/${version}/dist`;
  await Deno.stat(folder);
  return folder;
}

/** A file of onnxruntime-web, which pages find under `/onnxruntime/`. */
async function runtimeFile(path: string): Promise<Response> {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const type = name.endsWith(".wasm") ? "application/wasm" : "text/javascript";
  const folder = await packageFolder("onnxruntime-web", ORT_VERSION);
  return new Response(await Deno.readFile(`${folder}/${name}`), { headers: { "content-type": type } });
}

/**
 * Serves a page with the script, opens it in the browser and returns the object that the script posts to `/report`, or
 * `{ error }` where it throws while it is loaded. Throws where the browser ends before, or after `seconds` without a report.
 */
export async function reportOf(chromium: string, script: string, seconds: number): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/") return new Response(PAGE, { headers: { "content-type": "text/html" } });
    if (pathname === "/main.js") return new Response(script, { headers: { "content-type": "text/javascript" } });
    if (pathname.startsWith("/onnxruntime/")) return await runtimeFile(pathname);
    if (pathname === "/report") {
      resolve(await request.json());
      return new Response(null, { status: 204 });
    }
    return new Response(null, { status: 404 });
  });
  const profile = await Deno.makeTempDir({ prefix: "featherdet-chromium-" });
  const browser = new Deno.Command(chromium, {
    args: [...FLAGS, `--user-data-dir=${profile}`, `http://127.0.0.1:${server.addr.port}/`],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  browser.status.then(({ code }) => reject(new Error(`${chromium} ended with status ${code} before it reported`)));
  const limit = setTimeout(() => reject(new Error(`the page sent nothing within ${seconds} s`)), seconds * 1000);
  try {
    return await promise;
  } finally {
    clearTimeout(limit);
    try {
      browser.kill();
    } catch {
      // It has ended by itself.
    }
    await browser.status;
    await server.shutdown();
    await Deno.remove(profile, { recursive: true });
  }
}
