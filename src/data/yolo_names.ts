/**
 * The names of the classes of a folder in YOLO's form: in the YAML file, or a list with a name a line.
 *
 * @module
 */

import { basename, dirname, join } from "node:path";
import { FeatherdetError } from "../graph/error.ts";
import { kindOf, namesIn, readLines, readNames } from "./files.ts";
import { findYaml, readYoloYaml, type YoloYaml } from "./yolo_yaml.ts";

/** Lists of names, as labelImg, Label Studio, CVAT, Darknet and Roboflow call them. */
const LISTS = ["classes.txt", "obj.names", "_darknet.labels", join("labels", "classes.txt"), join("data", "obj.names")];

/** A file that lists names in a folder. */
function listIn(folder: string): string | undefined {
  const usual = LISTS.map((name) => join(folder, name)).find((file) => kindOf(file) === "file");
  if (usual !== undefined) return usual;
  const others = namesIn(folder, /^[^.].*\.names$/);
  return others.length === 1 ? join(folder, others[0]) : undefined;
}

function checked(names: readonly string[], file: string): readonly string[] {
  if (names.length === 0) throw new FeatherdetError("it names no class", { file });
  const seen = new Set<string>();
  const repeated = names.find((name) => seen.has(name) || !seen.add(name));
  if (repeated !== undefined) throw new FeatherdetError(`the class "${repeated}" is there twice`, { file });
  return names;
}

/** A sentence on a list in the folder of a YAML file that has other names than that; undefined if there is none. */
export async function otherNames(yaml: YoloYaml): Promise<string | undefined> {
  const list = listIn(dirname(yaml.file));
  if (list === undefined) return undefined;
  const names = (await readLines(list)).map(({ text }) => text);
  if (JSON.stringify(names) === JSON.stringify(yaml.names)) return undefined;
  return `${basename(yaml.file)} has other classes than ${basename(list)}: those of ${basename(yaml.file)} count`;
}

/** The names of a YAML file. Throws a `FeatherdetError` if one is there twice. */
export function namesOf(yaml: YoloYaml): readonly string[] {
  return checked(yaml.names, yaml.file);
}

/**
 * Names of the classes by their numbers: of `list`, else in one of the folders, the first of which is the data set's. Throws a
 * `FeatherdetError` if nothing tells them, or a name is there twice.
 */
export async function yoloClasses(folders: readonly string[], list?: string): Promise<readonly string[]> {
  if (list !== undefined) return checked(await readNames(list), list);
  for (const folder of [...folders, dirname(folders[0])]) {
    const yaml = findYaml(folder);
    if (yaml !== undefined) return namesOf(await readYoloYaml(yaml));
    const file = listIn(folder);
    if (file !== undefined) return checked(await readNames(file), file);
  }
  throw new FeatherdetError(
    "it has neither data.yaml nor classes.txt, which name the classes: a file classes.txt with a name a line is enough",
    { file: folders[0] },
  );
}
