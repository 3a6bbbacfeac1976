/** The accountant against published figures and against the integral, clipping, noise. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { FeatherdetError } from "../../../src/graph/error.ts";
import { clipped, norm, privacySpent, renyiOfRound, secureNormal } from "../../../src/train/federated/privacy.ts";

Deno.test("the accountant gives what is published of TensorFlow Privacy's tutorial on MNIST", () => {
  // https://github.com/tensorflow/privacy/blob/master/tutorials/README.md: noise, epochs, epsilon at delta 1e-5; lots of 256 of 60000.
  const published = [[1.3, 15, 1.19], [1.1, 60, 3.01], [0.7, 45, 7.10]];
  for (const [noise, epochs, epsilon] of published) {
    const rounds = Math.ceil(epochs * 60_000 / 256), of = { share: 256 / 60_000, noise, rounds, delta: 1e-5 };
    const classic = privacySpent(of, "classic").epsilon;
    assert(Math.abs(classic - epsilon) < 0.011, `${classic} against ${epsilon}`);
    assert(privacySpent(of).epsilon < classic);
  }
});

/** The moment's logarithm by Simpson's rule on the definition: E over q of (p / q)^order, the mixture against the plain normal. */
function integral(share: number, noise: number, order: number): number {
  const [low, high, steps] = [-40 * noise, 40 * noise + order, 200_000], width = (high - low) / steps;
  const density = (x: number, mean: number) => Math.exp(-((x - mean) ** 2) / (2 * noise ** 2));
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const x = low + i * width, plain = density(x, 0);
    if (plain === 0) continue;
    const ratio = 1 - share + share * Math.exp((2 * x - 1) / (2 * noise ** 2));
    sum += (i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2) * plain * ratio ** order;
  }
  return Math.log(sum * width / 3 / (noise * Math.sqrt(2 * Math.PI))) / (order - 1);
}

Deno.test("Renyi divergences of whole orders and of those with fractions are those of the integral", () => {
  for (const [share, noise] of [[0.01, 1.1], [0.25, 2], [0.5, 0.9]]) {
    for (const order of [1.1, 1.7, 2, 2.5, 4.3, 8, 10.9]) {
      const exact = integral(share, noise, order);
      assertAlmostEquals(renyiOfRound(share, noise, order) / exact, 1, 1e-6);
    }
  }
  // With everybody in every round: the Gaussian mechanism itself.
  assertEquals(renyiOfRound(1, 2, 8), 1);
  assertEquals([renyiOfRound(0, 1, 3), renyiOfRound(0.5, 0, 3)], [0, Infinity]);
});

Deno.test("more rounds, less noise and more clients cost more; wrong settings are refused", () => {
  const of = { share: 0.5, noise: 1, rounds: 10, delta: 1e-5 }, { epsilon } = privacySpent(of);
  for (const more of [{ rounds: 11 }, { noise: 0.9 }, { share: 0.6 }, { delta: 1e-6 }]) {
    assert(privacySpent({ ...of, ...more }).epsilon > epsilon);
  }
  assertThrows(() => privacySpent({ ...of, share: 1.1 }), FeatherdetError, "the share of clients is 1.1");
  assertThrows(() => privacySpent({ ...of, delta: 0 }), FeatherdetError, "delta is 0");
});

Deno.test("contributions are shortened, never made longer; noise has mean 0 and variance 1", () => {
  assertAlmostEquals(norm(clipped([3, 4], 1)), 1, 1e-7);
  assertEquals([...clipped([3, 4], 6)], [3, 4]);
  assertEquals([...clipped([0, 0], 1)], [0, 0]);
  const noise = secureNormal(100_001), mean = noise.reduce((sum, one) => sum + one, 0) / noise.length;
  const moment = (power: number) => noise.reduce((sum, one) => sum + one ** power, 0) / noise.length;
  // Five standard deviations of each estimate.
  assert(Math.abs(mean) < 5 / Math.sqrt(1e5) && Math.abs(moment(2) - 1) < 5 * Math.sqrt(2 / 1e5));
  assert(Math.abs(moment(4) - 3) < 5 * Math.sqrt(96 / 1e5));
});
