/** Plots: what is drawn, where, and what is written on it, read from the SVG. */

import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { valuesOf } from "../../src/kernels/kernel.ts";
import { buildPlan, type Plan } from "../../src/plan/plan.ts";
import { type ArenaLife, arenaLives } from "../../src/report/plot/arena_lives.ts";
import { textWidth, wrapText } from "../../src/report/plot/measure.ts";
import {
  drawBars,
  drawConfusion,
  drawMemory,
  drawPareto,
  drawPrecisionRecall,
  drawProfile,
  drawWidths,
  findParetoFront,
  type ParetoKind,
  type ParetoPoint,
} from "../../src/report/plot/mod.ts";
import { placeLabels } from "../../src/report/plot/place_labels.ts";
import { seriesColour, seriesColours } from "../../src/report/plot/theme.ts";
import { evaluateDetections, IOU_THRESHOLDS } from "../../src/eval/coco.ts";
import { demoDataset } from "../support/demo_dataset.ts";
import { seededRandom } from "../support/random.ts";
import { corners, marks, numbers, readSvg, said, textsOf } from "../support/svg.ts";

const AXES = { title: "Gain & 'cost' < \"all\"", xLabel: "latency (ms)", yLabel: "mAP (%)" };

function point(label: string, x: number, y: number, group = "ours", kind: ParetoKind = "measured"): ParetoPoint {
  return { label, group, x, y, kind };
}

/** Dots of a Pareto plot by what they say first. */
function dotsOf(root: Element): Map<string, Element> {
  const dots = marks(root, "dot").flatMap((group) => [...group.querySelectorAll("circle")]);
  return new Map(dots.map((dot) => [said(dot).split(":")[0], dot]));
}

const MIXED = [
  point("n", 40, 39.5, "YOLO11"),
  point("s", 90, 47, "YOLO11"),
  point("m", 200, 51.5, "YOLO11", "published"),
  point("l", 260, 53.4, "YOLO11", "published"),
  point('half <b> & "c"', 25, 33),
  point("int8", 31, 39.1),
  point("worse", 60, 38),
  point("guess", 15, 30, "later", "predicted"),
];

Deno.test("a Pareto plot has a dot and a label for each variant, placed by its figures", () => {
  const root = readSvg(drawPareto(MIXED, { ...AXES, lines: ["YOLO11"] }));
  const dots = dotsOf(root);
  assertEquals([...dots.keys()].sort(), MIXED.map(({ label }) => label).sort());
  const written = marks(root, "labels").flatMap((group) => textsOf(group));
  assertEquals(written.toSorted(), MIXED.map(({ label }) => label).sort());
  for (const text of [AXES.title, "latency (ms) →", "↑ mAP (%)"]) assert(textsOf(root).includes(text), text);
  // Both axes are straight: positions are one linear function of the figures.
  for (const [axis, attribute] of [["x", "cx"], ["y", "cy"]] as const) {
    const at = ({ label }: ParetoPoint) => numbers(dots.get(label)!, attribute)[0];
    const slope = (at(MIXED[3]) - at(MIXED[0])) / (MIXED[3][axis] - MIXED[0][axis]);
    assert(axis === "x" ? slope > 0 : slope < 0);
    for (const one of MIXED) {
      assertAlmostEquals(at(one), at(MIXED[0]) + slope * (one[axis] - MIXED[0][axis]), 0.02, one.label);
    }
  }
});

Deno.test("of very many dots those of the front are labelled", () => {
  // Every seventh is on the front; the others are dearer and worse.
  const many = Array.from({ length: 70 }, (_, i) => point(`v${i}`, 100 + i + (i % 7) * 70, 20 + i - (i % 7) * 10));
  const front = many.filter((_, i) => i % 7 === 0).map(({ label }) => label);
  const written = (shown: readonly ParetoPoint[]) =>
    marks(readSvg(drawPareto(shown, AXES)), "labels").flatMap((group) => textsOf(group)).toSorted();
  assertEquals(written(many), front.toSorted());
  assertEquals(written(many.slice(0, 60)).length, 60);
});

