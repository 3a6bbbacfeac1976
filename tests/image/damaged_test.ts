/** Damaged pictures: each is told of by its own name, whatever is decoded beside it, and spoils nothing that comes after it. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { decodeImage } from "../../src/image/codec/decode.ts";
import { encodeJpeg, encodePng } from "../../src/image/codec/encode.ts";
import { Detector } from "../../src/detect/detector.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { syntheticPicture } from "../../src/data/synthetic.ts";

const { image } = syntheticPicture({ seed: 3, width: 160, height: 120 });
const JPEG = await encodeJpeg(image, 80);
const PNG = await encodePng(image);
const PIXELS = { JPEG: await decodeImage(JPEG), PNG: image };

/** A copy with something changed. */
function changed(bytes: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  const copy = bytes.slice();
  change(copy);
  return copy;
}

/** The place of a JPEG's segment. */
const segment = (bytes: Uint8Array, marker: number) =>
  bytes.findIndex((byte, at) => byte === 0xff && bytes[at + 1] === marker);

const CUT = JPEG.subarray(0, JPEG.length >> 1);

/** What happened to a file: its pixels' relation to the good ones, or the refusal, and the warnings. */
async function outcome(bytes: Uint8Array, file: string, good = PIXELS.JPEG, strict = false) {
  const warnings: string[] = [];
  try {
    const { data } = await decodeImage(bytes, file, { strict, onWarning: (text) => warnings.push(text) });
    return { same: data.every((value, at) => value === good.data[at]), warnings };
  } catch (error) {
    assert(error instanceof FeatherdetError, String(error));
    return { refused: error.message, warnings };
  }
}

Deno.test("of pictures decoded at once the truncated one is refused and no other, however their turns come", async () => {
  const refused = { refused: "cut.jpg: broken JPEG: its data is cut short", warnings: [] };
  const fine = { same: true, warnings: [] };
  assertEquals(
    await Promise.all([
      outcome(JPEG, "a.jpg"),
      outcome(CUT, "cut.jpg"),
      outcome(JPEG, "b.jpg"),
      outcome(CUT, "cut.jpg"),
    ]),
    [fine, refused, fine, refused],
  );
  for (let ticks = 0; ticks < 24; ticks++) {
    const first = outcome(CUT, "cut.jpg");
    for (let tick = 0; tick < ticks; tick++) await null;
    assertEquals(await Promise.all([first, outcome(JPEG, "a.jpg")]), [refused, fine], `${ticks} ticks`);
  }
});

const FATAL: Record<string, Uint8Array> = {
  "Huffman table": changed(JPEG, (copy) => copy.fill(0xff, segment(JPEG, 0xc4) + 5, segment(JPEG, 0xc4) + 40)),
  "quantization table": changed(JPEG, (copy) => copy[segment(JPEG, 0xdb) + 4] = 0x0f),
  "scan": changed(JPEG, (copy) => copy[segment(JPEG, 0xda) + 4] = 9),
  "frame": changed(JPEG, (copy) => copy[segment(JPEG, 0xc2) + 1] = 0xc3),
  // The first bytes of the compressed pixels.
  "data of a PNG": changed(PNG, (copy) => copy.fill(0x55, 43, 90)),
};

for (const [name, bytes] of Object.entries(FATAL)) {
  Deno.test(`a decoder that failed is replaced: 300 times a broken ${name}`, async () => {
    const [good, pixels] = name.endsWith("PNG") ? [PNG, PIXELS.PNG] : [JPEG, PIXELS.JPEG];
    for (let time = 0; time < 300; time++) {
      assertMatch((await outcome(bytes, "bad")).refused ?? "accepted", /^bad: broken (JPEG|PNG): /);
      if (time % 50 === 49) assertEquals(await outcome(good, "good", pixels), { same: true, warnings: [] });
    }
  });
}

