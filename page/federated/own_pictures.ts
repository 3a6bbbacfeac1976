/**
 * The pictures of a tab that is a client: those of a folder that somebody has chosen, or made scenes for a trial.
 *
 * @module
 */

import type { Dataset } from "../../src/data/dataset.ts";
import { useFileSystem } from "../../src/data/file_system.ts";
import { readFolder } from "../../src/data/forms.ts";
import { syntheticDataset, type SyntheticSplit } from "../../src/data/synthetic_scenes.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import type { ClientOptions } from "../../src/recipes/federated/client.ts";
import { dealDataset } from "../../src/recipes/federated/deal.ts";
import { chosenFiles } from "./chosen_files.ts";

/** What a tab trains on and is measured on. */
export interface OwnPictures extends Pick<ClientOptions, "pictures" | "validation"> {
  /** What there is, as a sentence. */
  readonly text: string;
}

/**
 * The pictures of a chosen folder in YOLO's, COCO's or Pascal VOC's form: the part to train on, or all where there are no parts. They stay
 * in this tab. Throws FeatherdetError as `readFolder` does.
 */
export async function picturesOfFolder(files: readonly File[]): Promise<OwnPictures> {
  const { system, root } = await chosenFiles(files);
  useFileSystem(system);
  const part = async (split: string): Promise<Dataset | undefined> => {
    try {
      return await readFolder(root, { split });
    } catch (error) {
      if (error instanceof FeatherdetError && error.message.includes(`no split "${split}"`)) return undefined;
      throw error;
    }
  };
  const trained = await part("train") ?? await readFolder(root), measured = await part("val");
  const count = trained.images.length, objects = trained.images.reduce((sum, { boxes }) => sum + boxes.length, 0);
  const warned = trained.warnings.length > 0 ? ` ${trained.warnings.join(". ")}.` : "";
  return {
    text: `${count} pictures with ${objects} objects of ${trained.classes.join(", ")}.${warned}`,
    pictures: () => trained,
    validation() {
      if (measured) return measured;
      throw new FeatherdetError("the folder has no part to be measured on");
    },
  };
}

/** Scenes that are made here, for a trial with `--data synthetic`: the share that the server deals to this client. */
export function madePictures(): OwnPictures {
  const made = (split = "train", limit?: number) =>
    syntheticDataset({ split: split as SyntheticSplit, ...(limit !== undefined && { count: limit }) });
  return {
    text: "Made scenes, dealt out as the server says.",
    pictures({ split, limit, deal, client }) {
      const all = made(split, limit);
      return deal === undefined ? all : dealDataset(all, deal.how, deal)[client];
    },
    validation: ({ split, limit }) => made(split, limit),
  };
}
