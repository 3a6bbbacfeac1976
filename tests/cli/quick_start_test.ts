/** docs/quick-start.md: every command is one that the command line takes, and reads what one before it has written. */

import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import config from "../../deno.json" with { type: "json" };
import { program } from "../../src/cli.ts";
import { findModel } from "../../src/host/models.ts";
import { lookAtData } from "../../src/recipes/look_at_data.ts";
import { createMemoryStore } from "../../src/train/loop/store.ts";
import { decodeImage } from "../../src/image/codec/decode.ts";
import { inFolder } from "../support/data_folders.ts";
import { CLASSES, commandBlocks, PAGE, writePictures } from "../support/quick_start.ts";

const page = await Deno.readTextFile(PAGE);
const blocks = commandBlocks(page);
const lines = blocks.flatMap((block) => block.split("\n")).filter((line) => line.startsWith("deno task"));

/** The verb of a line, and its words, as a shell would part them. */
function wordsOf(line: string): { verb: string; words: string[] } {
  assert(!/['"\\$`|<>*]/.test(line), `${line}: words are parted at spaces alone`);
  const [, , verb, ...words] = line.split(/ +/);
  return { verb, words };
}

Deno.test("every command of docs/quick-start.md is taken by the parser of its verb", async () => {
  assert(lines.length >= 8, `${lines.length} commands`);
  assertEquals(page.match(/^deno task/gm)?.length, lines.length, "all commands stand in blocks of sh");
  for (const line of lines) {
    const { verb, words } = wordsOf(line);
    assert(Object.hasOwn(config.tasks, verb), `${line}: no task`);
    const command = (await program()).commands.find((one) => one.name() === verb)!;
    let options: Readonly<Record<string, unknown>> | undefined;
    command.exitOverride().configureOutput({ writeErr: () => {}, outputError: () => {} });
    command.action(() => void (options = command.opts()));
    await command.parseAsync(words, { from: "user" });
    assert(options !== undefined, line);
  }
});

Deno.test("what a command of docs/quick-start.md reads, one before it writes, and what the text names is written", () => {
  const written = new Set(["sets/shapes"]);
  for (const line of lines) {
    const { words } = wordsOf(line);
    const valueOf = (name: string) => words.includes(name) ? words[words.indexOf(name) + 1] : undefined;
    for (const name of ["--model", "--data", "--calibrate", "--image"]) {
      const value = valueOf(name);
      if (value === undefined) continue;
      const isWritten = [...written].some((place) => value === place || value.startsWith(`${place}/`));
      // Files of the repository; those that are downloaded or measured with would not do.
      if (!isWritten) assert("source" in findModel(value) && !/[\\/.]/.test(value), `${line}: ${value}`);
    }
    for (const name of ["--out", "--draw", "--run"]) if (valueOf(name)) written.add(valueOf(name)!);
  }
  for (const [, place] of page.matchAll(/`(runs\/[\w./-]+)`/g)) {
    assert([...written].some((one) => place === one || place.startsWith(`${one}/`)), place);
  }
});

Deno.test("the first block makes the folders, in which pictures and labels are a data set that can be looked at", () =>
  inFolder(async (folder) => {
    const { code } = await new Deno.Command("sh", { args: ["-e", "-c", blocks[0]], cwd: folder }).output();
    assertEquals(code, 0);
    const data = join(folder, "sets/shapes"), store = createMemoryStore();
    await writePictures(data, { train: 3, val: 2 });
    const parts = await lookAtData(data, { store, say: (line) => assert(false, line) });
    assertEquals(parts.map(({ split, images, objects }) => [split, images, objects]), [["train", 3, 18], [
      "val",
      2,
      12,
    ]]);
    for (const { classes } of parts) assertEquals(classes.map(({ name }) => name), CLASSES);
    assertEquals(parts[0].classes.map(({ objects, images }) => [objects, images]), [[6, 3], [6, 3], [6, 3]]);
    assertEquals([...store.files.keys()].sort(), [
      ...["labels-train.svg", "labels-val.svg", "pictures-train.jpg", "pictures-val.jpg"],
    ]);
    // Two pictures beside each other.
    assertEquals((await decodeImage(store.files.get("pictures-val.jpg")!)).width, 3 * 8 + 2 * 400);
  }));
