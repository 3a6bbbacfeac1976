/** Progress in lines, and which option somebody meant. */

import { meantOption } from "../../src/cli/meant_option.ts";
import { Output } from "../../src/cli/output.ts";
import { progressLines } from "../../src/cli/progress.ts";
import { assertEquals } from "../support/assert.ts";

Deno.test("lines come each interval, with the time that is left, and never for what is done", () => {
  let time = 0;
  const lines: string[] = [];
  const progress = progressLines(10, "images", (line) => lines.push(line), { interval: 10, now: () => time });
  const step = (milliseconds: number, label?: string) => {
    time += milliseconds;
    progress.step(label);
  };
  step(4);
  step(5);
  step(11_000, "c.jpg");
  step(4);
  for (let i = 4; i < 9; i++) step(0);
  step(60_000);
  assertEquals(lines, ["3/10 images, 26 s left, c.jpg"]);
});

Deno.test("an option of another program stands for ours where the verb has it", () => {
  const known = ["--model", "--image", "--size", "--confidence", "--draw"];
  assertEquals(meantOption("--imgsz", known), "--size");
  assertEquals(meantOption("--conf_thres", known), "--confidence");
  assertEquals(meantOption("--source", known), "--image");
  assertEquals(meantOption("--mod", known), "--model");
  assertEquals(meantOption("--batch-size", known), undefined);
  assertEquals(meantOption("--x", known), undefined);
  assertEquals(meantOption("--save", known), "--draw");
  assertEquals(meantOption("--save", ["--out"]), "--out");
});

Deno.test("the adapter is said once, whoever says it", () => {
  const said: string[] = [];
  const writeSync = Deno.stderr.writeSync;
  Deno.stderr.writeSync = (bytes) => {
    said.push(new TextDecoder().decode(bytes));
    return bytes.length;
  };
  try {
    const output = new Output(false);
    for (const text of ["adapter: a", "one", "adapter: a", "one", "adapter: b"]) output.note(text);
  } finally {
    Deno.stderr.writeSync = writeSync;
  }
  assertEquals(said, ["adapter: a\n", "one\n", "one\n", "adapter: b\n"]);
});
