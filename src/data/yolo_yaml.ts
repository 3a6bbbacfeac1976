/**
 * The YAML file that describes a data set in YOLO's form: names of classes, where the pictures of each split are, keypoints.
 *
 * @module
 */

import { basename, dirname, isAbsolute, join } from "node:path";
import { isScalar, parseDocument, visit } from "npm:yaml@2.9.1";
import { FeatherdetError } from "../graph/error.ts";
import { kindOf, namesIn, readText } from "./files.ts";
import { usualSplit } from "./splits.ts";

/** What the file says. */
export interface YoloYaml {
  readonly file: string;
  readonly names: readonly string[];
  /** Folder that the paths of splits begin in, as it is written. */
  readonly path?: string;
  /** Paths by the usual names of splits: folders, lists of pictures, pictures. */
  readonly splits: ReadonlyMap<string, readonly string[]>;
  /** Keypoints of an object, and numbers of each: coordinates, perhaps visibility. */
  readonly keypoints?: readonly [count: number, numbers: number];
}

const USUAL = ["data.yaml", "data.yml", "dataset.yaml", "dataset.yml"];

/** The YAML file of a folder: of the usual name, or the only one that there is. */
export function findYaml(folder: string): string | undefined {
  const usual = USUAL.map((name) => join(folder, name)).find((file) => kindOf(file) === "file");
  if (usual !== undefined) return usual;
  const others = namesIn(folder, /^[^.].*\.ya?ml$/i);
  return others.length === 1 ? join(folder, others[0]) : undefined;
}

type Content = Readonly<Record<string, unknown>>;

/** Names of classes: a list, a mapping from numbers, or only their number. */
function classNames(content: Content, file: string): string[] {
  const { names, nc } = content;
  if (names === undefined && Number.isInteger(nc) && Number(nc) > 0) {
    return Array.from({ length: Number(nc) }, (_, classId) => `class ${classId}`);
  }
  if (typeof names !== "object" || names === null) {
    throw new FeatherdetError('it has no "names" of classes, such as names: [cat, dog]', { file });
  }
  const byNumber = names as Content;
  const count = Object.keys(byNumber).length;
  const list = Array.from({ length: count }, (_, classId) => {
    if (byNumber[classId] === undefined || byNumber[classId] === null) {
      throw new FeatherdetError(`its "names" lack the class ${classId}`, { file });
    }
    return String(byNumber[classId]);
  });
  if (nc !== undefined && nc !== count) {
    throw new FeatherdetError(`its "nc" says ${nc} classes, its "names" are ${count}`, { file });
  }
  return list;
}

function splitsIn(content: Content, file: string): Map<string, readonly string[]> {
  const splits = new Map<string, readonly string[]>();
  for (const [key, value] of Object.entries(content)) {
    const split = usualSplit(key);
    if (split === undefined || value === null || value === "" || splits.has(split)) continue;
    const paths = Array.isArray(value) ? value : [value];
    if (!paths.every((one) => typeof one === "string")) {
      throw new FeatherdetError(`its "${key}" is neither a path nor a list of paths`, { file });
    }
    splits.set(split, paths);
  }
  return splits;
}

function keypointsIn({ kpt_shape }: Content, file: string): YoloYaml["keypoints"] {
  if (kpt_shape === undefined || kpt_shape === null) return undefined;
  const [count, numbers, ...more] = Array.isArray(kpt_shape) ? kpt_shape : [];
  if (!Number.isInteger(count) || count < 1 || ![2, 3].includes(numbers) || more.length > 0) {
    throw new FeatherdetError('its "kpt_shape" is not two numbers: keypoints, and 2 or 3 for each', { file });
  }
  return [count, numbers];
}

/** Parses YAML. Throws an `Error` for broken text, and for a key that is there twice: the library compares each with each for that. */
function parseYaml(text: string): unknown {
  const document = parseDocument(text, { uniqueKeys: false });
  const [fault] = document.errors;
  if (fault) throw fault;
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        const name = isScalar(key) ? key.value : key;
        if (seen.has(name)) throw new Error(`Map keys must be unique, ${String(name)} is there twice`);
        seen.add(name);
      }
    },
  });
  return document.toJS();
}

/** Reads the file. Throws a `FeatherdetError` for broken YAML, and for fields that are not what they should be. */
export async function readYoloYaml(file: string): Promise<YoloYaml> {
  let content: Content;
  try {
    content = (parseYaml(await readText(file)) ?? {}) as Content;
  } catch (error) {
    if (error instanceof FeatherdetError) throw error;
    throw new FeatherdetError(`broken YAML: ${(error as Error).message.split("\n")[0]}`, { file }, { cause: error });
  }
  const { path } = content;
  return {
    file,
    names: classNames(content, file),
    ...(typeof path === "string" && path !== "" && { path }),
    splits: splitsIn(content, file),
    keypoints: keypointsIn(content, file),
  };
}

/** A path that is there, and whether it is where it was said to be. */
export interface ResolvedPath {
  readonly path: string;
  readonly asWritten: boolean;
}

/** The folder that the paths of splits begin in: as it is written, else its longest end beside the file, else the file's own. */
function rootOf({ file, path }: YoloYaml): ResolvedPath {
  const own = dirname(file);
  if (path === undefined) return { path: own, asWritten: true };
  const written = path.replaceAll("\\", "/");
  const root = isAbsolute(written) ? written : join(own, written);
  if (kindOf(root) === "folder") return { path: root, asWritten: true };
  const moved = endsOf(written).map((end) => join(own, end)).find((one) => kindOf(one) === "folder");
  return { path: moved ?? own, asWritten: false };
}

/** The ends of a path, from all of it to its last part, without the steps upwards and the drive in front. */
export function endsOf(path: string): string[] {
  const parts = path.replaceAll("\\", "/").split("/").filter((part) => !/^(|\.|\.\.|[A-Za-z]:)$/.test(part));
  return parts.map((_, first) => join(...parts.slice(first)));
}

/**
 * Where a path of a split leads: from `path` on, which begins at the file's folder; and where nothing is there, as in data sets that
 * were moved, the longest end of it that is there from either on. Throws a `FeatherdetError` if nothing is.
 */
export function resolveSplitPath(yaml: YoloYaml, split: string, written: string): ResolvedPath {
  const root = rootOf(yaml), own = dirname(yaml.file);
  const direct = written.replaceAll("\\", "/");
  const asWritten = isAbsolute(direct) ? direct : join(root.path, direct);
  if (kindOf(asWritten) !== undefined) return { path: asWritten, asWritten: root.asWritten };
  const others = endsOf(direct).flatMap((end) => [join(root.path, end), join(own, end)]);
  const found = others.find((path) => kindOf(path) !== undefined);
  if (found === undefined) {
    throw new FeatherdetError(`its ${split} "${written}" is not there (${asWritten})`, { file: yaml.file });
  }
  // Roboflow writes one step too many upwards, and everybody reads it as if it were not there.
  return {
    path: found,
    asWritten: root.asWritten && /^(\.\.\/)+/.test(direct) && found.endsWith(direct.replace(/^(\.\.\/)+/, "")),
  };
}

/** How the file is called in remarks. */
export function yamlName({ file }: YoloYaml): string {
  return basename(file);
}
