/**
 * Allocation by liveness, arrangement in row memory and views, on random and hand-made cases.
 *
 * @module
 */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { FeatherdetError, type Graph, type TensorType } from "../../src/graph/mod.ts";
import { type BlockedLayout, rowsOf } from "../../src/kernels/kernel.ts";
import { arrange, pagesOf, viewOfRoot } from "../../src/plan/arrange.ts";
import { allocate, type Interval, lowerBound } from "../../src/plan/memory.ts";
import { planModel } from "../../src/detect/plan_model.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { buildPlan, type Plan } from "../../src/plan/plan.ts";
import type { PlanNode } from "../../src/plan/node.ts";
import { placeConcat, placeSplit, ViewTable } from "../../src/plan/views.ts";
import { gpuTest } from "../support/gpu.ts";
import { comparePlan } from "../support/plan_case.ts";
import { seededRandom } from "../support/random.ts";

Deno.test("allocation: no two values that live together overlap, and the lower bound is one", () => {
  const random = seededRandom(5);
  for (let round = 0; round < 50; round++) {
    const intervals = Array.from({ length: 1 + Math.floor(random() * 40) }, (_, i): Interval => {
      const first = Math.floor(random() * 30);
      return { name: `v${i}`, size: 1 + Math.floor(random() * 13), first, last: first + Math.floor(random() * 8) };
    });
    const { offsets, size } = allocate(intervals);
    for (const a of intervals) {
      assert(offsets.get(a.name)! + a.size <= size);
      for (const b of intervals) {
        if (a === b || a.last < b.first || b.last < a.first) continue;
        const [x, y] = [offsets.get(a.name)!, offsets.get(b.name)!];
        assert(x + a.size <= y || y + b.size <= x, `${a.name} and ${b.name} overlap`);
      }
    }
    // The bound, literally: the sum at each step.
    const sums = Array.from(
      { length: 40 },
      (_, step) =>
        intervals.reduce((sum, { size, first, last }) => first <= step && step <= last ? sum + size : sum, 0),
    );
    assertEquals(lowerBound(intervals), Math.max(...sums));
    assert(size >= lowerBound(intervals));
  }
});

Deno.test("allocation: offsets are multiples of each one's alignment, and nothing overlaps", () => {
  const random = seededRandom(6);
  for (let round = 0; round < 30; round++) {
    const intervals = Array.from({ length: 1 + Math.floor(random() * 30) }, (_, i): Interval => {
      const first = Math.floor(random() * 20), alignment = [1, 4, 10][i % 3];
      const size = alignment * (1 + Math.floor(random() * 9));
      return { name: `v${i}`, size, first, last: first + Math.floor(random() * 8), alignment };
    });
    const { offsets, size } = allocate(intervals);
    for (const a of intervals) {
      const x = offsets.get(a.name)!;
      assert(x % a.alignment! === 0 && x + a.size <= size);
      for (const b of intervals) {
        if (a === b || a.last < b.first || b.last < a.first) continue;
        const y = offsets.get(b.name)!;
        assert(x + a.size <= y || y + b.size <= x, `${a.name} and ${b.name} overlap`);
      }
    }
  }
});

Deno.test("allocation: what is cut out of a rectangle fits into it again, nearly always", () => {
  const random = seededRandom(7);
  const nodes = 40, memory = 200;
  let reached = 0;
  for (let round = 0; round < 40; round++) {
    // Cut across the nodes or across the memory, until the parts are small.
    const parts = [{ first: 0, last: nodes - 1, size: memory }];
    for (let cut = 0; cut < 30; cut++) {
      const at = Math.floor(random() * parts.length), { first, last, size } = parts[at];
      const node = first + Math.floor(random() * (last - first)), bytes = 1 + Math.floor(random() * (size - 1));
      if (random() < 0.5 ? last > first : size === 1) {
        if (last > first) parts.splice(at, 1, { first, last: node, size }, { first: node + 1, last, size });
      } else if (size > 1) parts.splice(at, 1, { first, last, size: bytes }, { first, last, size: size - bytes });
    }
    const { size } = allocate(parts.map((part, i): Interval => ({ ...part, name: `p${i}` })));
    assert(size <= 1.2 * memory, `${size}`);
    if (size === memory) reached++;
  }
  assert(reached >= 34, `${reached} of 40`);
});

Deno.test("a run of YOLO11 takes its lower bound, but for the fourth channel of the cells of pictures", () => {
  const form = { storage: "texture", scalar: "f32" } as const;
  for (const [scale, size, ratio] of [["s", 128, 1], ["n", 256, 8 / 7]] as const) {
    const { memory } = buildPlan(yolo11({ scale, size }), { form, maxPages: Infinity, hostUsesCells: true });
    // Where the first convolution of YOLO11n runs, its result takes as much as the picture with four channels.
    assertAlmostEquals(memory.planned / memory.lowerBound, ratio, 1e-12, scale);
  }
});

