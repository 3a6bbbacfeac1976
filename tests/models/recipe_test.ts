/** Built models saved, read and built again: names, statistics and recipe come back as they went, for every family. */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { FeatherdetError, type Graph, verify } from "../../src/graph/mod.ts";
import { recogniseActivations } from "../../src/passes/mod.ts";
import { classifier } from "../../src/models/classifier.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { namesText, type Recipe, recipeOf } from "../../src/models/metadata.ts";
import { buildFromRecipe, rebuild } from "../../src/models/recipe.ts";
import { loadWeights } from "../../src/models/weights.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { yolo11Lite } from "../../src/models/yolo11_lite.ts";
import { importOnnx, readClassNames, saveOnnx } from "../../src/onnx/mod.ts";
import { lively } from "../support/lively.ts";
import { assertSameConstant, assertSameConstants } from "../support/same_constants.ts";

/** Names as people and files have them: quotes of all kinds, escapes, other scripts, beyond 16 bits, half a pair, line ends, none. */
const NAMES = [
  `it's`,
  `say "hi"`,
  `both ' and "`,
  "`tick` ${x}",
  "back\\slash\\",
  "\\u0041 \\n \\x",
  "ｐａｒｅｎ, {0: 'x'}",
  "blood cell 血球 كرية",
  "🦔 \u{1f469}\u200d\u{1f52c}",
  "half \ud83e",
  "line\nfeed\r\ttab\u2028\u0000end",
  "",
  " spaced ",
];

/** One of each family, with options away from their defaults. */
const MODELS: Readonly<Record<string, () => Graph>> = {
  "YOLO11 with 13 oddly named classes": () =>
    yolo11({ width: 0.125, depth: 1, size: [64, 96], classes: NAMES, seed: 5 }),
  "YOLO11m of one class with CBAM": () =>
    yolo11({
      scale: "m",
      width: 0.0625,
      size: 64,
      classes: ["'"],
      batch: 2,
      attention: { kind: "cbam", places: ["p3", "n4"], reduction: 4, kernel: 3 },
    }),
  "lite on ShuffleNetV2 with SE": () =>
    yolo11Lite({
      backbone: "shufflenetv2-0.5x",
      depth: 0.5,
      size: 64,
      classes: NAMES.slice(0, 7),
      seed: -3,
      attention: { kind: "se", places: ["n3", "n4", "n5"], reduction: 8 },
    }),
  "lite on MobileNetV3 with pan and SimAM": () =>
    yolo11Lite({
      backbone: "mobilenetv3-small",
      width: 0.5,
      neckWidth: 0.25,
      neck: "pan",
      size: [32, 64],
      classes: 3,
      attention: { kind: "simam", places: ["p5"] },
    }),
  "lite on EfficientNet-Lite with YOLO11's head": () =>
    yolo11Lite({ backbone: "efficientnet-lite1", width: 0.25, head: "yolo11", size: 64, classes: 80 }),
  "classifier": () => classifier({ backbone: "mobilenetv3-small", width: 0.5, size: 32, classes: NAMES.slice(0, 5) }),
};

for (const [name, build] of Object.entries(MODELS)) {
  Deno.test(`${name}: saved, read and rebuilt it is the same bit for bit`, () => {
    const built = build();
    const trained = lively(built, 9);
    const read = recogniseActivations(importOnnx(saveOnnx(trained)));
    assertEquals(read.metadata, trained.metadata);
    assertEquals(readClassNames(read), readClassNames(trained));
    assertEquals(read.nodes, trained.nodes);
    for (const [key, constant] of trained.constants) assertSameConstant(read.constants.get(key)!, constant, key);

    const again = rebuild(read);
    verify(again);
    const { constants, ...structure } = built;
    const { constants: rebuilt, ...rest } = again;
    assertEquals(rest, structure);
    assertSameConstants(rebuilt, constants);

    const loaded = loadWeights(again, read);
    assertSameConstants(loaded.constants, trained.constants);
    assertEquals([loaded.nodes, loaded.outputs, loaded.metadata.names], [
      trained.nodes,
      trained.outputs,
      read.metadata.names,
    ]);
  });
}

Deno.test("class names keep every character", () => {
  assertEquals(readClassNames(yolo11({ width: 0.125, size: 32, classes: NAMES })), NAMES);
  assertEquals(readClassNames(importOnnx(saveOnnx(yolo11({ width: 0.125, size: 32, classes: NAMES })))), NAMES);
});

Deno.test("class names are written as Python writes them", () => {
  assertEquals(namesText(["it's", 'a "b"', "c\\d"]), `{0: 'it\\'s', 1: 'a "b"', 2: 'c\\\\d'}`);
  // No character may end a line of Python, and none may be lost in UTF-8.
  assertEquals(namesText(["a\r\nb", "\ud83e", "🦔"]), "{0: 'a\\u000d\\u000ab', 1: '\\ud83e', 2: '🦔'}");
});

