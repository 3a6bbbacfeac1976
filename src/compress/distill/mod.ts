/**
 * Distillation: what a student learns from a teacher beside it, as losses in one graph.
 *
 * @module
 */

export { writeAssigningMaps } from "./assign.ts";
export {
  type FeatureNames,
  type JoinOptions,
  joinTeacher,
  type JointGraph,
  pairPlaces,
  type TeacherApart,
  teacherApart,
} from "./join.ts";
export type { DistilLossName, TeacherPart } from "./loss.ts";
export { type DistilPlaces, distilPlaces } from "./places.ts";
export { DISTIL_LOSS_NAMES, DISTIL_LOSSES, type DistilLossRow } from "./table.ts";
export { type DistilLoss, type DistilValue, writeDistilLosses } from "./write.ts";