/** Throws if a dispatch binds bytes of a buffer twice, which WebGPU refuses and Deno does not see. */
function assertBoundApart({ dispatches, placements, pitch, form }: Plan): void {
  const pageBytes = (pitch << form.pageShift) * 16;
  for (const { kernel } of dispatches) {
    const ranges = kernel.bindings.flatMap((binding) => {
      const placement = "value" in binding ? placements.get(binding.value) : undefined;
      if (placement === undefined) return [];
      const unit = placement.layout.kind === "plain" ? 1 : pageBytes;
      return [[placement.offset * unit, (placement.offset + placement.extent) * unit]];
    }).sort(([a], [b]) => a - b);
    ranges.slice(1).forEach(([from], i) => assert(ranges[i][1] <= from, `${kernel.label} binds bytes twice`));
  }
}

Deno.test("in buffers plain values and pages share memory: a run takes hardly more than it must", () => {
  const planned = (storage: "buffer" | "texture", maxBufferBytes?: number) =>
    buildPlan(demoDetector({ size: 128 }), { form: { storage, scalar: "f32" }, maxPages: Infinity, maxBufferBytes });
  const [buffer, texture] = [planned("buffer"), planned("texture")];
  assert(buffer.plainAmongPages && !texture.plainAmongPages);
  assert(buffer.memory.planned < texture.memory.planned);
  assertEquals(buffer.memory.lowerBound, texture.memory.lowerBound);
  assertBoundApart(buffer);
  const pageBytes = (buffer.pitch << buffer.form.pageShift) * 16;
  assert(!planned("buffer", pageBytes).plainAmongPages);
});

/** The cells `page * pageRows + row, column` of every plane of a tensor that begins on a page, by the formula of `shaders/lib/storage.wgsl`. */
function cellsOf(layout: BlockedLayout, page: number, pageRows: number): string[][] {
  const { batch, channels, height, width, columns, rise, firstPlane = 0, firstRow = 0 } = layout;
  return Array.from({ length: Math.ceil(channels / 4) * batch }, (_, plane) => {
    const place = plane + firstPlane, left = place % columns * width;
    const top = page * pageRows + firstRow + Math.floor(place / columns) * rise;
    return Array.from({ length: height * width }, (_, i) => `${top + Math.floor(i / width)},${left + i % width}`);
  });
}

Deno.test("arrangement: planes do not overlap, views are planes of their root, and pages begin at the boundaries", () => {
  const random = seededRandom(9), below = (most: number) => Math.floor(random() * most), pageRows = 8;
  for (let round = 0; round < 200; round++) {
    const width = 1 + below(20), height = 1 + below(15), batch = 1 + below(3), blocks = 1 + below(24);
    const pitch = width + below(200);
    // Where pages begin, and where views do as well.
    const cut = below(blocks), other = below(blocks), channels = blocks * 4 - below(4);
    const root = arrange({ shape: [batch, channels, height, width], boundaries: [0, cut, blocks] }, pitch, pageRows);
    const planes = cellsOf(root, 0, pageRows), cells = planes.flat();
    assertEquals(new Set(cells).size, cells.length, "planes overlap");
    assert(cells.every((cell) => Number(cell.split(",")[1]) < pitch && Number(cell.split(",")[0]) < rowsOf(root)));
    const pagesTaken = (from: number, end: number) => {
      const { layout, page } = viewOfRoot(root, from, Math.min(channels, 4 * end) - 4 * from, pageRows);
      assertEquals(
        cellsOf(layout, page, pageRows),
        planes.slice(from * batch, end * batch),
        "a view is planes of its root",
      );
      return [page, page + pagesOf(layout, pageRows)];
    };
    const [first, second] = [cut, other].sort((a, b) => a - b);
    for (const [from, end] of [[0, first], [first, second], [second, blocks]]) if (from < end) pagesTaken(from, end);
    if (cut > 0) assert(pagesTaken(0, cut)[1] <= pagesTaken(cut, blocks)[0], "both sides of a boundary share a page");
  }
});

Deno.test("arrangement: odd boundaries cost no room, since planes before the first one stay free", () => {
  // 7 and 4 blocks of 80x80 in rows of 320 cells: 4 planes side by side, one left free.
  const root = arrange({ shape: [1, 44, 80, 80], boundaries: [7] }, 320, 8);
  assertEquals([root.columns, root.firstPlane, rowsOf(root)], [4, 1, 240]);
  // Two boundaries that no number of free planes brings to the beginnings of groups of 4.
  const two = arrange({ shape: [1, 44, 80, 80], boundaries: [7, 9] }, 320, 8);
  assertEquals([two.columns, two.firstPlane, rowsOf(two)], [2, 1, 480]);
});

