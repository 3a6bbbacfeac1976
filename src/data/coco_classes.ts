/**
 * The classes of a file in COCO's form.
 *
 * @module
 */

import type { FieldReader, Fields } from "./json_fields.ts";
import type { Remarks } from "./remarks.ts";

/** Classes in the order of their categories' ids. */
export interface CocoClasses {
  readonly classes: readonly string[];
  /** The first id of each class. */
  readonly categoryIds: readonly number[];
  /** Classes by ids, of which one class may have several. */
  readonly classOf: ReadonlyMap<number, number>;
}

/** Ids of categories that some annotation names. */
function usedIds(annotations: readonly Fields[]): Set<unknown> {
  return new Set(annotations.map(({ category_id }) => category_id));
}

/**
 * Ids of categories that only group others, as Roboflow adds them: others name them as their `supercategory`, and no annotation is of
 * them.
 */
function groupIds(categories: ReadonlyMap<number, Fields>, used: ReadonlySet<unknown>): number[] {
  const others = (id: number) => [...categories].filter(([other]) => other !== id).map(([, fields]) => fields);
  return [...categories].filter(([id, { name }]) =>
    !used.has(id) && others(id).some(({ supercategory }) => supercategory === name) &&
    others(id).every((other) => other.name !== name)
  ).map(([id]) => id);
}

/** Reads the classes. Categories of one name are one class. */
export function readClasses(
  reader: FieldReader,
  categories: ReadonlyMap<number, Fields>,
  annotations: readonly Fields[],
  remarks: Remarks,
): CocoClasses {
  const groups = groupIds(categories, usedIds(annotations));
  const classes: string[] = [], categoryIds: number[] = [];
  const classOf = new Map<number, number>();
  for (const id of [...categories.keys()].sort((a, b) => a - b)) {
    const name = reader.text(categories.get(id)!, "name", `category ${id}`);
    if (groups.includes(id)) {
      remarks.say(`"${name}" only groups other classes and is none itself`);
      continue;
    }
    const known = classes.indexOf(name);
    if (known >= 0) {
      remarks.say(`categories ${categoryIds[known]} and ${id} are both "${name}" and count as one class`);
    } else {
      classes.push(name);
      categoryIds.push(id);
    }
    classOf.set(id, known >= 0 ? known : classes.length - 1);
  }
  return { classes, categoryIds, classOf };
}
