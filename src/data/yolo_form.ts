/**
 * The splits of a folder in YOLO's form, and how each is found: by `data.yaml`, by Darknet's `obj.data`, or by the names of folders.
 *
 * @module
 */

import { dirname, extname, join } from "node:path";
import { type DarknetData, findDarknet, readDarknet } from "./darknet.ts";
import { FeatherdetError } from "../graph/error.ts";
import { isPictureName, kindOf } from "./files.ts";
import type { Folder, Form } from "./folder.ts";
import { Remarks } from "./remarks.ts";
import { readYolo } from "./yolo.ts";
import {
  itemsOfFolder,
  itemsOfList,
  LabelFinder,
  layoutFolder,
  layoutLists,
  layoutSplits,
  type YoloItem,
} from "./yolo_layout.ts";
import { namesOf, otherNames, yoloClasses } from "./yolo_names.ts";
import { findYaml, readYoloYaml, resolveSplitPath, yamlName, type YoloYaml } from "./yolo_yaml.ts";

/** The pictures of a split as a YAML file names them. */
async function itemsOfYaml(yaml: YoloYaml, split: string, remarks: Remarks): Promise<YoloItem[]> {
  const items: YoloItem[] = [];
  for (const written of yaml.splits.get(split)!) {
    const { path, asWritten } = resolveSplitPath(yaml, split, written);
    if (!asWritten) {
      const from = yaml.path === undefined ? "" : ` below "${yaml.path}"`;
      remarks.say(`${yamlName(yaml)} says ${split} "${written}"${from}, which is not there: read from ${path}`);
    }
    if (kindOf(path) === "folder") items.push(...itemsOfFolder(path, remarks));
    else if (isPictureName(path)) items.push({ picture: path, label: new LabelFinder().labelOf(path) });
    else if (extname(path) === ".txt") items.push(...await itemsOfList(path, [dirname(yaml.file)]));
    else {throw new FeatherdetError(`its ${split} "${written}" is neither a folder nor a list of pictures`, {
        file: yaml.file,
      });}
  }
  return items;
}

function remarkOnNames(sentence: string | undefined, remarks: Remarks): void {
  if (sentence !== undefined) remarks.say(sentence);
}

function remarkOnEqualSplits(yaml: YoloYaml, split: string, remarks: Remarks): void {
  const own = JSON.stringify(yaml.splits.get(split));
  const other = [...yaml.splits].find(([name, paths]) => name !== split && JSON.stringify(paths) === own);
  if (other) remarks.say(`${yamlName(yaml)} has the same pictures for ${split} and ${other[0]}`);
}

/** The form of a YAML file that names its splits. */
function formOfYaml(yaml: YoloYaml, folder: Folder): Form {
  return {
    splits: [...yaml.splits.keys()],
    async read(split) {
      const { remarks = new Remarks() } = folder;
      const items = await itemsOfYaml(yaml, split!, remarks);
      remarkOnEqualSplits(yaml, split!, remarks);
      remarkOnNames(await otherNames(yaml), remarks);
      return await readYolo({ ...folder, remarks }, { items, classes: namesOf(yaml), keypoints: yaml.keypoints });
    },
  };
}

/** The form of a folder whose `obj.data` names lists of pictures. */
function formOfDarknet({ names, lists }: DarknetData, folder: Folder): Form {
  const [only] = lists.keys();
  // An export without parts calls all of it `train`.
  return {
    splits: lists.size === 1 ? [] : [...lists.keys()],
    async read(split = only) {
      const items = await itemsOfList(lists.get(split)!, [folder.path]);
      return await readYolo(folder, { items, classes: await yoloClasses([folder.path], names) });
    },
  };
}

/** The form of a folder by the names of folders and lists in it; undefined if they are not YOLO's. */
async function formOfLayout(folder: Folder, yaml?: YoloYaml): Promise<Form | undefined> {
  const { path } = folder;
  const single = layoutFolder(path);
  const lists = single === undefined ? new Map<string, string>() : await layoutLists(path);
  const splits = lists.size > 0 ? lists : layoutSplits(path);
  if (splits.size === 0 && single === undefined) return undefined;
  return {
    splits: [...splits.keys()],
    async read(split) {
      const { remarks = new Remarks() } = folder;
      const place = split === undefined ? single! : splits.get(split)!;
      const items = lists.size > 0 ? await itemsOfList(place, [path]) : itemsOfFolder(place, remarks);
      const classes = yaml ? namesOf(yaml) : await yoloClasses([path, dirname(place), place]);
      if (yaml) remarkOnNames(await otherNames(yaml), remarks);
      return await readYolo({ ...folder, remarks }, { items, classes, keypoints: yaml?.keypoints });
    },
  };
}

/** The form of the data set that a YAML file describes. Throws a `FeatherdetError` for a file that does not describe one. */
export async function yoloFormOfFile(file: string, folder: Folder): Promise<Form> {
  const yaml = await readYoloYaml(file);
  if (yaml.splits.size > 0) return formOfYaml(yaml, folder);
  const form = await formOfLayout(folder, yaml);
  if (form === undefined) throw new FeatherdetError("it does not say where the pictures are (train, val)", { file });
  return form;
}

/** True if the folder holds YOLO's labels or a description of them. */
function isYolo(path: string): boolean {
  return layoutSplits(path).size > 0 || layoutFolder(path) !== undefined;
}

/** The form of a folder, undefined if it is not YOLO's. */
export async function yoloForm(folder: Folder): Promise<Form | undefined> {
  const { path } = folder;
  const file = findYaml(path);
  if (file !== undefined) {
    const yaml = await readYoloYaml(file).catch((error) => {
      // Any other YAML file may lie beside pictures.
      if (isYolo(path)) throw error;
    });
    if (yaml) return yaml.splits.size > 0 ? formOfYaml(yaml, folder) : await formOfLayout(folder, yaml);
  }
  const data = findDarknet(path);
  const darknet = data === undefined ? undefined : await readDarknet(data);
  if (darknet && darknet.lists.size > 0) return formOfDarknet(darknet, folder);
  // CVAT writes no list if nothing was annotated in a part; the folder has its usual name all the same.
  const inside = join(path, "obj_train_data");
  const form = await formOfLayout(folder);
  if (form !== undefined || kindOf(inside) !== "folder") return form;
  return {
    splits: [],
    async read() {
      const { remarks = new Remarks() } = folder;
      const items = itemsOfFolder(inside, remarks);
      return await readYolo({ ...folder, remarks }, { items, classes: await yoloClasses([path]) });
    },
  };
}
