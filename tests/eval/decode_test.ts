/** Decoding ahead of time in workers. */

import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import type { DatasetImage } from "../../src/data/dataset.ts";
import { decodeAhead } from "../../src/eval/decode_ahead.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { demoDataset } from "../support/demo_dataset.ts";

/** The pictures of a set as if they lay in files. */
function inFiles(images: readonly DatasetImage[]): DatasetImage[] {
  return images.map((image) => ({ ...image, file: `/pictures/${image.name}` }));
}

async function pixels(images: readonly DatasetImage[], workers?: number): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const { image } of decodeAhead(images, { workers })) all.push(image.data);
  return all;
}

Deno.test("pictures come in order and with the same pixels, however many workers decode them", async () => {
  const { images } = demoDataset(8);
  const expected = await Promise.all(images.map(async (image) => (await image.load()).data));
  for (const workers of [undefined, 0, 1, 3, 20]) assertEquals(await pixels(inFiles(images), workers), expected);
  assertEquals(await pixels(images), expected);
  assertEquals(await pixels([]), []);
});

Deno.test("files are decoded in workers and read no further ahead than needed", async () => {
  const read: number[] = [], loaded: number[] = [];
  const images = inFiles(demoDataset(11, ({ id }) => void loaded.push(id)).images).map((image, i) => ({
    ...image,
    bytes: () => {
      read.push(i);
      return image.bytes();
    },
  }));
  let done = 0;
  for await (const _ of decodeAhead(images, { workers: 2 })) {
    done++;
    assertEquals(read.length, Math.min(images.length, done + 4));
  }
  assertEquals([done, loaded.length], [11, 0]);
});

Deno.test("workers end with the pictures, and with whoever stops early", async () => {
  const { Worker: Original } = globalThis;
  let running = 0;
  globalThis.Worker = class extends Original {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      running++;
    }
    override terminate() {
      super.terminate();
      running--;
    }
  };
  try {
    const images = inFiles(demoDataset(6).images);
    for await (const { image } of decodeAhead(images, { workers: 2 })) {
      assertEquals([image.height, running], [190, 2]);
      break;
    }
    assertEquals(running, 0);
    await pixels(images, 3);
    assertEquals(running, 0);
  } finally {
    globalThis.Worker = Original;
  }
});

Deno.test("a worker that hangs is given up when its time is over or the signal comes", async () => {
  const { Worker: Original } = globalThis;
  let running = 0;
  globalThis.Worker = class extends Original {
    constructor() {
      super("data:text/javascript,onmessage = () => { while (true); }", { type: "module" });
      running++;
    }
    override terminate() {
      super.terminate();
      running--;
    }
  };
  try {
    const images = inFiles(demoDataset(2).images);
    const late = decodeAhead(images, { workers: 1, patience: 30 });
    await assertRejects(() => late.next(), FeatherdetError, `${images[0].file}: takes longer than 0.03 s`);
    const abort = new AbortController(), stream = decodeAhead(images, { workers: 2, signal: abort.signal });
    const first = stream.next();
    abort.abort(new Error("enough"));
    await assertRejects(() => first, Error, "enough");
    assertEquals(running, 0);
  } finally {
    globalThis.Worker = Original;
  }
});

Deno.test("without workers that work, pictures are decoded here", async () => {
  const { Worker: Original } = globalThis;
  const { images } = demoDataset(4);
  const expected = await Promise.all(images.map(async (image) => (await image.load()).data));
  try {
    globalThis.Worker = class extends Original {
      constructor() {
        super("data:text/javascript,throw new Error('no')", { type: "module" });
      }
    };
    assertEquals(await pixels(inFiles(images), 2), expected);
    globalThis.Worker = class {
      constructor() {
        throw new Error("forbidden");
      }
    } as unknown as typeof Worker;
    assertEquals(await pixels(inFiles(images), 2), expected);
  } finally {
    globalThis.Worker = Original;
  }
});

Deno.test("a file that cannot be read, decoded or is of another size is reported as without workers, in its turn", async () => {
  const good = inFiles(demoDataset(3).images);
  const failing = (bytes: () => Promise<Uint8Array<ArrayBuffer>>, sentence: string): DatasetImage => ({
    ...good[1],
    bytes,
    load: () => Promise.reject(new FeatherdetError(sentence, { file: "b.png" })),
  });
  const cases = [
    failing(() => Promise.reject(new Error("gone")), "no such file"),
    failing(() => Promise.resolve(new TextEncoder().encode("no picture")), "not an image"),
    failing(() => good[2].bytes(), "is of another size"),
  ];
  for (const broken of cases) {
    const stream = decodeAhead([good[0], broken, good[2]], { workers: 1 });
    assertEquals((await stream.next()).value?.image.width, good[0].width);
    const sentence = await broken.load().catch(({ message }) => message);
    await assertRejects(() => stream.next(), FeatherdetError, sentence);
  }
  const odd: DatasetImage = { ...good[0], file: undefined, load: () => Promise.reject(new Error("out of paint")) };
  await assertRejects(() => pixels([odd]), FeatherdetError, `${good[0].name}: out of paint`);
});

Deno.test("a view of larger bytes is not taken away from its owner", async () => {
  const [image] = inFiles(demoDataset(1).images);
  const file = await image.bytes();
  const larger = new Uint8Array(file.length + 100);
  larger.set(file, 50);
  const view = larger.subarray(50, 50 + file.length);
  await pixels([{ ...image, bytes: () => Promise.resolve(view) }], 1);
  assertEquals([larger.length, view.length], [file.length + 100, file.length]);
});

Deno.test("real files are decoded as by the data set", async () => {
  const { openDataset } = await import("../../src/data/open.ts");
  const { writeDemoFolder } = await import("../support/demo_dataset.ts");
  const folder = await Deno.makeTempDir();
  try {
    await writeDemoFolder(folder, 3);
    const { images } = await openDataset(folder);
    const expected = await Promise.all(images.map(async (image) => (await image.load()).data));
    assertEquals(await pixels(images, 2), expected);
    await Deno.writeTextFile(join(folder, "images", `${images[1].id}.png`), "text");
    await assertRejects(() => pixels(images, 1), FeatherdetError, `${images[1].id}.png: not an image`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