/**
 * A C3k2 whose parts of 3, 4 and 4 blocks are no multiples of the planes in a row, and one dispatch reads the second and writes the third;
 * two halves that one dispatch reads.
 */
function oddParts(batch: number, height: number, width: number, wider: number): Graph {
  const b = new ModelBuilder({ seed: 5 });
  const x = b.conv("stem", b.input("x", [batch, 3, height, width]), { out: 28, kernel: 3 });
  const [a, c] = b.split("parts", x, [12, 16]);
  const y = b.add("sum", b.conv("inner", b.conv("outer", c, { out: 8, kernel: 3 }), { out: 16, kernel: 3 }), c);
  const joint = b.concat("joint", [a, c, y]);
  const beside = b.conv("beside", b.upsample("larger", b.input("z", [batch, 8, height, wider])), {
    out: 20,
    kernel: 1,
  });
  const [p, q] = b.split("halves", b.conv("both", x, { out: 24, kernel: 1 }), [12, 12]);
  return b.graph("odd", [b.conv("last", joint, { out: 24, kernel: 1 }), beside, b.mul("product", p, q)]);
}

gpuTest("parts that share pages, and begin within a row of planes, hold what the reference says", async () => {
  for (const [batch, height, width, wider] of [[1, 13, 7, 15], [3, 5, 3, 8], [2, 9, 4, 6]]) {
    const graph = oddParts(batch, height, width, wider);
    await comparePlan(graph);
    const [plan, inBuffer] = (["texture", "buffer"] as const).map((storage) =>
      buildPlan(graph, { form: { storage, scalar: "f32" }, maxPages: Infinity })
    );
    assertBoundApart(inBuffer);
    const layouts = [...plan.placements.values()].map(({ layout }) => layout);
    assert(
      layouts.some((layout) => layout.kind === "blocked" && (layout.firstPlane ?? 0) > 0),
      "a part begins in a row",
    );
  }
});

Deno.test("a pruned detector takes hardly more memory than it must", async () => {
  const graph = await loadOnnx(await Deno.readFile(new URL("../../data/models/bccd-pruned.onnx", import.meta.url)));
  const { plan: { memory } } = planModel(graph, { precision: "f32", storage: "texture" });
  // With a page for each part it was 2.4 times as much.
  assert(memory.planned < 1.05 * memory.lowerBound, `${memory.planned} of ${memory.lowerBound} bytes`);
});

Deno.test("pages grow until the arena fits the adapter's texture layers", () => {
  const plan = (maxPages: number) =>
    buildPlan(demoDetector({ size: 640 }), { form: { storage: "texture", scalar: "f32" }, maxPages });
  const wide = plan(Infinity);
  const tight = plan(Math.ceil(wide.pages * 0.6));
  assert(tight.pages <= Math.ceil(wide.pages * 0.6) && tight.form.pageShift > wide.form.pageShift);
  assertThrows(() => plan(1), FeatherdetError, "x 128 cells where the adapter has 1:");
});

const PLAIN: Omit<PlanNode, "name" | "operator" | "inputs" | "outputs"> = {
  reads: "blocked",
  writes: "blocked",
  macs: 0,
  kernels: () => [],
};

function typesOf(channels: Record<string, number>): Map<string, TensorType> {
  return new Map(Object.entries(channels).map(([name, count]) => [name, { dtype: "f32", shape: [1, count, 5, 5] }]));
}

Deno.test("views: a C2f block (split halves and a branch joined again) copies nothing", () => {
  const views = new ViewTable();
  const types = typesOf({ x: 32, a: 16, b: 16, m: 16, joint: 48 });
  placeSplit(views, { ...PLAIN, name: "s", operator: "Split", inputs: ["x"], outputs: ["a", "b"] }, [0, 16]);
  const node = { ...PLAIN, name: "c", operator: "Concat", inputs: ["a", "b", "m"], outputs: ["joint"] };
  assertEquals(placeConcat(views, node, types, new Set()), []);
  assertEquals(views.resolve("b"), { root: "joint", block: 4 });
  assertEquals(views.resolve("m"), { root: "joint", block: 8 });
});

Deno.test("views: a part of another tensor, a repeated part and an input are copied", () => {
  const views = new ViewTable();
  const types = typesOf({ x: 32, a: 16, b: 16, m: 16, input: 8, joint: 64 });
  placeSplit(views, { ...PLAIN, name: "s", operator: "Split", inputs: ["x"], outputs: ["a", "b"] }, [0, 16]);
  const node = { ...PLAIN, name: "c", operator: "Concat", inputs: ["b", "m", "m", "input"], outputs: ["joint"] };
  assertEquals(placeConcat(views, node, types, new Set(["input"])), [0, 2, 3]);
  assertEquals(views.resolve("m"), { root: "joint", block: 4 });
});
