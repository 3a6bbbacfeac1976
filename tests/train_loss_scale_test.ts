/** The factor on the loss against hand-worked runs. */

import { assertEquals } from "@std/assert";
import { LossScale } from "../src/train/loss/loss_scale.ts";

Deno.test("f32 needs no factor, whatever happens", () => {
  const scale = new LossScale("f32");
  for (let i = 0; i < 600; i++) scale.saw(i % 7 === 0);
  assertEquals(scale.value, 1);
});

Deno.test("the factor is halved by an overflow, doubled after 500 steps without, and stays between 1 and 65536", () => {
  const scale = new LossScale("f16");
  assertEquals(scale.value, 1024);
  scale.saw(true);
  assertEquals(scale.value, 512);
  for (let i = 0; i < 499; i++) scale.saw(false);
  assertEquals(scale.value, 512);
  scale.saw(false);
  assertEquals(scale.value, 1024);
  for (let i = 0; i < 20; i++) scale.saw(true);
  assertEquals(scale.value, 1);
  for (let i = 0; i < 20 * 500; i++) scale.saw(false);
  assertEquals(scale.value, 65536);
});

Deno.test("a factor goes on where another was", () => {
  const [first, second] = [new LossScale("f16"), new LossScale("f16")];
  for (let i = 0; i < 300; i++) first.saw(i === 100);
  second.restore(first.state);
  for (let i = 0; i < 301; i++) second.saw(false);
  assertEquals(second.value, 1024);
});
