/**
 * A teacher beside its student in one graph, on the same pictures.
 *
 * @module
 */

import { FeatherdetError, type Graph, GraphEditor, GraphIndex, withNodes } from "../../graph/mod.ts";
import { initialised } from "../../models/initialise.ts";
import { readClassNames } from "../../onnx/mod.ts";
import { changeShapes, foldBatchNormalization, type MergedGraph, mergeGraphs } from "../../passes/mod.ts";
import { type DistilPlaces, distilPlaces } from "./places.ts";
import { LossWriter } from "./writer.ts";
import type { TeacherPart } from "./loss.ts";
import type { FeaturePair, PairPlaces } from "./pair.ts";

/** What the names of the teacher's values begin with. */
const PREFIX = "teacher/";

/** What the names of what joins the two begin with. */
const JOINT = "distil";

/** Maps to compare: a value of the student and one of the teacher, by their own names. */
export type FeatureNames = readonly (readonly [student: string, teacher: string])[];

/** Throws FeatherdetError for a model that holds rounded weights, which cannot be trained. */
function refuseRounded(student: Graph): void {
  const rounded = student.nodes.find(({ op }) => op === "DequantizeLinear" || op === "UnpackWeights");
  if (rounded === undefined) return;
  throw new FeatherdetError(
    "holds rounded weights, and a student learns as floats: take the float model and train it with quantize",
    { file: student.name, node: rounded.name, operator: rounded.op },
  );
}

/** Throws FeatherdetError for a teacher of other classes. */
function checkClasses(student: Graph, teacher: Graph, own: DistilPlaces, other: DistilPlaces): void {
  if (own.classes !== other.classes) {
    throw new FeatherdetError(
      `teaches ${other.classes} classes, the student "${student.name}" knows ${own.classes}: both need the same`,
      { file: teacher.name },
    );
  }
  const [names, taught] = [readClassNames(student), readClassNames(teacher)];
  const wrong = names && taught ? names.findIndex((name, index) => name !== taught[index]) : -1;
  if (wrong < 0) return;
  throw new FeatherdetError(
    `teaches "${taught![wrong]}" as class ${wrong}, which is "${names![wrong]}" for the student "${student.name}"`,
    { file: teacher.name },
  );
}

/** The teacher for the student's batch, BatchNormalization folded. */
function readied(student: Graph, teacher: Graph): Graph {
  const [{ name, shape }] = teacher.inputs, [own] = student.inputs;
  if (shape.length !== 4 || shape[1] !== own.shape[1]) {
    throw new FeatherdetError(`reads [${shape.join(",")}], the student's pictures are [${own.shape.join(",")}]`, {
      file: teacher.name,
    });
  }
  const wanted = [own.shape[0], ...shape.slice(1)];
  return foldBatchNormalization(shape.join() === wanted.join() ? teacher : changeShapes(teacher, { [name]: wanted }));
}

/** A student that has its teacher beside it, or what the teacher says. */
export interface JointGraph {
  /** The student with all of its names, the teacher or inputs of what it says, and the weights of projectors. */
  readonly graph: Graph;
  /** Constants of the teacher. */
  readonly frozen: ReadonlySet<string>;
}

/** How the two are joined. */
export interface JoinOptions {
  readonly features?: FeatureNames;
  readonly compares: "head" | "features";
  /** Of the weights of projectors; 0 by default. */
  readonly seed?: number;
  /** What losses read of a teacher that is no part of the graph; by default it is. */
  readonly apart?: ReadonlySet<TeacherPart>;
}

/** A teacher by itself. */
export interface TeacherApart {
  /** From the student's pictures, of its batch and size, to what losses read. */
  readonly graph: Graph;
  /** What the joint graph calls those outputs. */
  readonly inputs: readonly string[];
}

/** The student with the teacher, on pictures of the teacher's size. */
function merged(student: Graph, teacher: Graph): MergedGraph {
  const [own] = student.inputs, [other] = teacher.inputs;
  const editor = new GraphEditor(student), [, , height, width] = other.shape;
  const pictures = new LossWriter(editor, `${JOINT}/pictures`).resized(own.name, [height, width]);
  return mergeGraphs(editor.finish({ keepUnread: true }), teacher, {
    prefix: PREFIX,
    shared: { [other.name]: pictures },
    frozen: true,
  });
}

/**
 * The teacher by itself, for `joinTeacher` with `apart`: the values that losses read of it are outputs, under the names of the joint
 * graph's inputs. Only the student's input counts of it. Throws FeatherdetError as `joinTeacher` does.
 */
export function teacherApart(
  student: Graph,
  source: Graph,
  { features, apart }: { readonly features?: FeatureNames; readonly apart: ReadonlySet<TeacherPart> },
): TeacherApart {
  const teacher = readied(student, source), places = distilPlaces(teacher);
  const pictures: Graph = { ...student, outputs: [], nodes: [], constants: new Map() };
  const { graph } = merged({ ...pictures, name: source.name, metadata: source.metadata }, teacher);
  const maps = apart.has("features") ? pairsOf(student, teacher, features).map(([, map]) => map) : [];
  const inputs = [
    ...apart.has("logits") ? [PREFIX + places.logits] : [],
    ...apart.has("distributions") ? [PREFIX + places.distributions] : [],
    ...new Set(maps),
  ];
  return { graph: withNodes({ ...graph, outputs: inputs }, graph.nodes), inputs };
}

