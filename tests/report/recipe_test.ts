/** Recipes of a manifest: what is refused, the command lines that they stand for, the files of seeds, and what their hash is of. */

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { checkOptions } from "../../src/cli/step_verbs.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { parseManifest } from "../../src/report/table/manifest.ts";
import { outOf, parentSeed, parentsOf, recipeHash, seedVariants } from "../../src/report/table/recipe.ts";
import { commandOf, isCommand } from "../../src/report/table/recipe_text.ts";
import type { Variant } from "../../src/report/table/variant.ts";

const file = (id: string) => ({ file: `models/${id}.onnx` });

/** A variant as manifests have it. */
function raw(id: string, made: unknown, more: object = {}) {
  const role = id === "base" ? "original" : "other";
  return { id, title: `T ${id}`, data: "set", role, model: file(id), size: 64, precision: "f32", made, ...more };
}

const BASE = raw("base", {
  steps: [{ verb: "train", options: { model: "yolo11n", data: "bccd", augment: false, lr: 0.5 } }],
  out: "data/models/base.onnx",
});

const CUT = {
  steps: [{ verb: "prune", options: { model: { variant: "base" }, gflops: 0.5, keep: ["model.0.*", "a b"] } }],
  out: ".cache/models/cut.onnx",
  seeds: [3, 0, 1],
  seedOut: ".cache/models/cut-{seed}.onnx",
};

const SMALL = {
  steps: [
    {
      verb: "prune",
      options: { model: { variant: "cut" }, gflops: 0.5, epochs: 0, lastEpochs: 2 },
      seconds: { record: "r.json", run: "seed-{seed}" },
    },
    { verb: "train", options: { model: { step: 1 }, data: "bccd" }, seconds: 7 },
    { verb: "quantize", options: { model: { step: 2 }, calibrate: "bccd" } },
  ],
  out: "data/models/small.onnx",
  seeds: [0, 5],
  seedOut: ".cache/models/small-{seed}.onnx",
};

const read = (...variants: object[]): readonly Variant[] =>
  parseManifest(JSON.stringify({ variants: [BASE, ...variants] }), "v.json", checkOptions);

const ALL = () =>
  read(raw("cut", CUT), raw("small", SMALL), raw("other-size", { variant: "cut" }, { model: file("cut") }));

Deno.test("a recipe is written as command lines that can be pasted", () => {
  const variants = ALL(), [base, cut, small, other] = variants;
  assertEquals(
    base.made,
    "deno task train --model yolo11n --data bccd --no-augment --lr 0.5 --no-pretrained --seed 0 --out runs/base && " +
      "cp runs/base/best.onnx data/models/base.onnx",
  );
  assertEquals(
    cut.made,
    "mkdir -p .cache/models && deno task prune --model data/models/base.onnx --gflops 0.5 --keep 'model.0.*' 'a b' " +
      "--seed 3 --out .cache/models/cut.onnx",
  );
  // Its parent has the seed 0, but begins with 3.
  assertEquals(
    small.made,
    "deno task prune --model .cache/models/cut-0.onnx --gflops 0.5 --epochs 0 --last-epochs 2 --seed 0 " +
      "--run runs/small-1 --out data/models/small-step-1.onnx && " +
      "deno task train --model data/models/small-step-1.onnx --data bccd --seed 0 --out runs/small-2 && " +
      "cp runs/small-2/best.onnx data/models/small-step-2.onnx && " +
      "deno task quantize --model data/models/small-step-2.onnx --calibrate bccd --out data/models/small.onnx",
  );
  assertMatch(
    commandOf("small", small.recipe!, variants, 5),
    /cut\.onnx .*--run runs\/small-seed-5-1 .*small-5\.onnx$/,
  );
  assertEquals([other.made, other.recipe?.sameFileAs], [cut.made, "cut"]);
  assert([base, cut, small].every(({ made }) => isCommand(made)) && !isCommand("to come"));
});