Deno.test("a Pareto plot tells measured, published and predicted figures apart, and groups by colour", () => {
  const root = readSvg(drawPareto(MIXED, { ...AXES, lines: ["YOLO11"] }));
  const dots = dotsOf(root);
  const colour = (label: string) => dots.get(label)!.getAttribute("fill");
  assertEquals(colour("n"), colour("s"));
  assertEquals(colour("int8"), colour("worse"));
  assert(colour("n") !== colour("int8"));
  for (const label of ["m", "guess"]) {
    assertEquals(colour(label), null, "hollow: filled with paper like its group");
    const group = dots.get(label)!.parentElement!;
    assertEquals(group.getAttribute("fill"), "#ffffff");
    assertEquals(group.getAttribute("stroke-dasharray"), label === "guess" ? "2,2" : null);
  }
  assertEquals(dots.get("m")!.getAttribute("stroke"), colour("n"));
  assertStringIncludes(said(dots.get("m")!), "(published)");
  const legend = textsOf(marks(root, "legend")[0]);
  assertEquals(legend.slice(0, 6), ["YOLO11", "ours", "later", "measured", "published", "predicted"]);
  const plain = readSvg(drawPareto(MIXED.filter(({ kind }) => kind === "measured"), AXES));
  assert(!textsOf(marks(plain, "legend")[0]).includes("measured"), "nothing to tell apart");
});

/** Marks whose own label is this. */
function labelled(root: Element, label: string): Element[] {
  return [...root.querySelectorAll("path")].filter((path) => path.getAttribute("aria-label") === label);
}

Deno.test("groups keep the colours that they are given, whatever is drawn beside them", () => {
  const colours = new Map([["ours", "#123456"], ["later", "#654321"]]);
  const fills = (points: readonly ParetoPoint[]) => {
    const dots = dotsOf(readSvg(drawPareto(points, { ...AXES, colours })));
    return ["int8", "guess", "n"].map((label) => dots.get(label)?.getAttribute(label === "guess" ? "stroke" : "fill"));
  };
  const all = fills(MIXED);
  assertEquals(all.slice(0, 2), ["#123456", "#654321"]);
  assert(all[2] !== null && !all.slice(0, 2).includes(all[2]), "a colour of its own");
  assertEquals(fills(MIXED.toReversed()), all);
  assertEquals(fills(MIXED.filter(({ label }) => label !== "guess")), [all[0], undefined, all[2]]);
});

Deno.test("dots in one place are all seen: as rings around each other, the group above all on top with a dark rim", () => {
  const points = [
    point("original", 10, 40, "original"),
    point("f16", 10, 40, "other"),
    point("published", 10.01, 40, "family", "published"),
    point("far", 30, 20, "other"),
  ];
  const root = readSvg(drawPareto(points, { ...AXES, above: "original" }));
  const dots = dotsOf(root);
  const radius = (label: string) => Number(dots.get(label)!.getAttribute("r"));
  assertEquals([...dots.keys()].at(-1), "original", "drawn last");
  assertEquals(["original", "far"].map(radius), [5, 5]);
  assert(radius("f16") >= radius("original") + 2 && radius("published") >= radius("f16") + 2);
  assertEquals(dots.get("original")!.parentElement!.getAttribute("stroke"), "#222222");
  assertEquals(dots.get("f16")!.parentElement!.getAttribute("stroke"), "#ffffff");
});

