/** Frames timed in turn, by clocks made up here, and ratios against the binomial distribution written out. */

import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { runRounds } from "../../src/eval/latency.ts";
import { type Entrant, type FrameTime, measureInRounds } from "../../src/eval/measure_rounds.ts";
import { isDifferent, LEAST_ROUNDS, middleHalf, ratioInRounds } from "../../src/eval/time_ratio.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { seededRandom } from "../support/random.ts";

/** Chance of at most k heads of n coins, by counting. */
function heads(n: number, k: number): number {
  let sum = 0, ways = 1;
  for (let i = 0; i <= k; i++) {
    sum += ways;
    ways = ways * (n - i) / (i + 1);
  }
  return sum / 2 ** n;
}

Deno.test("the interval of a ratio is the narrowest pair of order statistics that misses the median in at most 5 of 100 cases", () => {
  const ones = (n: number) => Array.from({ length: n }, () => 1);
  for (const n of [6, 7, 9, 13, 20, 64, 127, 400]) {
    const ranks = Array.from({ length: n }, (_, i) => i + 1);
    const { median, interval } = ratioInRounds(ranks.toReversed(), ones(n));
    assertEquals(median, (n + 1) / 2);
    const [low, high] = interval!;
    assertEquals(low + high, n + 1, "as many below as above");
    assert(2 * heads(n, low - 1) <= 0.05, `${n} rounds: misses too often`);
    assert(2 * heads(n, low) > 0.05, `${n} rounds: wider than needed`);
  }
  // Tables of the sign test: of 20 samples the 6th smallest to the 15th.
  assertEquals(ratioInRounds(Array.from({ length: 20 }, (_, i) => i + 1), ones(20)).interval, [6, 15]);
  for (let n = 1; n < LEAST_ROUNDS; n++) assertEquals(ratioInRounds(ones(n), ones(n)), { median: 1 });
});

Deno.test("equal work is seldom told apart, faster work is, and what slows whole rounds down changes nothing", () => {
  const random = seededRandom(12);
  let toldApart = 0;
  for (let run = 0; run < 400; run++) {
    // The machine is up to three times slower in some rounds.
    const rounds = Array.from({ length: 20 }, () => 50 * (1 + 2 * random()));
    const noisy = (share: number) => rounds.map((time) => share * time * (1 + 0.05 * random()));
    const original = noisy(1);
    if (isDifferent(ratioInRounds(noisy(1), original))) toldApart++;
    const faster = ratioInRounds(noisy(0.9), original);
    assert(isDifferent(faster) && Math.abs(faster.median - 0.9) < 0.03, JSON.stringify(faster));
  }
  assert(toldApart > 0 && toldApart <= 0.07 * 400, `${toldApart} of 400`);
  assertEquals(isDifferent({ interval: [0.9, 1] }), false);
  assertEquals(isDifferent({ interval: [1.001, 2] }), true);
  assertEquals(isDifferent({}), false);
  assertThrows(() => ratioInRounds([1, 2], [1]), FeatherdetError, "2 times cannot be compared with 1 round by round");
  assertThrows(() => ratioInRounds([], []), FeatherdetError);
  assertEquals(middleHalf([4, 1, 3, 2, 5]), [2, 4]);
});

Deno.test("rounds begin with the next one each time, after those that do not count", async () => {
  let order = "";
  const asked = await runRounds([..."abc"].map((name) => () => order += name), 4, 2);
  assertEquals(order, "abcabc" + "abc" + "bca" + "cab" + "abc");
  assertEquals(asked.map((list) => list.map((text) => text.length - 6)), [[1, 6, 8, 10], [2, 4, 9, 11], [3, 5, 7, 12]]);
});

/** Entrants whose clock runs slower by one percent with every frame that anybody detects, and what happened to them. */
function scripted(takes: readonly number[], { gpu = true } = {}) {
  let frames = 0, held = 0, most = 0;
  const log: string[] = [];
  const open = takes.map((time, i) => async (): Promise<Entrant> => {
    most = Math.max(most, ++held);
    log.push(`open ${i}`);
    return await Promise.resolve({
      frame: (): Promise<FrameTime> => {
        const detect = time * 1.01 ** frames++;
        return Promise.resolve({ detect, ...(gpu && { gpu: detect / 2 }) });
      },
      stream: (length) => Promise.resolve(length * 100 + i),
      close: () => {
        held--;
        log.push(`close ${i}`);
      },
    });
  });
  return { open, log, most: () => most, held: () => held };
}

