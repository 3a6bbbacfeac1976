/** Curves of training runs: what is drawn, where, and what is written on it. */

import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { drawRuns, drawTraining, type TrainingEpoch } from "../../src/report/plot/mod.ts";
import { corners, marks, readSvg, textsOf } from "../support/svg.ts";

function epochs(count: number, scored: (epoch: number) => boolean = () => true): TrainingEpoch[] {
  return Array.from({ length: count }, (_, epoch) => ({
    epoch,
    losses: { box: 4 / (epoch + 1), classes: 3 - epoch / count, distribution: 1 },
    learningRates: { weight: 0.01 * (1 - epoch / count), bias: 0.1 - 0.05 * epoch / count },
    ...scored(epoch) && { score: { map: epoch / 20, map50: epoch / 10 } },
  }));
}

/** Corners of the line of a name. */
function lineOf(root: Element, name: string): [number, number][] {
  const [path] = [...root.querySelectorAll("path")].filter((one) => one.getAttribute("aria-label") === name);
  assert(path !== undefined, `no line "${name}"`);
  return corners(path);
}

Deno.test("losses, mAP and learning rates have a line each, over epochs that are counted from 1", () => {
  const root = readSvg(
    drawTraining(epochs(8, (epoch) => epoch % 2 === 1), { title: "A <run> & more", subtitle: "here" }),
  );
  const box = lineOf(root, "box loss"), classes = lineOf(root, "class loss");
  assertEquals(box.map(([x]) => x), classes.map(([x]) => x));
  assertEquals(box.length, 8);
  // One straight axis: heights are a linear function of the losses, of both lines alike.
  const scale = (box[7][1] - box[0][1]) / (4 / 8 - 4);
  assertAlmostEquals((classes[7][1] - classes[0][1]) / (3 - 7 / 8 - 3), scale, 0.05);
  assertAlmostEquals((box[3][1] - box[0][1]) / (1 - 4), scale, 0.05);
  assert(scale < 0, "more is higher");
  const map50 = lineOf(root, "mAP50 (best 0.700)"), map = lineOf(root, "mAP50-95 (best 0.350)");
  assertEquals(map50.map(([x]) => x), [1, 3, 5, 7].map((epoch) => box[epoch][0]));
  // Both begin at their epochs' figures: mAP50 is twice the other.
  const zero = 2 * map[0][1] - map50[0][1];
  assertAlmostEquals(2 * (map[3][1] - zero), map50[3][1] - zero, 0.05);
  assert(lineOf(root, "learning rate")[7][1] > lineOf(root, "learning rate")[0][1], "it falls");
  const texts = textsOf(root);
  for (const text of ["A <run> & more", "here", "box loss", "that of biases", "mAP50-95 (best 0.350)", "↑ mAP"]) {
    assert(texts.includes(text), `${text} of ${texts}`);
  }
});

Deno.test("a run without validation has no mAP, one of a single epoch has dots", () => {
  const without = readSvg(drawTraining(epochs(3, () => false), { title: "x" }));
  assert(!textsOf(without).some((text) => text.includes("mAP")));
  const single = readSvg(drawTraining(epochs(1), { title: "x" }));
  const dots = marks(single, "dot").flatMap((group) => [...group.querySelectorAll("circle")]);
  assertEquals(dots.length, 7);
  assert(textsOf(single).includes("mAP50 (best 0.000)"));
  readSvg(drawTraining([], { title: "nothing yet" }));
});

/** Epochs with other losses. */
const withLosses = (losses: (epoch: number) => TrainingEpoch["losses"]) =>
  epochs(6).map((one) => ({ ...one, losses: losses(one.epoch) }));

/** Panels from top to bottom: what is written beside their vertical axes. */
const panels = (root: Element) => textsOf(root).filter((text) => text.startsWith("↑")).map((text) => text.slice(2));

Deno.test("one loss alone has a panel, whatever it is called", () => {
  const root = readSvg(drawTraining(withLosses((epoch) => ({ "hint 2": 2 / (epoch + 1) })), { title: "Taught" }));
  assertEquals(lineOf(root, "hint 2 loss").length, 6);
  assertEquals(panels(root), ["loss", "mAP", "learning rate"]);
  assert(!textsOf(root).includes("box loss"));
});