Deno.test("a label is nearer to its own dot than to any other, or led to it", () => {
  // Three dots in a row above each other's labels, as of variants of equal mAP.
  const dots = [[352, 158, "int8"], [405, 158, "ternary weights, trained"], [
    459,
    158,
    "yolo11n trained on bccd",
  ]] as const;
  const placed = placeLabels(dots.map(([x, y, text]) => ({ at: [x, y], text })), {
    frame: [58, 100, 750, 470],
    size: 11,
    radius: 5,
    lines: [[[352, 158], [736, 158]]],
  });
  const apart = ([left, top, right, bottom]: readonly number[], [x, y]: readonly [number, number]) =>
    Math.hypot(Math.max(left - x, 0, x - right), Math.max(top - y, 0, y - bottom));
  for (const { at, area, leader, text } of placed) {
    const others = placed.filter((one) => one.text !== text);
    const clear = others.every((other) => apart(area, other.at) >= apart(area, at) + 5);
    assert(clear || leader !== undefined, `${text} could be another's`);
  }
});

Deno.test("widths: two bars a layer and panel, as high as channels and operations before and after", () => {
  const costs = (inputs: number, outputs: number, gflops: number) => ({ inputs, outputs, gflops });
  const layers = [
    { name: "model.0.conv", before: costs(3, 16, 0.5), after: costs(3, 12, 0.25) },
    { name: "model.1.conv", before: costs(16, 32, 1), after: costs(12, 32, 0.75) },
    { name: "model.1.cv2", before: costs(32, 1, 0.125), after: costs(32, 1, 0.125) },
  ];
  const root = readSvg(drawWidths({ layers }, { title: "Widths", subtitle: "half & half" }));
  const heights = (label: string) =>
    [...root.querySelectorAll("rect")].filter((one) => one.getAttribute("aria-label") === label)
      .map((one) => Number(one.getAttribute("height")));
  const [before, after] = [heights("before"), heights("after")];
  const shares = (of: readonly number[], most: number) => of.map((height) => Math.round(1000 * height / most) / 1000);
  // The highest bar of each panel is the scale: 32 channels, 1 GFLOP.
  assertEquals(shares(before.slice(0, 3), before[1]), [0.5, 1, 0.031]);
  assertEquals(shares(after.slice(0, 3), before[1]), [0.375, 1, 0.031]);
  assertEquals(shares(before.slice(3), before[4]), [0.5, 1, 0.125]);
  assertEquals(shares(after.slice(3), before[4]), [0.25, 0.75, 0.125]);
  const texts = textsOf(root);
  for (const text of ["Widths", "half & half", "before", "after", "model.0", "model.1"]) {
    assert(texts.includes(text), text);
  }
  assertEquals(texts.filter((text) => text === "model.1").length, 2, "once for a block in each panel");
  assert([...root.querySelectorAll("title")].some((one) => one.textContent === "model.0.conv: 16 -> 12"));
  assert(readSvg(drawWidths({ layers: [] }, { title: "none" })).querySelectorAll("rect").length > 0);
});

Deno.test("the line of a group goes through its points in the order of cost, measured and published apart", () => {
  const root = readSvg(drawPareto(MIXED.toReversed(), { ...AXES, lines: ["YOLO11"] }));
  const dots = dotsOf(root);
  const lines = labelled(root, "line of YOLO11");
  const places = (...labels: string[]) =>
    labels.map((label) => numbers(dots.get(label)!, "cx", "cy") as [number, number]);
  assertEquals(lines.map(corners), [places("n", "s"), places("m", "l")]);
  const dashes = lines.map((line) => line.parentElement!.getAttribute("stroke-dasharray"));
  assertEquals(dashes, [null, "5,3"]);
});

Deno.test("the front is drawn as stairs through the measured points that no other beats", () => {
  const root = readSvg(drawPareto(MIXED, AXES));
  const dots = dotsOf(root);
  const [half, int8, n, s] = ['half <b> & "c"', "int8", "n", "s"].map((label) => numbers(dots.get(label)!, "cx", "cy"));
  const stairs = corners(labelled(root, "front")[0]);
  const expected = [half, [int8[0], half[1]], int8, [n[0], int8[1]], n, [s[0], n[1]], s];
  assertEquals(stairs.slice(0, expected.length), expected as [number, number][]);
  const [end, ...more] = stairs.slice(expected.length);
  assertEquals([end[1], more.every(([, y]) => y === s[1])], [s[1], true], "goes on to the right edge");
  assert(end[0] > Math.max(...[...dots.values()].map((dot) => numbers(dot, "cx")[0])));
});

