/** `deno task data`, and data sets by name where nothing lies beside the checkout. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Sources } from "../../src/data/download/sources.ts";
import { assertRefused, commandLine, type Ended } from "../support/command_line.ts";
import { inFolder, put, putCoco, TINY } from "../support/data_folders.ts";
import { withServer } from "../support/file_server.ts";

const SRC = fileURLToPath(new URL("../../src/", import.meta.url));
const BYTES = new TextEncoder().encode("weights");
const SHA256 = createHash("sha256").update(BYTES).digest("hex");

async function deno(args: readonly string[], env: Record<string, string>) {
  const child = new Deno.Command(Deno.execPath(), { args: [...args], env: { NO_COLOR: "1", ...env }, stdin: "null" });
  const { code, stdout, stderr } = await child.output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

/** Runs with a cache folder and a list of one source that a server has. */
function withSource(run: (command: (...args: string[]) => Promise<Ended>, cache: string) => Promise<void>) {
  return withServer({ "tiny.onnx": { bytes: BYTES } }, ({ url }) =>
    inFolder(async (folder) => {
      const about = { title: "A tiny model", home: "https://example.org", licence: "MIT", folder: "models" };
      const group = { from: [url], to: "", checksums: "known" };
      const sources: Sources = {
        tiny: { ...about, groups: [{ ...group, files: { "tiny.onnx": { bytes: BYTES.length, sha256: SHA256 } } }] },
        lost: { ...about, groups: [{ ...group, files: { "lost.onnx": {} } }] },
      };
      await put(folder, "sources.json", JSON.stringify(sources));
      const env = { FEATHERDET_SOURCES: join(folder, "sources.json"), FEATHERDET_CACHE: join(folder, "cache") };
      await run((...args) => commandLine(args, env), join(folder, "cache"));
    }));
}

Deno.test("data NAME downloads into the cache, says what and under which licence, and does so once", () =>
  withSource(async (command, cache) => {
    const first = await command("data", "tiny");
    assertEquals([first.code, first.stderr.includes("licence: MIT")], [0, true], first.stderr);
    assertEquals(first.stdout, `1 files in ${join(cache, "models")}, 1 of them downloaded now\n`);
    assertEquals(await Deno.readFile(join(cache, "models/tiny.onnx")), BYTES);
    const second = JSON.parse((await command("data", "tiny", "--json")).stdout);
    assertEquals(second, {
      name: "tiny",
      folder: join(cache, "models"),
      files: 1,
      fetched: 0,
      warnings: [],
      licence: "MIT",
    });
  }));

Deno.test("data without a name lists what there is and what is here; wrong names and lost files are one sentence", () =>
  withSource(async (command, cache) => {
    const before = await command("data");
    assertMatch(
      before.stdout,
      /^tiny {7}A tiny model \(0 MB\)\n {11}https:\/\/example\.org, licence: MIT\n {11}not here\n/,
    );
    await command("data", "tiny");
    const { sources } = JSON.parse((await command("data", "--json")).stdout);
    assertEquals(sources.map(({ name, place }: { name: string; place: string }) => [name, place]), [
      ["tiny", join(cache, "models")],
      ["lost", null],
    ]);
    const unknown = await command("data", "cats");
    assertRefused(unknown, /^error: nothing called "cats" can be downloaded, there are: tiny, lost$/);
    const lost = await command("data", "lost");
    assertEquals([lost.code, lost.stdout], [1, ""]);
    assertMatch(lost.stderr, /^error: http:\/\/127\.0\.0\.1:\d+\/lost\.onnx: the server answers 404 Not Found$/m);
  }));

/** Copies the modules to where nothing lies beside them. */
async function copySources(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copySources(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}

Deno.test("a named set that is not here says how to get it; in the cache it is found", () =>
  inFolder(async (folder) => {
    await copySources(SRC, join(folder, "checkout/src"));
    const module = pathToFileURL(join(folder, "checkout/src/data/open.ts")).href;
    const script = `const { openDataset } = await import(${JSON.stringify(module)});
      for (const [name, options] of [["bccd", {}], ["coco", {}], ["coco", { split: "test" }]]) {
        try {
          const { split, images } = await openDataset(name, options);
          console.log(name, split, images.length);
        } catch (error) {
          console.log(error.message);
        }
      }`;
    const open = async (env: Record<string, string>) => {
      const { code, stdout, stderr } = await deno(["eval", "--no-lock", script], env);
      assertEquals(code, 0, stderr);
      return stdout.trimEnd().split("\n");
    };
    const missing = await open({});
    assertEquals(missing.slice(0, 2), [
      `the data set "bccd" is not here, "deno task data bccd" downloads it`,
      `the data set "coco" is not here, "deno task data coco-val" downloads the split "val"`,
    ]);
    const cache = join(folder, "cache");
    await putCoco(join(cache, "data/bccd"), TINY, "instances_val.json");
    await putCoco(join(cache, "data/coco/val"), TINY);
    const found = await open({ FEATHERDET_CACHE: cache });
    assertEquals(found.slice(0, 2), ["bccd val 4", "coco val 4"]);
    assertStringIncludes(found[2], `it has no split "test", there are: val`);
    // Without the variable, the cache is in the checkout.
    await Deno.rename(cache, join(folder, "checkout/.cache"));
    assertEquals((await open({}))[0], "bccd val 4");
    assert(!missing[2].includes("undefined"));
  }));