Deno.test("six losses have colours of their own, in the order of declaration; small ones share a panel", () => {
  const made = withLosses((epoch) => ({
    ...{ box: 4 / (epoch + 1), classes: 3, distribution: 1, cwd: 2 - epoch / 5 },
    ...{ gammaL1: 0.01 * epoch, logits: 0.15 },
  }));
  const root = readSvg(drawTraining(made, { title: "Six" }));
  const names = ["box", "class", "distribution", "cwd", "gammaL1", "logits"].map((name) => `${name} loss`);
  const legend = textsOf(root);
  assertEquals(legend.filter((text) => names.includes(text)), names);
  const colourOf = (name: string) => {
    const path = [...root.querySelectorAll("path")].find((one) => one.getAttribute("aria-label") === name)!;
    return path.getAttribute("stroke") ?? path.closest("g")!.getAttribute("stroke");
  };
  const colours = [...names, "mAP50 (best 0.500)", "mAP50-95 (best 0.250)"].map(colourOf);
  assertEquals(new Set(colours).size, 8, `${colours}`);
  const three = readSvg(drawTraining(epochs(6), { title: "Three" }));
  const before = [...three.querySelectorAll("path")].find((one) => one.getAttribute("aria-label") === "box loss")!;
  assertEquals(before.getAttribute("stroke") ?? before.closest("g")!.getAttribute("stroke"), colours[0]);
  assertEquals(panels(root), ["loss", "small losses", "mAP", "learning rate"]);
  // On the common axis 0.15 would be 4 % of its height.
  const heights = lineOf(root, "logits loss").map(([, y]) => y), grown = lineOf(root, "gammaL1 loss");
  assert(new Set(heights).size === 1 && Math.abs(grown[5][1] - grown[0][1]) > 20, `${grown}`);
});

Deno.test("a loss that comes later has no line before", () => {
  const root = readSvg(
    drawTraining(withLosses((epoch) => ({ box: 3, ...(epoch > 2 && { late: 2 }) })), { title: "Later" }),
  );
  assertEquals(lineOf(root, "late loss").map(([x]) => x), lineOf(root, "box loss").slice(3).map(([x]) => x));
});

Deno.test("several runs are compared by one figure, each in its colour", () => {
  const svg = drawRuns([{ label: "scratch", epochs: epochs(4) }, { label: "tuned", epochs: epochs(6) }], {
    title: "Two",
  });
  const root = readSvg(svg);
  const colours = ["scratch (best 0.300)", "tuned (best 0.500)"].map((name) => {
    assertStringIncludes(textsOf(root).join("\n"), name);
    return [...root.querySelectorAll("path")].find((one) => one.getAttribute("aria-label") === name)!
      .closest("g")!.getAttribute("stroke") ??
      [...root.querySelectorAll("path")].find((one) => one.getAttribute("aria-label") === name)!.getAttribute("stroke");
  });
  assert(colours[0] !== colours[1] && colours.every((colour) => colour !== null), `${colours}`);
  assertEquals([lineOf(root, "scratch").length, lineOf(root, "tuned").length], [4, 6]);
});

Deno.test("losses that runs have in common are compared by their sum, and a run without them has no line of it", () => {
  const both = epochs(4).map((one) => ({ ...one, losses: { ...one.losses, "distil cwd": 100 } }));
  const taught = epochs(4).map((one) => ({ ...one, losses: { "distil cwd": 1 } }));
  const runs = [{ label: "labels", epochs: epochs(4) }, { label: "both", epochs: both }, {
    label: "teacher",
    epochs: taught,
  }];
  const root = readSvg(drawRuns(runs, { title: "Three", losses: ["box", "classes", "distribution"] }));
  assertStringIncludes(textsOf(root).join("\n"), "sum of box, classes, distribution");
  assertEquals(lineOf(root, "labels"), lineOf(root, "both"));
  assertEquals(lineOf(root, "labels").length, 4);
  assertEquals(
    [...root.querySelectorAll("path")].filter((one) => one.getAttribute("aria-label") === "teacher").length,
    0,
  );
  const all = readSvg(drawRuns(runs, { title: "Three" }));
  assertStringIncludes(textsOf(all).join("\n"), "sum of losses");
  assert(lineOf(all, "labels")[0][1] > lineOf(all, "both")[0][1], "all losses are summed where none is named");
});

Deno.test("runs that are close together can have a shorter axis of mAP50", () => {
  const runs = [{ label: "one", epochs: epochs(6) }];
  const rise = (more: { range?: readonly [number, number] }) => {
    const line = lineOf(readSvg(drawRuns(runs, { title: "One", ...more })), "one (best 0.500)");
    return { rise: line[0][1] - line[5][1], floor: line[2][1] };
  };
  const [whole, short, above] = [rise({}), rise({ range: [0, 0.5] }), rise({ range: [0.2, 0.7] })];
  assertAlmostEquals(short.rise, 2 * whole.rise, 0.1);
  assertAlmostEquals(above.rise, short.rise, 0.1);
  // 0.2 lies on the axis itself where that begins there, and 2/5 of the height of 0.5 above it where it begins at 0.
  assertAlmostEquals(above.floor - short.floor, 0.4 * short.rise, 0.1);
});