Deno.test("the front holds exactly the points that no other dominates", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const points = Array.from({ length: 25 }, (_, i) => {
      return point(`${i}`, Math.floor(random() * 12), Math.floor(random() * 12));
    });
    const beats = (a: ParetoPoint, b: ParetoPoint) => a.x <= b.x && a.y >= b.y && (a.x < b.x || a.y > b.y);
    const best = points.filter((one) => !points.some((other) => beats(other, one)));
    const places = (list: readonly ParetoPoint[]) => [...new Set(list.map(({ x, y }) => `${x} ${y}`))].sort();
    const front = findParetoFront(points);
    assertEquals(places(front), places(best));
    assertEquals(front.length, places(best).length, "of equal points one");
    assertEquals(front.map(({ x }) => x), front.map(({ x }) => x).sort((a, b) => a - b));
  }
});

Deno.test("on a logarithmic axis equal ratios are equally far apart, and costs of 0 are left out", () => {
  const points = [point("a", 1, 1), point("b", 10, 2), point("c", 100, 3), point("zero", 0, 2)];
  const dots = dotsOf(readSvg(drawPareto(points, { ...AXES, log: true })));
  assertEquals([...dots.keys()], ["a", "b", "c"]);
  const [a, b, c] = [...dots.values()].map((dot) => numbers(dot, "cx")[0]);
  assertAlmostEquals(b - a, c - b, 0.02);
});

Deno.test("a Pareto plot leaves out what was not measured, and says so where nothing was", () => {
  const some = [point("a", 1, 1), point("b", NaN, 2), point("c", 2, Infinity)];
  assertEquals([...dotsOf(readSvg(drawPareto(some, AXES))).keys()], ["a"]);
  for (const none of [[], some.slice(1)]) {
    const root = readSvg(drawPareto(none, AXES));
    assertEquals(dotsOf(root).size, 0);
    assert(textsOf(root).includes("no variant has been measured yet"));
  }
});

Deno.test("equal figures in equal places, one point alone and points without gain can be drawn", () => {
  for (const log of [false, true]) {
    assertEquals(dotsOf(readSvg(drawPareto([point("a", 3, 0)], { ...AXES, log }))).size, 1);
    const equal = drawPareto([point("a", 3, 7), point("b", 3, 7)], { ...AXES, log });
    assertEquals(dotsOf(readSvg(equal)).size, 2);
    assertEquals(equal, drawPareto([point("a", 3, 7), point("b", 3, 7)], { ...AXES, log }), "the same each time");
  }
});

Deno.test("labels keep clear of each other, of dots and of the frame where there is room", () => {
  const random = seededRandom(5);
  const dots = Array.from({ length: 24 }, (_, i) => {
    return { at: [60 + random() * 560, 40 + random() * 320] as const, text: `variant number ${i}` };
  });
  const frame = [50, 20, 740, 380] as const;
  const placed = placeLabels(dots, { frame, size: 11, radius: 5, lines: [] });
  placed.forEach(({ area: [left, top, right, bottom], text }, i) => {
    assertAlmostEquals(right - left, textWidth(text, 11), 1e-9);
    assert(left >= frame[0] && top >= frame[1] && right <= frame[2] && bottom <= frame[3], `${text} leaves the frame`);
    for (const { area, text: other } of placed.slice(i + 1)) {
      const apart = area[0] >= right || area[2] <= left || area[1] >= bottom || area[3] <= top;
      assert(apart, `${text} and ${other} overlap`);
    }
    for (const { at: [x, y] } of dots) {
      const apart = x - 5 >= right || x + 5 <= left || y - 5 >= bottom || y + 5 <= top;
      assert(apart, `${text} hides a dot`);
    }
  });
});

