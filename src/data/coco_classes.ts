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
  const all = [...categories.values()];
  const named = Map.groupBy(all, ({ name }) => name), above = Map.groupBy(all, ({ supercategory }) => supercategory);
  return [...categories].filter(([id, fields]) =>
    !used.has(id) && above.get(fields.name)?.some((other) => other !== fields) && named.get(fields.name)!.length === 1
  ).map(([id]) => id);
}

/** Reads the classes. Categories of one name are one class. */
export function readClasses(
  reader: FieldReader,
  categories: ReadonlyMap<number, Fields>,
  annotations: readonly Fields[],
  remarks: Remarks,
): CocoClasses {
  const groups = new Set(groupIds(categories, usedIds(annotations)));
  const classes: string[] = [], categoryIds: number[] = [], numbers = new Map<string, number>();
  const classOf = new Map<number, number>();
  for (const id of [...categories.keys()].sort((a, b) => a - b)) {
    const name = reader.text(categories.get(id)!, "name", `category ${id}`);
    if (groups.has(id)) {
      remarks.say(`"${name}" only groups other classes and is none itself`);
      continue;
    }
    const known = numbers.get(name);
    if (known !== undefined) {
      remarks.say(`categories ${categoryIds[known]} and ${id} are both "${name}" and count as one class`);
    } else {
      numbers.set(name, classes.length);
      classes.push(name);
      categoryIds.push(id);
    }
    classOf.set(id, numbers.get(name)!);
  }
  return { classes, categoryIds, classOf };
}
