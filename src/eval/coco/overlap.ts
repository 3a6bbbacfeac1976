/**
 * Overlap of boxes.
 *
 * @module
 */

/**
 * Overlap of box `a` of one array with box `b` of another, both left, top, width, height: the common area by the joint one, or by the
 * area of `a` alone where `b` is a crowd, since a crowd's box may hold many objects.
 */
export function overlap(first: Float64Array, a: number, second: Float64Array, b: number, crowd: boolean): number {
  const [p, q] = [4 * a, 4 * b];
  const width = Math.min(first[p] + first[p + 2], second[q] + second[q + 2]) - Math.max(first[p], second[q]);
  if (width <= 0) return 0;
  const height = Math.min(first[p + 1] + first[p + 3], second[q + 1] + second[q + 3]) -
    Math.max(first[p + 1], second[q + 1]);
  if (height <= 0) return 0;
  const common = width * height;
  const own = first[p + 2] * first[p + 3];
  return common / (crowd ? own : own + second[q + 2] * second[q + 3] - common);
}
