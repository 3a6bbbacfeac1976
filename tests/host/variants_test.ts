/** The variants: the manifest, their models, measuring them, and the verb `table`. */

import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findVariantFile, loadVariant } from "../../src/host/variant_model.ts";
import { CACHE_VARIABLE } from "../../src/data/cache.ts";
import { sha256Of } from "../../src/data/download/checksum.ts";
import { countCosts } from "../../src/eval/costs.ts";
import { analyze, FeatherdetError, type Graph } from "../../src/graph/mod.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { readClassNames, saveOnnx } from "../../src/onnx/mod.ts";
import { CHANGING_COLUMNS } from "../../src/report/table/csv.ts";
import { listVariants, parseManifest } from "../../src/report/table/manifest.ts";
import { renderMarkdown } from "../../src/report/table/markdown.ts";
import { measureTable } from "../../src/report/table/measure.ts";
import { removeTimings, type TableResults } from "../../src/report/table/results.ts";
import type { Variant } from "../../src/report/table/variant.ts";
// @ts-types="npm:@types/d3-dsv@3.0.7"
import { csvParse } from "npm:d3-dsv@3.0.2";
import { openDataset } from "../../src/data/open.ts";
import { colourDetector, SIDE } from "../support/colour_detector.ts";
import { objectness } from "../support/colour_heads.ts";
import { writeScenes } from "../support/colour_scenes.ts";
import { assertRefused, commandLine, commandLines } from "../support/command_line.ts";
import { inFolder } from "../support/data_folders.ts";
import { demoDataset, writeDemoFolder } from "../support/demo_dataset.ts";
import { gpuTest, testDevice } from "../support/gpu.ts";
import { checkOptions } from "../../src/cli/step_verbs.ts";
import { checkPage, putTable } from "../../src/host/table_files.ts";
import type { RecipeOptions } from "../../src/report/table/mod.ts";
import { sharedDataTest } from "../support/shared_data.ts";

const MANIFEST = fileURLToPath(new URL("../../data/variants.json", import.meta.url));

const SIZE = 96;

const DEMO: Variant = {
  id: "demo",
  title: "Demo",
  data: "set",
  role: "original",
  model: { name: "demo" },
  size: SIZE,
  precision: "f32",
  made: "by hand",
};

Deno.test("the manifest of this version holds both tables' roles for each of its data sets", async () => {
  const variants = parseManifest(await Deno.readTextFile(MANIFEST), "data/variants.json");
  for (const data of ["coco", "synthetic", "bccd"]) {
    const roles = listVariants(variants, data).map(({ role }) => role);
    const expected = ["original", "pruning", "quantization", "distillation", "pruning+quantization"];
    assertEquals(roles.slice(0, 5), expected as typeof roles);
    assert(roles.includes("distillation+quantization") && roles.includes("everything"), `${roles}`);
  }
});

Deno.test("a table is put into the place that a page has for it, again and again", () =>
  inFolder(async (folder) => {
    const page = join(folder, "page.md"), bare = join(folder, "bare.md");
    await Deno.writeTextFile(page, "# A\n\n<!-- table -->\n\nold\n\n<!-- end of table -->\n\nBehind\n");
    for (const table of ["| a |", "| b |"]) {
      assertEquals(await putTable(page, table), page);
      const expected = `# A\n\n<!-- table -->\n\n${table}\n\n<!-- end of table -->\n\nBehind\n`;
      assertEquals(await Deno.readTextFile(page), expected);
    }
    await Deno.writeTextFile(bare, "<!-- end of table --> <!-- table -->");
    await assertRejects(() => checkPage(bare), FeatherdetError, "bare.md: has no place for a table");
  }));

