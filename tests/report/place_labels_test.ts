/** Labels of boxes: none hides another or a small object where there is room. */

import { overlap } from "../../src/report/area.ts";
import { type LabelledBox, placeBoxLabels } from "../../src/report/draw/place_labels.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { seededRandom } from "../support/random.ts";

const FRAME = [0, 0, 640, 480] as const;
const LABEL = [70, 18] as const;

function hiddenLabels(places: readonly (readonly [number, number, number, number])[]): number {
  return places.reduce(
    (sum, one, i) => sum + places.slice(i + 1).reduce((all, other) => all + overlap(one, other), 0),
    0,
  );
}

Deno.test("a label alone stands above its box, or inside where the picture ends", () => {
  const one = (box: LabelledBox["box"]) => placeBoxLabels([{ box, label: LABEL }], FRAME)[0];
  assertEquals(one([100, 100, 300, 300]), [100, 82, 170, 100]);
  assertEquals(one([600, 100, 640, 300]), [570, 82, 640, 100]);
  const [left, top] = one([0, 0, 640, 480]);
  assert(left === 0 && top === 0);
});

Deno.test("labels of boxes in the same place, and of a row of narrow ones, do not cover each other", () => {
  const same = Array.from({ length: 6 }, (): LabelledBox => ({ box: [200, 200, 300, 280], label: LABEL }));
  assertEquals(hiddenLabels(placeBoxLabels(same, FRAME)), 0);
  const narrow = Array.from({ length: 8 }, (_, i): LabelledBox => {
    return { box: [60 + 34 * i, 220, 90 + 34 * i, 260], label: LABEL };
  });
  assertEquals(hiddenLabels(placeBoxLabels(narrow, FRAME)), 0);
});

Deno.test("a small object above a box keeps free of its label", () => {
  const small: LabelledBox = { box: [110, 84, 130, 98], label: [30, 18] };
  const large: LabelledBox = { box: [100, 100, 300, 300], label: LABEL };
  const [ofLarge, ofSmall] = placeBoxLabels([large, small], FRAME);
  assertEquals(overlap(ofLarge, small.box), 0);
  assertEquals(overlap(ofSmall, small.box), 0);
  assertEquals(overlap(ofLarge, ofSmall), 0);
});

Deno.test("in seeded crowds labels stay in the picture and hide next to nothing; the same boxes give the same places", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const boxes = Array.from({ length: 20 }, (): LabelledBox => {
      const [x, y, side] = [random() * 560, random() * 400, 20 + random() * 80];
      return { box: [x, y, x + side, y + side].map(Math.round) as unknown as LabelledBox["box"], label: LABEL };
    });
    const places = placeBoxLabels(boxes, FRAME);
    assertEquals(placeBoxLabels(boxes, FRAME), places);
    for (const [left, top, right, bottom] of places) {
      assert(left >= 0 && top >= 0 && right <= 640 && bottom <= 480);
      assertEquals([right - left, bottom - top], [...LABEL]);
    }
    const share = hiddenLabels(places) / (20 * LABEL[0] * LABEL[1]);
    assert(share < 0.02, `seed ${seed}: ${share} of the labels is hidden`);
    // Small objects stay visible: little of any is under a label.
    for (const { box } of boxes.filter(({ box }) => box[2] - box[0] < 40)) {
      const area = (box[2] - box[0]) * (box[3] - box[1]);
      const hidden = places.reduce((sum, place) => sum + overlap(place, box), 0) / area;
      assert(hidden < 0.5, `seed ${seed}: ${hidden} of ${box} is hidden`);
    }
  }
});
