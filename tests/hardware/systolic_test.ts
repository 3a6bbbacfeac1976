/** Cycles of YOLO11n's products against SCALE-Sim, and what the simulator has to obey whatever the accelerator. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { FeatherdetError } from "../../src/graph/mod.ts";
import { fusedLayers, type MatrixShape } from "../../src/hardware/layers.ts";
import { type Accelerator, areaOf, DATAFLOWS, DEFAULT_ACCELERATOR } from "../../src/hardware/systolic/accelerator.ts";
import { computeCycles, edgeTraffic } from "../../src/hardware/systolic/cycles.ts";
import { acceleratorsWithin, designFront, searchAccelerators } from "../../src/hardware/systolic/search.ts";
import { simulate, simulateLayers } from "../../src/hardware/systolic/simulate.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import fixture from "../fixtures/scalesim_yolo11n.json" with { type: "json" };

const graph = yolo11({ size: 160 });
const layers = fusedLayers(graph);
const products = layers.filter(({ matrix }) => matrix !== undefined);

Deno.test("every product of YOLO11n takes the cycles of SCALE-Sim, for three dataflows and three arrays", () => {
  const theirs = fixture.layers.map(({ times, row: [height, width, kh, kw, channels, filters, stride] }) => {
    const pixels = ((height - kh) / stride + 1) * ((width - kw) / stride + 1);
    return { pixels, window: kh * kw * channels, filters, times };
  });
  // The recipe reads its layers from the published file, in another order: they are the graph's.
  const sorted = (shapes: readonly MatrixShape[]) =>
    shapes.map(({ pixels, window, filters, times }) => [pixels, window, filters, times].join()).sort();
  assertEquals(sorted(products.map(({ matrix }) => matrix!)), sorted(theirs));
  fixture.layers.forEach(({ name, times, ...figures }, i) => {
    const matrix = theirs[i];
    for (const dataflow of DATAFLOWS) {
      fixture.arrays.forEach(([rows, columns], k) => {
        assertEquals(
          computeCycles(matrix, { rows, columns, dataflow }),
          times * figures[dataflow][k],
          `${name} ${dataflow}`,
        );
        // Whole runs of SCALE-Sim name the last cycle, which they count from 0.
        const reported = figures.reported[dataflow][k];
        if (reported !== null) assertEquals(reported, figures[dataflow][k] - 1, `${name} ${dataflow}`);
      });
    }
  });
  assert(fixture.layers.some(({ reported }) => reported.os[2] !== null));
});

/** Cycles and traffic by walking an array cycle by cycle: an operand enters a row or column one cycle later than its neighbour. */
function walked(
  { pixels, window, filters, times }: MatrixShape,
  { rows, columns, dataflow }: Pick<Accelerator, "rows" | "columns" | "dataflow">,
) {
  const [alongRows, alongColumns, time] = {
    os: [pixels, filters, window],
    ws: [window, filters, pixels],
    is: [window, pixels, filters],
  }[dataflow];
  let cycles = 0, macs = 0, left = 0, stay = 0, results = 0;
  for (let group = 0; group < times; group++) {
    for (let column = 0; column < alongColumns; column += columns) {
      for (let row = 0; row < alongRows; row += rows) {
        const height = Math.min(rows, alongRows - row), width = Math.min(columns, alongColumns - column);
        macs += height * width * time;
        left += height * time;
        stay += dataflow === "os" ? width * time : height * width;
        results += dataflow === "os" ? height * width : width * time;
        // The far corner begins rows + columns - 2 cycles after the near one; what stays is loaded a row a cycle before that.
        const load = dataflow === "os" ? 0 : rows;
        let last = 0;
        for (let t = 0; t < time; t++) last = load + t + (rows - 1) + (columns - 1);
        cycles += last + 1;
      }
    }
  }
  return { cycles, macs, left, stay, results };
}

Deno.test("cycles and traffic are those of a walk through the folds, for odd shapes", () => {
  const shapes: MatrixShape[] = [
    { pixels: 13, window: 127, filters: 7, times: 1 },
    { pixels: 1, window: 1, filters: 1, times: 3 },
    { pixels: 169, window: 9, filters: 1, times: 13 },
    { pixels: 33, window: 64, filters: 65, times: 2 },
  ];
  for (const shape of shapes) {
    for (const dataflow of DATAFLOWS) {
      for (const [rows, columns] of [[13, 7], [32, 64], [1, 1]]) {
        const array = { rows, columns, dataflow }, expected = walked(shape, array), edges = edgeTraffic(shape, array);
        assertEquals(computeCycles(shape, array), expected.cycles);
        assertEquals(expected.macs, shape.pixels * shape.window * shape.filters * shape.times);
        const [left, stay] = dataflow === "is"
          ? [edges.weightReads, edges.inputReads]
          : [edges.inputReads, edges.weightReads];
        assertEquals([left, stay, edges.outputWrites], [expected.left, expected.stay, expected.results]);
        const outputs = shape.pixels * shape.filters * shape.times;
        assertEquals(edges.sumReads, edges.outputWrites - outputs);
      }
    }
  }
});

