/** Losses between a student and its teacher: values against loops in float64, gradients against finite differences, both against PyTorch. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { DISTIL_LOSS_NAMES, DISTIL_LOSSES, type DistilLossName } from "../../../src/compress/distill/mod.ts";
import { FeatherdetError } from "../../../src/graph/mod.ts";
import { referenceTensor } from "../../../src/reference/run.ts";
import { assertDigest, type Digest } from "../../support/digest.ts";
import { type DistilCase, distilResult, distilSetting } from "../../support/distil_case.ts";
import { type Feeds, moved, slope } from "../../support/finite_differences.ts";
import { naiveDistil } from "../../support/naive_distil.ts";
import { seededRandom } from "../../support/random.ts";

interface TorchCase extends DistilCase {
  readonly temperature?: number;
  readonly losses: Readonly<
    Partial<
      Record<DistilLossName, { readonly value: number; readonly gradients: Readonly<Record<string, Digest>> }>
    >
  >;
}

const TORCH: Readonly<Record<string, TorchCase>> = JSON.parse(
  Deno.readTextFileSync(new URL("../../fixtures/distil_cases.json", import.meta.url)),
);

/** A batch of 3, 13 pixels in a row, one channel; the first pair needs a projector. */
const ODD: DistilCase = {
  ...{ batch: 3, classes: 2, bins: 5, sizes: [[1, 13], [3, 2]], teacher: [[1, 13], [3, 2]] },
  channels: [[2, 3], [1, 1]],
};

const near = (actual: number, expected: number, tolerance: number, what: string) =>
  assert(
    Math.abs(actual - expected) <= tolerance * Math.max(1e-3, Math.abs(expected)),
    `${what}: ${actual}, not ${expected}`,
  );

/** Most by which a loss may differ, as a share: graphs hold constants in f32, so pi, 1e-5 and the shares of means are rounded. */
const tolerance = (loss: DistilLossName) => ["box", "l2", "pkd"].includes(loss) ? 1e-7 : 1e-10;

/** Its own temperature, and one that is none of the defaults. */
const temperatures = (loss: DistilLossName) => {
  const usual = DISTIL_LOSSES[loss].temperature;
  return usual === undefined ? [undefined] : [usual, 3.5];
};

for (const loss of DISTIL_LOSS_NAMES) {
  Deno.test(`${loss} is what loops in float64 say, and its gradient what finite differences say`, () => {
    const setting = distilSetting(ODD), { feeds } = setting;
    for (const temperature of temperatures(loss)) {
      const { value, gradients } = distilResult(setting, { loss, temperature }, feeds);
      const expected = naiveDistil(ODD, loss, feeds, temperature);
      near(value, expected.value, tolerance(loss), loss);
      assert(expected.value > 1e-3 && gradients.size > 0);
      const random = seededRandom(5);
      const students = Object.keys(feeds).filter((name) => !name.startsWith("teacher/"));
      for (const name of students) {
        const direction = new Map([[name, feeds[name].data.map(() => 2 * random() - 1)]]);
        const along = (by: number) =>
          naiveDistil(ODD, loss, moved(feeds, direction, by), temperature, expected.alphas).value;
        const gradient = gradients.get(name) ?? new Float64Array(feeds[name].data.length);
        const actual = gradient.reduce((sum, one, i) => sum + one * direction.get(name)![i], 0);
        near(actual, slope(along, 1e-4), 1e-6, `slope of ${loss} by ${name}`);
      }
    }
  });
}

for (const [what, { losses, temperature: stated, ...shapes }] of Object.entries(TORCH)) {
  Deno.test(`losses and gradients are PyTorch's: ${what}`, () => {
    const setting = distilSetting(shapes);
    assert(Object.keys(losses).length >= 5);
    for (const [name, { value, gradients }] of Object.entries(losses)) {
      const loss = name as DistilLossName;
      const temperature = DISTIL_LOSSES[loss].temperature === undefined ? undefined : stated;
      const found = distilResult(setting, { loss, temperature }, setting.feeds);
      near(found.value, value, tolerance(loss), `${loss}, ${what}`);
      assertEquals([...found.gradients.keys()].sort(), Object.keys(gradients).sort());
      for (const [input, digest] of Object.entries(gradients)) {
        assertDigest(found.gradients.get(input)!, digest, 10 * tolerance(loss), `${loss} by ${input}`);
      }
    }
  });
}