Deno.test("labels of dots in a heap are led to their dots", () => {
  const dots = Array.from({ length: 9 }, (_, i) => ({ at: [300 + i, 200] as const, text: `crowded variant ${i}` }));
  const placed = placeLabels(dots, { frame: [0, 0, 700, 400], size: 11, radius: 5, lines: [] });
  const led = placed.filter(({ leader }) => leader !== undefined);
  assert(led.length > 0);
  for (const { leader, at, area: [left, top, right, bottom] } of led) {
    const [from, [x, y]] = leader!;
    assertEquals(from, at);
    assert(x >= left && x <= right && y >= top && y <= bottom, "ends at its label");
  }
});

Deno.test("text is measured and wrapped between words", () => {
  assert(textWidth("mmm", 12) > 2 * textWidth("iii", 12));
  assertAlmostEquals(textWidth("latency", 24), 2 * textWidth("latency", 12), 1e-9);
  assert(textWidth("latency", 12, true) > textWidth("latency", 12));
  assertEquals(textWidth("é→", 12), textWidth("e0", 12), "letters that are not known have a width, too");
  const text = "a plot with a title that does not fit on one line";
  const lines = wrapText(text, 120, 16, true);
  assert(lines.length > 2 && lines.every((line) => textWidth(line, 16, true) <= 120));
  assertEquals(lines.join(" "), text);
  assertEquals(wrapText("", 120, 16), []);
  const title = readSvg(drawPareto(MIXED, { ...AXES, title: `${text}, `.repeat(4) })).querySelectorAll("text");
  assert([...title].filter((one) => one.getAttribute("font-weight") === "bold").length > 1);
});

Deno.test("colours of series stand out from paper and differ", () => {
  const colours = Array.from({ length: 12 }, (_, i) => seriesColour(i));
  assertEquals(new Set(colours).size, 12);
  for (const colour of colours) {
    // Contrast as WCAG 2.1 defines it, written out.
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    assert(1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05) >= 2.98, colour);
  }
  assertEquals([...seriesColours(["b", "a", "b"])], [["b", colours[0]], ["a", colours[1]]]);
});

const STEPS = [
  { name: "letterbox", operator: "Letterbox", kernel: "letterbox 320x320", milliseconds: 1, macs: 0 },
  { name: "stem", operator: "Conv+Silu", kernel: "conv 3x3 s2 5x2x8", milliseconds: 4, macs: 8e6 },
  { name: "a", operator: "Conv+Silu", kernel: "conv 3x3 s2 5x4x4", milliseconds: 2, macs: 20e6 },
  { name: "pool", operator: "MaxPool", kernel: "maxpool 5x5 s1", milliseconds: 0.5, macs: 0 },
];

Deno.test("a profile has a bar for each dispatch, as high as its time, and one for its speed", () => {
  const root = readSvg(drawProfile(STEPS, { title: "Profile", subtitle: "some adapter" }));
  assert(textsOf(root).includes("some adapter"));
  const [times, speeds] = marks(root, "bar").map((group) => [...group.querySelectorAll("rect")]);
  const heights = (bars: Element[]) => bars.map((bar) => numbers(bar, "height")[0]);
  assertEquals([times.length, speeds.length], [4, 4]);
  heights(times).forEach((height, i) => {
    assertAlmostEquals(height, heights(times)[1] * STEPS[i].milliseconds / 4, 0.02);
  });
  const rates = STEPS.map(({ macs, milliseconds }) => 2 * macs / milliseconds);
  heights(speeds).forEach((height, i) => assertAlmostEquals(height, heights(speeds)[2] * rates[i] / rates[2], 0.02));
  const lefts = times.map((bar) => numbers(bar, "x")[0]);
  assertEquals(lefts, lefts.toSorted((a, b) => a - b));
  assertEquals(said(times[1]), "1: stem (conv 3x3 s2 5x2x8): 4.000 ms, 53.3 %, 4.0 GFLOP/s");
});

