/** Photonic arrays against what is published of them, and noise against physics. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import file from "../../data/photonics.json" with { type: "json" };
import { FeatherdetError } from "../../src/graph/error.ts";
import type { FusedLayer } from "../../src/hardware/layers.ts";
import {
  checkArray,
  checkProfile,
  electronsOf,
  findPhotonic,
  nominalFigures,
  PHOTONIC_FIGURES,
  type PhotonicArray,
  photonicNames,
  photonicNoise,
  type PhotonicProfile,
} from "../../src/hardware/photonic/array.ts";
import { simulatePhotonicLayers } from "../../src/hardware/photonic/simulate.ts";

/** 10^12 operations a second at most, a product counted as two. */
const tera = ({ rows, columns, vectors, gigahertz }: PhotonicArray) => 2e-3 * rows * columns * vectors * gigahertz;

Deno.test("arrays compute as many operations a second as is published of them", () => {
  // 9 groups of 3 units of 45 products at 5 GHz; 65.5, "trillions" (2 in the paper), and 11 as printed.
  assertAlmostEquals(tera(findPhotonic("albireo")), 2 * 9 * 3 * 45 * 5e-3, 1e-9);
  assertAlmostEquals(tera(findPhotonic("lightmatter")), 65.5, 0.05);
  assertAlmostEquals(tera(findPhotonic("tensor-core")) / 2, 2, 0.05);
  assertAlmostEquals(tera(findPhotonic("comb-convolver")), 11.3, 0.05);
});

Deno.test("a busy Albireo takes the watts that are published, within what shared windows save", () => {
  const { sram } = { sram: { input: 1 << 22, weight: 1 << 22, output: 1 << 22 } };
  // A layer that fills the array, and that no DRAM stops.
  const layer: FusedLayer = {
    ...{ name: "one", op: "Conv", kind: "window", nodes: ["one"], outputShape: [1, 9, 500, 500] },
    ...{ macs: 27 * 9 * 250_000, matrix: { pixels: 250_000, window: 27, filters: 9, times: 1 } },
    ...{ inputs: 250_000 * 3, weights: 27 * 9, outputs: 250_000 * 9 },
  };
  const { milliseconds, utilisation, energy } = simulatePhotonicLayers([layer], findPhotonic("albireo"), {
    ...{ sram, bandwidth: 1e9 },
  });
  const { inputs, weights, outputs, light } = energy;
  assertAlmostEquals(utilisation, 1, 1e-3);
  // Microjoules a millisecond are milliwatts.
  const watts = (inputs + weights + outputs + light) / milliseconds * 1e-3;
  assert(watts > 0.75 * 22.7 && watts < 22.7, `${watts} W, published are 22.7`);
});

Deno.test("time and energy of a layer that is folded follow from its parts", () => {
  const array: PhotonicArray = {
    ...{ name: "a", title: "a", rows: 4, columns: 2, vectors: 3, gigahertz: 2, reloadNanoseconds: 10 },
    ...{ inputBits: 8, weightBits: 8, outputBits: 8, detectedMicrowatts: 1, amperePerWatt: 1, thermalPicoampere: 0 },
    ...{ watts: 2, inputPicojoules: 1, weightPicojoules: 3, outputPicojoules: 5 },
  };
  const layer: FusedLayer = {
    ...{ name: "one", op: "Conv", kind: "pointwise", nodes: ["one"], outputShape: [1, 5, 1, 13] },
    ...{ macs: 9 * 5 * 13, matrix: { pixels: 13, window: 9, filters: 5, times: 1 } },
    ...{ inputs: 13 * 9, weights: 45, outputs: 13 * 5 },
  };
  const surroundings = { sram: { input: 1024, weight: 1024, output: 1024 }, bandwidth: 1e6 };
  const { layers: [one], milliseconds } = simulatePhotonicLayers([layer], array, surroundings);
  // 3 x 3 parts, each with 5 periods of half a nanosecond behind 10 ns in which weights are set.
  assertAlmostEquals(one.computeMicroseconds, 9 * 5 * 0.5e-3, 1e-12);
  assertAlmostEquals(one.reloadMicroseconds, 9 * 10e-3, 1e-12);
  assertAlmostEquals(milliseconds, 9 * 12.5e-6, 1e-12);
  assertAlmostEquals(one.energy.light, 2 * 9 * 12.5, 1e-9);
  // Inputs once for each of three parts along the columns, sums once for each of three along the rows.
  assertAlmostEquals(one.energy.inputs, 13 * 9 * 3 * 1e-3, 1e-12);
  assertAlmostEquals(one.energy.weights, 45 * 3e-3, 1e-12);
  assertAlmostEquals(one.energy.outputs, 13 * 5 * 3 * 5e-3, 1e-12);
});

Deno.test("shot noise is that of counted electrons, and thermal noise that of a resistor", () => {
  const array = findPhotonic("albireo");
  // 20 uA over 5 GHz are 4 fC: 24,966 electrons, whose count varies by the root of itself.
  assertAlmostEquals(electronsOf(array), 4e-15 / 1.602176634e-19, 1e-6);
  assertAlmostEquals(photonicNoise(array).shot, 1 / Math.sqrt(24_966), 1e-6);
  // sqrt(4 k T B / R) over the current of a product.
  const johnson = Math.sqrt(4 * 1.380649e-23 * 300 * 2.5e9 / 50) / 20e-6;
  assertAlmostEquals(photonicNoise(array).thermal / johnson, 1, 0.02);
  // 50 zJ of light a product, the published limit, are 0.4 photons of 1550 nm.
  const photon = 6.62607015e-34 * 299_792_458 / 1550e-9;
  const limit = { ...array, detectedMicrowatts: 50e-21 * 5e9 * 1e6, amperePerWatt: 1.602176634e-19 / photon };
  assertAlmostEquals(electronsOf(limit), 50e-21 / photon, 1e-9);
  assertAlmostEquals(electronsOf(limit), 0.39, 0.01);
});

Deno.test("what is not published is said to be nominal, and a profile without a source is refused", () => {
  assertEquals(photonicNames(), ["albireo", "lightmatter", "tensor-core", "comb-convolver"]);
  assert(nominalFigures("albireo").some(([figure]) => figure === "detectedMicrowatts"));
  const [good] = file.arrays as unknown as PhotonicProfile[];
  const refused = (profile: object, message: string) =>
    assertThrows(() => checkProfile({ ...good, ...profile }, file.sources), FeatherdetError, message);
  refused({ source: "nobody" }, 'photonic array "albireo": it has no source');
  refused({ rows: { value: 27 } }, "rows has no source and is not said to be nominal");
  refused({ rows: { value: 27, source: "nobody", nominal: "so" } }, "rows has no source");
  refused({ rows: undefined }, "rows is missing");
  refused({ rows: { value: 0, nominal: "so" } }, "rows is 0, expected a positive number");
  for (const figure of PHOTONIC_FIGURES) assert(Number.isFinite(findPhotonic("lightmatter")[figure]));
  assertThrows(() => checkArray({ ...findPhotonic("albireo"), watts: -1 }), FeatherdetError, "watts is -1");
  assertThrows(() => findPhotonic("prism"), FeatherdetError, "those are albireo, lightmatter");
});