Deno.test("what is of one seed alone has the seed in the text of its option", () => {
  const options = { model: { variant: "base" }, gflops: 0.5, data: "made-{seed}", keep: ["a{seed}", "b"] };
  const variants = read(raw("cut", { ...CUT, steps: [{ verb: "prune", options }] })), { recipe } = variants[1];
  const of = (seed: number) => commandOf("cut", recipe!, variants, seed).match(/--data (\S+) --keep (\S+)/)!.slice(1);
  assertEquals([of(3), of(1)], [["made-3", "a3"], ["made-1", "a1"]]);
});

Deno.test("seeds: where their files lie, and which seed of a parent stands for another", () => {
  const [base, cut, small, other] = ALL();
  assertEquals(seedVariants(cut).map(({ seed, variant: { id, model } }) => [seed, id, model]), [
    [3, "cut", file("cut")],
    [0, "cut-seed-0", { file: "models/cut-0.onnx" }],
    [1, "cut-seed-1", { file: "models/cut-1.onnx" }],
  ]);
  assertEquals(seedVariants(other).map(({ variant: { model } }) => model)[2], { file: "models/cut-1.onnx" });
  assertEquals(seedVariants({ ...base, recipe: undefined }).map(({ seed }) => seed), [0]);
  assertEquals([parentSeed(cut, 1), parentSeed(cut, 5), parentSeed(base, 5)], [1, 3, 0]);
  assertEquals([parentsOf(base), parentsOf(cut), parentsOf(small), parentsOf(other)], [[], ["base"], ["cut"], ["cut"]]);
  assertEquals(outOf(small.recipe!, 5), ".cache/models/small-5.onnx");
});

Deno.test("the hash of a recipe is of its steps, its seed and its parents, not of names, files, times or the order of options", () => {
  const hash = (variants: readonly Variant[], id = "small", seed = 0) => recipeHash(variants, id, seed);
  const before = ALL(), known = hash(before);
  assertMatch(known, /^[0-9a-f]{64}$/);
  const changed = (made: (small: typeof SMALL) => object, base: object = {}, cut: object = {}) => {
    const manifest = { variants: [{ ...BASE, ...base }, raw("cut", { ...CUT, ...cut }), raw("small", made(SMALL))] };
    return hash(parseManifest(JSON.stringify(manifest), "v.json", checkOptions));
  };
  const [first, ...rest] = SMALL.steps;
  const { model, ...options } = first.options;
  const same = [
    changed((small) => ({ ...small, steps: [{ ...first, options: { ...options, model }, seconds: 1 }, ...rest] })),
    changed((small) => ({ ...small, out: ".cache/models/small.onnx", seeds: [0, 9] })),
    changed((small) => small, { title: "other", note: "note" }),
  ];
  assertEquals(same, [known, known, known]);
  const others = [
    hash(before, "small", 5),
    changed((small) => ({ ...small, steps: [{ ...first, options: { ...first.options, gflops: 0.25 } }, ...rest] })),
    changed((small) => ({ ...small, steps: [first, { ...rest[0], options: { ...rest[0].options, lr: 1 } }, rest[1]] })),
    changed((small) => small, {
      made: { ...BASE.made as object, steps: [{ verb: "train", options: { model: "yolo11s", data: "bccd" } }] },
    }),
    // Its parent would be of seed 3.
    changed((small) => small, {}, { seeds: [3, 1] }),
    changed((small) => small, { made: "by hand", sha256: "0".repeat(64) }),
  ];
  assertEquals(new Set([known, ...others]).size, 1 + others.length);
  assertEquals(hash(before, "other-size", 1), hash(before, "cut", 1));
});