Deno.test("damage that is decoded is a warning that names the file, or a refusal", async () => {
  const middle = segment(JPEG, 0xda) + ((JPEG.length - segment(JPEG, 0xda)) >> 1);
  const damaged = changed(JPEG, (copy) => copy.fill(0xa7, middle, middle + 40));
  const early = new Uint8Array([...JPEG.subarray(0, middle), 0xff, 0xd9]);
  const crc = PNG.length - 13;
  const cases: [Uint8Array, RegExp, boolean][] = [
    [damaged, /^x: damaged JPEG: Corrupt JPEG data: .+$/, false],
    [early, /^x: damaged JPEG: Corrupt JPEG data: premature end of data segment$/, false],
    [JPEG.subarray(0, JPEG.length - 2), /^x: damaged JPEG: the mark of its end is missing$/, true],
    [changed(PNG, (copy) => copy[crc] ^= 1), /^x: damaged PNG: the checksum of IDAT is wrong$/, true],
    [PNG.subarray(0, PNG.length - 12), /^x: damaged PNG: the mark of its end is missing$/, true],
  ];
  for (const [bytes, says, keepsPixels] of cases) {
    const good = says.source.includes("PNG") ? PIXELS.PNG : PIXELS.JPEG;
    const { same, warnings } = await outcome(bytes, "x", good);
    assertEquals([same, warnings.length], [keepsPixels, 1], String(says));
    assertMatch(warnings[0], says);
    const { refused, warnings: none } = await outcome(bytes, "x", good, true);
    assertMatch(refused ?? "accepted", says);
    assertEquals(none, []);
  }
});

Deno.test("a damaged JPEG that is also cut short is refused, though its decoder only tells of the first fault", async () => {
  const start = segment(JPEG, 0xda) + 40;
  const both = changed(CUT, (copy) => copy.fill(0xa7, start, start + 40));
  await assertRejects(
    () => decodeImage(both, "both.jpg"),
    FeatherdetError,
    "both.jpg: broken JPEG: its data is cut short",
  );
});

Deno.test("twenty detections at once with a truncated picture among them: it is refused by its name or place, the others are found", async () => {
  const detector = await Detector.load(demoDetector({ size: 96 }));
  try {
    const alone = await detector.detect(JPEG, "alone.jpg");
    const all = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => detector.detect(i === 7 ? CUT : JPEG, `${i}.jpg`)),
    );
    all.forEach((one, i) => {
      if (i === 7) {
        assertMatch(
          String((one as PromiseRejectedResult).reason.message),
          /^7\.jpg: broken JPEG: its data is cut short$/,
        );
      } else assertEquals((one as PromiseFulfilledResult<unknown>).value, alone);
    });
    await assertRejects(
      () => detector.detect([JPEG, JPEG, CUT]),
      FeatherdetError,
      "picture 3: broken JPEG: its data is cut short",
    );
  } finally {
    detector.destroy();
  }
});

Deno.test("a picture of more pixels than are accepted or than its bytes can hold is refused before memory is taken", async () => {
  const png = changed(PNG, (copy) => {
    new DataView(copy.buffer).setUint32(16, 9_900);
    new DataView(copy.buffer).setUint32(20, 10_000);
  }).subarray(0, 1000);
  const frame = segment(JPEG, 0xc2);
  const jpeg = changed(JPEG, (copy) => copy.set([0x2f, 0, 0x20, 0], frame + 5));
  // Its first page is a few pixels wide; a byte of that number was changed.
  const tiff = changed(
    await Deno.readFile(new URL("../fixtures/odd_images/pages.tif", import.meta.url)),
    (copy) => copy[20] = 204,
  );
  const bmp = new Uint8Array(200);
  bmp.set([0x42, 0x4d]);
  bmp[14] = 40;
  new DataView(bmp.buffer).setInt32(18, 9_900, true);
  new DataView(bmp.buffer).setInt32(22, 10_000, true);
  const before = Deno.memoryUsage().external;
  for (
    const [format, bytes, size] of [
      ["PNG", png, "9900x10000"],
      ["JPEG", jpeg, "8192x12032"],
      ["TIFF", tiff, "13369357x7"],
      ["BMP", bmp, "9900x10000"],
    ] as const
  ) {
    const { message } = await assertRejects(() => decodeImage(bytes, "a"), FeatherdetError);
    assertEquals(message, `a: broken ${format}: its data is cut short, ${bytes.length} bytes of ${size} pixels`);
  }
  assert(Deno.memoryUsage().external - before < 2 ** 26, "memory was taken");
  assertEquals((await decodeImage(PNG, "a", { maxPixels: 160 * 120 })).width, 160);
  await assertRejects(
    () => decodeImage(PNG, "a", { maxPixels: 160 * 120 - 1 }),
    FeatherdetError,
    "a: the image is 160x120, more than the 0.019199 megapixels that are accepted",
  );
});