Deno.test("more memory, bandwidth or units never cost cycles or bytes of DRAM", () => {
  const run = (change: Partial<Accelerator>) => simulateLayers(layers, { ...DEFAULT_ACCELERATOR, ...change });
  for (const dataflow of DATAFLOWS) {
    const memories = [4096, 16384, 65536, 1 << 20].map((size) =>
      run({ dataflow, sram: { input: size, weight: size, output: size } })
    );
    memories.slice(1).forEach((one, i) => assert(one.dramBytes <= memories[i].dramBytes, dataflow));
    const speeds = [1, 4, 16, 1000].map((bandwidth) => run({ dataflow, bandwidth }));
    speeds.slice(1).forEach((one, i) => assert(one.cycles <= speeds[i].cycles, dataflow));
    assert(speeds[0].stallCycles > 10 * speeds[3].stallCycles);
    for (const { utilisation } of [...memories, ...speeds]) assert(utilisation > 0 && utilisation <= 1);
  }
  // With all the memory that it could want, every operand is brought once.
  const roomy = run({ sram: { input: 1 << 26, weight: 1 << 26, output: 1 << 26 } });
  products.forEach(({ name, inputs, weights, outputs }) => {
    assertEquals(roomy.layers.find((one) => one.name === name)!.dramBytes, inputs + weights + outputs, name);
  });
});

Deno.test("sums of a simulation are those of its layers", () => {
  const found = simulate(graph, { dataflow: "os" });
  const cycles = found.layers.reduce((sum, { computeCycles, stallCycles }) => sum + computeCycles + stallCycles, 0);
  assertEquals(found.cycles, cycles);
  assertAlmostEquals(found.milliseconds, cycles / 500e3, 1e-12);
  const nanojoules = found.layers.flatMap(({ energy }) => Object.values(energy)).reduce((sum, one) => sum + one, 0);
  assertAlmostEquals(found.energy.total, nanojoules * 1e-3, 1e-6);
  // 0.3 pJ an int8 multiply-accumulate, 160 pJ a byte of DRAM.
  const macs = found.layers.reduce((sum, one) => sum + one.macs, 0);
  assertAlmostEquals(found.energy.arithmetic, macs * 0.3e-6, 1e-6);
  assertAlmostEquals(found.energy.dram, found.dramBytes * 160e-6, 1e-6);
});

Deno.test("the front holds what no other design beats, and only accelerators that fit", () => {
  const options = { area: 1, extents: [8, 32], memories: [24576, 98304] };
  const variants = [
    { name: "wide", layers, score: 0.9 },
    { name: "narrow", layers: fusedLayers(yolo11({ size: 160, width: 0.125 })), score: 0.8 },
  ];
  const { accelerators, front } = searchAccelerators(variants, options);
  assertEquals(accelerators, acceleratorsWithin(options).length);
  assert(front.length > 2 && front.every((one) => areaOf(one.accelerator) <= 1 && one.area <= 1));
  const costs = front.map((one) => [one.milliseconds, one.microjoules, one.area, -one.score!]);
  costs.forEach((own, i) => {
    costs.forEach((other, k) => assert(i === k || own.some((cost, axis) => cost < other[axis])));
  });
  assertEquals(designFront([...front, { ...front[0], milliseconds: 1e9 }]).length, front.length);
  assertEquals(new Set(front.map(({ variant }) => variant)), new Set(["wide", "narrow"]));
  assertThrows(() => searchAccelerators(variants, { area: 1e-6 }), FeatherdetError, "fits");
});

Deno.test("an accelerator that cannot be is refused", () => {
  const sram = { input: 0, weight: 1, output: 1 };
  for (const [change, said] of [[{ rows: 0 }, "rows is 0"], [{ clock: -1 }, "clock is -1"], [{ sram }, "input is 0"]]) {
    assertThrows(() => simulate(graph, change as Partial<Accelerator>), FeatherdetError, said as string);
  }
});
