/** The notebooks as they are kept, and the task that runs them. */

import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import config from "../deno.json" with { type: "json" };
import { joinText, type NotebookCell, notebookText, parseNotebook } from "../src/cli/notebook_file.ts";
import { allNotebooks } from "../src/cli/notebooks.ts";
import { complaintOf } from "../src/cli/run_notebook.ts";
import { FeatherdetError } from "../src/graph/error.ts";
import { ensureNbconvert, NOTEBOOK_PACKAGES } from "../src/host/setup/notebooks.ts";
import { installCommand } from "../src/host/setup/packages.ts";
import { thisSystem } from "../src/host/setup/system.ts";
import { machine } from "./support/machine.ts";
import { readSvg } from "./support/svg.ts";
import { lockOptions } from "../src/host/setup/locked.ts";

/** The pages by the names under which programs import them. */
const PAGES = new Set(Object.keys(config.exports).map((page) => config.name + page.slice(1)));

const CLI = fileURLToPath(new URL("../src/cli.ts", import.meta.url));

/** Texts of a cell's outputs, pictures left out. */
function shown({ outputs = [] }: NotebookCell): string {
  return outputs.flatMap(({ text, data = {} }) => {
    const texts = Object.entries(data).filter(([type]) => !/^image\/(png|jpeg)$/.test(type)).map(([, value]) => value);
    return [...text === undefined ? [] : [text], ...texts as string[]].map(joinText);
  }).join("\n");
}

/** What would only be true on one machine: its folders and its users. */
const MACHINE = /\/(home|root|work|tmp|usr|Users|var|mnt|opt)\/|[A-Z]:\\\\|file:\/\//;