Deno.test("a profile colours by what a kernel computes, whatever its tile, and sums the rest of many", () => {
  const root = readSvg(drawProfile(STEPS, { title: "Profile" }));
  const [times] = marks(root, "bar").map((group) => [...group.querySelectorAll("rect")]);
  const colours = times.map((bar) => bar.getAttribute("fill"));
  assertEquals([colours[1] === colours[2], new Set(colours).size], [true, 3]);
  const legend = textsOf(marks(root, "legend")[0]);
  assertEquals(legend, ["letterbox (1, 1.0 ms)", "conv 3x3 s2 (2, 6.0 ms)", "maxpool 5x5 s1 (1, 0.5 ms)"]);
  const many = Array.from({ length: 10 }, (_, i) => ({ ...STEPS[0], kernel: `kernel${i}`, milliseconds: 20 - i }));
  const [names, sum] = [textsOf(marks(readSvg(drawProfile(many, { title: "Many" })), "legend")[0]), 13 + 12 + 11];
  assertEquals([names.length, names.at(-1)], [8, `others (3, ${sum.toFixed(1)} ms)`]);
});

/** A chain of convolutions whose first map is joined to the last: it has to be kept in between. */
function skipPlan(storage: "texture" | "buffer"): Plan {
  const builder = new ModelBuilder();
  const attributes = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1 } as const;
  const convolve = (name: string, input: string, from: number, to: number) => {
    const weights = builder.constant(`${name}.weight`, [to, from, 3, 3], new Float32Array(to * from * 9));
    return builder.node("Conv", name, [input, weights], attributes);
  };
  const first = convolve("first", builder.input("images", [1, 3, 16, 16]), 3, 8);
  const second = convolve("second", first, 8, 8);
  const third = convolve("third", second, 8, 8);
  const fourth = convolve("fourth", third, 8, 8);
  const joint = builder.node("Concat", "joint", [first, fourth], { axis: 1 });
  const graph = builder.graph("skip", [convolve("last", joint, 16, 4)]);
  return buildPlan(graph, { form: { scalar: "f32", storage }, maxPages: Infinity });
}

const ARENAS = ["floats", "int8", "plain"] as const;

/** The arena's units that a value covers, counted here anew. */
function rangeOf(plan: Plan, value: string, arena: typeof ARENAS[number]): readonly [number, number] | undefined {
  const placement = plan.placements.get(value);
  if (placement === undefined) return undefined;
  const { layout } = placement;
  const own = layout.kind === "plain" ? "plain" : layout.int8 ? "int8" : "floats";
  if (own !== arena) return undefined;
  return [placement.offset, placement.offset + placement.extent];
}

function covered([from, to]: readonly [number, number], lives: readonly ArenaLife[]): boolean {
  let reached = from;
  for (const life of lives.toSorted((a, b) => a.from - b.from)) {
    if (life.from <= reached) reached = Math.max(reached, life.to);
  }
  return reached >= to;
}