Deno.test("a recipe says all that a model was built with", () => {
  const attention = { kind: "se", places: ["p3"], reduction: 8 } as const;
  const graph = yolo11Lite({ backbone: "efficientnet-lite0", head: "yolo11", size: [64, 96], batch: 2, attention });
  assertEquals<unknown>(recipeOf(graph), {
    family: "yolo11lite",
    backbone: "efficientnet-lite0",
    neck: "light",
    head: "yolo11",
    width: 0.625,
    neckWidth: 1,
    depth: 1,
    classes: 80,
    size: [64, 96],
    batch: 2,
    seed: 0,
    attention,
  });
});

Deno.test("a model that was read for another size is rebuilt for that size", () => {
  const saved = saveOnnx(lively(yolo11Lite({ size: 64, classes: NAMES.slice(0, 3) }), 4));
  const read = importOnnx(saved, { shapes: { images: [2, 3, 96, 32] } });
  const again = rebuild(read);
  assertEquals(again.inputs[0].shape, [2, 3, 96, 32]);
  assertEquals(readClassNames(again), NAMES.slice(0, 3));
  assertEquals(loadWeights(again, read).nodes, again.nodes);
});

Deno.test("options override what a recipe says", () => {
  const recipe = recipeOf(yolo11Lite({ size: 64, seed: 1 }))!;
  const changed = buildFromRecipe(recipe, { classes: ["a", "b"], size: 96, batch: 3, seed: 2 });
  const expected = yolo11Lite({ classes: ["a", "b"], size: 96, batch: 3, seed: 2 });
  assertEquals([changed.nodes, changed.inputs, changed.metadata], [expected.nodes, expected.inputs, expected.metadata]);
  assertEquals(buildFromRecipe(recipe, { size: undefined }).inputs[0].shape, [1, 3, 64, 64]);
});

Deno.test("attention goes into a trained model as new layers that keep their first values", () => {
  const trained = lively(yolo11({ width: 0.125, size: 64, classes: 3 }), 3);
  const fresh = yolo11({ width: 0.125, size: 64, classes: 3, seed: 8, attention: { kind: "se", places: ["p4"] } });
  const { message } = assertThrows(() => loadWeights(fresh, trained), FeatherdetError);
  assertStringIncludes(message, 'Conv "attention.p4.fc1": ');
  assertStringIncludes(message, "they have no such layer (for added layers, ask for newLayers)");
  const loaded = loadWeights(fresh, trained, { newLayers: true });
  for (const [name, constant] of loaded.constants) {
    assertSameConstant(constant, (name.startsWith("attention") ? fresh : trained).constants.get(name)!, name);
  }
  // Only the model may have more.
  assertThrows(() => loadWeights(trained, fresh, { newLayers: true }), FeatherdetError, "the model has no such layer");
});

Deno.test("weights of a lite model go into one for other classes and another size", () => {
  const options = { backbone: "shufflenetv2-0.5x", depth: 0.5 } as const;
  const trained = importOnnx(saveOnnx(lively(yolo11Lite({ ...options, size: 64, classes: 5 }), 3)));
  const fresh = yolo11Lite({ ...options, size: 96, classes: ["x"], seed: 8 });
  const loaded = loadWeights(fresh, trained, { newClasses: true });
  for (const [name, constant] of loaded.constants) {
    const isFresh = /^head\.cv3\.\d\.1\.|^head\/(anchors|strides)$/.test(name);
    assertSameConstant(constant, (isFresh ? fresh : trained).constants.get(name)!, name);
  }
  assertEquals(readClassNames(loaded), ["x"]);
});

Deno.test("what is no recipe is refused in one sentence", () => {
  const refused = (recipe: object, says: string) => {
    const { message } = assertThrows(() => buildFromRecipe(recipe as Recipe), FeatherdetError);
    assertStringIncludes(message, says);
  };
  refused(
    { family: "yolo5" },
    'recipe: family "yolo5" does not exist, expected one of yolo11, yolo11lite, yolov8, yolov5u, yolov5, classifier',
  );
  refused({ family: "constructor" }, 'family "constructor" does not exist');
  refused({ family: "yolo11", colour: 1 }, 'recipe: yolo11 has no option "colour", its options are ');
  const wrong: [string, unknown, string][] = [
    ["classes", "80", "the number of classes is 80, expected a whole number"],
    ["size", "640", "input size is 640x640, expected multiples of 32"],
    ["size", [null, 64], "input size is x64"],
    ["batch", [1], "batch is 1, expected a whole number"],
    ["seed", {}, "seed is [object Object]"],
    ["width", "1", "width is 1, expected a positive factor"],
    ["depth", null, "depth is null"],
    ["attention", "se", 'attention "undefined" does not exist'],
    ["attention", { kind: "se", places: "p3" }, "attention has no list of places"],
  ];
  for (const family of ["yolo11", "yolo11lite"]) {
    for (const [option, value, says] of wrong) refused({ family, [option]: value }, says);
  }
  const without = assertThrows(() => rebuild(demoDetector({ size: 64 })), FeatherdetError);
  assertStringIncludes(without.message, '"featherdet-demo" does not say how it was made');
  const damaged = { ...demoDetector({ size: 64 }), metadata: { featherdet: "{]" } };
  assert(/are no recipe/.test(assertThrows(() => rebuild(damaged), FeatherdetError).message));
});
