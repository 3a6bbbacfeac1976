/** Losses by name: weights over epochs, and what is no loss. */

import { assertEquals, assertThrows } from "@std/assert";
import { FeatherdetError } from "../../../src/graph/error.ts";
import { checkLosses, type LossWeight, type NamedLoss, weightAt } from "../../../src/train/mod.ts";

Deno.test("a weight is a number, or follows lines between points and stays before and behind them", () => {
  assertEquals(weightAt(0.5, 17), 0.5);
  const points: LossWeight = [[1, 0], [3, 4], [3, 8], [5, 7]];
  const epochs = [0, 1, 1.5, 2.75, 3, 4, 5, 99];
  assertEquals(epochs.map((epoch) => weightAt(points, epoch)), [0, 0, 1, 3.5, 8, 7.5, 7, 7]);
  assertEquals([0, 2].map((epoch) => weightAt([[1, 0.25]], epoch)), [0.25, 0.25]);
});

const REFUSED: readonly [losses: readonly Partial<NamedLoss>[], text: string][] = [
  [[{ name: "box" }, { name: "box" }], 'there are two losses of the name "box"'],
  [[{ name: "7" }], '"7" is no name for a loss'],
  [[{ name: "a", weight: NaN }], 'loss "a": its weight holds NaN'],
  [[{ name: "a", weight: [[0, 1], [1, Infinity]] }], 'loss "a": its weight holds Infinity'],
  [[{ name: "a", gradientFactor: NaN }], 'loss "a": its weight holds NaN'],
  [[{ name: "a", weight: [] }], 'loss "a": its weight has no points'],
  [[{ name: "a", weight: [[4, 1], [2, 0]] }], "has a point at epoch 2 behind one at 4"],
  [
    [{ name: "a", gradientScale: "s" }, { name: "b", gradientScale: "s", weight: 2 }],
    'losses "a" and "b" share the input "s", but not the weight',
  ],
];

for (const [losses, text] of REFUSED) {
  Deno.test(`losses are refused: ${text}`, () => {
    const full = losses.map((loss) => ({ name: "", value: "v", ...loss }));
    assertThrows(() => checkLosses(full), FeatherdetError, text);
  });
}

Deno.test("losses of one scale and one weight go together", () => {
  const weight = [[0, 0], [2, 1]] as const;
  checkLosses(["a", "b"].map((name) => ({ name, value: "v", gradientScale: "s", weight })));
});