Deno.test("the list of light models holds pairs with and without the teacher, and every attention", async () => {
  const file = fileURLToPath(new URL("../../data/light_models.json", import.meta.url));
  const variants = parseManifest(await Deno.readTextFile(file), file, checkOptions);
  const steps = new Map(variants.flatMap(({ id, recipe }) => recipe ? [[id, recipe.steps[0].options]] : []));
  const taught = [...steps.keys()].filter((id) => id.endsWith("-taught"));
  assertEquals([taught.length, steps.size], [4, 13]);
  const alike = ({ model: _, psa: __, teacher: ___, ...rest }: RecipeOptions) =>
    Object.fromEntries(Object.entries(rest).filter(([name]) => !name.startsWith("teacher")));
  for (const options of steps.values()) assertEquals(alike(options), alike(steps.get(taught[0])!));
  for (const id of taught) {
    const { teacherViews, epochs, model } = steps.get(id)!;
    assertEquals([teacherViews, model], [epochs, steps.get(id.replace("-taught", ""))!.model], "no view comes twice");
  }
});

Deno.test("a manifest that cannot be taken is refused in a sentence that names the file, the variant and the field", () => {
  const refused = (value: unknown, says: string) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    const error = assertThrows(() => parseManifest(text, "v.json"), FeatherdetError);
    assertEquals(error.message, `v.json: ${says}`);
  };
  const withField = (fields: object, says: string) =>
    refused({ variants: [{ ...DEMO, ...fields }] }, `variants[0] "demo": ${says}`);
  assertThrows(() => parseManifest("{", "v.json"), FeatherdetError, "v.json: broken JSON: ");
  refused(3, "expected an object with the list variants");
  refused({}, "variants: is missing");
  refused({ variants: {} }, "variants: expected a list of variants");
  refused({ variants: [] }, "variants: expected at least one variant");
  refused({ variants: [DEMO], rows: [] }, "rows: there is no such field");
  refused({ variants: [DEMO, 3] }, "variants[1]: expected an object");
  refused({ variants: [{ ...DEMO, id: 3 }] }, "variants[0]: id: expected small letters, digits, dots and hyphens");
  withField({ rolle: "original" }, "rolle: there is no such field");
  withField({ title: undefined }, "title: is missing");
  withField({ made: "" }, "made: expected text");
  withField({ size: 100 }, "size: expected a multiple of 32 from 32 to 8192");
  withField({ size: "640" }, "size: expected a multiple of 32 from 32 to 8192");
  withField({ precision: "f64" }, "precision: expected one of f32, f16, f16-fast, int8");
  withField({ sha256: "12" }, "sha256: expected 64 hexadecimal digits");
  withField({ model: "demo" }, 'model: expected { "file" } or { "name", "options" }');
  withField({ model: {} }, 'model: expected { "file" } or { "name", "options" }');
  withField({ model: { file: "a.onnx", name: "demo" } }, 'model: expected { "file" } or { "name", "options" }');
  withField({ model: { name: "demo", options: 3 } }, "model.options: expected an object of options");
  withField({ model: { name: "demo", size: 3 } }, "model.size: there is no such field");
  for (const file of ["/a.onnx", "../a.onnx", "a/../../b.onnx", "C:\\a.onnx", "https://x/a.onnx"]) {
    withField({ model: { file } }, "model.file: expected a path inside a data folder, such as models/a.onnx");
  }
  const second = (fields: object, says: string) =>
    refused({ variants: [DEMO, { ...DEMO, id: "b", ...fields }] }, `variants[1] ${says}`);
  second({ id: "demo", role: "other" }, '"demo": id: there is another variant of this id');
  second({}, '"b": role: there is another original of set');
  second({ role: "other", split: "val" }, '"b": split: the variants of set are measured on one split, not also val');
  refused({ variants: [{ ...DEMO, role: "other" }] }, "variants: none of those of set has the role original");
  const error = assertThrows(() => listVariants([DEMO], "other", "v.json"), FeatherdetError);
  assertEquals(error.message, 'v.json: it has no variants of the data set "other", only of set');
});