for (const file of allNotebooks()) {
  const name = basename(file);
  const notebook = parseNotebook(Deno.readTextFileSync(file), file);
  const code = notebook.cells.filter(({ cell_type }) => cell_type === "code");

  Deno.test(`${name} says what it shows, and is kept with outputs that can be read without running it`, () => {
    const [first] = notebook.cells;
    assertEquals(first.cell_type, "markdown");
    assertMatch(joinText(first.source), /^# \S.*\n\n[^]{100,}/);
    assertEquals(notebook.metadata.kernelspec, { display_name: "Deno", language: "typescript", name: "deno" });
    const types = code.flatMap(({ outputs = [] }) => outputs.flatMap(({ data = {} }) => Object.keys(data)));
    for (const type of types) assertMatch(type, /^(text\/(plain|markdown|html)|image\/(png|jpeg|svg\+xml))$/);
    assert(types.includes("image/svg+xml"), "plots");
    for (const cell of code) {
      for (const { data = {} } of cell.outputs!) {
        if ("image/svg+xml" in data) readSvg(joinText(data["image/svg+xml"] as string));
      }
    }
  });

  Deno.test(`${name} is sound: in order, without errors, of no particular machine`, () => {
    const text = Deno.readTextFileSync(file);
    assertEquals(notebookText(notebook), text, "as the task writes it");
    const counts = code.map((cell) => (cell as unknown as { execution_count: number }).execution_count);
    assertEquals(counts, counts.map((_, i) => i + 1), "run in order, from a new kernel");
    const ids = notebook.cells.map((cell) => (cell as unknown as { id: string }).id);
    assertEquals(new Set(ids).size, ids.length);
    for (const [i, cell] of notebook.cells.entries()) {
      assertEquals(cell.metadata, {}, `cell ${i + 1}`);
      assertEquals(joinText(cell.source).match(MACHINE), null, `cell ${i + 1}`);
      assertEquals(shown(cell).match(MACHINE), null, `cell ${i + 1}`);
      assert(!shown(cell).includes("\u001b"), `cell ${i + 1} has colours for terminals`);
      for (const { output_type } of cell.outputs ?? []) assert(output_type !== "error", `cell ${i + 1}`);
    }
  });

  Deno.test(`${name} imports the module as its users do, each name from a page that has it`, async () => {
    const imports = code.flatMap(({ source }) =>
      [...joinText(source).matchAll(/import \{([^}]+)\} from "([^"]+)"/g)].map(([, names, from]) => ({ names, from }))
    );
    assert(imports.some(({ from }) => from === "@featherdet/featherdet"));
    for (const { names, from } of imports) {
      if (/^(node:url|npm:(@[\w-]+\/)?[\w-]+@\d+\.\d+\.\d+)$/.test(from)) continue;
      assert(PAGES.has(from), from);
      const values = Object.keys(await import(from));
      const wanted = names.split(",").map((one) => one.trim()).filter((one) => one !== "" && !one.startsWith("type "));
      assertEquals(wanted.filter((one) => !values.includes(one)), [], from);
    }
  });

  Deno.test(`${name} names the adapter beside everything that it measures`, () => {
    const all = code.map(shown).join("\n");
    const adapter = all.match(/^adapter: ([^,\n]+)|measured on ([^,\n]+)/m)?.slice(1).find((one) => one !== undefined);
    assert(adapter !== undefined, "no adapter is named");
    // A bracket's comma may belong to the name: its beginning is enough.
    for (const cell of code.filter((one) => /\d (ms|MB|%)\b|\d ms|mAP50.*\d/.test(shown(one)))) {
      const isCounted = /\banalyze\(/.test(joinText(cell.source)) || /printPlan|printGraph/.test(joinText(cell.source));
      if (!isCounted) assertStringIncludes(shown(cell), adapter, joinText(cell.source).slice(0, 100));
    }
  });
}

Deno.test("a notebook is numbered, and there is one for each number", () => {
  const numbers = allNotebooks().map((file) => basename(file).match(/^(\d\d)_[a-z_]+\.ipynb$/)?.[1]);
  assertEquals(numbers, numbers.map((_, i) => String(i + 1).padStart(2, "0")));
});

/** A notebook of these cells. */
function notebookOf(...sources: string[]) {
  const cells = sources.map((source, i): NotebookCell => {
    if (source.startsWith("#")) return { cell_type: "markdown", id: `m${i}`, metadata: {}, source } as NotebookCell;
    const execution = { "iopub.execute_input": "2026-01-01T00:00:00Z" };
    const cell = { cell_type: "code", id: `c${i}`, metadata: { execution, tags: ["kept"] }, source, outputs: [] };
    return { ...cell, execution_count: null } as unknown as NotebookCell;
  });
  const kernelspec = { display_name: "Deno", language: "typescript", name: "deno" };
  return { cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 };
}

Deno.test("a notebook is written as it was read, but for when its cells were run", () => {
  const before = notebookOf("# Title", "console.log(1)");
  const after = parseNotebook(notebookText(before), "a.ipynb");
  assertEquals(after.cells[1].metadata, { tags: ["kept"] });
  assertEquals({ ...after.cells[1], metadata: {} }, { ...before.cells[1], metadata: {} });
  assertEquals(notebookText(after), notebookText(before));
  assertMatch(notebookText(before), /^\{\n "cells": \[\n {2}\{[^]*\n\}\n$/);
});

Deno.test("what is no notebook is refused with the file's name", async () => {
  for (
    const [text, message] of [["{", "a.ipynb: is no notebook: it is not JSON"], [
      "{}",
      "a.ipynb: is no notebook of nbformat 4",
    ]]
  ) {
    const error = await assertRejects(() => Promise.try(() => parseNotebook(text, "a.ipynb")), FeatherdetError);
    assertEquals(error.message, message);
  }
});

const RULE = "-".repeat(18);
const CELLS = notebookOf(
  "# Title",
  "const a = 'b';\nconst c = a;",
  `// long\nconst quoted = "it's \\\\ here";${"\nawait b;".repeat(20)}`,
);

Deno.test("complaints of nbclient's become one sentence that names the cell", () => {
  const raised = (kind: string, rest: string) =>
    `Traceback (most recent call last):\n  File "x.py"\nnbclient.exceptions.${kind}: ${rest}\n`;
  const failed = (source: string, rest: string) =>
    raised(
      "CellExecutionError",
      `An error occurred while executing the following cell:\n${RULE}\n${source}\n${RULE}\n\n${rest}`,
    );
  const said = (stderr: string) => complaintOf(CELLS, stderr, 7);
  const source = "const a = 'b';\nconst c = a;";
  assertEquals(
    said(failed(source, "TypeError: a is\nnot b\n    at <anonymous>:2:7\n    at f (x.ts:1:1)\nTypeError: a is\nnot b")),
    "cell 2 failed: TypeError: a is not b",
  );
  assertEquals(said(failed(source, "\nError: Execution failed\n")), "cell 2 failed: its code cannot be compiled");
  assertEquals(said(failed("other", "Error: x\nError: x")), "a cell failed: Error: x");
  // Long cells are quoted as two lists of Python's, cut in the middle.
  const preview =
    `['// long', 'const quoted = "it\\'s \\\\\\\\ here";', 'await b;', 'await b;', 'await b;']\n...\n['await b;']`;
  assertEquals(
    said(
      raised(
        "CellTimeoutError",
        `A cell timed out while it was being executed, after 7 seconds.\n${RULE}-\n${preview}\n${RULE}-`,
      ),
    ),
    "cell 3 took longer than 7 s",
  );
  assertEquals(said(raised("DeadKernelError", "Kernel died")), "the kernel ended while a cell was running");
  assertEquals(said("usage\nNo module named x\n"), "nbconvert failed: No module named x");
});

const notes: string[] = [];
const allowed = { install: true, say: (line: string) => void notes.push(line) };

Deno.test("ensureNbconvert does nothing where nbconvert is, and installs it as root where it is not", async () => {
  const present = machine({});
  await ensureNbconvert(present.system, allowed);
  assertEquals(present.commands, ["jupyter nbconvert --version"]);
  const bare = machine({ absent: ["jupyter"] });
  await ensureNbconvert(bare.system, allowed);
  assertEquals(bare.commands, [
    "jupyter nbconvert --version",
    "apt-get update",
    "apt-get install -y --no-install-recommends jupyter-nbconvert jupyter-client python3-nbclient python3-ipykernel",
    "jupyter nbconvert --version",
  ]);
  assertEquals(notes.length, 1);
});

Deno.test("ensureNbconvert names the one command where it may not install", async () => {
  const missing = "`jupyter nbconvert`, which runs notebooks, was not found";
  const message = async (given: Parameters<typeof machine>[0], install = true) => {
    const { system } = machine({ absent: ["jupyter"], ...given });
    return (await assertRejects(() => ensureNbconvert(system, { ...allowed, install }), FeatherdetError)).message;
  };
  const command = `${missing}, install it with: ${installCommand(NOTEBOOK_PACKAGES)}`;
  assertEquals(await message({ root: false }), command);
  assertEquals(await message({}, false), command);
  assertStringIncludes(await message({ apt: false }), "pip install nbconvert");
  assertStringIncludes(await message({ failing: { "apt-get install": "E: no network" } }), "failed: E: no network");
  const stubborn = machine({ failing: { "jupyter nbconvert": "broken" } });
  const error = await assertRejects(() => ensureNbconvert(stubborn.system, allowed), FeatherdetError);
  assertStringIncludes(error.message, "although");
});

async function hasJupyter(): Promise<boolean> {
  try {
    return (await thisSystem.run("jupyter", ["nbconvert", "--version"])).success;
  } catch {
    return false;
  }
}

const isHere = await hasJupyter();
const reason = isHere ? "" : " (ignored: jupyter nbconvert is not installed)";

async function task(file: string, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", ...lockOptions(), "-A", CLI, "notebooks", file, "--no-install", ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  const said = text.decode(stderr).split("\n").filter((line) =>
    line !== "" && !/XDG_RUNTIME_DIR|^adapter: /.test(line)
  );
  return { code, stdout: text.decode(stdout), said };
}

Deno.test({
  name: `the task runs a notebook in place and keeps what it shows${reason}`,
  ignore: !isHere,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const file = join(folder, "good.ipynb");
      const source = "console.log(Deno.version.deno, Deno.cwd() === Deno.realPathSync('.'));\n[6 * 7]";
      // What a cell shows may come after the kernel said that the cell is done: none of it may be lost.
      const many = "for (const text of '1234') await Deno.jupyter.display({ 'text/plain': text }, { raw: true });\n5";
      await Deno.writeTextFile(file, JSON.stringify(notebookOf("# Good", source, ...Array(3).fill(many))));
      const { code, stdout, said } = await task(file, "--json");
      assertEquals([code, said], [0, ["good.ipynb is run (1 of 1)"]]);
      const { notebooks: [{ cells, seconds, ...rest }] } = JSON.parse(stdout);
      assertEquals([cells, rest, seconds > 0], [4, { file }, true]);
      const text = await Deno.readTextFile(file);
      const [title, cell, ...others] = parseNotebook(text, file).cells;
      const numbers = others.map(({ outputs }) =>
        outputs!.map(({ data }) => joinText(data!["text/plain"] as string)).join("")
      );
      assertEquals(numbers, Array(3).fill("12345"));
      assertEquals([title.source, cell.metadata], [["# Good"], { tags: ["kept"] }]);
      // The kernel is the Deno that runs the task, whatever kernels are installed.
      assertEquals(joinText(cell.outputs![0].text!), `${Deno.version.deno} true\n`);
      assertEquals(cell.outputs![1].data, { "text/plain": ["[ 42 ]"] });
      assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["good.ipynb"]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: `a cell that fails fails the task in one sentence, and the notebook stays as it was${reason}`,
  ignore: !isHere,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const file = join(folder, "bad.ipynb");
      const before = JSON.stringify(
        notebookOf("# Bad", "console.log(1)", "throw new RangeError('too\\nfar')", "console.log(2)"),
      );
      await Deno.writeTextFile(file, before);
      const { code, stdout, said } = await task(file);
      assertEquals([code, stdout], [1, ""]);
      assertEquals(said, ["bad.ipynb is run (1 of 1)", `error: ${file}: cell 3 failed: RangeError: too far`]);
      assertEquals(await Deno.readTextFile(file), before);
      assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["bad.ipynb"]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("the task refuses names of no notebook, and notebooks of other kernels", async () => {
  if (isHere) {
    const folder = await Deno.makeTempDir();
    const other = {
      ...notebookOf("# x"),
      metadata: { kernelspec: { display_name: "P", language: "python", name: "python3" } },
    };
    const file = join(folder, "other.ipynb");
    await Deno.writeTextFile(file, JSON.stringify(other));
    assertEquals((await task(file)).said.at(-1), `error: ${file}: wants the kernel "python3", only "deno" is run`);
    await Deno.remove(folder, { recursive: true });
  }
  const { code, said } = await task("99");
  assertEquals(code, 1);
  assertMatch(said.join("\n"), /^error: no notebook is called "99", of 01_quickstart, /);
});
