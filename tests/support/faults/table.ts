/**
 * The tables of faults in `docs/reliability.md`: `deno run -A tests/support/faults/table.ts [device | files]` tries everything and writes
 * them, the long test compares.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import type { Fault, Grounds, Operation } from "./fault.ts";
import { FILE_OPERATIONS } from "./file_operations.ts";
import { FILE_FAULTS, folderGrounds } from "./files.ts";
import { deviceGrounds, GPU_FAULTS } from "./gpu.ts";
import { GPU_OPERATIONS } from "./gpu_operations.ts";
import { type Outcome, tryUnder } from "./trial.ts";

/** The page. */
export const PAGE: string = fileURLToPath(new URL("../../../docs/reliability.md", import.meta.url));

const WORDS = { error: "error", result: "right", absent: "-" } as const;

function tableOf(outcomes: readonly Outcome[]): string {
  const faults = [...new Set(outcomes.map(({ fault }) => fault))];
  const operations = [...new Set(outcomes.map(({ operation }) => operation))];
  const cell = (operation: string, fault: string) =>
    WORDS[outcomes.find((one) => one.operation === operation && one.fault === fault)!.came];
  const rows = [
    ["", ...faults],
    ["---", ...faults.map(() => "---")],
    ...operations.map((operation) => [operation, ...faults.map((fault) => cell(operation, fault))]),
  ];
  return rows.map((row) => `| ${row.join(" | ")} |`).join("\n");
}

async function tryAll<Ground>(
  operations: readonly Operation<Ground>[],
  faults: readonly Fault<Ground>[],
  grounds: Grounds<Ground>,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const operation of operations) {
    for (const fault of faults) outcomes.push(await tryUnder(operation, fault, grounds));
  }
  return outcomes;
}

/** The tables, each made by trying its operations under its faults; fails where one does not hold what is promised. */
export const TABLES: Readonly<Record<string, () => Promise<string>>> = {
  device: async () => tableOf(await tryAll(GPU_OPERATIONS, GPU_FAULTS, deviceGrounds())),
  async files() {
    const folders = folderGrounds();
    try {
      return tableOf(await tryAll(FILE_OPERATIONS, FILE_FAULTS, folders));
    } finally {
      await folders.end();
    }
  },
};

/** The tables of the given names. */
export async function faultTables(names: readonly string[] = Object.keys(TABLES)): Promise<Record<string, string>> {
  const made: Record<string, string> = {};
  for (const name of names) made[name] = await TABLES[name]();
  return made;
}

const part = (name: string) => new RegExp(`(<!-- ${name}: made by the test -->\n)[^]*?(\n<!-- ${name}: end -->)`);

/** The page with these tables in their places. */
export function withTables(page: string, tables: Readonly<Record<string, string>>): string {
  return Object.entries(tables).reduce((text, [name, table]) => {
    if (!part(name).test(text)) throw new Error(`docs/reliability.md has no place for the table "${name}"`);
    return text.replace(part(name), `$1\n${table}\n$2`);
  }, page);
}

if (import.meta.main) {
  await Deno.writeTextFile(
    PAGE,
    withTables(await Deno.readTextFile(PAGE), await faultTables(Deno.args.length > 0 ? Deno.args : undefined)),
  );
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", PAGE] }).output();
}