Deno.test("a variant's file is looked for beside the manifest, then in the cache, and is what the manifest says", async () => {
  await inFolder(async (folder) => {
    const before = Deno.env.get(CACHE_VARIABLE);
    Deno.env.set(CACHE_VARIABLE, join(folder, "cache"));
    try {
      const manifest = join(folder, "variants.json");
      const variant: Variant = { ...DEMO, model: { file: "models/no-such-demo.onnx" }, made: "deno task x" };
      assertEquals(await loadVariant(variant, manifest), {
        missing: 'models/no-such-demo.onnx is not there, "deno task x" makes it',
      });
      assertEquals(await loadVariant({ ...variant, made: "to come" }, manifest), {
        missing: "models/no-such-demo.onnx is not there (to come)",
      });
      const bytes = saveOnnx(demoDetector({ size: 128 }));
      for (const place of [join(folder, "cache"), folder]) {
        await Deno.mkdir(join(place, "models"), { recursive: true });
        const file = join(place, "models", "no-such-demo.onnx");
        await Deno.writeFile(file, bytes);
        assertEquals(findVariantFile("models/no-such-demo.onnx", manifest), file);
      }
      const sha256 = sha256Of(bytes);
      const found = await loadVariant({ ...variant, sha256 }, manifest);
      assert("graph" in found);
      assertEquals([found.fileBytes, found.sha256], [bytes.byteLength, sha256]);
      assertEquals(found.graph.inputs[0].shape, [1, 3, SIZE, SIZE]);
      const error = await assertRejects(
        () => loadVariant({ ...variant, sha256: "0".repeat(64) }, manifest),
        FeatherdetError,
      );
      assertMatch(error.message, /no-such-demo\.onnx: is another file than variant "demo" of .*: its SHA-256 is /);
    } finally {
      if (before === undefined) Deno.env.delete(CACHE_VARIABLE);
      else Deno.env.set(CACHE_VARIABLE, before);
    }
  });
});

sharedDataTest("the files of coco's original are found beside the checkout", ["models/yolo11n.onnx"], async (url) => {
  const [original] = listVariants(parseManifest(await Deno.readTextFile(MANIFEST)), "coco");
  assertEquals(original.model, { file: "models/yolo11n.onnx" });
  const own = new URL("../../data/models/yolo11n.onnx", import.meta.url);
  const found = findVariantFile("models/yolo11n.onnx", MANIFEST);
  assert([url, own].map((one) => fileURLToPath(one)).includes(found!), found);
});

Deno.test("a named variant is built with its options, which are checked", async () => {
  const named = (model: Variant["model"]) => loadVariant({ ...DEMO, model }, "v.json");
  const built = await named({ name: "yolo11n", options: { classes: 10, width: 0.125 } });
  assert("graph" in built);
  assertEquals([built.fileBytes, built.sha256], [undefined, undefined]);
  assertEquals(readClassNames(built.graph)?.length, 10);
  assertEquals(built.graph.inputs[0].shape, [1, 3, SIZE, SIZE]);
  const plain = await named({ name: "yolo11n" });
  assert("graph" in plain);
  assert(analyze(built.graph).parameters < 0.4 * analyze(plain.graph).parameters);
  const refused = async (model: Variant["model"], says: string) => {
    const error = await assertRejects(() => named(model), FeatherdetError);
    assertStringIncludes(error.message, `v.json: variant "demo": model: ${says}`);
  };
  await refused({ name: "yolo12" }, 'no model called "yolo12" can be built, expected one of demo, ');
  await refused({ name: "demo", options: { classes: 2 } }, 'the model "demo" has no options');
  await refused({ name: "yolo11n", options: { clases: 2 } }, 'recipe: yolo11 has no option "clases"');
  await refused({ name: "yolo11n", options: { classes: 0 } }, "YOLO11: the number of classes is 0");
});

const VARIANTS: readonly Variant[] = [
  DEMO,
  { ...DEMO, id: "half", title: "Half", role: "other", precision: "f16" },
  { ...DEMO, id: "absent", title: "Absent", role: "pruning" },
  { ...DEMO, id: "eight", title: "Eight", role: "quantization", precision: "int8" },
];

function measureDemo(graph: Graph, more: Partial<Parameters<typeof measureTable>[1]> = {}): Promise<TableResults> {
  return measureTable(VARIANTS, {
    dataset: demoDataset(3),
    load: ({ id }) => Promise.resolve(id === "absent" ? { missing: "it is not there" } : { graph, fileBytes: 1234 }),
    detectorOptions: async () => ({ device: await testDevice() }),
    latencyRuns: 1,
    ...more,
  });
}

