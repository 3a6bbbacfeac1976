/** Pictures that `detect` reads: the same as decoded here, refused by name, and given up where decoding never ends. */

import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { PictureDecoder } from "../../src/cli/picture_decoder.ts";
import { syntheticPicture } from "../../src/data/synthetic.ts";
import { SideWorker } from "../../src/data/side_worker.ts";
import type { DecodedImage, DecodeRequest } from "../../src/eval/decode_ahead.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { encodePng } from "../../src/image/codec/encode.ts";
import { inFolder } from "../support/data_folders.ts";

const { image } = syntheticPicture({ seed: 3, width: 48, height: 33, objects: 1 });

/** A picture, one with a wrong checksum, one cut short; and the names of all. */
const inPictures = (run: (names: readonly string[]) => Promise<void>) =>
  inFolder(async (folder) => {
    const whole = await encodePng(image), damaged = whole.slice();
    damaged[damaged.length - 13] ^= 1;
    const files = { "whole.png": whole, "damaged.png": damaged, "cut.png": whole.subarray(0, whole.length >> 1) };
    for (const [name, bytes] of Object.entries(files)) await Deno.writeFile(join(folder, name), bytes);
    await run(Object.keys(files).map((name) => join(folder, name)));
  });

const decoded = async (decoder: PictureDecoder, file: string) => await decoder.decode(await Deno.readFile(file), file);

Deno.test("pictures come from a worker as from here, damage and limits with the file's name", () =>
  inPictures(async ([whole, damaged, cut]) => {
    const said: string[] = [];
    const onWarning = (text: string) => void said.push(text);
    using decoder = new PictureDecoder({ onWarning }), strict = new PictureDecoder({ strict: true });
    using small = new PictureDecoder({ maxPixels: 48 * 33 - 1 }), exact = new PictureDecoder({ maxPixels: 48 * 33 });
    assertEquals(await decoded(decoder, whole), image);
    assertEquals(said, []);
    assertEquals((await decoded(decoder, damaged)).data, image.data);
    assertEquals(said, [`${damaged}: damaged PNG: the checksum of IDAT is wrong`]);
    await assertRejects(() => decoded(strict, damaged), FeatherdetError, `${damaged}: damaged PNG`);
    await assertRejects(() => decoded(decoder, cut), FeatherdetError, `${cut}: broken PNG`);
    await assertRejects(() => decoded(small, whole), FeatherdetError, `${whole}: the image is 48x33, more than`);
    assertEquals(await decoded(exact, whole), image);
  }));

Deno.test("a picture whose decoding never ends is given up by its name, and the next one is read", () =>
  inPictures(async ([whole]) => {
    // The first that is started hangs; another one is started in its place.
    const codes = ["while (true);", "postMessage({ id: data.id, answer: { image: data.order.maxPixels } });"];
    const worker = new SideWorker<DecodeRequest, DecodedImage>(() => {
      const code = `globalThis.onmessage = ({ data }) => { ${codes.shift()} };`;
      return new Worker(`data:text/javascript,${encodeURIComponent(code)}`, { type: "module" });
    });
    using hangs = new PictureDecoder({ worker, patience: 50, maxPixels: 7_000 });
    const { message } = await assertRejects(() => decoded(hangs, whole), FeatherdetError);
    assertEquals(message, `${whole}: takes longer than 0.05 s and was given up`);
    using next = new PictureDecoder({ worker, patience: 600_000, maxPixels: 7_000 });
    // What it is told of the limit comes back.
    assertEquals(await decoded(next, whole) as unknown, 7_000);
  }));