/** The student with inputs of what the teacher says. */
function withValues(student: Graph, { graph, inputs }: TeacherApart): Graph {
  const editor = new GraphEditor(student), index = GraphIndex.of(graph);
  for (const name of inputs) editor.input(name, index.shapeOf(name));
  return editor.finish({ keepUnread: true });
}

/** The maps that are compared: those that enter the heads unless others are named, by the names of the joint graph. */
function pairsOf(student: Graph, teacher: Graph, features: FeatureNames | undefined): [string, string][] {
  if (features === undefined) {
    const [own, other] = [distilPlaces(student).features, distilPlaces(teacher).features];
    if (own.length !== other.length) {
      throw new FeatherdetError(
        `${other.length} maps enter its head, ${own.length} that of the student "${student.name}": name the maps to compare`,
        { file: teacher.name },
      );
    }
    return own.map((name, level) => [name, PREFIX + other[level]]);
  }
  const repeated = features.find(([own, other], place) =>
    features.findIndex((pair) => pair[0] === own && pair[1] === other) < place
  );
  if (repeated !== undefined) {
    throw new FeatherdetError(`the maps "${repeated[0]}" and "${repeated[1]}" are to be compared twice`, {
      file: student.name,
    });
  }
  const indices = [GraphIndex.of(student), GraphIndex.of(teacher)];
  for (const pair of features) {
    pair.forEach((name, which) => {
      const index = indices[which], what = ["student", "teacher"][which];
      if (!index.has(name)) throw new FeatherdetError(`the ${what} has no value "${name}"`, { file: index.graph.name });
      const { dtype, shape } = index.types.get(name)!;
      if (dtype !== "f32" || shape.length !== 4 || index.isConstant(name)) {
        throw new FeatherdetError(
          `the ${what}'s value "${name}" is ${dtype} [${shape.join(",")}], only maps [N,C,h,w] can be compared`,
          { file: index.graph.name },
        );
      }
    });
  }
  return features.map(([own, other]) => [own, PREFIX + other]);
}

/** Names of the weight and bias of a projector. */
const projectorNames = (place: number) =>
  [`${JOINT}/projector_${place}.weight`, `${JOINT}/projector_${place}.bias`] as const;

/**
 * Joins a student and its teacher. Pictures are resized to the teacher's input where that has another size; the teacher's
 * BatchNormalization is folded, so that it normalises by its running statistics.
 *
 * Where `compares` has maps whose channels differ, the weights of a projector come along: they are constants that nothing reads yet, so
 * that other losses see the student as it is. They are drawn of `seed`.
 *
 * With `apart` the teacher is no part of the graph: what losses read of it are inputs, which `teacherApart` computes.
 *
 * Throws FeatherdetError for a teacher without a head of YOLO11, of other classes or of other pictures, for values that do not exist or
 * are no maps, and for a student whose weights are rounded.
 */
export function joinTeacher(
  student: Graph,
  source: Graph,
  { features, compares, seed = 0, apart }: JoinOptions,
): JointGraph {
  refuseRounded(student);
  const [own, other] = [distilPlaces(student), distilPlaces(source)];
  checkClasses(student, source, own, other);
  const teacher = readied(student, source);
  const { graph, frozen } = apart === undefined
    ? merged(student, teacher)
    : { graph: withValues(student, teacherApart(student, source, { features, apart })), frozen: new Set<string>() };
  if (compares === "head") return { graph, frozen };
  const index = GraphIndex.of(graph), constants = new Map(graph.constants);
  pairsOf(student, teacher, features).forEach(([map, taught], place) => {
    const [channels, wanted] = [map, taught].map((value) => index.shapeOf(value)[1]);
    if (channels === wanted) return;
    const [weight, bias] = projectorNames(place);
    const rule = "uniformFanIn";
    constants.set(weight, initialised({ name: weight, shape: [wanted, channels, 1, 1], rule, seed }));
    constants.set(bias, initialised({ name: bias, shape: [wanted], rule, seed, fanIn: channels }));
  });
  return { graph: { ...graph, constants }, frozen };
}

/** The places of both in a graph that `joinTeacher` made and others may have changed, for the teacher and maps of then. */
export function pairPlaces(joint: Graph, source: Graph, features?: FeatureNames): PairPlaces {
  const student = distilPlaces(joint), teacher = distilPlaces(foldBatchNormalization(source));
  const named = (value: string) => PREFIX + value;
  const names = features?.map(([own, other]) => [own, named(other)] as const) ??
    student.features.map((own, level) => [own, named(teacher.features[level])] as const);
  const pairs = names.map(([own, other], place): FeaturePair => {
    const projector = projectorNames(place);
    return { student: own, teacher: other, ...(joint.constants.has(projector[0]) && { projector }) };
  });
  return {
    student,
    teacher: { ...teacher, logits: named(teacher.logits), distributions: named(teacher.distributions) },
    features: pairs,
  };
}