gpuTest(
  "measuring: what is there has every figure, what is not has a reason, and only times change in a rerun",
  async () => {
    const graph = demoDetector({ size: SIZE });
    const said: string[] = [];
    const first = await measureDemo(graph, { say: (line) => void said.push(line) });
    const [demo, half, absent, eight] = first.rows;
    assertEquals([absent.missing, eight.missing], ["it is not there", "its model is in floats"]);
    assertEquals([absent, eight].map(({ figures, timing }) => [figures, timing]), [[{}, {}], [{}, {}]]);
    const storage = first.storage as "texture" | "buffer";
    const costs = countCosts(graph, { precision: "f16", storage });
    const { parameters, flops, fileBytes, bitOperations, activationBytes, map, map50 } = half.figures;
    assertEquals(
      { parameters, flops, fileBytes, bitOperations, activationBytes },
      {
        parameters: { value: costs.parameters },
        flops: { value: costs.flops },
        fileBytes: { value: 1234 },
        // A quarter of f32's: both factors have half as many bits.
        bitOperations: { value: costs.macs * 256 },
        activationBytes: { value: costs.activationPeak.planned },
      },
    );
    for (const figure of [map, map50, demo.figures.map]) {
      assert(
        "value" in figure! && figure.value > 0 && figure.value <= 1,
      );
    }
    for (const { timing } of [demo, half]) {
      const { detectMedian, framesPerSecond } = timing;
      for (const figure of [detectMedian, framesPerSecond]) assert("value" in figure! && figure.value > 0);
    }
    assertEquals(said.filter((line) => line.startsWith("Absent")), ["Absent: not measured, it is not there"]);
    assertEquals([first.images, first.limit, first.split, first.family], [3, null, null, []]);

    const again = await measureDemo(graph);
    assertEquals(removeTimings(again), removeTimings(first));
    assertEquals(renderMarkdown(removeTimings(again)), renderMarkdown(removeTimings(first)));
  },
);

gpuTest("measuring: parts of it, a family beside it, and names that do not exist", async () => {
  const graph = demoDetector({ size: SIZE });
  const part = await measureDemo(graph, { only: ["half"], latencyRuns: 0, limit: 3 });
  assertEquals(part.rows.map(({ missing }) => missing), Array(4).fill("left out of this run").with(1, undefined));
  assertEquals([part.rows[1].timing, part.limit], [{}, 3]);
  assertEquals((await measureDemo(graph, { only: ["half"], latencyRuns: 0, limit: 4 })).limit, null);
  const family = [{ model: "yolo11s", size: SIZE, build: () => graph }];
  const [member] = (await measureDemo(graph, { only: [], family, familyRuns: 1 })).family;
  assertEquals([member.model, member.publishedMap, member.fileBytes], ["yolo11s", 0.47, saveOnnx(graph).byteLength]);
  assert("value" in member.timing.detectMedian!);
  const refused = (more: Parameters<typeof measureDemo>[1], says: string) =>
    assertRejects(() => measureDemo(graph, more), FeatherdetError, says);
  await refused({ only: ["x"] }, 'no variant of this data set is called "x", there are: demo, half, absent, eight');
  await refused({ family: [{ ...family[0], model: "yolo9" }] }, 'no mAP of "yolo9" is published');
  await refused({ dataset: { ...demoDataset(1), classes: ["a", "b"] } }, "demo: the model has 3 classes and lacks 2");
});

/** The files of a run, without what may change from run to run. */
async function stableFiles(folder: string): Promise<Record<string, unknown>> {
  const read = (name: string) => Deno.readTextFile(join(folder, name));
  const results: TableResults = JSON.parse(await read("table.json"));
  const changes = (column: string) => CHANGING_COLUMNS.some((prefix) => column.startsWith(prefix));
  const csv = csvParse(await read("table.csv")).map((line) =>
    Object.fromEntries(Object.entries(line).filter(([column]) => !changes(column)))
  );
  return { json: removeTimings(results), csv, svg: await read("pareto-bytes.svg") };
}

