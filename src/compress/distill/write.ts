/**
 * Writes the losses of distillation into the graph of a student and its teacher.
 *
 * @module
 */

import { type Graph, GraphEditor } from "../../graph/mod.ts";
import type { DistilLossName, WrittenLoss } from "./loss.ts";
import { DistilPair, type PairPlaces } from "./pair.ts";
import { DISTIL_LOSSES } from "./table.ts";
import { LossWriter } from "./writer.ts";

/** A loss to write. */
export interface DistilLoss {
  /** Which one. */
  readonly loss: DistilLossName;
  /** What logits are divided by before they become probabilities; that of its row by default. */
  readonly temperature?: number;
}

/** A loss in a graph. */
export interface DistilValue extends WrittenLoss {
  /** Which one. */
  readonly loss: DistilLossName;
  /** The input `[1]` that scales its seeds, where it has them. */
  readonly scale?: string;
}

/**
 * The graph with the losses. What it had keeps its names; losses and seeds are values that nothing reads.
 *
 * Throws FeatherdetError where student and teacher cannot be compared as a loss asks for.
 */
export function writeDistilLosses(
  joint: Graph,
  places: PairPlaces,
  losses: readonly DistilLoss[],
): { readonly graph: Graph; readonly values: readonly DistilValue[] } {
  const editor = new GraphEditor(joint), shared = new LossWriter(editor, "distil");
  const pair = new DistilPair(shared, places);
  const values = losses.map(({ loss, temperature: asked }): DistilValue => {
    const { write, temperature = 1 } = DISTIL_LOSSES[loss], writer = shared.named(`distil/${loss}`);
    let scale: string | undefined;
    const written = write(writer, pair, {
      temperature: asked ?? temperature,
      get scale() {
        return scale ??= editor.input(editor.uniqueName(`distil/${loss}/scale`), [1]);
      },
    });
    return { loss, ...written, ...(scale !== undefined && { scale }) };
  });
  return { graph: editor.finish({ keepUnread: true }), values };
}