Deno.test("a teacher that says what the student says makes no loss and no gradient", () => {
  const shapes: DistilCase = { ...ODD, channels: [[3, 3], [1, 1]] };
  const setting = distilSetting(shapes);
  const feeds: Feeds = Object.fromEntries(
    Object.entries(setting.feeds).map((
      [name, tensor],
    ) => [name, setting.feeds[name.replace("teacher/", "student/")] ?? tensor]),
  );
  for (const loss of DISTIL_LOSS_NAMES) {
    const { value, gradients } = distilResult(setting, { loss }, feeds);
    assert(Math.abs(value) < 1e-6, `${loss} is ${value}`);
    for (const [name, gradient] of gradients) {
      // Boxes without area alone are kept from zero by a small number.
      const greatest = Math.max(...gradient.map(Math.abs));
      assert(greatest < (loss === "box" ? 1e-7 : 1e-15), `the gradient of ${loss} by ${name} is up to ${greatest}`);
    }
  }
});

Deno.test("the input that scales gradients, and a weight, scale each of them alike", () => {
  const setting = distilSetting(ODD);
  for (const loss of DISTIL_LOSS_NAMES) {
    const [once, thrice] = [1, 3].map((factor) => distilResult(setting, { loss }, setting.feeds, factor));
    assertEquals(thrice.value, once.value);
    for (const [name, gradient] of once.gradients) {
      gradient.forEach((one, i) => near(thrice.gradients.get(name)![i], 3 * one, 1e-9, `${loss} by ${name}`));
    }
  }
});

Deno.test("a teacher that sees nothing divides by 1, and one that is sure of everything by the anchors", () => {
  const setting = distilSetting(ODD), { shape, data } = setting.feeds["teacher/logits"];
  const sure = (logit: number) => ({
    ...setting.feeds,
    "teacher/logits": referenceTensor(shape, data.map(() => logit)),
  });
  const ofDfl = (logit: number) => distilResult(setting, { loss: "dfl", temperature: 1 }, sure(logit)).value;
  const anchors = ODD.batch * 19;
  near(ofDfl(-20) / ofDfl(40), anchors / (1 + Math.exp(20)), 1e-6, "confidences that do not add up to 1");
  // Maps of 13 and 6 places, each divided by the sum of its own confidences, or by 1.
  const ofMaps = (logit: number) => distilResult(setting, { loss: "l2" }, sure(logit)).value;
  const share = ofMaps(-20) / ofMaps(40) * (1 + Math.exp(20));
  assert(share > 6 * ODD.batch && share < 13 * ODD.batch, `${share} times the confidence`);
  near(ofMaps(-800), 0, 1e-12, "no confidence at all");
});

Deno.test("what cannot be compared is refused in a sentence", () => {
  const refuses = (shapes: Partial<DistilCase>, loss: DistilLossName, says: string) => {
    const setting = distilSetting({ ...ODD, ...shapes });
    assertThrows(() => distilResult(setting, { loss }, setting.feeds), FeatherdetError, says);
  };
  refuses({ classes: 1 }, "softmax-logits", "softmax-logits compares classes with each other, and there is one");
  refuses(
    { teacher: [[2, 13], [3, 2]] },
    "dfl",
    "the student has 5 bins on maps of 13x1, 2x3, the teacher 5 on maps of 13x2, 2x3",
  );
  const setting = distilSetting(ODD), { teacher } = setting.places;
  const places = { ...setting.places, teacher: { ...teacher, sizes: teacher.sizes.slice(1) } };
  assertThrows(
    () => distilResult({ ...setting, places }, { loss: "logits" }, setting.feeds),
    FeatherdetError,
    "the student's head has 2 levels, the teacher's 1",
  );
});
