/** docs/quick-start.md from its first command to its last, pasted as they stand, on pictures that are made anew. */

import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { ROOT } from "../../src/cli/test_files.ts";
import { openDataset } from "../../src/data/open.ts";
import { inFolder } from "../support/data_folders.ts";
import { CLASSES, commandBlocks, PAGE, writePictures } from "../support/quick_start.ts";

/** A folder in which the commands run as in the checkout, and leave their files: all that is there but what it writes itself. */
async function likeTheCheckout(folder: string): Promise<void> {
  for (const { name } of Deno.readDirSync(ROOT)) {
    if (name.startsWith(".") || ["sets", "runs"].includes(name)) continue;
    // Tasks run where their configuration lies.
    if (/^deno\.(json|lock)$/.test(name)) await Deno.copyFile(join(ROOT, name), join(folder, name));
    else await Deno.symlink(join(ROOT, name), join(folder, name));
  }
}

async function paste(folder: string, block: string): Promise<string> {
  console.log(block);
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-e", "-c", block],
    cwd: folder,
    env: { NO_COLOR: "1", FEATHERDET_NO_INSTALL: "1", INIT_CWD: folder },
    stdin: "null",
  }).output();
  const text = new TextDecoder(), said = text.decode(stdout);
  console.log(said);
  assertEquals(code, 0, `${block}\n${text.decode(stderr)}`);
  return said;
}

const found = (said: string) =>
  [...said.matchAll(/: (\d+) objects?$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);

Deno.test("the newcomer's walk: every command of docs/quick-start.md, as it stands, in order", () =>
  inFolder(async (folder) => {
    await likeTheCheckout(folder);
    const [first, ...rest] = commandBlocks(await Deno.readTextFile(PAGE));
    await paste(folder, first);
    await writePictures(join(folder, "sets/shapes"), { train: 48, val: 8 });
    const said: string[] = [];
    for (const block of rest) said.push(await paste(folder, block));
    const { images, classes } = await openDataset(join(folder, "sets/shapes"), { split: "val" });
    assertEquals(classes, CLASSES);
    const objects = images.reduce((sum, { boxes }) => sum + boxes.length, 0);
    const map50 = async (place: string) =>
      JSON.parse(await Deno.readTextFile(join(folder, place, "metrics.json"))).map50;
    const [before, after] = [await map50("runs/shapes-val"), await map50("runs/small-val")];
    assert(before > 0.8, `mAP50 ${before}`);
    assert(after > 0.6, `mAP50 of the small one ${after}`);
    for (const detected of said.filter((text) => text.includes("val/0.jpg:"))) {
      assert(Math.abs(found(detected) - objects) < 0.5 * objects, `${found(detected)} found of ${objects}`);
    }
    const bytes = (file: string) => Deno.statSync(join(folder, file)).size;
    assert(bytes("runs/small.onnx") < 0.5 * bytes("runs/shapes/best.onnx"));
    for (const drawn of ["runs/found", "runs/found-small"]) {
      assertEquals([...Deno.readDirSync(join(folder, drawn))].length, images.length);
    }
    for (const picture of ["look/pictures-train.jpg", "shapes/validation.jpg", "pruning/round-1/labels.svg"]) {
      assert(bytes(join("runs", picture)) > 0, picture);
    }
  }));