Deno.test("a machine that becomes slower and slower leaves the ratios as they are; without rounds it would not", async () => {
  const { open } = scripted([100, 100, 50]);
  const [original, same, half] = await measureInRounds(open, { rounds: 30, original: 0 });
  assertEquals([original.detect.ratio, original.detect.count], [undefined, 30]);
  for (const latency of [same.detect, same.gpu!]) {
    assertEquals(isDifferent(latency.ratio!), false);
    assertAlmostEquals(latency.ratio!.median, 1, 0.03);
  }
  assertAlmostEquals(half.detect.ratio!.median, 0.5, 0.02);
  assertEquals([isDifferent(half.detect.ratio!), isDifferent(half.gpu!.ratio!)], [true, true]);
  const [low, high] = half.detect.middle;
  assert(low < half.detect.median && half.detect.median < high);
  // One after the other: the second one seems to be slower by a third.
  const { open: alone } = scripted([100, 100]);
  const turns = await measureInRounds(alone, { rounds: 30, together: 1 });
  assert(turns[1].detect.median > 1.3 * turns[0].detect.median);
});

Deno.test("more than can be held are timed in groups with the original in each, and all are closed", async () => {
  const { open, log, most, held } = scripted([8, 7, 6, 5, 4, 3]);
  const groups: (readonly number[])[] = [];
  const times = await measureInRounds(open, {
    rounds: 7,
    original: 2,
    together: 3,
    onGroup: (one) => groups.push(one),
  });
  assertEquals(groups, [[2, 0, 1], [2, 3, 4], [2, 5]]);
  assertEquals([most(), held()], [3, 0]);
  assertEquals(log.slice(0, 6), ["open 2", "open 0", "open 1", "close 2", "close 0", "close 1"]);
  assertEquals(times.map(({ detect }) => detect.count), [7, 7, 21, 7, 7, 7], "the original's are those of all groups");
  times.forEach(({ detect: { ratio } }, i) => {
    if (i !== 2) assertAlmostEquals(ratio!.median, [8, 7, 6, 5, 4, 3][i] / 6, 0.03);
  });
  assertEquals(
    times.map(({ stream }) => stream),
    [0, 1, 2, 3, 4, 5].map((i) => 300 + i),
    "streams of a third of the rounds",
  );
});

Deno.test("without an original, timestamps or anything to time there is less, and no ratio", async () => {
  const [one, two] = await measureInRounds(scripted([3, 4], { gpu: false }).open, { rounds: 2 });
  assertEquals([one.gpu, one.detect.ratio, two.detect.ratio], [undefined, undefined, undefined]);
  const [alone] = await measureInRounds(scripted([3]).open, { rounds: 1, original: 0 });
  assertEquals([alone.detect.count, alone.detect.ratio], [1, undefined]);
  assertEquals(await measureInRounds([], { rounds: 3 }), []);
});

Deno.test("what fails while it is opened or timed leaves nothing open", async () => {
  const { open, held } = scripted([1, 2]);
  const broken = () => Promise.reject(new FeatherdetError("cannot be loaded"));
  await assertRejects(() => measureInRounds([...open, broken], { rounds: 3 }), FeatherdetError, "cannot be loaded");
  assertEquals(held(), 0);
  const refused = (options: Parameters<typeof measureInRounds>[1], says: string) =>
    assertRejects(() => measureInRounds(open, options), FeatherdetError, says);
  await refused({ rounds: 0 }, "rounds is 0, it must be an integer of at least 1");
  await refused({ rounds: 3, warmup: -1 }, "warmup is -1");
  await refused({ rounds: 3, original: 0, together: 1 }, "together is 1, it must be an integer of at least 2");
  await refused({ rounds: 3, original: 2 }, "the original is number 2 of 2, which is not there");
});