Deno.test("a recipe that cannot be run is refused in a sentence that names file, variant and field", () => {
  const refused = (says: string, ...variants: object[]) => {
    const error = assertThrows(() => read(...variants), FeatherdetError);
    assertEquals(error.message, `v.json: ${says}`);
  };
  const made = (fields: object, says: string) =>
    refused(`variants[1] "cut": made${says}`, raw("cut", { ...CUT, ...fields }));
  const step = (fields: object, says: string) => made({ steps: [{ ...CUT.steps[0], ...fields }] }, `.steps[0]${says}`);
  const options = (more: object, says: string) =>
    step({ options: { ...CUT.steps[0].options, ...more } }, `.options${says}`);
  made({ steps: [] }, ".steps: expected at least one step");
  made({ step: 3 }, ".step: there is no such field");
  made({ out: "models/cut.onnx" }, ".out: expected a path that begins with data/ or .cache/");
  made({ out: "data/models/cat.onnx" }, ".out: is another file than that of model");
  made({ seeds: [1, 1] }, ".seeds: expected a list of seeds, each once");
  made({ seeds: [-1] }, ".seeds[0]: expected a whole number from 0");
  made({ seedOut: undefined }, ".seedOut: is missing, there are several seeds");
  made({ seedOut: ".cache/models/cut.onnx" }, ".seedOut: expected {seed} in the path");
  step({ verb: "prun" }, ".verb: expected one of data, train, prune, quantize");
  step({ seconds: "5" }, `.seconds: expected seconds, or { "record", "run" }`);
  options({ model: { variant: "bass" } }, '.model: there is no variant "bass"');
  options({ model: { step: 1 } }, ".model: step 1 comes no earlier, expected 1 to 0");
  options(
    { model: { file: "x" } },
    '.model: expected text, a number, true, false, a list of those, { "variant" } or { "step" }',
  );
  options({ seed: 3 }, ".seed: the program gives it, leave it out");
  options({ out: "x.onnx" }, ".out: the program gives it, leave it out");
  options({ gflop: 0.5 }, ": unknown option '--gflop' (Did you mean --gflops?)");
  options({ gflops: 2 }, ": option '--gflops <share>' argument '2' is invalid. Expected a number from 0.000001 to 1");
  options({ model: undefined }, ": required option '--model <model>' not specified");
  step({ verb: "data", options: {} }, ".options.name: is missing");
  refused(
    'variants[1] "a": made.steps[0].options.model: the variant "b" has no file',
    raw("a", {
      steps: [{ verb: "prune", options: { model: { variant: "b" }, gflops: 0.5 } }],
      out: "data/models/a.onnx",
    }),
    raw("b", "built", { model: { name: "yolo11n" } }),
  );
  refused('variants[1] "a": made.variant: there is no variant "b"', raw("a", { variant: "b" }));
  refused(
    'variants[1] "a": made.variant: the file of "base" is another than that of model',
    raw("a", { variant: "base" }),
  );
  refused('variants[1] "a": made: expected text', raw("a", ""));
});

Deno.test("variants that are made from each other in a circle are refused, and the circle is told", () => {
  const from = (id: string, parent: string) =>
    raw(id, {
      steps: [{ verb: "quantize", options: { model: { variant: parent }, calibrate: "bccd" } }],
      out: `data/models/${id}.onnx`,
    });
  const error = assertThrows(() => read(from("a", "c"), from("b", "a"), from("c", "b")), FeatherdetError);
  assertEquals(
    error.message,
    'v.json: variants: "a" is made from "c", "c" from "b", "b" from "a": none of them can be made first',
  );
  assertThrows(() => read(from("a", "a")), FeatherdetError, '"a" is made from "a"');
  const shared = (id: string, other: string) => raw(id, { variant: other }, { model: file("s") });
  assertThrows(
    () => read(shared("a", "b"), shared("b", "a")),
    FeatherdetError,
    '"a" has the file of "b", "b" that of "a": none of them says how it is made',
  );
});

Deno.test("every recipe of this version can be run, and its committed files have one", async () => {
  const manifest = new URL("../../data/variants.json", import.meta.url);
  const variants = parseManifest(await Deno.readTextFile(manifest), "data/variants.json", checkOptions);
  const told = new Map(variants.map(({ id, recipe }) => [id, recipe !== undefined]));
  for (const { name } of Deno.readDirSync(new URL("../../data/models/", import.meta.url))) {
    const id = name.replace(/\.onnx$/, "");
    assertEquals([name, told.get(id)], [name, true]);
  }
  const recorded = variants.flatMap(({ recipe }) => recipe?.steps ?? []).map(({ seconds }) => seconds);
  assert(recorded.every((time) => time !== undefined), "every step has a time");
});
