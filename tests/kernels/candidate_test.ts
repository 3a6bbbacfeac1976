/** Kernels that compete: what is asked, which one is chosen by estimate and by measurement, and when a measurement is forgotten. */

import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { FeatherdetError } from "../../src/graph/error.ts";
import {
  type Candidate,
  chooseOption,
  contestOf,
  type Fusion,
  fusionSet,
  someAccepts,
  variantName,
} from "../../src/kernels/candidate.ts";
import { CONV_CANDIDATES, INT8_CONV_CANDIDATES } from "../../src/kernels/conv.ts";
import { hashShader, textHash } from "../../src/kernels/shader_hash.ts";
import { SHADERS } from "../../src/kernels/shaders.ts";
import type { KernelTarget } from "../../src/kernels/target.ts";

const TARGET: KernelTarget = { adapter: "software", packedDot: false, floatWeights: false };

interface Form {
  readonly pixels: number;
}

/** A candidate that costs so much a pixel and begins at so much, in tiles of two sizes. */
function candidate(name: string, start: number, each: number, rest: Partial<Candidate<Form, string>> = {}) {
  const made: Candidate<Form, string, { tile: number }> = {
    name,
    shaders: ["conv/direct.wgsl"],
    applies: ({ pixels }) => pixels > 0,
    accepts: (fusions) => !fusions.has("gate"),
    variants: () => ({ usual: [{ tile: 1 }, { tile: 4 }], measured: [{ tile: 9 }, { tile: 4 }] }),
    cost: ({ pixels }, { tile }) => start + each * Math.ceil(pixels / tile) * Math.sqrt(tile),
    kernels: (_, context, { tile }) => [{
      label: `${name} ${tile} of ${context}`,
      shader: "conv/direct.wgsl",
      constants: {},
      parameters: {},
      bindings: [],
      workgroups: [1, 1, 1],
    }],
  };
  return { ...made, ...rest } as Candidate<Form, string>;
}

const NEAR = candidate("near", 0, 2);
const FAR = candidate("far", 30, 1);
const GATED = candidate("gated", 1000, 1, { accepts: () => true });
const ALL = [NEAR, FAR, GATED];

const contest = (pixels: number, fusions: readonly Fusion[] = [], list = ALL) =>
  contestOf(
    list,
    { key: "sample", form: { pixels }, fusions: new Set(fusions) },
    TARGET,
    () => new FeatherdetError("nothing computes it"),
  );

const named = ({ kernel, variant }: { kernel: string; variant: string }) => `${kernel} ${variant}`;

Deno.test("the cheapest usual variant of those that take everything along is chosen, of equals the first", () => {
  // Near in tiles of four costs pixels, far 30 + pixels / 2: they meet at 60.
  assertEquals([4, 16, 60, 64, 400].map((pixels) => named(chooseOption(contest(pixels)))), [
    "near tile=4",
    "near tile=4",
    "near tile=4",
    "far tile=4",
    "far tile=4",
  ]);
  assertEquals(named(chooseOption(contest(1))), "near tile=1");
  assertEquals(named(chooseOption(contest(16, ["gate"]))), "gated tile=4");
  // Tiles of nine would be cheaper still, but only measuring may choose them.
  const cheapest = contest(900).options.reduce((best, one) => one.cost < best.cost ? one : best);
  assertEquals([named(cheapest), cheapest.measured], ["far tile=9", true]);
  assertEquals(chooseOption(contest(16)).make("sixteen")[0].label, "near 4 of sixteen");
});

Deno.test("an option comes once, and a step that nothing computes is refused", () => {
  assertEquals(contest(16).options.map(named).slice(0, 3), ["near tile=1", "near tile=4", "near tile=9"]);
  assertEquals(contest(16).options.length, 9);
  assertEquals(someAccepts(ALL, { pixels: 16 }, new Set(["gate"])), true);
  assertEquals(someAccepts([NEAR, FAR], { pixels: 16 }, new Set(["gate"])), false);
  assertThrows(() => contest(16, ["gate"], [NEAR, FAR]), FeatherdetError, "nothing computes it");
  assertThrows(() => contest(0), FeatherdetError, "nothing computes it");
  assertEquals(variantName({ x: 5, y: 2, arithmetic: "dot" }), "x=5 y=2 arithmetic=dot");
  assertEquals(variantName({}), "only");
  assertEquals([...fusionSet({ gate: true, residual: false, activation: true })], ["activation", "gate"]);
});

Deno.test("what was measured goes before the estimate, until something that competes changes", () => {
  const { revision } = contest(16);
  const measured = { kernel: "far", variant: "tile=9", revision };
  assertEquals(named(chooseOption(contest(16), measured)), "far tile=9");
  // A name that is gone, a variant that is gone, another revision: as if nothing had been measured.
  for (const other of [{ kernel: "further" }, { variant: "tile=8" }, { revision: "0" }]) {
    assertEquals(named(chooseOption(contest(16), { ...measured, ...other })), "near tile=4");
  }
  const variants = () => ({ usual: [{ tile: 1 }] });
  const changed: readonly Candidate<Form, string>[][] = [
    [NEAR, FAR],
    [NEAR, FAR, GATED, candidate("new", 0, 5)],
    [NEAR, { ...FAR, variants }, GATED],
    [{ ...NEAR, shaders: ["conv/general.wgsl"] }, FAR, GATED],
  ];
  for (const list of changed) assertNotEquals(contest(16, [], list).revision, revision);
  assertEquals(contest(16, [], changed[0]).revision === contest(64, [], changed[0]).revision, true);
});

Deno.test("a shader's hash changes with each file that it is linked from, and with no other", () => {
  const path = "conv/depthwise.wgsl";
  const before = hashShader(SHADERS, path);
  assertEquals(hashShader({ ...SHADERS }, path), before);
  const with_ = (file: string) => hashShader({ ...SHADERS, [file]: `${SHADERS[file]} ` }, path);
  // linear.wgsl is included by tile.wgsl, activation.wgsl by epilogue.wgsl.
  for (const file of [path, "lib/storage.wgsl", "lib/linear.wgsl", "lib/activation.wgsl"]) {
    assertNotEquals(with_(file), before, file);
  }
  for (const file of ["conv/direct.wgsl", "lib/team.wgsl"]) assertEquals(with_(file), before, file);
  assertThrows(() => hashShader(SHADERS, "conv/none.wgsl"), FeatherdetError, 'no shader "conv/none.wgsl"');
  const texts = ["", "a", "b", "ab", "ba", "aa", " a", ...Array.from({ length: 2000 }, (_, i) => `x=${i}`)];
  assertEquals(new Set(texts.map(textHash)).size, texts.length);
  assert(texts.every((text) => /^[0-9a-f]{14}$/.test(textHash(text))));
});

Deno.test("candidates of convolutions have names of their own and shaders that exist", () => {
  const all = [...CONV_CANDIDATES, ...INT8_CONV_CANDIDATES];
  assertEquals(new Set(all.map(({ name }) => name)).size, all.length);
  for (const { shaders } of all) for (const path of shaders) assert(path in SHADERS, path);
});
