/** The factor on the loss against hand-worked runs, and against its definition whenever reports come. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Random } from "../../../src/numbers/random.ts";
import { FeatherdetError } from "../../../src/graph/error.ts";
import { LossScale } from "../../../src/train/losses/loss_scale.ts";

/** Makes an update that reports at once; its factor. */
function update(scale: LossScale, overflow: boolean): number {
  const value = scale.next();
  scale.begin().reported(overflow);
  return value;
}

Deno.test("f32 needs no factor, whatever happens", () => {
  const scale = new LossScale("f32");
  for (let i = 0; i < 600; i++) assertEquals(update(scale, i % 7 === 0), 1);
  for (let i = 0; i < 5; i++) scale.begin();
  assertEquals([scale.next(), [...scale.state]], [1, [1, 0]]);
});

Deno.test("an overflow halves the factor of the update after the next, 500 without double it, between 1 and 65536", () => {
  const scale = new LossScale("f16");
  const run = (count: number, overflow: boolean) => Array.from({ length: count }, () => update(scale, overflow));
  assertEquals(run(3, true), [1024, 1024, 512]);
  // Two overflows are seen late, and the last of 500 updates without by the second one after it.
  assertEquals(run(501, false), [256, ...Array(500).fill(128)]);
  assertEquals(run(1, false), [256]);
  assertEquals(run(20, true).at(-1), 1);
  const up = run(20 * 500, false);
  assertEquals([up[0], up.at(-1)], [1, 65536]);
});

/** The factors of updates whose reports are these, by the definition: each looks at those up to the second before it. */
function defined(overflows: readonly boolean[]): number[] {
  return overflows.map((_, n) => {
    let value = 1024, good = 0;
    for (const overflow of overflows.slice(0, Math.max(0, n - 1))) {
      if (overflow) [value, good] = [Math.max(value / 2, 1), 0];
      else if (++good % 500 === 0) value = Math.min(65536, value * 2);
    }
    return value;
  });
}

for (const seed of [1, 2, 3, 4]) {
  Deno.test(`factors do not depend on when reports come, or where a run is resumed (seed ${seed})`, () => {
    const random = new Random(seed);
    // Many overflows at first, then few, so that there are 500 updates without.
    const overflows = Array.from({ length: 1700 }, (_, n) => random.next() < (n < 8 ? 0.5 : 0.001));
    const expected = defined(overflows);
    const moves = (wanted: number) => expected.some((value, n) => n > 8 && value === wanted * expected[n - 1]);
    assert(moves(2) && moves(0.5), "the factor moves both ways");
    let scale = new LossScale("f16");
    /** Reports that have not come: never those of more than the last two updates. */
    const flying: (() => void)[] = [];
    overflows.forEach((overflow, n) => {
      if (flying.length === 2) {
        // The older report has to come, the newer one may, and may come first.
        const coming = random.next() < 0.5 ? flying.splice(0) : flying.splice(0, 1);
        for (const report of random.next() < 0.5 ? coming.reverse() : coming) report();
      }
      if (random.next() < 0.05) {
        for (const report of flying.splice(0)) report();
        const { state } = scale;
        scale = new LossScale("f16");
        scale.restore(state);
      }
      assertEquals(scale.next(), expected[n], `update ${n}`);
      const begun = scale.begin();
      flying.push(() => begun.reported(overflow));
    });
  });
}

Deno.test("a third update in flight is refused, as is a state without all reports; one that failed leaves no trace", () => {
  const scale = new LossScale("f16");
  const [first, second] = [scale.begin(), scale.begin()];
  const text = "with f16, at most 2 updates may be in flight: wait for the report of the first one";
  assertThrows(() => scale.next(), FeatherdetError, text);
  assertThrows(() => scale.begin(), FeatherdetError, text);
  second.reported(true);
  assertThrows(() => scale.begin(), FeatherdetError, text);
  assertThrows(() => scale.state, FeatherdetError, "updates are in flight: wait for their reports");
  first.failed();
  assertEquals([...scale.state], [1024, 0, 1]);
  assertEquals([update(scale, false), update(scale, false)], [1024, 512]);
});

Deno.test("a state without waiting reports is gone on from, what is no state is refused", () => {
  const scale = new LossScale("f16");
  scale.restore(Float32Array.of(256, 499));
  assertEquals([update(scale, false), update(scale, true), update(scale, false), scale.next()], [256, 256, 512, 256]);
  for (const state of [[], [1024], [NaN, 0], [1024, -1], [1024, 0, 1, 1, 1]]) {
    assertThrows(() => scale.restore(Float32Array.from(state)), FeatherdetError, "is no state of a loss scale");
  }
});