gpuTest("an output that no file explains is read as the variant says, or as is said of all", async () => {
  await inFolder(async (folder) => {
    const dataset = await openDataset(await writeScenes(join(folder, "set"), 1));
    // Without names nothing decides between objectness and one class more.
    const graph = colourDetector((tail, head) => tail.swap(objectness(tail, head) as string), {});
    const stated = { ...DEMO, head: "objectness", size: SIDE };
    const [own] = parseManifest(JSON.stringify({ variants: [stated] }));
    const silent: Variant = { ...DEMO, id: "silent", role: "other", size: SIDE };
    const how = { dataset, latencyRuns: 0, load: () => Promise.resolve({ graph }) };
    const { rows } = await measureTable([own, silent], { ...how, reading: { head: "objectness" } });
    for (const { figures: { map } } of rows) assert(map && "value" in map && map.value > 0.999);
    assert(!("head" in rows[0]));
    await assertRejects(() => measureTable([own, silent], how), FeatherdetError, "say which with --head");
  });
});

Deno.test("table writes its files, goes on after it was interrupted, and a rerun writes the same but for times", async () => {
  await inFolder(async (folder) => {
    const set = join(folder, "set");
    await Deno.mkdir(set);
    await writeDemoFolder(set, 4);
    const manifest = join(folder, "variants.json");
    const variants = [
      { ...DEMO, data: set },
      { ...DEMO, id: "smaller", title: "Smaller", role: "other", data: set, size: SIZE - 32 },
      { ...VARIANTS[2], data: set, model: { file: "models/none.onnx" }, made: "deno task x" },
    ];
    await Deno.writeTextFile(manifest, JSON.stringify({ variants }));
    const run = (out: string, ...more: string[]) => [
      ...["table", "--data", set, "--manifest", manifest, "--out", join(folder, out), "--runs", "1", ...more],
    ];

    // The last picture is damaged: the run stops there and keeps what it has.
    const { images } = JSON.parse(await Deno.readTextFile(join(set, "instances.json")));
    const last = join(set, "images", images[3].file_name);
    const intact = await Deno.readFile(last);
    await Deno.writeFile(last, intact.subarray(0, 300));
    const stopped = await commandLine(run("a", "--json"));
    assertEquals([stopped.code, stopped.stdout], [1, ""], stopped.stderr);
    assertMatch(stopped.stderr, /^error: .*\.png: /m);
    assertEquals([...Deno.readDirSync(join(folder, "a"))].map(({ name }) => name), ["demo.partial"]);

    await Deno.writeFile(last, intact);
    const [resumed, whole, family, other] = await commandLines([
      run("a", "--json"),
      run("b"),
      run("c", "--family", "n"),
      run("c", "--data", "bccd"),
    ]);
    assertEquals(resumed.code, 0, resumed.stderr);
    assertMatch(resumed.stderr, /\d pictures? w(as|ere) evaluated before, .*demo\.partial has them/);
    const written: TableResults & { files: string[] } = JSON.parse(resumed.stdout);
    const names = ["pareto-bytes.svg", "pareto-latency.svg", "table.csv", "table.json", "table.md"];
    assertEquals([...Deno.readDirSync(join(folder, "a"))].map(({ name }) => name).sort(), names);
    assertEquals(written.files.toSorted(), names.map((name) => join(folder, "a", name)));
    assertEquals(written.rows.map(({ missing }) => missing), [
      undefined,
      undefined,
      'models/none.onnx is not there, "deno task x" makes it',
    ]);
    const { files: _, ...results } = written;
    assertEquals(JSON.parse(await Deno.readTextFile(join(folder, "a", "table.json"))), results);

    assertEquals(whole.code, 0, whole.stderr);
    assertStringIncludes(whole.stdout, "# Results on set");
    assertEquals(await stableFiles(join(folder, "b")), await stableFiles(join(folder, "a")));

    const published = /^error: the family's mAP is published for coco at 640, not for .* at 96/;
    assertRefused(family, published);
    assertRefused(other, /^error: .*variants\.json: it has no variants of the data set "bccd", only of /);
  });
});
