/** Downloads of single files: resumed, checked, and never half there. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fetchFile, type FetchOptions } from "../../src/data/download/fetch_file.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { inFolder } from "../support/data_folders.ts";
import { type FileServer, type ServedFile, withServer } from "../support/file_server.ts";
import { seededRandom } from "../support/random.ts";

const random = seededRandom(5);
const BYTES = Uint8Array.from({ length: 300_007 }, () => 256 * random());
const SHA256 = createHash("sha256").update(BYTES).digest("hex");

const QUICK: FetchOptions = { pause: 0 };

interface Place {
  server: FileServer;
  target: string;
  partial: string;
  /** What is there under the given name. */
  read: (file: string) => Promise<Uint8Array>;
  exists: (file: string) => boolean;
}

/** Runs with one served file `a.bin` and an empty folder. */
async function serving(file: Partial<ServedFile>, run: (place: Place) => Promise<void>): Promise<void> {
  await withServer({ "a.bin": { bytes: BYTES, ...file } }, (server) =>
    inFolder(async (folder) => {
      const target = join(folder, "deep/er/a.bin");
      const exists = (path: string) => {
        try {
          return Deno.statSync(path).isFile;
        } catch {
          return false;
        }
      };
      await run({ server, target, partial: `${target}.partial`, read: (path) => Deno.readFile(path), exists });
    }));
}

Deno.test("a file is downloaded with progress, and not again", () =>
  serving({}, async ({ server, target, partial, read, exists }) => {
    let told = 0;
    const wanted = { urls: [`${server.url}a.bin`], target, sha256: SHA256, bytes: BYTES.length };
    assertEquals(await fetchFile(wanted, { onBytes: (count) => told += count }), "fetched");
    assertEquals([told, exists(partial)], [BYTES.length, false]);
    assertEquals(await read(target), BYTES);
    assertEquals(await fetchFile(wanted, { onBytes: (count) => told += count }), "present");
    assertEquals([told, server.requests], [2 * BYTES.length, ["GET a.bin"]]);
  }));

Deno.test("a connection that breaks twice is taken up where it broke", () =>
  serving({ breakAfter: [100_000, 50_000] }, async ({ server, target, read }) => {
    let told = 0;
    const options = { ...QUICK, onBytes: (count: number) => told += count };
    assertEquals(await fetchFile({ urls: [`${server.url}a.bin`], target, sha256: SHA256 }, options), "fetched");
    assertEquals(await read(target), BYTES);
    assertEquals(told, BYTES.length);
    const starts = server.requests.map((request) => Number(/bytes=(\d+)-$/.exec(request)?.[1] ?? 0));
    assertEquals(starts.length, 3);
    // How much of a broken connection arrives is up to the network, but each request goes on where the last one ended.
    assert(starts[0] === 0 && starts[1] > 0 && starts[2] >= starts[1] && starts[2] <= 150_000, String(starts));
  }));

Deno.test("a download that was interrupted goes on in a later call with the rest only", () =>
  serving({}, async ({ server, target, partial, read }) => {
    await Deno.mkdir(join(target, ".."), { recursive: true });
    await Deno.writeFile(partial, BYTES.slice(0, 123_456));
    let told = 0;
    const options = { onBytes: (count: number) => told += count };
    await fetchFile({ urls: [`${server.url}a.bin`], target, sha256: SHA256 }, options);
    assertEquals([server.requests, told], [["GET a.bin bytes=123456-"], BYTES.length]);
    assertEquals(await read(target), BYTES);
  }));

Deno.test("a partial file that is complete needs no more than its checksum", () =>
  serving({}, async ({ server, target, partial, read }) => {
    await Deno.mkdir(join(target, ".."), { recursive: true });
    await Deno.writeFile(partial, BYTES);
    await fetchFile({ urls: [`${server.url}a.bin`], target, sha256: SHA256 });
    assertEquals(server.requests, [`GET a.bin bytes=${BYTES.length}-`]);
    assertEquals(await read(target), BYTES);
  }));

for (
  const [what, content] of [["of something else", BYTES.map((x) => x ^ 1).slice(0, 5000)], [
    "that is too long",
    new Uint8Array(400_000),
  ]] as const
) {
  Deno.test(`a partial file ${what} is given up for a start from nothing`, () =>
    serving({}, async ({ server, target, partial, read }) => {
      await Deno.mkdir(join(target, ".."), { recursive: true });
      await Deno.writeFile(partial, content);
      let told = 0;
      const options = { onBytes: (count: number) => told += count };
      await fetchFile({ urls: [`${server.url}a.bin`], target, sha256: SHA256 }, options);
      assertEquals(server.requests, [`GET a.bin bytes=${content.length}-`, "GET a.bin"]);
      assertEquals(await read(target), BYTES);
      assertEquals(told, BYTES.length);
    }));
}

