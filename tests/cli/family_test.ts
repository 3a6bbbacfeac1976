/** The family's page: rows from given figures, figures of the real members, and the page in docs/. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { FAMILY_PAGE } from "../../src/cli/family.ts";
import { memberOf } from "../../src/recipes/family.ts";
import { COUNTED_COLUMNS, familyPage, familyRows, type FamilyTable } from "../../src/report/family_page.ts";
import { DETECTORS } from "../../src/models/named.ts";
import { commandLine } from "../support/command_line.ts";

const member = (model: string, gflops: number, detect: number, gpu: number) => ({
  model,
  parameters: 1_234_567,
  bytes: 4_940_000,
  gflops,
  layers: 7,
  dispatches: 8,
  activationBytes: 2_500_000,
  latency: { detect, gpu, gflopsPerSecond: gflops / gpu * 1e3 },
});

const TABLE: FamilyTable = {
  size: 320,
  precision: "f32",
  storage: "buffer",
  adapter: { name: "Some GPU", software: false },
  members: [
    member("yolo11n", 2, 25, 20),
    member("half", 1, 24, 16),
    member("good", 1, 12, 11),
    member("big", 4, 70, 60),
  ],
};

Deno.test("rows hold the figures, and work and time beside YOLO11n's", () => {
  assertEquals(familyRows(TABLE).split("\n").slice(2), [
    "| yolo11n | 1,234,567 | 4.94 | 2.00 | 7 | 8 | 2.50 | 25.0 | 20.0 | 100.0 | 1.00 | 1.00 |",
    "| half | 1,234,567 | 4.94 | 1.00 | 7 | 8 | 2.50 | 24.0 | 16.0 | 62.5 | 0.50 | 0.80 |",
    "| good | 1,234,567 | 4.94 | 1.00 | 7 | 8 | 2.50 | 12.0 | 11.0 | 90.9 | 0.50 | 0.55 |",
    "| big | 1,234,567 | 4.94 | 4.00 | 7 | 8 | 2.50 | 70.0 | 60.0 | 66.7 | 2.00 | 3.00 |",
  ]);
});

Deno.test("the page names its command, the adapter, and where fewer operations did not buy time", () => {
  const page = familyPage(TABLE);
  assertStringIncludes(page, "`deno task family --size 320`");
  assertStringIncludes(page, "medians on Some GPU,");
  // Twice the work in three times the time is no saving, and 0.55 of the time for half of the work is bought.
  assertEquals(page.match(/^- (?!\*)\S.*$/gm), ["- half: 0.50 of the operations, 0.80 of the time"]);
  assertEquals(familyPage(TABLE), page);
});

Deno.test("without latency there are no columns for it, without timestamps the whole time serves", () => {
  const { adapter: _, ...counted } = TABLE;
  const members = TABLE.members.map(({ latency: _, ...rest }) => rest);
  const [head, , first] = familyRows({ ...counted, members }).split("\n");
  assertEquals(head, `| ${COUNTED_COLUMNS.join(" | ")} |`);
  assertEquals(first, "| yolo11n | 1,234,567 | 4.94 | 2.00 | 7 | 8 | 2.50 |");
  const timed = TABLE.members.map(({ latency, ...rest }) => {
    return { ...rest, latency: { detect: latency!.detect, gflopsPerSecond: 1 } };
  });
  assertMatch(familyRows({ ...TABLE, members: timed }).split("\n")[3], /\| 24\.0 \| {2}\| 1\.0 \| 0\.50 \| 0\.96 \|$/);
});

Deno.test("docs/family.md counts what the models are now (else run `deno task family`)", async () => {
  const page = await Deno.readTextFile(FAMILY_PAGE);
  const [, size] = page.match(/`deno task family --size (\d+)`/)!;
  const [, storage] = page.match(/in a storage (buffer|texture)\./)!;
  const rows = page.split("\n").filter((line) => /^\| \w+11/.test(line)).map((line) => line.split(" | "));
  assertEquals(rows.map(([name]) => name.slice(2)), Object.keys(DETECTORS));
  const form = { precision: "f32", storage: storage as FamilyTable["storage"] } as const;
  for (const row of rows) {
    const name = row[0].slice(2);
    // The largest ones take seconds, and differ from the others in nothing but numbers.
    if (/^yolo11[lx]$/.test(name)) continue;
    const members = [memberOf(name, DETECTORS[name]({ size: Number(size) }), form)];
    const [, , expected] = familyRows({ ...form, size: Number(size), members }).split("\n");
    assertEquals(`${row.slice(0, COUNTED_COLUMNS.length).join(" | ")} |`, expected);
    assert(row.length > COUNTED_COLUMNS.length, `${name} was not measured`);
  }
});

const family = (args: readonly string[]) => commandLine(["family", ...args]);

Deno.test("family counts without a device, and leaves the page alone for some members", async () => {
  const before = await Deno.readTextFile(FAMILY_PAGE);
  const lite = "yolo11lite-mobilenetv3-small";
  const { code, stdout, stderr } = await family([
    "--json",
    "--no-latency",
    "--size",
    "640",
    "--models",
    "yolo11n",
    lite,
  ]);
  assertEquals(code, 0, stderr);
  const table: FamilyTable = JSON.parse(stdout);
  assertEquals([table.size, table.adapter], [640, undefined]);
  assertEquals(table.members.map(({ model }) => model), ["yolo11n", lite]);
  assertEquals([table.members[0].parameters, table.members[0].gflops.toFixed(1)], [2_624_080, "6.5"]);
  assertEquals(await Deno.readTextFile(FAMILY_PAGE), before);
});

Deno.test("family names the members where one does not exist", async () => {
  const { code, stdout, stderr } = await family(["--no-latency", "--models", "yolo11n", "yolo12"]);
  assertEquals([code, stdout], [1, ""]);
  assertMatch(
    stderr,
    /^error: "yolo12" is no member of the family, which is yolo11n, .*yolo11lite-efficientnet-lite2/m,
  );
});