for (const storage of ["texture", "buffer"] as const) {
  const plans = [
    skipPlan(storage),
    buildPlan(demoDetector({ size: 64 }), { form: { scalar: "f16", storage }, maxPages: Infinity }),
  ];
  Deno.test(`in an arena (${storage}) no two lives meet, and all that a dispatch touches lives`, () => {
    for (const plan of plans) {
      for (const arena of ARENAS) {
        const lives = arenaLives(plan, arena);
        lives.forEach((one, i) => {
          assert(one.first <= one.last && one.from < one.to);
          const written = plan.dispatches[one.first]?.kernel.bindings.flatMap((binding) =>
            valuesOf(binding, "write")
          ) ??
            plan.graph.inputs.map(({ name }) => name);
          assert(written.includes(one.value), `${one.value} begins before it is written`);
          const rival = lives.slice(i + 1).find((other) =>
            other.from < one.to && one.from < other.to && other.first < one.last && one.first < other.last
          );
          assertEquals(rival, undefined, `${one.value} meets ${rival?.value}`);
        });
        plan.dispatches.forEach(({ name, kernel }, step) => {
          const living = lives.filter(({ first, last }) => first <= step && step <= last);
          for (const binding of kernel.bindings) {
            for (const value of valuesOf(binding)) {
              const range = rangeOf(plan, value, arena);
              if (range === undefined) continue;
              const holding = living.filter((one) => binding.kind === "read" || one.value === value);
              assert(covered(range, holding), `${name} touches what is not alive`);
            }
          }
        });
      }
    }
  });
}

Deno.test("a map that is joined later lives until it is read, input and output as long as the run", () => {
  const plan = skipPlan("texture");
  const step = (name: string) => plan.dispatches.findIndex((one) => one.name === name);
  const lives = arenaLives(plan, "floats");
  const [first] = lives.filter(({ first, last }) => first === step("first") && last === step("last"));
  assert(first !== undefined, JSON.stringify(lives));
  const [second] = lives.filter(({ value }) => value === "second");
  assertEquals([second.first, second.last], [step("second"), step("third")]);
  const plain = arenaLives(plan, "plain");
  assertEquals(plain.some(({ value, first }) => value === "images" && first === -1), true);
  assertEquals(plain.some(({ last }) => last === plan.dispatches.length), true);
});

Deno.test("a memory plot has a box for each life, over its dispatches and as high as its bytes", () => {
  const plan = skipPlan("texture");
  const root = readSvg(drawMemory(plan, { title: "Memory", subtitle: "f32" }));
  const groups = marks(root, "rect").map((group) => [...group.querySelectorAll("rect")]);
  const lives = [arenaLives(plan, "floats"), arenaLives(plan, "plain")];
  assertEquals(groups.map((boxes) => boxes.length), lives.map((list) => list.length));
  const bytes = (plan.pitch << plan.form.pageShift) * 16;
  groups[0].forEach((box, i) => {
    const { value, from, to } = lives[0][i];
    assertStringIncludes(said(box), `${value}: ${((to - from) * bytes / 1e6).toFixed(3)} MB`);
  });
  const scale = (box: Element, { from, to }: ArenaLife) => numbers(box, "height")[0] / (to - from);
  const wide = (box: Element, { first, last }: ArenaLife) => numbers(box, "width")[0] / (last + 1 - first);
  for (const measure of [scale, wide]) {
    const values = groups[0].map((box, i) => measure(box, lives[0][i]));
    for (const value of values) assertAlmostEquals(value / values[0], 1, 0.01);
  }
  assert(textsOf(root).includes("↑ row memory (MB)") && textsOf(root).includes("↑ plain values (MB)"));
});

Deno.test("bars are as long as their parts, behind each stands its sum", () => {
  const parts = [
    { bar: "320", part: "network", value: 90 },
    { bar: "320", part: "readback", value: 10 },
    { bar: "640", part: "network", value: 350.5 },
    { bar: "640", part: "decode", value: 0.01 },
  ];
  const root = readSvg(drawBars(parts, { title: "Stages", xLabel: "time (ms)", unit: "ms" }));
  const boxes = [...marks(root, "bar")[0].querySelectorAll("rect")];
  const widths = boxes.map((box) => numbers(box, "width")[0]);
  parts.forEach(({ value }, i) => assertAlmostEquals(widths[i], widths[2] * value / 350.5, 0.02));
  assertAlmostEquals(numbers(boxes[1], "x")[0], numbers(boxes[0], "x")[0] + widths[0], 0.02);
  for (const text of ["100 ms", "351 ms", "320", "640"]) assert(textsOf(root).includes(text), text);
  const colours = boxes.map((box) => box.getAttribute("fill"));
  assertEquals([colours[0], new Set(colours).size], [colours[2], 3]);
  assertEquals(textsOf(marks(root, "legend")[0]), ["network", "readback", "decode"]);
  const alone = readSvg(drawBars(parts.slice(0, 2), { title: "One", xLabel: "ms", unit: "ms" }));
  assertEquals(textsOf(marks(alone, "legend")[0]), ["network 90.0 ms", "readback 10.0 ms"]);
});