Deno.test("without a checksum a partial file is not built upon", () =>
  serving({}, async ({ server, target, partial, read }) => {
    await Deno.mkdir(join(target, ".."), { recursive: true });
    await Deno.writeFile(partial, new Uint8Array(1000));
    await fetchFile({ urls: [`${server.url}a.bin`], target });
    assertEquals(server.requests, ["GET a.bin"]);
    assertEquals(await read(target), BYTES);
  }));

Deno.test("a server that sends no parts is asked for all of it, over what was there", () =>
  serving({ ranges: false, breakAfter: [100_000] }, async ({ server, target, read }) => {
    await fetchFile({ urls: [`${server.url}a.bin`], target, sha256: SHA256 }, QUICK);
    assertEquals(await read(target), BYTES);
    assertEquals(server.requests.length, 2);
  }));

Deno.test("a server that sends another part than was asked for is asked anew from nothing", () =>
  serving({ wrongPart: true }, async ({ server, target, partial, read }) => {
    await Deno.mkdir(join(target, ".."), { recursive: true });
    await Deno.writeFile(partial, BYTES.slice(0, 77));
    await fetchFile({ urls: [`${server.url}a.bin`], target, sha256: SHA256 }, QUICK);
    assertEquals(server.requests, ["GET a.bin bytes=77-", "GET a.bin"]);
    assertEquals(await read(target), BYTES);
  }));

Deno.test("a wrong checksum or size is refused, and nothing is kept", () =>
  serving({}, async ({ server, target, partial, exists }) => {
    const urls = [`${server.url}a.bin`];
    const wrong = "0".repeat(64);
    const { message } = await assertRejects(() => fetchFile({ urls, target, sha256: wrong }), FeatherdetError);
    assertEquals(message, `${urls[0]}: its SHA-256 is ${SHA256}, expected ${wrong}; it was not kept`);
    await assertRejects(
      () => fetchFile({ urls, target, bytes: 300_000 }),
      FeatherdetError,
      "it has 300007 bytes, expected 300000",
    );
    assertEquals([exists(target), exists(partial)], [false, false]);
  }));

Deno.test("a file that is there but wrong is replaced", () =>
  serving({}, async ({ server, target, read }) => {
    await Deno.mkdir(join(target, ".."), { recursive: true });
    await Deno.writeTextFile(target, "old");
    assertEquals(await fetchFile({ urls: [`${server.url}a.bin`], target, sha256: SHA256 }), "fetched");
    assertEquals(await read(target), BYTES);
  }));

Deno.test("404 is said at once, a busy server is asked again, another address is tried", () =>
  serving({ statuses: [503, 429] }, async ({ server, target, exists }) => {
    const nowhere = `${server.url}none.bin`;
    const { message } = await assertRejects(() => fetchFile({ urls: [nowhere], target }, QUICK), FeatherdetError);
    assertEquals(message, `${nowhere}: the server answers 404 Not Found`);
    assertEquals([server.requests.length, exists(target)], [1, false]);
    assertEquals(await fetchFile({ urls: [nowhere, `${server.url}a.bin`], target, sha256: SHA256 }, QUICK), "fetched");
    assertEquals(server.requests.slice(1), ["GET none.bin", "GET a.bin", "GET a.bin", "GET a.bin"]);
  }));

Deno.test("a server that stays busy, a connection that keeps breaking, and one that stalls are given up", async () => {
  await serving({ statuses: [500, 500, 500] }, async ({ server, target }) => {
    const wanted = { urls: [`${server.url}a.bin`], target };
    await assertRejects(() => fetchFile(wanted, { ...QUICK, attempts: 3 }), FeatherdetError, "the server answers 500");
    assertEquals(server.requests.length, 3);
  });
  await serving({ breakAfter: [1, 1, 1] }, async ({ server, target }) => {
    const wanted = { urls: [`${server.url}a.bin`], target, sha256: SHA256 };
    await assertRejects(() => fetchFile(wanted, { ...QUICK, attempts: 3 }), FeatherdetError, "the download broke off");
    assertEquals(server.requests.length, 3);
  });
  await serving({ stall: true }, async ({ server, target, partial, read }) => {
    const wanted = { urls: [`${server.url}a.bin`], target, sha256: SHA256 };
    const options = { ...QUICK, attempts: 1, patience: 300 };
    await assertRejects(() => fetchFile(wanted, options), FeatherdetError, "broke off: nothing came for 0.3 s");
    assertEquals(await read(partial), BYTES.slice(0, 10));
  });
});

Deno.test("a machine that cannot be reached is said with its address", () =>
  inFolder(async (folder) => {
    // A port that was just free and is closed again: nobody listens.
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    const wanted = { urls: [`http://127.0.0.1:${port}/a.bin`], target: join(folder, "a") };
    const { message } = await assertRejects(() => fetchFile(wanted, { ...QUICK, attempts: 2 }), FeatherdetError);
    assertMatch(message, new RegExp(`^http://127\\.0\\.0\\.1:${port}/a\\.bin: the download broke off: `));
    assertEquals(message.includes("\n"), false);
  }));
