/** The module as others use it: imported over http from an empty folder, without this repository's deno.json. */

import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { ENTRY_POINTS } from "../../src/cli/test_files.ts";
import { intersectionOverUnion } from "../../src/detect/nms.ts";

const ROOT = new URL("../../", import.meta.url);
const TYPES: Readonly<Record<string, string>> = {
  ".ts": "text/typescript",
  ".wgsl": "text/plain",
  ".json": "application/json",
};

/** Serves the files of the repository; whatever is asked for that is not there is kept in `missing`. */
function serveRepository(missing: string[]) {
  return Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    try {
      const body = await Deno.readFile(fileURLToPath(new URL(`.${pathname}`, ROOT)));
      return new Response(body, {
        headers: { "content-type": TYPES[extname(pathname)] ?? "application/octet-stream" },
      });
    } catch {
      missing.push(pathname);
      return new Response("not found", { status: 404 });
    }
  });
}

const program = (port: number) => `
import { demoDetector, Detector, encodeJpeg, syntheticPicture } from "http://127.0.0.1:${port}/mod.ts";
const { image, objects } = syntheticPicture({ seed: 11, width: 200, height: 160, objects: 4, sizes: [40, 60] });
const detector = await Detector.load(demoDetector({ size: 192 }));
const found = await detector.detect(await encodeJpeg(image, 95));
detector.destroy();
const pages = [];
for (const page of ${JSON.stringify(ENTRY_POINTS)}) {
  pages.push([page, Object.keys(await import(\`http://127.0.0.1:${port}/\${page}\`)).length > 0]);
}
console.log(JSON.stringify({ objects, found, pages }));
`;

interface Report {
  /** Every page, and whether it has values. */
  readonly pages: readonly [page: string, loaded: boolean][];
  readonly objects: readonly { classId: number; box: [number, number, number, number] }[];
  readonly found: readonly { classId: number; label: string; score: number; box: [number, number, number, number] }[];
}

/**
 * A module cache of its own, since every port is a new origin that would stay in the user's; npm packages, which do not depend on
 * it, are shared.
 */
async function moduleCache(folder: string): Promise<string> {
  const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { npmCache }: { npmCache: string } = JSON.parse(new TextDecoder().decode(info.stdout));
  await Deno.mkdir(`${folder}/cache`);
  await Deno.symlink(npmCache, `${folder}/cache/npm`, { type: "dir" });
  return `${folder}/cache`;
}

Deno.test("mod.ts imported over http from an empty folder finds the objects of a picture, and every other page loads", async () => {
  const missing: string[] = [];
  const server = serveRepository(missing);
  const folder = await Deno.makeTempDir({ prefix: "featherdet-http-" });
  try {
    const { port } = server.addr;
    await Deno.mkdir(`${folder}/empty`);
    await Deno.writeTextFile(`${folder}/empty/main.ts`, program(port));
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--allow-read",
        "--allow-env",
        "--allow-net",
        `--allow-import=127.0.0.1:${port}`,
        "--no-config",
        "main.ts",
      ],
      cwd: `${folder}/empty`,
      env: { DENO_DIR: await moduleCache(folder) },
      stdin: "null",
    }).output();
    const text = new TextDecoder();
    assertEquals(missing, []);
    const report = text.decode(stdout);
    // What counts is the report, whatever a driver does while the process ends (Mesa's has been seen to crash then).
    assertNotEquals(report, "", text.decode(stderr));
    const { objects, found, pages }: Report = JSON.parse(report);
    assertEquals(pages, ENTRY_POINTS.map((page) => [page, true]));
    assertEquals(objects.length, 4);
    assertEquals(found.length, objects.length, JSON.stringify({ objects, found }));
    for (const { classId, box } of objects) {
      const overlaps = found.filter((one) => one.classId === classId).map((one) => intersectionOverUnion(one.box, box));
      assertEquals(overlaps.some((overlap) => overlap > 0.85), true, `class ${classId} at ${box} overlaps ${overlaps}`);
    }
    assertStringIncludes(found.map(({ label }) => label).join(), "red disc");
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
});
