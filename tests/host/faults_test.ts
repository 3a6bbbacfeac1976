/** Records and folders that something is wrong with: another process works on them, or their fields are not what they should be. */

import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Output } from "../../src/cli/output.ts";
import { FeatherdetError, printable } from "../../src/graph/error.ts";
import { JournalFile } from "../../src/host/evaluation_file.ts";
import { lockRun } from "../../src/host/run_folder.ts";
import { readSeedRecord } from "../../src/host/seed_record.ts";
import { readTuning, tuningFile, writeTuning } from "../../src/host/tuning_store.ts";
import { element, serialize } from "../../src/report/plot/svg.ts";
import { inFolder, put } from "../support/data_folders.ts";

const RUN = {
  ...{ model: "m", digest: "00", dataset: "d", split: null, inputSize: [64, 64] as const, precision: "f32" },
  ...{ adapter: "a", confidence: 0.001, iou: 0.7, maxDetections: 300, multiLabel: true },
};
const record = (imageId: number, score = 0.5) => ({
  imageId,
  detections: [{ image_id: imageId, category_id: 1, bbox: [1, 2, 3, 4] as const, score }],
});

Deno.test("a journal that another evaluation writes is left to it", () =>
  inFolder(async (folder) => {
    const file = join(folder, "a.json.partial");
    const first = new JournalFile(file), second = new JournalFile(file);
    await first.open(RUN);
    await first.append(record(1));
    const { message } = await assertRejects(() => second.open(RUN), FeatherdetError);
    assertEquals(message, `${file}: is being written by another evaluation, which has to end first`);
    second.close();
    await first.append(record(2));
    first.close();
    assertEquals(await second.open(RUN), [record(1), record(2)]);
    await second.remove();
  }));

Deno.test("lines of a journal count up to the first one that is not as one is written", () =>
  inFolder(async (folder) => {
    const whole = [{ featherdetEvaluation: 1, run: RUN }, record(1), record(2)].map((line) => JSON.stringify(line));
    const spoilt = [
      whole[2].replace("0.5", "1e999"),
      whole[2].replace("0.5", '"0.5"'),
      whole[2].replace("[1,2,3,4]", "[1,2,3]"),
      whole[2].replace("[1,2,3,4]", "[1,2,3,null]"),
      whole[2].replace('"imageId":2', '"imageId":2.5'),
      "null",
      "{}",
    ];
    for (const [at, line] of spoilt.entries()) {
      await put(folder, `${at}`, `${[whole[0], whole[1], line, whole[2]].join("\n")}\n`);
      const journal = new JournalFile(join(folder, `${at}`));
      assertEquals(await journal.open(RUN), [record(1)], line);
      journal.close();
    }
    await put(folder, "run", `${whole[0].replace(/"run":.*/, '"run":null}')}\n`);
    await assertRejects(() => new JournalFile(join(folder, "run")).open(RUN), FeatherdetError, "is not the journal");
  }));

Deno.test("a folder in which a run is under way is refused to others, and cleared of what died in the middle", () =>
  inFolder(async (folder) => {
    await put(folder, "last.ckpt.12ab34cd.partial", "half");
    await put(folder, "last.ckpt", "whole");
    const lock = lockRun(folder);
    const { message } = await assertRejects(async () => await lockRun(folder), FeatherdetError);
    assertEquals(message, `${folder}: process ${Deno.pid} trains in this folder`);
    lock[Symbol.dispose]();
    lockRun(folder)[Symbol.dispose]();
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["last.ckpt"]);
  }));

Deno.test("a tuning record of another form is of no use, which is said once", () =>
  inFolder(async (folder) => {
    const place = pathToFileURL(`${folder}/`), key = { adapter: "a", storage: "buffer", scalar: "f32" };
    const choice = { kernel: "direct", variant: "x=5", revision: "1", milliseconds: 0.5 };
    const file = writeTuning({ format: 2, ...key, choices: { a: choice } }, place);
    assertEquals(file, tuningFile(key, place));
    const good = await Deno.readTextFile(file);
    const said: string[] = [], { error } = console;
    console.error = (line: string) => void said.push(line);
    try {
      for (const text of [good.replace("0.5", "1e999"), good.replace('"x=5"', "5"), good.replace('"direct"', "null")]) {
        await Deno.writeTextFile(file, text);
        assertEquals(readTuning(key, place), undefined, text);
      }
    } finally {
      console.error = error;
    }
    assertEquals(said.length, 1);
    assertMatch(said[0], /is no usable tuning record \(choices\.a\.milliseconds: .*\), estimates choose kernels$/);
    await Deno.writeTextFile(file, good);
    assertEquals(readTuning(key, place)?.choices, { a: choice });
  }));

Deno.test("a record of measured files names the field that is wrong", () =>
  inFolder(async (folder) => {
    const entry = {
      ...{ variant: "a", seed: 0, recipe: "00", size: 320, precision: "f32", sha256: "00" },
      figures: { map: 0.5 },
    };
    const good = { schema: 1, data: "d", split: null, images: 7, storage: "texture", seeds: [entry] };
    await put(folder, "good", JSON.stringify(good));
    assertEquals((await readSeedRecord(join(folder, "good")))?.seeds.length, 1);
    const cases = [
      [JSON.stringify(good).replace("0.5", "1e999"), "seeds.0.figures.map: expected a finite number"],
      [JSON.stringify(good).replace('"seed":0', '"seed":-1'), "seeds.0.seed: expected a whole number from 0"],
      [JSON.stringify({ ...good, seeds: {} }), "seeds: expected a list"],
    ];
    for (const [text, says] of cases) {
      await put(folder, "bad", text);
      await assertRejects(() => readSeedRecord(join(folder, "bad")), FeatherdetError, says);
    }
  }));

Deno.test("control characters in names are shown, not obeyed", async () => {
  const evil = "cat\u001b[2J\u0007\u202egpj.exe\u0085";
  assertEquals(printable(evil), "cat\\u001b[2J\\u0007\\u202egpj.exe\\u0085");
  assertEquals(printable("a\n\tb", { lines: true }), "a\n\tb");
  assertEquals(printable("ünï 猫 \u{1f426}"), "ünï 猫 \u{1f426}");
  assertEquals(
    new FeatherdetError("lacks\n  it", { file: "a\u0000.jpg", node: "n\u001b", operator: "Conv" }).message,
    'a\\u0000.jpg: Conv "n\\u001b": lacks it',
  );
  assertStringIncludes(new FeatherdetError("x".repeat(1e6)).message, "... (1000000 characters)");
  const svg = serialize(element("svg", { title: evil }, element("text", {}, `${evil}<script>`)));
  // deno-lint-ignore no-control-regex
  assertEquals(/[\u0000-\u0008\u001b\u0085\u202e]|<script>/.test(svg), false, svg);
  assertStringIncludes(svg, "cat\\u001b[2J");
  const written: string[] = [], { writeSync } = Deno.stdout;
  Deno.stdout.writeSync = (bytes) => {
    written.push(new TextDecoder().decode(bytes));
    return bytes.length;
  };
  try {
    new Output(false).line(`${evil}: 1 object`);
  } finally {
    Deno.stdout.writeSync = writeSync;
  }
  assertEquals(written, [`${printable(evil)}: 1 object\n`]);
  await Promise.resolve();
});