Deno.test("precision over recall is drawn for three overlaps, with the area in the legend", () => {
  const { classes, categoryIds, images } = demoDataset(3);
  const found = images.flatMap(({ id, boxes }) =>
    boxes.map(({ classId, box: [x1, y1, x2, y2] }, i) => {
      // Every third box is moved, so that it overlaps by less.
      const shift = i % 3 === 0 ? 0.15 * (x2 - x1) : 0;
      const bbox = [x1 + shift, y1, x2 - x1, y2 - y1] as const;
      return { image_id: id, category_id: categoryIds[classId], bbox, score: 0.9 - i / 100 };
    })
  );
  const { curves } = evaluateDetections({ classes, categoryIds, images }, found);
  const root = readSvg(drawPrecisionRecall(curves, { title: "Curves" }));
  const legend = textsOf(marks(root, "legend")[0]);
  for (const [i, overlap] of [0.5, 0.75, 0.9].entries()) {
    const values = curves.precision[IOU_THRESHOLDS.findIndex((one) => Math.abs(one - overlap) < 1e-6)];
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    assertEquals(legend[i], `overlap of ${overlap} (AP ${mean.toFixed(3)})`);
    const line = corners(labelled(root, `overlap ${overlap}`)[0]);
    assertEquals(line.length, 101);
    assert(line.every(([x, y], k) => k === 0 || (x > line[k - 1][0] && y >= line[k - 1][1])), "falls to the right");
  }
  assert(legend[0] !== legend[2]);
  const empty = readSvg(drawPrecisionRecall({ recall: curves.recall, precision: [] }, { title: "Nothing" }));
  assertEquals(empty.querySelectorAll("path").length > 0, true, "axes without curves");
});

Deno.test("a confusion matrix has a cell for each pair and the counts that are not 0", () => {
  const names = ["cat", "dog", "background"];
  const counts = [[8, 1, 0], [1, 9, 2], [1, 0, 0]];
  const matrix = { names, counts, iou: 0.5, confidence: 0.3 };
  const root = readSvg(drawConfusion(matrix, { title: "Pets", subtitle: "9 pictures" }));
  const cells = [...marks(root, "cell")[0].querySelectorAll("rect")];
  assertEquals(cells.length, 9);
  const spoken = new Map(cells.map((cell) => [said(cell), cell]));
  const cat = spoken.get("cat found as cat: 8 (80 %)")!, missed = spoken.get("cat found as background: 1 (10 %)")!;
  assert(spoken.has("background found as dog: 2 (100 %)"));
  // Columns are what objects are, rows what they were found as.
  assertEquals(numbers(cat, "x"), numbers(missed, "x"));
  assert(numbers(cat, "y")[0] < numbers(missed, "y")[0]);
  assert(cat.getAttribute("fill") !== missed.getAttribute("fill"));
  const written = marks(root, "text").flatMap(textsOf);
  assertEquals(written.toSorted(), ["1", "1", "1", "2", "8", "9"]);
  assertStringIncludes(root.getAttribute("aria-label")!, "9 pictures; columns: what objects are");
  assertStringIncludes(root.getAttribute("aria-label")!, "score of at least 0.3");
  const most = readSvg(drawConfusion(matrix, { title: "Pets", most: 1 }));
  assertEquals(marks(most, "cell")[0].querySelectorAll("rect").length, 4);
  assertStringIncludes(most.getAttribute("aria-label")!, "1 classes");
});
